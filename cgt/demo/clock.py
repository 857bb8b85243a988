"""A clock for fictional journeys that lie in the past. Every record made under it carries the synthetic mark."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import time_machine


@contextmanager
def at(moment: dt.datetime) -> Iterator[None]:
    """Let this process believe that it is ``moment`` (aware); time goes on from there."""
    with time_machine.travel(moment, tick=True):
        yield
