"""Offered windows in memory: loaded once per search, asked many times. Pure values, no table.

Windows stand in rows of columns (one row per kind and place, a lane's per way), so that thousands of them cost little;
times inside are ticks (``scheduling.clocks``). Outside, a window is a ``Window``.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import sub
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling.clocks import Clock, clock_of, day_of, hours, instant, ticks
from scheduling.quota_rules import QuotaLeft
from scheduling.states import ResourceKind

__all__ = ["Calendar", "Columns", "Lane", "Place", "Row", "Source", "Window", "day_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """A site as the calendar needs it; ``zone`` is where its clock hangs."""

    id: UUID
    name: str
    organization_id: UUID
    zone: ZoneInfo
    country: str = ""

    @property
    def clock(self) -> Clock:
        return clock_of(self.zone)

    def local(self, moment: dt.datetime) -> dt.datetime:
        return moment.astimezone(self.zone)

    def words(self, moment: dt.datetime) -> str:
        """Return the instant on this place's clock, with its zone: ``Sun 29 Mar 2026 03:00 (Europe/Berlin)``."""
        return f"{self.local(moment):%a %d %b %Y %H:%M} ({self.zone.key})"

    def words_with(self, moment: dt.datetime, other: Place) -> str:
        """Return the instant on this clock and on another place's, where they hang in different zones."""
        if self.zone.key == other.zone.key:
            return self.words(moment)
        if self.local(moment).replace(tzinfo=None) == other.local(moment).replace(tzinfo=None):
            return f"{self.local(moment):%a %d %b %Y %H:%M} ({self.zone.key} and {other.zone.key})"
        return f"{self.words(moment)}, {other.words(moment)}"


@dataclass(frozen=True, slots=True)
class Lane:
    """A courier's run. ``cutoff`` is local at the origin (None: the window's own end); ``weekdays`` are ISO numbers."""

    origin_id: UUID
    destination_id: UUID
    transit: dt.timedelta
    cutoff: dt.time | None = None
    weekdays: frozenset[int] = frozenset(range(1, 8))

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Lane:
        """Read a lane resource's attributes (checked when the resource was added)."""
        return cls(
            origin_id=UUID(attributes["origin_site_id"]),
            destination_id=UUID(attributes["destination_site_id"]),
            transit=dt.timedelta(hours=float(attributes["transit_hours"])),
            cutoff=dt.time.fromisoformat(attributes["cutoff"]) if attributes.get("cutoff") else None,
            weekdays=frozenset(attributes.get("weekdays") or range(1, 8)),
        )


@dataclass(frozen=True, slots=True)
class Source:
    """The resource that windows belong to; ``place_id`` is where they begin (a lane's origin)."""

    kind: str
    organization_id: UUID
    place_id: UUID
    name: str
    lane: Lane | None = None

    @property
    def transit(self) -> int:
        return hours(self.lane.transit.total_seconds() / 3600) if self.lane else 0


@dataclass(frozen=True, slots=True)
class Window:
    """A slot as the calendar needs it; ``place_id`` is where it begins (a lane's origin); ``left`` are free places."""

    slot_id: UUID
    kind: str
    organization_id: UUID
    place_id: UUID
    starts_at: dt.datetime
    ends_at: dt.datetime
    left: int
    resource_name: str
    lane: Lane | None = None

    @property
    def is_full(self) -> bool:
        return self.left <= 0


@dataclass(frozen=True, slots=True)
class Columns:
    """The windows of one resource as columns: slot ids, starts and ends in ticks, places left."""

    source: Source
    ids: Sequence[str]
    starts: Sequence[int]
    ends: Sequence[int]
    left: Sequence[int]


Key = tuple[str, UUID, UUID | None]  # kind, place, and where a lane leads


