"""Parties of an order: joining makes the record visible, and makes the joiners known to each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from uuid import UUID

from django.utils import timezone

from ledger import directory
from ledger.models import Partnership, Party
from ledger.parties import forget_parties, note_parties, parties_of
from ledger.states import Role
from orders import places
from orders.models import Order, OrderStep
from orders.states import OPEN_STEP_STATES, PLANT
from personas.queries import Site


def current_parties(order: Order) -> list[Party]:
    return parties_of(order.stream_id)


def with_role(order: Order, role: str) -> Party | None:
    """Return the party that takes part in a role now, or None."""
    return next((party for party in current_parties(order) if party.role == role), None)


@dataclass(frozen=True)
class Newcomer:
    """An organization that takes part in an order in a role, at a site where it has more than one."""

    organization_id: UUID
    role: str
    site_id: UUID | None = None


def join(order: Order, *newcomers: Newcomer) -> None:
    """Make organizations parties of the order (once per role), known to each other; ``attempts`` hands them steps."""
    present, fresh = current_parties(order), []
    for one in newcomers:
        found = next((p for p in present if (p.organization_id, p.role) == (one.organization_id, one.role)), None)
        if found is None:
            fresh.append(
                Party(
                    stream_id=order.stream_id, organization_id=one.organization_id, role=one.role, site_id=one.site_id
                )
            )
        elif one.site_id and found.site_id != one.site_id:
            found.site_id = one.site_id
            found.save(update_fields=["site_id"])
            forget_parties(order.stream_id)
    if fresh:
        Party.objects.bulk_create(fresh)  # at once: each statement writes the new parties on every row of the order
        note_parties(order.stream_id, fresh)
        _introduce({party.organization_id for party in fresh}, {party.organization_id for party in present})


def leave(order: Order, organization_id: UUID, role: str) -> None:
    """End a party: it keeps reading its own period, and is never removed."""
    for party in current_parties(order):
        if party.organization_id == organization_id and party.role == role:
            party.until = timezone.now()
            party.save(update_fields=["until"])
            forget_parties(order.stream_id)


def _introduce(newcomers: set[UUID], others: set[UUID]) -> None:
    """Make organizations partners; whether they are already is behind the wall, so the database decides."""
    pairs = sorted(pair for pair in permutations(newcomers | others, 2) if newcomers & set(pair))
    directory.kept("introduced", tuple(pairs), lambda: _make_partners(pairs))  # once per version of the directory


def _make_partners(pairs: Sequence[tuple[UUID, UUID]]) -> bool:
    Partnership.objects.bulk_create(
        [Partnership(viewer_id=viewer, organization_id=seen) for viewer, seen in pairs], ignore_conflicts=True
    )
    return True


Place = tuple[UUID | None, UUID | None]  # organization and site that a step belongs to


def _place_of(order: Order, actor: str, parties: list[Party]) -> Place:
    """Return which party, at which site, a flow step's actor stands for; two times None while there is none."""
    if actor != PLANT:
        party = next((party for party in parties if party.role == actor), None)
        return (party.organization_id, party.site_id) if party else (None, None)
    if order.plant_site_id is None:
        return (None, None)
    site = directory.rows(Site, [order.plant_site_id]).get(order.plant_site_id)
    makers = {party.organization_id for party in parties if party.role in (Role.CMO, Role.MANUFACTURER)}
    return (site.organization_id, site.pk) if site and site.organization_id in makers else (None, None)


def assign(order: Order) -> None:
    """Give every open step to the party it belongs to now."""
    steps = places.define(OrderStep.unwalled.filter(order=order, state__in=OPEN_STEP_STATES))
    given: dict[Place, list[UUID]] = {}
    for step in give(order, steps):
        given.setdefault((step.responsible_id, step.site_id), []).append(step.pk)
    for (organization_id, site_id), ids in given.items():
        OrderStep.unwalled.filter(pk__in=ids).update(responsible_id=organization_id, site_id=site_id)


def give(order: Order, steps: Iterable[OrderStep]) -> list[OrderStep]:
    """Set organization and site of each step (nothing is saved); return the steps for which they changed."""
    rows = list(steps)
    parties = current_parties(order)
    where = {actor: _place_of(order, actor, parties) for actor in {row.flow_step.actor for row in rows}}
    changed = [row for row in rows if (row.responsible_id, row.site_id) != where[row.flow_step.actor]]
    for row in changed:
        row.responsible_id, row.site_id = where[row.flow_step.actor]
    return changed
