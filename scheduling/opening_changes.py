"""What has to change so that the published windows are what the rules make. Pure: nothing is written here.

A window by hand stands above the rules: they neither touch it nor offer anything beside it at the same time. A window
with taken places is never withdrawn, cut below what is taken, or shortened: it is kept, and told.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from scheduling.models import Slot
from scheduling.openings import ClosedShift, Opening, Plan

NO_SHIFT = "No shift at this time any more."


@dataclass
class Changes:
    """Windows to add, to change (with what they become), to close (and why), and those kept for their places."""

    add: list[Opening] = field(default_factory=list)
    change: list[tuple[Slot, Opening]] = field(default_factory=list)
    close: list[tuple[Slot, str]] = field(default_factory=list)
    kept: list[Slot] = field(default_factory=list)


def compare(slots: Iterable[Slot], plan: Plan, now: dt.datetime) -> Changes:
    """Return what turns the windows (all that overlap the plan's days) into the plan; what has begun is left alone."""
    windows, wanted, closed = defaultdict(list), defaultdict(list), defaultdict(list)
    for slot in slots:
        windows[slot.resource_id].append(slot)
    for opening in plan.openings:
        if opening.starts_at > now:
            wanted[opening.resource_id].append(opening)
    for shift in plan.closed:
        closed[shift.resource_id].append(shift)
    changes = Changes()
    for resource_id in sorted(windows.keys() | wanted.keys()):
        _compare(windows[resource_id], wanted[resource_id], closed[resource_id], now, changes)
    return changes


def _compare(
    slots: Sequence[Slot],
    wanted: Sequence[Opening],
    closed: Sequence[ClosedShift],
    now: dt.datetime,
    changes: Changes,
) -> None:
    fixed = [slot for slot in slots if not slot.shift or slot.starts_at <= now]
    made = {slot.starts_at: slot for slot in slots if slot.shift and slot.starts_at > now}
    by_start = {opening.starts_at: opening for opening in wanted if not _meets(opening, fixed)}
    kept = [slot for start, slot in made.items() if slot.taken and _harms(slot, by_start.get(start))]
    changes.kept += kept
    free = {start: opening for start, opening in by_start.items() if not _meets(opening, kept)}
    for start, slot in made.items():
        opening = free.pop(start, None)
        if slot in kept:
            continue
        if opening is None:
            reason = next((shift.reason for shift in closed if _overlap(slot, shift)), NO_SHIFT)
            if slot.capacity or slot.closed_reason != reason:
                changes.close.append((slot, reason))
        elif _differs(slot, opening):
            changes.change.append((slot, opening))
    changes.add += free.values()


def _harms(slot: Slot, opening: Opening | None) -> bool:
    return opening is None or opening.places < slot.taken or opening.ends_at < slot.ends_at


def _differs(slot: Slot, opening: Opening) -> bool:
    have = (slot.ends_at, slot.capacity, slot.shift, slot.reserved_for, slot.open_from)
    return have != (opening.ends_at, opening.places, opening.shift, opening.reserved_for, opening.open_from)


def _meets(opening: Opening, slots: Iterable[Slot]) -> bool:
    return any(_overlap(slot, opening) for slot in slots)


def _overlap(slot: Slot, other: Opening | ClosedShift) -> bool:
    return bool(slot.starts_at < other.ends_at and other.starts_at < slot.ends_at)


def apply(slot: Slot, opening: Opening) -> Slot:
    """Return the window as the opening wants it (not saved)."""
    slot.ends_at, slot.capacity, slot.shift = opening.ends_at, opening.places, opening.shift
    slot.reserved_for, slot.open_from, slot.closed_reason = opening.reserved_for, opening.open_from, ""
    return slot
