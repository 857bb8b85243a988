"""Reads an organization's rules, teams and closures as the values that ``scheduling.openings`` plans with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from ledger.context import Actor
from ledger.walls import visible
from personas.queries import Site, sites
from scheduling.models import Closure, OpeningRule, Resource, Team
from scheduling.openings import Crew, Plan, Shift, Shut, plan
from scheduling.states import ResourceKind


@dataclass
class Sources:
    """What stands behind an organization's own windows. Five queries, whatever their number."""

    resources: dict[UUID, Resource]
    places: dict[UUID, Site]  # by resource: where its clock hangs
    rules: list[OpeningRule]
    teams: list[Team]
    closures: list[Closure]

    def zone(self, resource_id: UUID) -> str:
        place = self.places.get(resource_id)
        return place.zone if place else "UTC"

    def plan(self, first: dt.date, last: dt.date) -> Plan:
        """Return what the rules make of the local dates ``first`` … ``last``."""
        shifts = [self._shift(rule) for rule in self.rules if rule.resource_id in self.places]
        crews = [
            Crew(t.site_id, t.shift, t.competence, t.pattern, t.people, t.first_date, t.last_date) for t in self.teams
        ]
        shut = [Shut(c.starts_at, c.ends_at, c.reason, c.resource_id, c.site_id) for c in self.closures]
        return plan(shifts, crews, shut, first, last)

    def _shift(self, rule: OpeningRule) -> Shift:
        site = self.places[rule.resource_id]
        return Shift(
            resource_id=rule.resource_id,
            resource_code=self.resources[rule.resource_id].code,
            site_id=site.pk,
            zone=ZoneInfo(site.zone),
            country=site.country,
            name=rule.shift,
            pattern=rule.pattern,
            starts=rule.starts,
            ends=rule.ends,
            places=rule.places,
            first_date=rule.first_date,
            last_date=rule.last_date,
            on_holidays=rule.on_holidays,
            region=rule.holiday_region,
            competence=rule.competence,
            people_per_place=rule.people_per_place,
            reserved_for=rule.reserved_for,
            release_days=rule.release_days,
        )


def load(actor: Actor) -> Sources:
    """Return everything of the acting organization that is in force."""
    mine = {"organization_id": actor.organization_id}
    resources = {row.pk: row for row in visible(Resource, actor).filter(**mine)}
    return Sources(
        resources,
        places_of(actor, resources.values()),
        list(visible(OpeningRule, actor).filter(withdrawn_at__isnull=True, **mine).order_by("shift", "first_date")),
        list(visible(Team, actor).filter(withdrawn_at__isnull=True, **mine).order_by("code", "first_date")),
        list(visible(Closure, actor).filter(lifted_at__isnull=True, **mine).order_by("starts_at", "pk")),
    )


def places_of(actor: Actor, resources: Iterable[Resource]) -> dict[UUID, Site]:
    """Return the site of each resource, a courier lane's origin; one query."""
    site_of = {row.pk: _site_id(row) for row in resources}
    known = {str(site.pk): site for site in sites(actor).filter(pk__in=set(site_of.values()) - {""})}
    return {pk: known[site_id] for pk, site_id in site_of.items() if site_id in known}


def _site_id(resource: Resource) -> str:
    if resource.kind == ResourceKind.COURIER_LANE or resource.site_id is None:
        return str(resource.attributes.get("origin_site_id", ""))
    return str(resource.site_id)
