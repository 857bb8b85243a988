"""The embedded Redis-protocol server (Valkey): TCP on 127.0.0.1 only, with a password, append-only file on."""

import contextlib
import subprocess
import time
from pathlib import Path

import redis

from cgt.launcher import account
from cgt.launcher.messages import LauncherError
from cgt.launcher.paths import LOGS, VAR
from cgt.launcher.processes import free_port, is_ours, stop, tail

LOG = LOGS / "valkey.log"
PID_FILE = VAR / "valkey.pid"


def folder() -> Path:
    """Where it keeps its data and its configuration."""
    path = account.place() / "valkey"
    path.mkdir(mode=0o700, exist_ok=True)
    return account.give(path)


def start(password: str) -> tuple[int, int]:
    """Start the server on a free port and wait until it answers; returns (port, process id)."""
    port = free_port()
    settings = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": password,
        "dir": folder(),
        "appendonly": "yes",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    configuration = folder() / "valkey.conf"
    configuration.touch(mode=0o600)
    account.give(configuration).write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with LOG.open("ab") as log:
        server = subprocess.Popen(
            [str(account.valkey_binary()), str(configuration)],
            **account.as_account(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + 30
    while not answers(port, password):
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise LauncherError(f"The embedded Valkey did not start:\n{tail(LOG)}\nIts log: {LOG}")
        time.sleep(0.02)
    server.returncode = 0  # it outlives this command on purpose
    PID_FILE.write_text(str(server.pid))
    return port, server.pid


def answers(port: int, password: str) -> bool:
    """Whether our server (our password) listens on the port and has loaded its data."""
    with contextlib.suppress(redis.RedisError):
        return bool(redis.Redis(port=port, password=password, socket_connect_timeout=3).ping())
    return False


def running_pid() -> int | None:
    """Process id of this checkout's server, when one runs."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(PID_FILE.read_text())
        return pid if is_ours(pid, "valkey-server") else None
    return None


def stop_server() -> None:
    """Let this checkout's server write its data and end; nothing happens when none runs."""
    pid = running_pid()
    if pid is not None:
        stop(pid, "valkey-server")
