"""Memory of one worker of the web server that the product runs under, after it has answered."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("/healthz", "/accounts/login/", "/api/v1/orders")
ASKED = 20


def resident_megabytes() -> float:
    """Start granian with one worker, ask it for pages, return the resident memory of its worker process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", "2", "--port", str(port)]
    command = [str(Path(sys.executable).with_name("granian")), *options, "cgt.wsgi:application"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(f"http://127.0.0.1:{port}/healthz")
        for _ in range(ASKED):
            for page in PAGES:
                _ask(f"http://127.0.0.1:{port}{page}")
        return max(_resident(pid) for pid in _children(server.pid))
    finally:
        server.terminate()
        server.wait(20)


def _ask(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=30) as response:  # noqa: S310 - our own server
            return int(response.status)
    except urllib.error.HTTPError as error:  # a stranger is refused: it was answered all the same
        return error.code


def _wait(address: str) -> None:
    for _ in range(300):
        try:
            _ask(address)
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the web server did not answer within a minute")


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(status.parent.name))
    return found or [parent]


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
