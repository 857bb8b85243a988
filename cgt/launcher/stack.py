"""The servers a command works with: embedded ones, started or reused, or the ones the environment names.

Every command that needs them holds a shared note; the last to leave stops what was started. A killed command leaves
no stale note (the kernel drops it), at most running servers, which the next command reuses and then stops.
"""

import atexit
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg2
import redis

from cgt.launcher import postgres, valkey
from cgt.launcher.credentials import ROLES, load_secrets
from cgt.launcher.locks import hold_alone, hold_shared, only_one
from cgt.launcher.messages import LauncherError
from cgt.launcher.paths import STATIC, VAR, checkout_id, make_var, write_private
from cgt.launcher.roles import DEMO_DATABASE, DEMO_MARK, Server, make_database, make_roles, parse

STATE = VAR / "stack.json"
START_LOCK = VAR / "stack.lock"
USERS_LOCK = VAR / "stack.users"


@dataclass(frozen=True)
class Stack:
    """Addresses of both servers and the secrets of this checkout."""

    server: Server
    redis_url: str
    secret_key: str
    master_key: str

    def environment(self, role: str, database: str = DEMO_DATABASE) -> dict[str, str]:
        """The environment variables under which Django works as one of the database roles."""
        return {
            "CGT_ENV": os.environ.get("CGT_ENV", "development"),
            "DATABASE_URL": self.server.url(role, database),
            "CGT_DB_ROLE": role,
            "REDIS_URL": self.redis_url,
            "CGT_NAMESPACE": os.environ.get("CGT_NAMESPACE", f"cgt-{checkout_id()}"),
            "STATIC_ROOT": os.environ.get("STATIC_ROOT", str(STATIC)),
            "SECRET_KEY": os.environ.get("SECRET_KEY", self.secret_key),
            "CGT_MASTER_KEY": os.environ.get("CGT_MASTER_KEY", self.master_key),
            "CGT_GIVEN_DATABASE_URL": _given("DATABASE_URL"),
            "CGT_GIVEN_REDIS_URL": _given("REDIS_URL"),
        }


def open_stack(*, start: bool = True) -> Stack:
    """Start or reuse the servers and keep them until this process ends. `start=False` only names the last addresses."""
    make_var()
    secrets = load_secrets()
    if not start:
        state = json.loads(STATE.read_text()) if STATE.exists() else {}
        return _stack(secrets, state.get("postgres_port", 1), state.get("redis_port", 1))
    _stack(secrets, 1, 1)  # an unreadable address is refused before anything starts
    with only_one(START_LOCK):
        atexit.register(_leave, hold_shared(USERS_LOCK), os.getpid())
        ports = _running(secrets) or _start(secrets)
        stack = _stack(secrets, *ports)
        _prepare(stack, secrets)
    return stack


def _given(name: str) -> str:
    """The address of a real server; a child process is told by CGT_GIVEN_… what its parent was given, maybe nothing."""
    return os.environ.get(f"CGT_GIVEN_{name}", os.environ.get(name, ""))


def _stack(secrets: Mapping[str, Any], postgres_port: int, redis_port: int) -> Stack:
    given = _given("DATABASE_URL")
    host, port, options = parse(given) if given else ("127.0.0.1", postgres_port, {})
    server = Server(host, port, secrets["roles"], options)
    redis_url = _given("REDIS_URL") or f"redis://:{secrets['redis']}@127.0.0.1:{redis_port}/0"
    return Stack(server, redis_url, secrets["secret_key"], secrets["master_key"])


def _running(secrets: Mapping[str, Any]) -> tuple[int, int] | None:
    """Ports of this checkout's servers when both answer."""
    if not STATE.exists():
        return None
    state = json.loads(STATE.read_text())
    ports = state["postgres_port"], state["redis_port"]
    database = bool(_given("DATABASE_URL")) or postgres.answers(ports[0], secrets["superuser"])
    broker = bool(_given("REDIS_URL")) or valkey.answers(ports[1], secrets["redis"])
    return ports if database and broker else None


def _start(secrets: Mapping[str, Any]) -> tuple[int, int]:
    postgres_port = redis_port = 1
    if not _given("DATABASE_URL"):
        postgres.stop_server()
        postgres.create(secrets["superuser"])
        postgres_port, _ = postgres.start(secrets["superuser"])
    if not _given("REDIS_URL"):
        valkey.stop_server()
        redis_port, _ = valkey.start(secrets["redis"])
    write_private(STATE, json.dumps({"postgres_port": postgres_port, "redis_port": redis_port}))
    return postgres_port, redis_port


def _prepare(stack: Stack, secrets: Mapping[str, Any]) -> None:
    """Roles and the marked database, when they are not there yet; a broker that does not answer is refused."""
    server = stack.server
    _insist_on_broker(stack.redis_url)
    if all(_may_connect(server.url(role)) for role in ROLES):
        return
    given = _given("DATABASE_URL")
    own = f"postgresql://{postgres.SUPERUSER}:{secrets['superuser']}@{server.host}:{server.port}/postgres"
    try:
        make_roles(given or own, server, may_change=not given)
        make_database(server, DEMO_DATABASE, DEMO_MARK)
    except psycopg2.Error as error:
        raise LauncherError(_explain(str(error), bool(given)), code=2) from error


def _insist_on_broker(url: str) -> None:
    try:
        redis.Redis.from_url(url, socket_connect_timeout=5).ping()
    except (redis.RedisError, ValueError) as error:
        raise LauncherError(f"The Redis server of REDIS_URL does not answer: {error}", code=2) from error


def _explain(error: str, given: bool) -> str:
    if not given:
        return f"The embedded PostgreSQL refused its set-up: {error.strip()}"
    return (
        f"The server of DATABASE_URL refused: {error.strip()}\n"
        "For demo and test, DATABASE_URL must name a role that may create roles (one with BYPASSRLS, the auditor) and "
        "databases,\non a server that has no roles cgt_owner, cgt_app, cgt_relay, cgt_auditor of another "
        "installation. Nothing that existed there was changed."
    )


def _may_connect(url: str) -> bool:
    try:
        psycopg2.connect(url, connect_timeout=5).close()
    except psycopg2.OperationalError:
        return False
    return True


def _leave(note: int, owner: int) -> None:
    """The last one to leave stops the embedded servers."""
    if os.getpid() != owner:  # a forked child is not the command
        return
    with only_one(START_LOCK):
        os.close(note)
        alone = hold_alone(USERS_LOCK)
        if alone is None:
            return
        if not _given("DATABASE_URL"):
            postgres.stop_server()
        if not _given("REDIS_URL"):
            valkey.stop_server()
        os.close(alone)
