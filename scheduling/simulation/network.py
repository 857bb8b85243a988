"""The network of a simulation, as plain values; ``network_file`` reads and writes them, ``fictional`` makes them up."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field, replace
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

from scheduling.conditions import LeadTime

EVERY_DAY = frozenset(range(1, 8))
WORKDAYS = frozenset(range(1, 6))


@dataclass(frozen=True)
class Plant:
    id: str
    zone: str
    lines: int
    receives: frozenset[int] = EVERY_DAY
    starts: frozenset[int] = EVERY_DAY


@dataclass(frozen=True)
class Center:
    """``country``: its market. ``beds``: infusions that can begin on one day (None: never short of beds)."""

    id: str
    zone: str
    chairs: int
    orders_per_year: float
    collects: frozenset[int] = WORKDAYS
    country: str = ""
    beds: int | None = None
    infuses: frozenset[int] = EVERY_DAY


@dataclass(frozen=True)
class LaneRun:
    """A courier's runs between a center and a plant: there, or back (``Network.returns``)."""

    center: str
    plant: str
    hours: float
    cutoff: dt.time = dt.time(20)
    runs: frozenset[int] = EVERY_DAY
    places: int = 50


@dataclass(frozen=True)
class Override:
    """A lead time that is another one in a market or at a site (by its id in the file); see ``LeadTime``."""

    step: str
    at_least: float | None = None
    at_most: float | None = None
    priority: int = 0
    market: str = ""
    site: str = ""
    since: dt.date = dt.date.min
    until: dt.date | None = None
    reason: str = ""
    registered: bool = False

    @property
    def rule(self) -> LeadTime:
        return LeadTime(
            self.step, self.at_least, self.at_most, self.priority, self.market,
            site_id(self.site) if self.site else None, None, self.since, self.until, self.reason, self.registered,
        )  # fmt: skip


@dataclass(frozen=True)
class ShareOf:
    """The places of one center, of some countries, or of everybody (neither: the pool), in each period."""

    places: int
    center: str = ""
    countries: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return self.center or ", ".join(self.countries) or "pool"


@dataclass(frozen=True)
class QuotaRule:
    """How one stage is shared out per week or month on the clock of ``zone``; see ``scheduling.models.Quota``."""

    stage: str
    shares: tuple[ShareOf, ...]
    period: str = "week"
    zone: str = "UTC"
    release_days: int | None = None
    reserve_percent: int = 0


@dataclass(frozen=True)
class Process:
    """The therapy's durations; see the schema."""

    collection_hours: float = 5
    pack_minutes: float = 60
    max_age_hours: float = 72
    age_buffer_hours: float = 6
    manufacture_days: int = 9
    release_days: float = 7
    conditioning_days: float = 5
    lead_days: int = 3
    patience_days: int = 90


@dataclass(frozen=True)
class Network:
    plants: tuple[Plant, ...]
    centers: tuple[Center, ...]
    lanes: tuple[LaneRun, ...]
    process: Process = field(default_factory=Process)
    first_day: dt.date = dt.date(2026, 1, 5)
    title: str = ""
    returns: tuple[LaneRun, ...] = ()
    lead_times: tuple[Override, ...] = ()
    quotas: tuple[QuotaRule, ...] = ()

    @property
    def orders_per_year(self) -> float:
        return sum(center.orders_per_year for center in self.centers)

    def with_lines(self, factor: float) -> Network:
        """Return the network with so many times the lines, at least one where there were any; quotas of manufacture
        grow alike, as they share out what the lines can do."""
        return replace(
            self,
            plants=tuple(replace(p, lines=max(1, round(p.lines * factor)) if p.lines else 0) for p in self.plants),
            quotas=tuple(_sized(rule, factor) for rule in self.quotas),
        )

    def longest(self, step: str) -> float:
        """Return the most that a step may take, by the process or by an override of it."""
        bounds = (rule.at_least for rule in self.lead_times if rule.step == step)
        return float(max([getattr(self.process, step), *(bound for bound in bounds if bound is not None)]))

    @property
    def manufacture_lengths(self) -> list[int]:
        """Whole days for which a line may be busy with one batch, by the process and by overrides."""
        bounds = [b for r in self.lead_times if r.step == "manufacture_days" for b in (r.at_least, r.at_most)]
        return sorted({self.process.manufacture_days, *(math.ceil(bound) for bound in bounds if bound is not None)})


def _sized(rule: QuotaRule, factor: float) -> QuotaRule:
    if rule.stage != "manufacturing_line":
        return rule
    return replace(rule, shares=tuple(replace(share, places=round(share.places * factor)) for share in rule.shares))


def site_id(name: str) -> UUID:
    """Return the id under which a place of the file stands in the calendar."""
    return uuid5(NAMESPACE_URL, f"simulation:{name}")


def zone_of(name: str) -> ZoneInfo:
    return ZoneInfo(name)
