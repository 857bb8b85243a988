"""Work that the clock finds, row by row: each in a transaction of its own, and one failure stops no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

logger = logging.getLogger(__name__)
Row = TypeVar("Row")


def each(rows: Iterable[Row], act: Callable[[Row], int], failure: str, *, name: str) -> int:
    """Let ``act`` work on each row; return the sum of what it returns (True counts as one).

    ``failure``: what is logged, with the row's ``name`` for ``%s``, when ``act`` raises.
    """
    done = 0
    for row in rows:
        try:
            done += act(row)
        except Exception:
            logger.exception(failure, getattr(row, name))
    return done
