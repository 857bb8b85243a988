"""Parties of an order: joining makes the record visible, and makes the joiners known to each other."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.utils import timezone

from ledger.models import Partnership, Party
from ledger.states import Role
from orders.models import Order, OrderStep
from orders.states import OPEN_STEP_STATES, PLANT
from personas.queries import Organization


def current_parties(order: Order) -> list[Party]:
    return list(Party.unwalled.filter(stream_id=order.stream_id, until__isnull=True).order_by("since", "pk"))


def with_role(order: Order, role: str) -> Party | None:
    """Return the party that takes part in a role now, or None."""
    return next((party for party in current_parties(order) if party.role == role), None)


def join(order: Order, organization_id: UUID, role: str, site_id: UUID | None = None) -> Party:
    """Make an organization a party of the order (once per role), known to the other parties; hand it its open steps."""
    parties = current_parties(order)
    found = next((p for p in parties if p.organization_id == organization_id and p.role == role), None)
    if found is None:
        found = Party.objects.create(
            stream_id=order.stream_id, organization_id=organization_id, role=role, site_id=site_id
        )
        _introduce(organization_id, {party.organization_id for party in parties})
    elif site_id and found.site_id != site_id:
        found.site_id = site_id
        found.save(update_fields=["site_id"])
    assign(order)
    return found


def leave(order: Order, organization_id: UUID, role: str) -> None:
    """End a party: it keeps reading its own period, and is never removed."""
    for party in current_parties(order):
        if party.organization_id == organization_id and party.role == role:
            party.until = timezone.now()
            party.save(update_fields=["until"])


def _introduce(newcomer: UUID, others: set[UUID]) -> None:
    """Make organizations partners; whether others are already is behind the wall, so the database decides."""
    pairs = [pair for other in others - {newcomer} for pair in ((newcomer, other), (other, newcomer))]
    Partnership.objects.bulk_create(
        [Partnership(viewer_id=viewer, organization_id=seen) for viewer, seen in pairs], ignore_conflicts=True
    )


Place = tuple[UUID | None, UUID | None]  # organization and site that a step belongs to


def _place_of(order: Order, actor: str, parties: list[Party]) -> Place:
    """Return which party, at which site, a flow step's actor stands for; two times None while there is none."""
    if actor != PLANT:
        party = next((party for party in parties if party.role == actor), None)
        return (party.organization_id, party.site_id) if party else (None, None)
    if order.plant_site_id is None:
        return (None, None)
    plant = Organization.unwalled.filter(sites=order.plant_site_id).values_list("pk", flat=True).first()
    makers = {party.organization_id for party in parties if party.role in (Role.CMO, Role.MANUFACTURER)}
    return (plant, order.plant_site_id) if plant in makers else (None, None)


def assign(order: Order) -> None:
    """Give every open step to the party it belongs to now."""
    steps = list(OrderStep.unwalled.filter(order=order, state__in=OPEN_STEP_STATES).select_related("flow_step"))
    given: dict[Place, list[UUID]] = {}
    for step in give(order, steps):
        given.setdefault((step.responsible_id, step.site_id), []).append(step.pk)
    for (organization_id, site_id), ids in given.items():
        OrderStep.unwalled.filter(pk__in=ids).update(responsible_id=organization_id, site_id=site_id)


def give(order: Order, steps: Iterable[OrderStep]) -> list[OrderStep]:
    """Set organization and site of each step (nothing is saved); return the steps for which they changed."""
    rows = list(steps)
    parties = current_parties(order)
    places = {actor: _place_of(order, actor, parties) for actor in {row.flow_step.actor for row in rows}}
    changed = [row for row in rows if (row.responsible_id, row.site_id) != places[row.flow_step.actor]]
    for row in changed:
        row.responsible_id, row.site_id = places[row.flow_step.actor]
    return changed
