"""A demo from nothing, killed, started again, stopped: it stops all that is its own and nothing else."""

import contextlib
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cgt.launcher import processes
from cgt.launcher.roles import connected
from tests.launcher.isolated import ROOT, environment, forget, manage

pytestmark = pytest.mark.xdist_group("lifecycle")


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path.resolve() / "var"
    yield folder
    manage(folder, "demo", "--stop")
    forget(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(var: Path, port: int, **extra: str) -> "subprocess.Popen[str]":
    """Start a demo and wait until it says that it is ready."""
    command = [sys.executable, str(ROOT / "manage.py"), "demo", "--port", str(port)]
    said = var.parent / "said.txt"
    said.write_text("")
    log = said.open("a")
    demo = subprocess.Popen(command, cwd=ROOT, env=environment(var, **extra), stdout=log, stderr=log, text=True)
    deadline = time.monotonic() + 420
    while "Ready after" not in said.read_text():
        assert demo.poll() is None, said.read_text()
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.2)
    assert answers(port)
    return demo


def answers(port: int) -> bool:
    """Whether a page comes, however long a busy machine takes to make it; nothing listens: at once no."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60) as page:  # noqa: S310
        return page.status == 200
    return False


def living(var: Path) -> list[str]:
    """Command lines of every process that has to do with the state folder: its servers and the demo's children."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and f"CGT_VAR={var}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    ports = json.loads((var / "stack.json").read_text()).values()
    found += [f"a server on {port}" for port in ports if processes.port_is_taken(port)]
    return [line for line in found if line]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc to see which processes are left")
def test_a_demo_stops_what_it_started_and_nothing_else(var: Path) -> None:
    port = free_port()
    demo = start(var, port)
    second = manage(var, "demo", "--port", str(free_port()))
    assert second.returncode == 1
    assert "running already" in second.stderr
    assert oct((var / "secrets.json").stat().st_mode)[-3:] == "600"
    assert oct((var / "stack.json").stat().st_mode)[-3:] == "600"

    # Another command joins the servers and leaves them to the demo.
    assert manage(var, "showmigrations", "ledger").returncode == 0
    assert answers(port)

    # Killed without warning: the next run sweeps up and keeps the data.
    demo.kill()
    demo.wait()
    secrets = (var / "secrets.json").read_text()
    demo = start(var, port)
    assert "an earlier, killed demo" in (var.parent / "said.txt").read_text()
    assert (var / "secrets.json").read_text() == secrets

    demo.send_signal(signal.SIGHUP)  # the terminal is closed: nobody wanted the demo to end
    time.sleep(1)
    assert answers(port)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 0
    assert living(var) == []


def test_somebody_elses_process_is_left_alone() -> None:
    other = subprocess.Popen(["/bin/sleep", "60"])
    try:
        assert processes.stop(other.pid, "/some/checkout/.venv", patience=0.2)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_process_of_ours_is_stopped_even_when_it_is_stubborn() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    ours = subprocess.Popen([sys.executable, "-c", code, "the-sign-of-ours"], stdout=subprocess.PIPE)
    try:
        assert ours.stdout
        ours.stdout.readline()
        assert not processes.stop(ours.pid, "the-sign-of-ours", patience=0.2)
        assert processes.stop(ours.pid, "the-sign-of-ours", signal.SIGKILL)
    finally:
        ours.kill()
        ours.wait()


def test_mail_is_kept_and_goes_nowhere(tmp_path: Path) -> None:
    from cgt.launcher.mailbox import open_mailbox

    server, url = open_mailbox(tmp_path / "mail")
    try:
        with smtplib.SMTP("127.0.0.1", int(url.rpartition(":")[2])) as client:
            client.sendmail("a@cgt.example", ["b@cgt.example"], "Subject: Next step\r\n\r\nIt is your turn.\r\n")
    finally:
        server.stop()
    (message,) = (tmp_path / "mail").glob("*.eml")
    assert "X-Received-For: b@cgt.example" in message.read_text()
    assert "It is your turn." in message.read_text()


def test_locks_are_shared_and_exclusive(tmp_path: Path) -> None:
    from cgt.launcher.locks import hold_alone, hold_shared

    note = hold_shared(tmp_path / "users")
    assert hold_alone(tmp_path / "users") is None
    os.close(note)
    alone = hold_alone(tmp_path / "users")
    assert alone is not None
    os.close(alone)


@pytest.fixture
def bare_server(tmp_path: Path) -> Iterator[str]:
    """Address of an administrator, no superuser, on a PostgreSQL that has never seen the product."""
    var = tmp_path.resolve() / "elsewhere"
    program = (
        "from cgt.launcher import paths, postgres; paths.make_var(); postgres.create('root'); "
        "print(postgres.start('root')[0])"
    )
    started = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment(var), capture_output=True, text=True, check=True
    )
    server = f"@127.0.0.1:{int(started.stdout)}/postgres"
    with connected(f"postgresql://postgres:root{server}") as cursor:
        cursor.execute("create role administrator login createrole createdb bypassrls password 'admin'")
    yield f"postgresql://administrator:admin{server}"
    stop = "from cgt.launcher import postgres; postgres.stop_server()"
    subprocess.run([sys.executable, "-c", stop], cwd=ROOT, env=environment(var), check=True)
    forget(var)


@pytest.mark.slow
def test_a_given_server_is_used_and_left_running(var: Path, bare_server: str) -> None:
    port = free_port()
    demo = start(var, port, DATABASE_URL=bare_server)
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(60) == 0
    assert not (var / "embedded" / "postgres").exists()
    with connected(bare_server) as cursor:
        cursor.execute("select rolname, rolsuper, rolbypassrls from pg_roles where rolname like 'cgt\\_%' order by 1")
        assert cursor.fetchall() == [
            ("cgt_app", False, False),
            ("cgt_auditor", False, True),
            ("cgt_owner", False, False),
            ("cgt_relay", False, False),
        ]
        cursor.execute("select pg_get_userbyid(datdba) from pg_database where datname = 'cgt_demo'")
        assert cursor.fetchone() == ("cgt_owner",)
