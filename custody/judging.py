"""What temperatures amount to, as numbers that grow: new readings change only what lies between their neighbors.

A reading is a second and a value; two values of one second are both kept, and the worse counts. Pure: nothing here
reads or writes a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from custody.limits import Limits as Limits

Point = tuple[int, int]  # second since the epoch, hundredths of a degree Celsius


@dataclass(frozen=True)
class Tally:
    """What readings amount to: how many and which, outside by how many and how long, the longest time without one."""

    readings: int = 0
    first: int | None = None  # seconds since the epoch
    last: int | None = None
    lowest: int | None = None
    highest: int | None = None
    outside: int = 0
    outside_seconds: int = 0
    gap_seconds: int = 0
    gap_at: int = 0  # where the longest gap begins

    @property
    def minutes_outside(self) -> float:
        return round(self.outside_seconds / 60, 1)

    def is_excursion(self, minutes_allowed: float) -> bool:
        over = self.outside_seconds / 60 > minutes_allowed or not minutes_allowed
        return bool(self.outside) and over


def tally(points: Sequence[Point], limits: Limits) -> Tally:
    """Return what readings in order of time amount to. A span is outside when the reading at either of its ends is."""
    if not points:
        return Tally()
    outside = [not limits.hold(value) for _, value in points]
    seconds = sum(
        later[0] - earlier[0]
        for (earlier, later), bad, next_bad in zip(pairwise(points), outside, outside[1:], strict=False)
        if bad or next_bad
    )
    # of gaps of the same length the first one counts
    gap, at = max(((later[0] - earlier[0], -earlier[0]) for earlier, later in pairwise(points)), default=(0, 0))
    values = [value for _, value in points]
    ends = (points[0][0], points[-1][0], min(values), max(values))
    return Tally(len(points), *ends, sum(outside), seconds, gap, -at if gap else 0)


def grown(whole: Tally, before: Sequence[Point], after: Sequence[Point], limits: Limits) -> Tally | None:
    """Return what all readings amount to once a stretch of them became ``after``.

    ``before``: all that was known of it, from the last second before the first new reading to the first one after the
    last. None where the longest gap was in that stretch and is shorter now: then all readings have to be asked.
    """
    was, now = tally(before, limits), tally(after, limits)
    gap, at = whole.gap_seconds, whole.gap_at
    within = bool(before) and bool(gap) and before[0][0] <= at < before[-1][0]
    if within and now.gap_seconds < gap:
        return None
    if within or (now.gap_seconds, -now.gap_at) > (gap, -at):
        gap, at = now.gap_seconds, now.gap_at
    found = replace(
        whole,
        readings=whole.readings + now.readings - was.readings,
        outside=whole.outside + now.outside - was.outside,
        outside_seconds=whole.outside_seconds + now.outside_seconds - was.outside_seconds,
        gap_seconds=gap,
        gap_at=at,
    )
    ends: dict[str, Any] = {}
    for name, choose in (("first", min), ("last", max), ("lowest", min), ("highest", max)):
        known = [end for end in (getattr(whole, name), getattr(now, name)) if end is not None]
        ends[name] = choose(known) if known else None
    return replace(found, **ends)


def stretch(points: Sequence[Point], first: int, last: int) -> list[Point]:
    """Return those of ``points`` (in order) from the last second before ``first`` to the first one after ``last``."""
    begin = max((second for second, _ in points if second < first), default=first)
    end = min((second for second, _ in points if second > last), default=last)
    return [point for point in points if begin <= point[0] <= end]
