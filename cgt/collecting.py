"""How a process that answers requests collects garbage."""

from __future__ import annotations

import gc

BETWEEN = 10_000  # new objects between two collections of the young; one search or one full desk makes as many


def settle() -> None:
    """Leave what was loaded at the start to itself: it stays anyway, and a full collection walks through all of it.

    Without this, some request in ten pays for hundreds of thousands of objects that were never garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(BETWEEN)
