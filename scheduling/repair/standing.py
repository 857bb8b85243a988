"""Whether the chains of a plan still stand when it is signed: the search's rule, on the places as they are.

Pure: orders, a calendar in which the signed orders' own places count as free, and the places that each is to have.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from scheduling.calendars import Calendar, Window
from scheduling.feasibility import Planner
from scheduling.offers import ChainRequest
from scheduling.repair import names
from scheduling.repair.collected import furthest, not_held, onward
from scheduling.repair.reasons import WORDS
from scheduling.repair.snapshot import Affected, Material, Offered, is_used, movable

GONE = "A place of these dates is not offered any more."
FULL = "A place of these dates went to somebody else."
RING = "It waits for a place of another order of this plan, which waits for one of its own: neither could be the first."
Chosen = Sequence[tuple[Affected, tuple[UUID, ...]]]


def fallen(
    chosen: Chosen, offered: Mapping[UUID, Offered], now: dt.datetime, given: Mapping[UUID, int] | None = None
) -> dict[str, str]:
    """Return by order why its chain does not stand any more; empty when all do, together.

    ``offered``: by therapy, as the repair itself is asked (``snapshot.without``). ``given``: places by slot that other
    parts of the same plan give up, beyond what the calendar says.
    """
    taken, found, shifts = Counter[UUID](), {}, []
    offered_now = _narrowed(chosen, offered, given or {})
    for order, slot_ids in chosen:
        windows, used = offered_now[order.request.therapy_id], _used(order)
        own = [windows[slot_id] for slot_id in slot_ids if slot_id in windows]
        why = _why_not(order, tuple(slot_ids), _these(order, own, offered), now)
        wanted = [window for window in own if window.slot_id not in used]
        if not why and any(window.left <= taken[window.slot_id] for window in wanted):
            why = FULL
        if why:
            found[order.key] = why
            continue
        taken.update(window.slot_id for window in wanted)
        shifts.append(Shift(order.key, frozenset(movable(order)), frozenset(window.slot_id for window in wanted)))
    left = {slot_id: window.left for windows in offered_now.values() for slot_id, window in windows.items()}
    left = {slot_id: left[slot_id] - sum(slot_id in one.has for one in shifts) for slot_id in left}
    return found | dict.fromkeys(ring(shifts, left), RING)


class Shift(NamedTuple):
    """One order of a plan: the places that it has and could give back, and those that it is to have."""

    key: str
    has: frozenset[UUID]
    wants: frozenset[UUID]


def ring(shifts: Sequence[Shift], left: Mapping[UUID, int]) -> list[str]:
    """Return the orders that would wait for each other's places for ever, though every center accepts.

    ``left``: free places by slot now. What is free is kept for the orders in their turn; who lacks nothing moves, and
    what it gives up goes to those who lack it, as ``kept_moves`` does.
    """
    free = Counter(left)
    lacking: dict[str, set[UUID]] = {}
    for one in shifts:
        lacking[one.key] = {slot_id for slot_id in one.wants - one.has if free[slot_id] <= 0}
        free.subtract(one.wants - one.has - lacking[one.key])
    waiting = list(shifts)
    while ready := [one for one in waiting if not lacking[one.key]]:
        for one in ready:
            waiting.remove(one)
            for slot_id in one.has - one.wants:
                taker = next((other for other in waiting if slot_id in lacking[other.key]), None)
                if taker is not None:
                    lacking[taker.key].discard(slot_id)
    return [one.key for one in waiting]


def _narrowed(
    chosen: Chosen, offered: Mapping[UUID, Offered], given: Mapping[UUID, int]
) -> dict[UUID, dict[UUID, Window]]:
    """The chosen windows by therapy and slot, with the places that are given up elsewhere."""
    ids = {slot_id for _, slot_ids in chosen for slot_id in slot_ids}
    return {
        therapy: {
            window.slot_id: replace(window, left=window.left + given.get(window.slot_id, 0))
            for window in one.calendar.windows
            if window.slot_id in ids
        }
        for therapy, one in offered.items()
    }


def as_booked(request: ChainRequest, own: Iterable[UUID], slot_ids: Sequence[UUID]) -> ChainRequest:
    """Return the request for a chain that keeps its chair: a collection that stands is prepared already."""
    stands = bool(slot_ids) and slot_ids[0] in set(own)
    return replace(request, lead_days=0) if stands else request


def _these(order: Affected, windows: Sequence[Window], offered: Mapping[UUID, Offered]) -> Calendar:
    """What is offered of exactly these places, as every party of the order may be told of it."""
    one = offered[order.request.therapy_id]
    return names.for_parties(order, Offered(Calendar(one.calendar.places.values(), windows), one.quotas))


def _used(order: Affected) -> set[UUID]:
    return {pick.window.slot_id for pick in order.current.picks if is_used(order, pick.kind)}


def _why_not(order: Affected, slot_ids: tuple[UUID, ...], calendar: Calendar, now: dt.datetime) -> str:
    if order.material is not Material.NOT_COLLECTED:
        if any(draft.slot_ids == slot_ids for draft in onward(order, calendar, now)):
            return ""
        miss = furthest(order, calendar, now)
        return not_held(order, calendar, now) or (_words(miss.code, miss.text()) if miss else GONE)
    chair = next((window for window in calendar.windows if window.slot_id == slot_ids[0]), None)
    if chair is None:
        return GONE
    date = calendar.places[order.request.center_site_id].local(chair.starts_at).date()
    request = as_booked(order.request, order.current.slot_ids, slot_ids)
    ways, fault = Planner(request, calendar, now).plan(date)
    if any(way.slot_ids == slot_ids for way in ways):
        return ""
    return _words(fault.code, fault.text) if fault else GONE


def _words(code: str, text: str) -> str:
    return WORDS.get(code) or text
