"""`manage.py demo`: servers, migrated and seeded database, web, worker, clock and mail; Ctrl-C stops all of it."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from cgt.launcher.children import Children, stop_leftovers
from cgt.launcher.locks import hold_alone
from cgt.launcher.mailbox import open_mailbox
from cgt.launcher.messages import LauncherError, say, stage
from cgt.launcher.paths import LOGS, ROOT, VAR, make_var
from cgt.launcher.processes import is_ours, port_is_taken
from cgt.launcher.roles import DEMO_DATABASE, DEMO_MARK, drop_database, make_database, mark_of, unhurried
from cgt.launcher.schema import is_migrated, note_migrated, refuse_other_sources
from cgt.launcher.stack import Stack, open_stack

BIN = Path(sys.executable).parent
LOCK = VAR / "demo.lock"
RUNNING = VAR / "demo.pid"
START_PATIENCE = 300  # seconds; a busy machine starts three interpreters slowly


class Stopped(Exception):
    """Somebody asked the demo to end."""


def run(arguments: list[str]) -> int:
    """Run until Ctrl-C or SIGTERM; returns 0 then, 1 when a part of it died."""
    options = _parse(arguments)
    make_var()
    if options.stop:
        return _stop_running()
    lock = hold_alone(LOCK)  # closed by the kernel, however this process ends
    if lock is None:
        raise LauncherError(
            f"A demo of this checkout is running already ({_running()}).\nTo end it: manage.py demo --stop"
        )
    _listen_to_signals()
    RUNNING.write_text(f"{os.getpid()} starting\n")
    try:
        return _run(options.port, options.seed, fresh=options.fresh)
    except (Stopped, KeyboardInterrupt):
        return 0
    finally:
        RUNNING.unlink(missing_ok=True)
        os.close(lock)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port of the web server on 127.0.0.1 (8000)")
    parser.add_argument("--seed", type=int, default=1, help="number the fictional network is generated from (1)")
    parser.add_argument("--fresh", action="store_true", help="discard the demo database first and load it anew")
    parser.add_argument("--stop", action="store_true", help="end the demo of this checkout that runs elsewhere")
    options = parser.parse_args(arguments)
    if not 1 <= options.port <= 65535:
        parser.error("--port must be between 1 and 65535")
    return options


def _run(port: int, seed: int, *, fresh: bool) -> int:
    begun = time.monotonic()
    if stop_leftovers():
        say("Stopped what an earlier, killed demo had left running.")
    if port_is_taken(port):
        raise LauncherError(
            f"Port {port} is in use by another program. Choose another: manage.py demo --port {port + 1}"
        )
    address = f"http://127.0.0.1:{port}"
    os.environ |= {"CGT_ENV": "demo", "CGT_DEMO": "1", "CGT_BASE_URL": address}
    with stage("PostgreSQL and Valkey"):
        stack = open_stack()
        _insist_on_mark(stack)
        if fresh:
            _discard(stack)
    mailbox, email_url = open_mailbox(VAR / "mail")
    os.environ["EMAIL_URL"] = email_url
    children = Children()
    try:
        loaded = (VAR / "demo.json").exists()
        if loaded:
            _migrate(stack)
        else:
            with unhurried(stack.server, DEMO_DATABASE):
                _migrate(stack)
                _load(stack, seed)
        _start_web(children, stack, port)
        if loaded:  # only looked through: the web server comes up meanwhile
            _load(stack, seed)
        with stage("web server"):
            _wait_for(address, children)
        _start_workers(children, stack)
        RUNNING.write_text(f"{os.getpid()} {address}/\n")
        _welcome(address, time.monotonic() - begun)
        _watch(children)
    finally:
        _ignore_signals()
        say("Stopping …")
        children.stop()
        mailbox.stop()
    return 0


def _insist_on_mark(stack: Stack) -> None:
    if mark_of(stack.server, DEMO_DATABASE) != DEMO_MARK:
        raise LauncherError(
            f"The database {DEMO_DATABASE} there was not made as a demo; nothing is loaded into it.", code=2
        )


def _discard(stack: Stack) -> None:
    """Only ever the marked database."""
    drop_database(stack.server, DEMO_DATABASE)
    if mark_of(stack.server, DEMO_DATABASE) is not None:
        raise LauncherError("The demo database is in use by another command of this checkout; end that first.")
    (VAR / "demo.json").unlink(missing_ok=True)
    make_database(stack.server, DEMO_DATABASE, DEMO_MARK)


def _migrate(stack: Stack) -> None:
    if not is_migrated(stack.server, DEMO_DATABASE):
        refuse_other_sources(stack.server, DEMO_DATABASE)
        with stage("database migrated"):
            _manage(["migrate", "--verbosity", "0"], stack, "owner")
            note_migrated(stack.server, DEMO_DATABASE)


def _load(stack: Stack, seed: int) -> None:
    with stage(f"fictional network, seed {seed}"):
        _manage(["seed_demo", "--seed", str(seed)], stack, "app")


def _manage(arguments: list[str], stack: Stack, role: str) -> None:
    """Run a Django command; its words go to a log and are shown when it fails."""
    log = LOGS / f"{arguments[0]}.log"
    with log.open("wb") as file:
        environment = os.environ | stack.environment(role)
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT)
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code:
        words = log.read_text(errors="replace").strip().splitlines()
        raise LauncherError(f"`manage.py {arguments[0]}` failed: {words[-1] if words else code}\nAll it said: {log}")


def _start_web(children: Children, stack: Stack, port: int) -> None:
    web = [
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "2",
        "--blocking-threads",
        "2",
    ]
    environment = os.environ | stack.environment("app")
    children.start("web", [str(BIN / "granian"), *web, "cgt.wsgi:application"], environment)


def _start_workers(children: Children, stack: Stack) -> None:
    """Nobody waits for them: they take up what has come due a moment after the first page is there."""
    environment = os.environ | stack.environment("app")
    celery = [str(BIN / "celery"), "-A", "cgt.celery:app"]
    children.start("worker", [*celery, "worker", "-Q", "cgt", "-c", "2", "--loglevel", "INFO"], environment)
    beat = ["beat", "--schedule", str(VAR / "beat-schedule"), "--pidfile", "", "--loglevel", "INFO"]
    children.start("beat", [*celery, *beat], environment)


def _wait_for(address: str, children: Children) -> None:
    """Until the web server answers anything; a part that dies meanwhile ends the demo."""
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline:
        _insist_alive(children)
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5):  # noqa: S310  (own address)
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise LauncherError(f"The web server did not answer within {START_PATIENCE} seconds; its log: {LOGS / 'web.log'}")


def _insist_alive(children: Children) -> None:
    dead = children.dead()
    if dead:
        raise LauncherError(dead.explain())


def _watch(children: Children) -> None:
    while True:
        _insist_alive(children)
        time.sleep(0.5)


def _welcome(address: str, seconds: float) -> None:
    say(f"\nReady after {seconds:.1f} s:  {address}/")
    if (VAR / "demo.json").exists():
        say(f"Sign-ins and API keys: {VAR / 'demo.json'}")
    say(f"Mail: {VAR / 'mail'}   Logs: {LOGS}")
    say("Ctrl-C stops everything.")


def _listen_to_signals() -> None:
    """SIGTERM ends the demo like Ctrl-C; a closed terminal does not (end it then with `demo --stop`)."""

    def end(*_: object) -> None:
        raise Stopped

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _ignore_signals() -> None:
    """An impatient second Ctrl-C must not interrupt the stopping."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _running() -> str:
    with contextlib.suppress(OSError):
        return RUNNING.read_text().split()[1]
    return "starting"


def _stop_running() -> int:
    try:
        pid = int(RUNNING.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        say("No demo of this checkout is running.")
        return 0
    if is_ours(pid, "manage.py demo"):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 40
        while is_ours(pid, "manage.py demo") and time.monotonic() < deadline:
            time.sleep(0.1)
    say("The demo is stopped.")
    return 0
