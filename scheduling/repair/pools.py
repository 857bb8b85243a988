"""Windows that are alike stand for each other: chairs of one center, lines of one plant, open at the same time.

To choose between them multiplies the choices and decides nothing, so a repair reckons with the pool and its places, and
tells the orders apart at the end: who has a place in the pool keeps it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from scheduling.calendars import Calendar, Window
from scheduling.drafts import Draft


@dataclass(frozen=True)
class Pools:
    """``calendar`` has one window per pool, named by the pool's first; ``members``: what it stands for."""

    calendar: Calendar
    members: dict[UUID, tuple[Window, ...]]
    pool_of: dict[UUID, UUID]

    def named(self, slot_ids: Iterable[UUID]) -> set[UUID]:
        """Return the pools of the windows (a window that is in none stands for itself)."""
        return {self.pool_of.get(slot_id, slot_id) for slot_id in slot_ids}


def pooled(calendar: Calendar) -> Pools:
    """Return the calendar's windows, pooled; full ones stay out, they serve nobody."""
    alike: dict[tuple[object, ...], list[Window]] = defaultdict(list)
    for window in calendar.windows:
        if not window.is_full:
            key = (window.kind, window.place_id, window.organization_id, window.starts_at, window.ends_at, window.lane)
            alike[key].append(window)
    members, pool_of, merged = {}, {}, []
    for windows in alike.values():
        windows.sort(key=lambda window: window.slot_id)
        first = windows[0]
        members[first.slot_id] = tuple(windows)
        pool_of.update({window.slot_id: first.slot_id for window in windows})
        merged.append(replace(first, left=sum(window.left for window in windows)))
    return Pools(Calendar(calendar.places.values(), merged, calendar.quotas), members, pool_of)


def dealt(pools: Pools, wanted: Sequence[tuple[Draft, Draft]]) -> list[Draft]:
    """Return the drafts with windows of their own; each comes with the chain that its order has now.

    First who has a window of the pool already, then the others in their order; the pool has places for all.
    """
    left = {window.slot_id: window.left for windows in pools.members.values() for window in windows}
    own = [_own(pools, draft, current, left) for draft, current in wanted]
    return [_rest(pools, draft, mine, left) for (draft, _), mine in zip(wanted, own, strict=True)]


def _own(pools: Pools, draft: Draft, current: Draft, left: dict[UUID, int]) -> dict[UUID, Window]:
    held, found = set(current.slot_ids), {}
    for slot_id in draft.slot_ids:
        for window in pools.members.get(slot_id, ()):
            if window.slot_id in held and left[window.slot_id] > 0:
                left[window.slot_id] -= 1
                found[slot_id] = window
                break
    return found


def _rest(pools: Pools, draft: Draft, own: dict[UUID, Window], left: dict[UUID, int]) -> Draft:
    picks = []
    for pick in draft.picks:
        window = own.get(pick.window.slot_id)
        if window is None:
            members = pools.members.get(pick.window.slot_id, ())
            window = next((one for one in members if left[one.slot_id] > 0), None)
            if window is not None:
                left[window.slot_id] -= 1
        picks.append(replace(pick, window=window) if window else pick)
    return replace(draft, picks=tuple(picks))
