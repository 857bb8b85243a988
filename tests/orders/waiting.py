"""A waiting list over the small network of ``factories``: scored, decided and signed by the real actions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from ledger.context import reading
from ledger.recording import acting
from orders.actions.waiting_list import add_to_waiting_list
from orders.tasks import offer_freed_places
from scheduling import waiting, waiting_offers
from scheduling.actions.capacity import CapacityRow, publish_capacity
from scheduling.actions.committee import CriteriaDraft, RankRow, decide_ranks, publish_criteria, write_criteria
from scheduling.actions.waiting import score_entry
from scheduling.models import CriteriaSet, RankDecision, Slot, WaitingEntry, WaitingOffer
from scheduling.ranking import computed_order
from tests.factories import PASSWORD, operator
from tests.orders.conftest import patient, prescribed
from tests.orders.factories import World

CRITERIA: list[dict[str, Any]] = [
    {"key": "benefit", "title": "Likely to benefit", "kind": "benefit", "weight": 40, "most": 10},
    {"key": "urgency", "title": "Urgency", "kind": "urgency", "weight": 40, "most": 10},
    {"key": "waited", "title": "Time waited", "kind": "waiting_time", "weight": 20, "most": 1},
]


def make_criteria(world: World, **changes: Any) -> CriteriaSet:
    """Write criteria and let a second person publish them."""
    given = {"therapy": world.therapy.code, "title": "Allocation", "criteria": CRITERIA}
    draft = CriteriaDraft(**{**given, "effective_from": dt.date(2026, 1, 1), **changes})
    written = write_criteria(world.actor("center", "site_quality"), draft)
    return publish_criteria(world.actor("center", "committee_member"), written.pk)


def waits(world: World, benefit: int, urgency: int, *, days: int = 0, code: str = "") -> WaitingEntry:
    """Put a prescribed order on the list, scored; ``days``: as if it had been added so many days ago."""
    coordinator, physician = world.actor("center", "coordinator"), world.actor("center", "treating_physician")
    entry = add_to_waiting_list(coordinator, code or prescribed(world, **patient()))
    if days:
        with acting(coordinator, "scheduling.waiting_added", subject=("order", entry.order_code)) as event:
            event.note(order=entry.order_code)
            entry.added_at -= dt.timedelta(days=days)
            WaitingEntry.unwalled.filter(pk=entry.pk).update(added_at=entry.added_at)
    score_entry(physician, entry.pk, {"benefit": benefit, "urgency": urgency})
    return entry


def signatures(world: World, count: int = 2) -> list[dict[str, str]]:
    return [
        {"username": world.username("center", "committee_member", number + 1), "password": PASSWORD}
        for number in range(count)
    ]


def decide(
    world: World,
    order: Sequence[WaitingEntry] | None = None,
    *,
    count: int = 2,
    answer: str = "",
    reasons: dict[str, str] | None = None,
) -> RankDecision:
    """Let the committee sign: by score, or in this order; ``reasons`` by order code."""
    member = world.actor("center", "committee_member")
    with reading(member):
        criteria = waiting.criteria_in_force(member, world.therapy.pk)
        assert criteria is not None
        standings = waiting.standings(member, criteria)
    codes = {one.entry_id: one.order_code for one in standings}
    ids = [entry.pk for entry in order] if order is not None else [one.entry_id for one in computed_order(standings)]
    rows = [RankRow(key, (reasons or {}).get(codes.get(key, ""), "")) for key in ids]
    return decide_ranks(member, world.therapy.pk, rows, signatures(world, count), answer=answer)


def line_places(world: World, places: int) -> None:
    """Offer so many manufacturing starts, over all days together: on the last one, none on the others."""
    planner = operator(world.maker)
    with reading(planner):
        slots = Slot.unwalled.filter(organization_id=world.maker.pk, kind="manufacturing_line").select_related(
            "resource"
        )
        found = list(slots.order_by("starts_at"))
    rows = [CapacityRow(s.resource.code, s.starts_at, s.ends_at, s.taken) for s in found]
    last = max(range(len(found) - 3), key=lambda i: found[i].starts_at)
    rows[last] = CapacityRow(rows[last].resource, rows[last].starts_at, rows[last].ends_at, found[last].taken + places)
    publish_capacity(planner, rows)


def offers(world: World) -> list[WaitingOffer]:
    """What waits for an answer at the center."""
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        return waiting_offers.offers_to_answer(coordinator)


def taken(world: World) -> int:
    with reading(operator(world.maker)):
        slots = Slot.unwalled.filter(organization_id=world.maker.pk, kind="manufacturing_line")
        return sum(slots.values_list("taken", flat=True))


def listed(world: World, count: int = 3, **criteria: Any) -> list[WaitingEntry]:
    """A list of so many, decided by score, with no place to offer."""
    line_places(world, 0)
    make_criteria(world, **criteria)
    entries = [waits(world, 9 - n, 9 - n) for n in range(count)]
    decide(world)
    assert offer_freed_places() == 0
    return entries
