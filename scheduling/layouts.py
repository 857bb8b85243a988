"""How windows lie in a row: everything about them that does not change while places are taken.

A layout read from the table is remembered by the very bytes that PostgreSQL sent, so one that is remembered is never
out of date: a window that came, went or moved has other bytes. How many places are left is not part of it; that is read
anew by each search.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from operator import sub
from zoneinfo import ZoneInfo

from scheduling.clocks import Clock, isoweekday, ticks
from scheduling.windows import Columns, Lane

WINDOW = struct.Struct("!q16sq")  # start, id and end, as PostgreSQL sends them
SINCE_2000 = ticks(dt.datetime(2000, 1, 1, tzinfo=dt.UTC))  # where PostgreSQL's microseconds begin
REMEMBERED = 256  # layouts; one of 100 windows takes 23 kB


@dataclass(frozen=True, slots=True)
class Layout:
    """Windows of several resources in order of time and then of their ids; ``owners``: whose, as a number.

    ``order``: where each window stood in the columns. ``latest``: the last pickup of a run, once somebody asked for it.
    """

    starts: Sequence[int]
    ends: Sequence[int]
    ids: Sequence[str]
    owners: Sequence[int]
    order: Sequence[int]
    latest: list[int | None]
    longest: int


@dataclass(frozen=True, slots=True)
class Packed:
    """The windows of one resource as PostgreSQL sends them (``WINDOW``), and the places left of each."""

    windows: bytes
    left: Sequence[int]


def laid_out(columns: Sequence[Columns]) -> Layout:
    """Lay the windows of several resources together."""
    rows: list[tuple[int, str, int, int]] = []
    for owner, one in enumerate(columns):
        rows += zip(one.starts, one.ids, one.ends, repeat(owner), strict=False)
    return _laid_out(rows)


@lru_cache(maxsize=REMEMBERED)
def unpacked(zone: ZoneInfo, *resources: tuple[Lane | None, bytes]) -> Layout:
    """Lay together what the table holds of several resources. ``zone`` and lanes decide about last pickups."""
    rows = []
    for owner, (_, windows) in enumerate(resources):
        for start, slot_id, end in WINDOW.iter_unpack(windows):
            rows.append((SINCE_2000 + start, slot_id.hex(), SINCE_2000 + end, owner))
    return _laid_out(rows)


def _laid_out(rows: list[tuple[int, str, int, int]]) -> Layout:
    if not rows:
        return NOTHING
    order = sorted(range(len(rows)), key=rows.__getitem__)  # quick: each resource's windows mostly come in order
    starts, ids, ends, owners = zip(*[rows[index] for index in order], strict=True)
    return Layout(starts, ends, ids, owners, order, [None] * len(rows), max(map(sub, ends, starts)))


NOTHING = Layout((), (), (), (), (), [], 0)


def last_pickup(lane: Lane, start: int, end: int, clock: Clock) -> int:
    """Return the latest pickup of a run: the earlier of its end and the cut-off on the origin's ``clock``.

    Of a night run the cut-off is after midnight. A cut-off that the clock strikes twice counts the first time: the
    courier may go by the earlier one. On a day on which the lane does not run: before the window begins.
    """
    date = clock.date(start)
    if isoweekday(date) not in lane.weekdays:
        return -1
    if lane.cutoff is None:
        return end
    today = clock.at(date, lane.cutoff)
    if today >= start:
        return min(today, end)
    tomorrow = clock.at(date + 1, lane.cutoff)
    return tomorrow if tomorrow <= end else today
