"""Starting and stopping processes that outlive a command; only ever a process that is provably our own."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_is_taken(port: int, host: str = "127.0.0.1") -> bool:
    """Whether listening on the port would fail."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def command_line(pid: int) -> str:
    """The command line of a process, empty when it is gone or a zombie (which is reaped when it is our child)."""
    with contextlib.suppress(ChildProcessError, OSError):
        os.waitpid(pid, os.WNOHANG)
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.parent.parent.joinpath("self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    answer = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
    return answer.stdout.strip()


def is_ours(pid: int, sign: str) -> bool:
    """Whether the process lives and its command line carries our sign (a path of this checkout)."""
    return pid > 1 and sign in command_line(pid)


def stop(pid: int, sign: str, ask: int = signal.SIGTERM, patience: float = 20.0) -> bool:
    """Ask a process of ours to end and wait; True when it is gone. A process that is not ours is left alone."""
    deadline = time.monotonic() + patience
    if is_ours(pid, sign):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, ask)
    while is_ours(pid, sign):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True


def tail(path: Path, lines: int = 6) -> str:
    """The last lines of a log, for an error message."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
