"""The embedded PostgreSQL: one cluster per checkout, TCP on 127.0.0.1 only, passwords always (scram-sha-256)."""

import contextlib
import hashlib
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg2

from cgt.launcher import account
from cgt.launcher.messages import LauncherError, say
from cgt.launcher.paths import LOGS
from cgt.launcher.processes import free_port, is_ours, stop, tail

SUPERUSER = "postgres"
LOG = LOGS / "postgres.log"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements may carry patient data
    "log_parameter_max_length_on_error": "0",
    "timezone": "UTC",
}


def cluster() -> Path:
    """The data directory."""
    return account.place() / "postgres"


def create(password: str) -> None:
    """Make the cluster when there is none. A half-made one (no marker) is made again; one whose password and keys are
    lost (the marker is of another `var/secrets.json`) can never be read again and is set aside, not deleted.
    """
    done, mark = account.place() / "postgres.made", hashlib.sha256(password.encode()).hexdigest()
    complete = done.exists() and (cluster() / "PG_VERSION").exists()
    if complete and done.read_text() == mark:
        return
    stop_server()
    if complete:
        aside = cluster().with_name(f"postgres.{time.strftime('%Y%m%dT%H%M%S')}")
        cluster().rename(aside)
        say(f"  The keys of an earlier database are gone with var/secrets.json: it is set aside in {aside}")
    shutil.rmtree(cluster(), ignore_errors=True)
    secret = account.place() / "initdb.password"
    secret.touch(mode=0o600)
    account.give(secret).write_text(password)
    try:
        _initdb(secret)
    finally:
        secret.unlink()
    done.write_text(mark)


def _initdb(secret: Path) -> None:
    command = [
        str(account.postgres_binaries() / "initdb"),
        *("--pgdata", str(cluster()), "--username", SUPERUSER, "--pwfile", str(secret)),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-sync", "--no-instructions"),
        *("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
    ]
    answer = subprocess.run(command, **account.as_account(), capture_output=True, text=True)
    if answer.returncode:
        raise LauncherError(f"PostgreSQL could not make its files in {cluster()}:\n{answer.stderr.strip()[-600:]}")


def start(password: str) -> tuple[int, int]:
    """Start the server on a free port and wait until it answers; returns (port, process id)."""
    port = free_port()
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    command = [str(account.postgres_binaries() / "postgres"), "-D", str(cluster()), "-p", str(port), *options]
    with LOG.open("ab") as log:
        server = subprocess.Popen(
            command, **account.as_account(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + 60
    while not answers(port, password):
        if server.poll() is not None or time.monotonic() > deadline:
            stop_server()
            raise LauncherError(f"The embedded PostgreSQL did not start:\n{tail(LOG)}\nIts log: {LOG}")
        time.sleep(0.05)
    server.returncode = 0  # it outlives this command on purpose
    return port, server.pid


def answers(port: int, password: str) -> bool:
    """Whether our server (our password) listens on the port."""
    try:
        connection = psycopg2.connect(
            host="127.0.0.1", port=port, user=SUPERUSER, password=password, dbname="postgres", connect_timeout=3
        )
    except psycopg2.OperationalError:
        return False
    connection.close()
    return True


def running_pid() -> int | None:
    """Process id of this checkout's server, when one runs."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int((cluster() / "postmaster.pid").read_text().split()[0])
        return pid if is_ours(pid, str(cluster())) else None
    return None


def stop_server() -> None:
    """Fast shutdown of this checkout's server; nothing happens when none runs."""
    pid = running_pid()
    if pid is not None and not stop(pid, str(cluster()), signal.SIGINT):
        stop(pid, str(cluster()), signal.SIGQUIT)
