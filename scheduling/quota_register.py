"""Quotas as they are shown. The manufacturer sees every share and its use, no order and no patient.

A center sees its own share, and of a region or the pool only its own use and whether there is room (CM2's rule for
lines: how much others have is theirs). Run inside ``reading``; the number of queries is constant.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from ledger.context import Actor
from ledger.walls import visible
from personas.queries import organization_names
from scheduling.models import Allotment, Quota
from scheduling.quota_rules import left_of
from scheduling.states import Share


@dataclass
class Period:
    """One share in one period. ``places``, ``reserve``, ``used``, ``remade``, ``released`` are None where they would
    tell a center what others have; ``own`` is what the reader's organization uses."""

    starts_on: dt.date
    ends_on: dt.date
    has_room: bool
    own: int = 0
    places: int | None = None
    reserve: int | None = None
    used: int | None = None
    remade: int | None = None
    released: int | None = None
    releases_on: dt.date | None = None

    @property
    def tenths(self) -> int:
        """How full it is: 0 to 10."""
        taken = (self.used or 0) + (self.remade or 0)
        return round(10 * taken / self.places) if self.places else (0 if self.has_room else 10)


@dataclass
class ShareLine:
    """A share of a quota with its periods, soonest first."""

    share: str
    label: str
    center_id: UUID | None
    region: str
    countries: list[str]
    periods: list[Period] = field(default_factory=list)


def quotas(actor: Actor, *, own: bool = False) -> QuerySet[Quota]:
    """Return the quotas of the actor's organization and its partners that still run, soonest first."""
    found = visible(Quota, actor).filter(ends_on__gte=timezone.now().date() - dt.timedelta(days=1))
    found = found.filter(organization_id=actor.organization_id) if own else found
    return found.order_by("therapy_id", "stage", "starts_on", "pk")


def lines(actor: Actor, rows: Sequence[Quota], most_periods: int = 6) -> dict[UUID, list[ShareLine]]:
    """Return, by quota, each share that the actor sees with its next periods."""
    now = timezone.now()
    allotments = visible(Allotment, actor).filter(quota_id__in=[row.pk for row in rows], ends_at__gt=now)
    mine = Count("uses", filter=Q(uses__center_id=actor.organization_id, uses__given_back_at__isnull=True))
    known = list(allotments.annotate(own=mine).order_by("share", "region", "center_id", "starts_at"))
    names = organization_names(actor, [row.center_id for row in known if row.center_id])
    zones = {row.pk: ZoneInfo(row.zone) for row in rows}
    found: dict[UUID, dict[tuple[str, UUID | None, str], ShareLine]] = defaultdict(dict)
    for one in known:
        key = (one.share, one.center_id, one.region)
        label = names.get(one.center_id, "Your center") if one.center_id else one.region or "Common pool"
        line = found[one.quota_id].setdefault(
            key, ShareLine(one.share, label, one.center_id, one.region, list(one.countries))
        )
        if len(line.periods) < most_periods:
            line.periods.append(_period(actor, one, zones[one.quota_id]))
    order = {share: position for position, share in enumerate(Share.values)}
    return {key: sorted(shares.values(), key=lambda line: order[line.share]) for key, shares in found.items()}


def _period(actor: Actor, row: Allotment, zone: ZoneInfo) -> Period:
    left = left_of(row)
    period = Period(
        starts_on=row.starts_at.astimezone(zone).date(),
        ends_on=(row.ends_at.astimezone(zone) - dt.timedelta(hours=1)).date(),
        has_room=left.left > 0,
        own=row.own,  # type: ignore[attr-defined]
    )
    if actor.organization_id in (row.organization_id, row.center_id):
        period.places, period.reserve, period.released = row.places, row.reserve, row.released
        period.used, period.remade = row.used, row.remade
        period.releases_on = row.releases_at.astimezone(zone).date() if row.releases_at else None
    return period