class Row:
    """The windows of one kind at one place (and of one way), in order of time, as columns of ticks."""

    __slots__ = ("ends", "ids", "latest", "left", "longest", "quickest", "sources", "starts", "transits")

    def __init__(self, columns: Sequence[Columns] = ()) -> None:
        """Lay the windows of several resources together, in order of time and then of their ids."""
        starts = [start for one in columns for start in one.starts]
        ids = [slot_id for one in columns for slot_id in one.ids]
        order = sorted(range(len(starts)), key=lambda i: (starts[i], ids[i]))
        ends = [end for one in columns for end in one.ends]
        left = [places for one in columns for places in one.left]
        sources = [one.source for one in columns for _ in one.starts]
        self.starts = [starts[i] for i in order]
        self.ends = [ends[i] for i in order]
        self.left = [left[i] for i in order]
        self.ids: list[str] = [ids[i] for i in order]
        self.sources = [sources[i] for i in order]
        ways = {one.source: one.source.transit for one in columns if one.source.lane}
        self.transits = [ways[source] for source in self.sources] if ways else []
        self.quickest = min(ways.values(), default=0)
        self.longest = max(map(sub, self.ends, self.starts), default=0)
        self.latest: list[int | None] = [None] * len(self.starts)  # last pickup of a run: worked out when asked for

    def __len__(self) -> int:
        return len(self.starts)

    def window(self, index: int) -> Window:
        """Return one of the windows as a value for the outside."""
        source = self.sources[index]
        return Window(
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

    def last_pickup(self, index: int, clock: Clock) -> int:
        """Return the latest pickup of a run: the earlier of its end and the cut-off on the origin's ``clock``.

        Of a night run the cut-off is after midnight. A cut-off that the clock strikes twice counts the first time: the
        courier may go by the earlier one. On a day on which the lane does not run: before the window begins.
        """
        found = self.latest[index]
        if found is None:
            found = self.latest[index] = self._last_pickup(index, clock)
        return found

    def _last_pickup(self, index: int, clock: Clock) -> int:
        lane, start, end = self.sources[index].lane, self.starts[index], self.ends[index]
        if lane is None:
            return end
        date = clock.date(start)
        if dt.date.fromordinal(date).isoweekday() not in lane.weekdays:
            return -1
        if lane.cutoff is None:
            return end
        today = clock.at(date, lane.cutoff)
        if today >= start:
            return min(today, end)
        tomorrow = clock.at(date + 1, lane.cutoff)
        return tomorrow if tomorrow <= end else today


EMPTY = Row()


class Calendar:
    """Windows by kind and place, the places' clocks, and what quotas leave to the center."""

    def __init__(
        self, places: Iterable[Place], windows: Iterable[Window] = (), quotas: Sequence[QuotaLeft] = ()
    ) -> None:
        self.quotas = quotas
        self.places = {place.id: place for place in places}
        self._rows: dict[Key, Row] = {}
        self.add(
            Columns(
                Source(w.kind, w.organization_id, w.place_id, w.resource_name, w.lane),
                [str(w.slot_id)],
                [ticks(w.starts_at)],
                [ticks(w.ends_at)],
                [w.left],
            )
            for w in windows
        )

    def add(self, columns: Iterable[Columns]) -> None:
        """Add what was read elsewhere, once per kind and place; places that are not known are left out."""
        found: dict[Key, list[Columns]] = {}
        for one in columns:
            if one.source.place_id in self.places:
                found.setdefault(_key(one.source), []).append(one)
        self._rows |= {key: Row(parts) for key, parts in found.items()}

    def row(self, kind: str, place_id: UUID, destination_id: UUID | None = None) -> Row:
        """Return the windows of a kind at a place; of a lane those of one way."""
        return self._rows.get((str(kind), place_id, destination_id), EMPTY)

    def destinations(self, origin_id: UUID) -> list[UUID]:
        """Return where lanes lead from a place."""
        lane = ResourceKind.COURIER_LANE.value
        return [to for kind, place, to in self._rows if kind == lane and place == origin_id and to is not None]

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

    def has(self, slot_id: UUID) -> bool:
        return str(slot_id) in self._where

    def take(self, slot_ids: Iterable[UUID], places: int = 1) -> None:
        """Take places of slots in this copy of the calendar (negative: give back), as a simulation or a plan does."""
        for slot_id in slot_ids:
            row, index = self._where[str(slot_id)]
            row.left[index] -= places


def _key(source: Source) -> Key:
    return str(source.kind), source.place_id, source.lane.destination_id if source.lane else None
