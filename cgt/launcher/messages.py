"""What the launcher says: one line per stage with its seconds, one clear sentence when it cannot go on."""

import contextlib
import sys
import time
from collections.abc import Iterator


class LauncherError(Exception):
    """The launcher cannot go on; its text is all the person gets, so it names the remedy. `code` is the exit status."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def say(text: str) -> None:
    """Print one line now; a closed terminal is not an error."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


def complain(text: str) -> None:
    """Print one line to the error stream."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def stage(title: str) -> Iterator[None]:
    """Say the stage when it is over, with the seconds it took."""
    begun = time.monotonic()
    yield
    say(f"  {title:<58} {time.monotonic() - begun:6.1f} s")
