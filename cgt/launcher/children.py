"""The processes of a running demo: each leads its own group, so that stopping reaches its helpers and no others."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cgt.launcher.paths import LOGS, ROOT, VAR, VENV
from cgt.launcher.processes import is_ours, tail

REGISTER = VAR / "demo.processes"


@dataclass
class Child:
    """One process and its log."""

    title: str
    process: subprocess.Popen[bytes]
    log: Path

    def explain(self) -> str:
        """Why it is gone, in the words of its log."""
        status = self.process.returncode
        return f"The {self.title} ended by itself (status {status}):\n{tail(self.log)}\nIts log: {self.log}"


@dataclass
class Children:
    """Starts, watches and stops them; a register on disk lets the next run find what a killed one left behind."""

    running: list[Child] = field(default_factory=list)

    def start(self, title: str, command: list[str], environment: Mapping[str, str]) -> Child:
        """Start a program in a group of its own, its words going to `var/log/<title>.log`."""
        path = LOGS / f"{title}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(title, process, path)
        self.running.append(child)
        REGISTER.write_text(json.dumps([child.process.pid for child in self.running]))
        return child

    def dead(self) -> Child | None:
        """The first that ended by itself."""
        return next((child for child in self.running if child.process.poll() is not None), None)

    def stop(self, patience: float = 10.0) -> None:
        """Ask every group to end, wait, and kill what does not."""
        for child in self.running:
            _signal_group(child.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        for child in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, deadline - time.monotonic()))
            _signal_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
        self.running.clear()
        REGISTER.unlink(missing_ok=True)


def stop_leftovers() -> int:
    """Stop what a killed demo of this checkout left running; returns how many there were."""
    try:
        pids = [pid for pid in json.loads(REGISTER.read_text()) if is_ours(pid, str(VENV))]
    except (OSError, ValueError):
        return 0
    for pid in pids:
        _signal_group(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while any(is_ours(pid, str(VENV)) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in pids:
        if is_ours(pid, str(VENV)):
            _signal_group(pid, signal.SIGKILL)
    REGISTER.unlink(missing_ok=True)
    return len(pids)


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
