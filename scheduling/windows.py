"""Offered windows as plain values: where, when, by whom, how many places are left; one by one, or as columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling.clocks import Clock, clock_of, hours


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
    def source(self) -> Source:
        return Source(self.kind, self.organization_id, self.place_id, self.resource_name, self.lane)

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
