"""Offered windows in memory: loaded once per search, asked many times. Pure values, no table.

Windows stand in rows of columns (one row per kind and place, a lane's per way), so that thousands of them cost little;
times inside are ticks (``scheduling.clocks``). Outside, a window is a ``Window``.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from scheduling.clocks import Clock, day_of, instant, ticks
from scheduling.layouts import NOTHING, Layout, Packed, laid_out, last_pickup, unpacked
from scheduling.quota_rules import QuotaLeft
from scheduling.states import ResourceKind
from scheduling.windows import Columns, Lane, Place, Source, Window

__all__ = ["Calendar", "Columns", "Lane", "Place", "Row", "Source", "Window", "day_of"]


Key = tuple[str, UUID, UUID | None]  # kind, place, and where a lane leads
T = TypeVar("T")


class Row:
    """The windows of one kind at one place (and of one way), in order of time, as columns of ticks.

    ``owners`` says whose each window is, as a number: the place of its resource in ``resources``. Only ``left``
    changes, as places are taken; what is of the layout may be shared with other calendars.
    """

    __slots__ = ("_windows", "ends", "ids", "latest", "left", "longest", "owners", "resources", "starts", "transits")

    def __init__(self, layout: Layout = NOTHING, resources: Sequence[Source] = (), left: Sequence[int] = ()) -> None:
        """``left``: places left of each window, one resource after the other, as their columns were laid out."""
        self.starts, self.ends, self.ids, self.owners = layout.starts, layout.ends, layout.ids, layout.owners
        self.latest, self.longest = layout.latest, layout.longest
        self.left = [left[index] for index in layout.order]
        self.resources = resources
        self.transits = [source.transit for source in resources]  # by owner
        self._windows: dict[int, Window] = {}

    def __len__(self) -> int:
        return len(self.starts)

    def source(self, index: int) -> Source:
        """Return the resource of a window."""
        return self.resources[self.owners[index]]

    def window(self, index: int) -> Window:
        """Return one of the windows as a value for the outside."""
        found = self._windows.get(index)
        if found is None or found.left != self.left[index]:
            source = self.source(index)
            found = self._windows[index] = Window(
                slot_id=self.slot_id(index),
                kind=source.kind,
                organization_id=source.organization_id,
                place_id=source.place_id,
                starts_at=instant(self.starts[index]),
                ends_at=instant(self.ends[index]),
                left=self.left[index],
                resource_name=source.name,
                lane=source.lane,
            )
        return found

    def slot_id(self, index: int) -> UUID:
        return UUID(self.ids[index])

    def between(self, first: int, last: int) -> range:
        """Windows that start at ``first`` or later and before ``last``."""
        return range(bisect_left(self.starts, first), bisect_left(self.starts, last))

    def covering(self, moment: int) -> Iterator[int]:
        """Windows open at the moment: their start belongs to them, their end does not."""
        ends = self.ends
        for index in range(bisect_left(self.starts, moment - self.longest), bisect_right(self.starts, moment)):
            if ends[index] > moment:
                yield index

    def after(self, moment: int) -> Iterator[int]:
        """Windows that end after the moment, earliest first."""
        ends = self.ends
        for index in range(bisect_left(self.starts, moment - self.longest), len(self.starts)):
            if ends[index] > moment:
                yield index

    def opens(self, moment: int) -> int:
        """Return the first moment from this one on at which a window is open; the moment itself when none will be."""
        starts, ends = self.starts, self.ends
        for index in range(bisect_left(starts, moment - self.longest), len(starts)):
            if ends[index] > moment:
                return max(moment, starts[index])
        return moment

    def last_pickup(self, index: int, clock: Clock) -> int:
        """Return the latest pickup of a run (``layouts.last_pickup``) on the origin's clock; worked out once."""
        found = self.latest[index]
        if found is None:
            lane, start, end = self.source(index).lane, self.starts[index], self.ends[index]
            found = self.latest[index] = end if lane is None else last_pickup(lane, start, end, clock)
        return found


EMPTY = Row()


