"""`manage.py servers`: keep the embedded servers up in the foreground, so that other commands find them running."""

import signal

from cgt.launcher.messages import say
from cgt.launcher.stack import open_stack


def run(arguments: list[str]) -> int:
    """Start or join the servers and wait for Ctrl-C or SIGTERM."""
    stack = open_stack()
    say(f"PostgreSQL on {stack.server.host}:{stack.server.port} and Valkey are up; Ctrl-C ends this.")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.pause()
    return 0
