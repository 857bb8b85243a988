"""Windows that are alike stand for each other: chairs of one center, lines of one plant, open at the same time.

To choose between them multiplies the choices and decides nothing, so a repair reckons with the pool and its places, and
tells the orders apart at the end: who has a place in the pool keeps it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from scheduling.calendars import Calendar, Row, Source, Window
from scheduling.drafts import Draft


@dataclass(frozen=True)
class Pools:
    """``calendars`` have one window per pool, named by the pool's first; ``members``: what it stands for."""

    calendars: Mapping[UUID, Calendar]
    members: dict[UUID, tuple[Window, ...]]
    pool_of: dict[UUID, UUID]

    def named(self, slot_ids: Iterable[UUID]) -> set[UUID]:
        """Return the pools of the windows (a window that is in none stands for itself)."""
        return {self.pool_of.get(slot_id, slot_id) for slot_id in slot_ids}

    @property
    def windows(self) -> dict[UUID, Window]:
        """Every pool's window, once."""
        return {window.slot_id: window for calendar in self.calendars.values() for window in calendar.windows}


def pooled(calendars: Mapping[UUID, Calendar]) -> Pools:
    """Return the windows of several calendars, pooled; full ones stay out, they serve nobody.

    Windows are alike only if they stand in the same calendars: a pool is the same for all who may use it.
    """
    serves: dict[str, list[UUID]] = defaultdict(list)
    known: dict[str, tuple[Row, int]] = {}
    for key, calendar in calendars.items():
        for row in calendar.rows:
            for index, left in enumerate(row.left):
                if left > 0:
                    serves[row.ids[index]].append(key)
                    known[row.ids[index]] = row, index
    numbers: dict[tuple[object, ...], int] = {}
    kinds: dict[int, list[int]] = {}
    alike: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for name, (row, index) in known.items():
        if id(row) not in kinds:
            kinds[id(row)] = [numbers.setdefault(_kind(source), len(numbers)) for source in row.resources]
        kind = kinds[id(row)][row.owners[index]]
        alike[kind, row.starts[index], row.ends[index], *serves[name]].append(name)
    members, pool_of = {}, {}
    merged: dict[UUID, list[Window]] = {key: [] for key in calendars}
    for names in alike.values():
        windows = tuple(row.window(index) for row, index in (known[name] for name in sorted(names)))
        first = windows[0]
        members[first.slot_id] = windows
        pool_of.update({window.slot_id: first.slot_id for window in windows})
        pool = replace(first, left=sum(window.left for window in windows)) if len(windows) > 1 else first
        for key in serves[names[0]]:
            merged[key].append(pool)
    fresh = {
        key: Calendar(calendar.places.values(), merged[key], calendar.quotas) for key, calendar in calendars.items()
    }
    return Pools(fresh, members, pool_of)


def _kind(source: Source) -> tuple[object, ...]:
    """What windows that are alike have in common besides their time."""
    return source.kind, source.place_id, source.organization_id, source.lane


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
