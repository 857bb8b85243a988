"""Offered windows in memory: loaded once per search, asked many times. Pure values, no table."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling.quota_rules import QuotaLeft
from scheduling.states import ResourceKind


@dataclass(frozen=True, slots=True)
class Place:
    """A site as the calendar needs it; ``zone`` is where its clock hangs."""

    id: UUID
    name: str
    organization_id: UUID
    zone: ZoneInfo
    country: str = ""

    def local(self, instant: dt.datetime) -> dt.datetime:
        return instant.astimezone(self.zone)

    def words(self, instant: dt.datetime) -> str:
        """Return the instant on this place's clock, with its zone: ``Sun 29 Mar 2026 03:00 (Europe/Berlin)``."""
        return f"{self.local(instant):%a %d %b %Y %H:%M} ({self.zone.key})"


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


@dataclass
class _Row:
    """The windows of one kind at one place, in order of time."""

    windows: list[Window] = field(default_factory=list)
    starts: list[dt.datetime] = field(default_factory=list)
    longest: dt.timedelta = dt.timedelta()

    def settle(self) -> None:
        self.windows.sort(key=lambda w: (w.starts_at, w.slot_id))
        self.starts = [w.starts_at for w in self.windows]
        self.longest = max((w.ends_at - w.starts_at for w in self.windows), default=dt.timedelta())

    def from_instant(self, instant: dt.datetime) -> Iterator[Window]:
        """Windows that end after the instant, earliest first."""
        for position in range(bisect_left(self.starts, instant - self.longest), len(self.windows)):
            if self.windows[position].ends_at > instant:
                yield self.windows[position]

    def between(self, first: dt.datetime, last: dt.datetime) -> list[Window]:
        """Windows that start at ``first`` or later and before ``last``."""
        return self.windows[bisect_left(self.starts, first) : bisect_left(self.starts, last)]

    def covering(self, instant: dt.datetime) -> list[Window]:
        """Windows open at the instant: their start belongs to them, their end does not."""
        near = self.windows[bisect_left(self.starts, instant - self.longest) : bisect_right(self.starts, instant)]
        return [window for window in near if window.ends_at > instant]


class Calendar:
    """Windows by kind and place, the places' clocks, and what quotas leave to the center."""

    def __init__(self, places: Iterable[Place], windows: Iterable[Window], quotas: Sequence[QuotaLeft] = ()) -> None:
        self.quotas = quotas
        self.places = {place.id: place for place in places}
        self.windows = [window for window in windows if window.place_id in self.places]
        self._rows: dict[tuple[str, UUID], _Row] = defaultdict(_Row)
        for window in self.windows:
            self._rows[window.kind, window.place_id].windows.append(window)
        for row in self._rows.values():
            row.settle()

    def _row(self, kind: str, place_id: UUID) -> _Row:
        return self._rows.get((kind, place_id)) or _Row()

    def on(self, kind: str, place_id: UUID, date: dt.date) -> list[Window]:
        """Windows that start on the place's local date."""
        return self._row(kind, place_id).between(*day_of(date, self.places[place_id].zone))

    def runs(self, origin_id: UUID, ready: dt.datetime) -> list[Window]:
        """Lane windows of the origin's local day of ``ready``, and one from the day before that is still open."""
        row = self._row(ResourceKind.COURIER_LANE, origin_id)
        today = row.between(*day_of(self.places[origin_id].local(ready).date(), self.places[origin_id].zone))
        return [w for w in row.covering(ready) if w not in today] + today

    def covering(self, kind: str, place_id: UUID, instant: dt.datetime) -> list[Window]:
        return self._row(kind, place_id).covering(instant)

    def after(self, kind: str, place_id: UUID, instant: dt.datetime) -> Iterator[Window]:
        return self._row(kind, place_id).from_instant(instant)


def day_of(date: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """Return the first instant of the local date and of the next one, in UTC: 23, 24 or 25 hours apart."""
    midnight, next_one = (dt.datetime.combine(d, dt.time(), zone) for d in (date, date + dt.timedelta(days=1)))
    return midnight.astimezone(dt.UTC), next_one.astimezone(dt.UTC)
