"""Which center may order which therapy, what stands in the way, and what runs out soon (SN1, SN5, SQ3)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from ledger.context import Actor
from ledger.walls import visible
from network.models import Credential, Lane, SiteAuthorization, Specification, Therapy, TherapyPlant, Training
from network.states import AuthorizationState, Direction
from personas.queries import people_names, sites

WARNINGS = (7, 14, 30)  # days before something runs out: the nearest that applies is said


@dataclass(frozen=True)
class Readiness:
    """One site for one therapy. ``blockers`` say in words why an order cannot run; ``soon``: days until it ends."""

    authorization: SiteAuthorization
    therapy: Therapy
    site: Any
    blockers: list[str] = field(default_factory=list)
    soon: int | None = None

    @property
    def is_ready(self) -> bool:
        return not self.blockers


@dataclass(frozen=True)
class Expiring:
    """A credential or training of the own organization's people that runs out soon, or has."""

    kind: str
    what: str
    person: str
    until: dt.datetime
    soon: int


def soon(until: dt.datetime | None, now: dt.datetime) -> int | None:
    """Return the warning that applies: 0 when it has run out, else 7, 14 or 30 days; None when it is far."""
    if until is None:
        return None
    if until <= now:
        return 0
    return next((days for days in WARNINGS if until <= now + dt.timedelta(days=days)), None)


def by_therapy(actor: Actor) -> list[Readiness]:
    """Return every site that was ever authorized for one of the actor's therapies, by therapy and site."""
    now = timezone.now()
    rows = list(visible(SiteAuthorization, actor).filter(manufacturer_id=actor.organization_id))
    therapies = visible(Therapy, actor).in_bulk({row.therapy_id for row in rows})
    places = {site.pk: site for site in sites(actor).filter(pk__in={row.site_id for row in rows})}
    specified = set(visible(Specification, actor).filter(effective_from__lte=now).values_list("therapy_id", flat=True))
    plants = _plants(actor)
    ways = {
        (lane.origin_id, lane.destination_id, lane.direction)
        for lane in visible(Lane, actor).filter(manufacturer_id=actor.organization_id, until__isnull=True)
    }
    found = []
    for row in rows:
        therapy, site = therapies.get(row.therapy_id), places.get(row.site_id)
        if therapy is None or site is None:
            continue
        making = [
            plant for plant in plants.get(row.therapy_id, []) if not plant.markets or site.country in plant.markets
        ]
        blockers = _blockers(row, therapy, site, making, ways, now)
        if row.therapy_id not in specified:
            blockers.append("No specification of the therapy is in force.")
        found.append(Readiness(row, therapy, site, blockers, soon(row.until, now)))
    return sorted(found, key=lambda one: (one.therapy.name, one.site.name))


def _plants(actor: Actor) -> dict[Any, list[TherapyPlant]]:
    found: dict[Any, list[TherapyPlant]] = {}
    for plant in visible(TherapyPlant, actor).filter(manufacturer_id=actor.organization_id, active=True):
        found.setdefault(plant.therapy_id, []).append(plant)
    return found


def _blockers(
    row: SiteAuthorization, therapy: Therapy, site: Any, making: list[TherapyPlant], ways: set[Any], now: dt.datetime
) -> list[str]:
    found = []
    if row.state == AuthorizationState.SUSPENDED:
        found.append(f"Suspended: {row.reason}")
    if row.until is not None and row.until <= now:
        found.append("The authorization has ended.")
    if row.since > now:
        found.append("The authorization has not begun.")
    if not therapy.active:
        found.append("The therapy is not active.")
    if not making:
        found.append(f"No plant may make it for {site.country}.")
        return found
    plants = {plant.site_id for plant in making}
    autologous = therapy.modality.startswith("autologous")
    if autologous and not any((site.pk, plant, Direction.INBOUND) in ways for plant in plants):
        found.append("No lane leads from here to a plant.")
    if not any((plant, site.pk, Direction.OUTBOUND) in ways for plant in plants):
        found.append("No lane leads from a plant to here.")
    return found


def expiring(actor: Actor) -> list[Expiring]:
    """Return what of the own organization's people runs out within 30 days or has in the last 30, soonest first."""
    now = timezone.now()
    window = {"until__gt": now - dt.timedelta(days=30), "until__lte": now + dt.timedelta(days=max(WARNINGS))}
    own = {"organization_id": actor.organization_id, **window}
    rows: list[tuple[str, Any]] = [("Credential", row) for row in visible(Credential, actor).filter(**own)]
    rows += [("Training", row) for row in visible(Training, actor).filter(**own)]
    names = people_names(actor, {row.person_id for _, row in rows})
    found = [
        Expiring(kind, row.kind.replace("_", " "), names.get(row.person_id, "Somebody who left"), row.until, left)
        for kind, row in rows
        if (left := soon(row.until, now)) is not None
    ]
    return sorted(found, key=lambda one: (one.until, one.person))