class Calendar:
    """Windows by kind and place, the places' clocks, and what quotas leave to the center."""

    def __init__(
        self, places: Iterable[Place], windows: Iterable[Window] = (), quotas: Sequence[QuotaLeft] = ()
    ) -> None:
        self.quotas = quotas
        self.places = {place.id: place for place in places}
        self._rows: dict[Key, Row] = {}
        grouped: dict[tuple[object, ...], list[Window]] = defaultdict(list)
        for w in windows:  # windows of one resource share its lane
            grouped[w.kind, w.organization_id, w.place_id, w.resource_name, id(w.lane)].append(w)
        self.add(
            Columns(
                found[0].source,
                [w.slot_id.hex for w in found],
                [ticks(w.starts_at) for w in found],
                [ticks(w.ends_at) for w in found],
                [w.left for w in found],
            )
            for found in grouped.values()
        )

    def add(self, columns: Iterable[Columns]) -> None:
        """Add what was made elsewhere, once per kind and place; places that are not known are left out."""
        for key, parts in self._by_key((one.source, one) for one in columns).items():
            row = Row(laid_out(parts), [one.source for one in parts], [left for one in parts for left in one.left])
            self._rows[key] = row

    def add_packed(self, resources: Iterable[tuple[Source, Packed]]) -> None:
        """Add what a table sends, as ``add``; what was laid out before is not laid out again."""
        for key, parts in self._by_key((source, (source, packed)) for source, packed in resources).items():
            sources = [source for source, _ in parts]
            layout = unpacked(self.places[key[1]].zone, *((source.lane, packed.windows) for source, packed in parts))
            self._rows[key] = Row(layout, sources, [left for _, packed in parts for left in packed.left])

    def _by_key(self, found: Iterable[tuple[Source, T]]) -> dict[Key, list[T]]:
        grouped: dict[Key, list[T]] = {}
        for source, one in found:
            if source.place_id in self.places:
                grouped.setdefault(_key(source), []).append(one)
        return grouped

    def row(self, kind: str, place_id: UUID, destination_id: UUID | None = None) -> Row:
        """Return the windows of a kind at a place; of a lane those of one way."""
        return self._rows.get((str(kind), place_id, destination_id), EMPTY)

    def destinations(self, origin_id: UUID) -> list[UUID]:
        """Return where lanes lead from a place."""
        lane = ResourceKind.COURIER_LANE.value
        return [to for kind, place, to in self._rows if kind == lane and place == origin_id and to is not None]

    def named(self, place: Callable[[Place], str], source: Callable[[Source], str]) -> Calendar:
        """Return the same windows with other names of places and resources: to be told to others, not to be taken."""
        fresh = Calendar(())
        fresh.quotas = self.quotas
        fresh.places = {pk: replace(one, name=place(one)) for pk, one in self.places.items()}
        for key, row in self._rows.items():
            fresh._rows[key] = other = copy(row)
            other.resources = [replace(one, name=source(one)) for one in row.resources]
            other._windows = {}
        return fresh

    @property
    def rows(self) -> Iterable[Row]:
        return self._rows.values()

    @property
    def windows(self) -> list[Window]:
        """Every window, by row and time."""
        return [row.window(index) for row in self._rows.values() for index in range(len(row))]

    def on(self, kind: str, place_id: UUID, date: dt.date) -> list[Window]:
        """Windows that start on the place's local date."""
        row = self.row(kind, place_id)
        return [row.window(i) for i in row.between(*self.places[place_id].clock.day(date.toordinal()))]

    def covering(self, kind: str, place_id: UUID, moment: dt.datetime) -> list[Window]:
        row = self.row(kind, place_id)
        return [row.window(i) for i in row.covering(ticks(moment))]

    def after(self, kind: str, place_id: UUID, moment: dt.datetime) -> Iterator[Window]:
        row = self.row(kind, place_id)
        return (row.window(i) for i in row.after(ticks(moment)))

    @cached_property
    def _where(self) -> dict[str, tuple[Row, int]]:
        return {row.ids[i]: (row, i) for row in self._rows.values() for i in range(len(row))}

    def has(self, slot_id: UUID | str) -> bool:
        return _name(slot_id) in self._where

    def take(self, slot_ids: Iterable[UUID | str], places: int = 1) -> None:
        """Take places of slots in this copy of the calendar (negative: give back), as a simulation or a plan does."""
        for slot_id in slot_ids:
            row, index = self._where[_name(slot_id)]
            row.left[index] -= places


def _name(slot_id: UUID | str) -> str:
    """How columns name a slot: an UUID by its digits, a simulated slot as it names itself."""
    return slot_id.hex if isinstance(slot_id, UUID) else slot_id


def _key(source: Source) -> Key:
    return str(source.kind), source.place_id, source.lane.destination_id if source.lane else None
