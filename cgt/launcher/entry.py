"""Decides who answers a command: the launcher, or Django inside the environment. Standard library only at import."""

import importlib
import os
import sys

from cgt.launcher import environment
from cgt.launcher.messages import LauncherError, complain

OWN = {
    "demo": "cgt.launcher.demo",
    "test": "cgt.launcher.checks",
    "bench": "cgt.launcher.bench",
    "screenshots": "cgt.launcher.screenshots",
    "load_data": "cgt.launcher.load_data",
    "servers": "cgt.launcher.servers",
}


def main(argv: list[str]) -> int:
    """Run one command; returns the exit status. A launcher's refusal is a sentence, never a traceback."""
    try:
        return _dispatch(argv)
    except LauncherError as error:
        complain(str(error))
        return error.code
    except KeyboardInterrupt:
        return 130


def _dispatch(argv: list[str]) -> int:
    command = argv[1] if len(argv) > 1 else "help"
    if os.environ.get("CGT_LAUNCHER") == "off":  # an image has its packages already, and its servers elsewhere
        if command in OWN:
            raise LauncherError(f"`{command}` needs a checkout; this is an installed image.", code=2)
    else:
        environment.enter(argv)
    if command in OWN:
        return importlib.import_module(OWN[command]).run(argv[2:])
    return importlib.import_module("cgt.launcher.django_commands").run(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
