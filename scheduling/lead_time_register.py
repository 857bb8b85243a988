"""The register of lead-time overrides: what it holds for a search, and how it is shown (FEATURES F21).

Run inside ``reading`` or an action. A center learns what holds everywhere, at plants and at its own sites.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from ledger import directory
from ledger.context import Actor
from ledger.prepared import Prepared
from ledger.walls import visible
from network.queries import therapies
from personas.queries import sites
from scheduling.conditions import LeadTime
from scheduling.lead_times import STEPS, span_words
from scheduling.models import LeadTimeOverride
from scheduling.states import OverrideState


@dataclass(frozen=True)
class LeadTimeEntry:
    """An override with the names of what it is about; codes for machines, names for people."""

    row: LeadTimeOverride
    label: str
    takes: str
    site: str
    site_name: str
    therapy: str
    therapy_name: str

    @property
    def scope_words(self) -> str:
        return self._scope(self.site_name, f"for {self.therapy_name}" if self.therapy_name else "")

    @property
    def public_words(self) -> str:
        """The override for the record: codes instead of names."""
        return f"{self.label} takes {self.takes} {self._scope(self.site, self.therapy and f'for {self.therapy}')}"

    def _scope(self, site: str, therapy: str) -> str:
        said = [f"at {site}" if site else "", f"in {self.row.market}" if self.row.market else "", therapy]
        return " ".join(filter(None, said)) or "everywhere"


def of_maker(manufacturer_id: UUID, therapy_id: UUID, market: str, site_ids: Collection[UUID]) -> tuple[LeadTime, ...]:
    """Return what a manufacturer's register says about chains of a therapy between these sites, from the directory."""
    return tuple(
        as_rule(row)
        for row in directory.kept("lead times", manufacturer_id, lambda: _counting(maker=manufacturer_id))
        if row.market in ("", market)
        and row.therapy_id in (None, therapy_id)
        and (row.site_id is None or row.site_id in site_ids)
    )


@Prepared
def _counting(maker: UUID) -> QuerySet[LeadTimeOverride]:
    return LeadTimeOverride.unwalled.filter(organization_id=maker, withdrawn_at__isnull=True).order_by("pk")


def as_rule(row: LeadTimeOverride) -> LeadTime:
    """Return a row as the plain value that the search takes."""
    return LeadTime(
        step=row.step,
        at_least=row.at_least,
        at_most=row.at_most,
        priority=row.priority,
        market=row.market,
        site_id=row.site_id,
        therapy_id=row.therapy_id,
        since=row.first_date,
        until=row.last_date + dt.timedelta(days=1) if row.last_date else None,
        reason=row.reason,
        is_registered=True,
    )


def lead_times(
    actor: Actor,
    today: dt.date,
    *,
    state: str = OverrideState.NOW,
    step: str = "",
    market: str = "",
    site: str = "",
    therapy: str = "",
) -> QuerySet[LeadTimeOverride]:
    """Return the overrides of the actor's organization, those that count before others of their step first.

    ``site`` and ``therapy`` are codes.
    """
    found = visible(LeadTimeOverride, actor).filter(organization_id=actor.organization_id)
    counting = Q(withdrawn_at__isnull=True) & (Q(last_date__isnull=True) | Q(last_date__gte=today))
    if state != OverrideState.ALL:
        found = found.exclude(counting) if state == OverrideState.ENDED else found.filter(counting)
    found = found.filter(step=step) if step else found
    found = found.filter(market=market) if market else found
    found = found.filter(site__code=site) if site else found
    if therapy:
        own = therapies(actor, active=False).filter(manufacturer_id=actor.organization_id, code=therapy)
        found = found.filter(therapy_id__in=own.order_by().values("pk"))
    return found.order_by("step", "-priority", _first(site__isnull=True), _first(market=""), "-first_date", "pk")


def _first(**last: object) -> Case:
    return Case(When(**last, then=Value(1)), default=Value(0), output_field=IntegerField())


def lead_time_entries(actor: Actor, rows: Collection[LeadTimeOverride]) -> list[LeadTimeEntry]:
    """Return rows with their names: two queries for any number."""
    places = {row.site_id for row in rows if row.site_id}
    products = {row.therapy_id for row in rows if row.therapy_id}
    nobody = ("", "")
    named_sites: dict[UUID | None, tuple[str, str]] = {
        pk: (code, name) for pk, code, name in sites(actor).filter(pk__in=places).values_list("pk", "code", "name")
    }
    known = therapies(actor, active=False).filter(pk__in=products).values_list("pk", "code", "name")
    named_therapies: dict[UUID | None, tuple[str, str]] = {pk: (code, name) for pk, code, name in known}
    return [
        LeadTimeEntry(
            row,
            STEPS[row.step][0],
            span_words(as_rule(row)),
            *named_sites.get(row.site_id, nobody),
            *named_therapies.get(row.therapy_id, nobody),
        )
        for row in rows
    ]
