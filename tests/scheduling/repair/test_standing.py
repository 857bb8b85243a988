"""A plan that is signed is checked again, all of its moves together: what stands, what fell, and what is named."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from benchmarks.repair_network import NOW, Network
from scheduling.calendars import Calendar
from scheduling.repair.candidates import problem
from scheduling.repair.pools import dealt
from scheduling.repair.snapshot import Affected, Offered
from scheduling.repair.solver import Limits, solve
from scheduling.repair.standing import FULL, GONE, Shift, as_booked, fallen, ring

Chosen = list[tuple[Affected, tuple[UUID, ...]]]


@pytest.fixture(scope="module")
def plan(network: Network) -> tuple[Chosen, Calendar]:
    """Orders of a closed plant with the places that a repair found them."""
    affected, _, calendar = network.closed_plant(24, closed_days=25)
    asked = problem(affected, calendar, NOW, 35)
    outcome = solve(asked, Limits(workers=1))
    placed = [order for order in affected if outcome.chosen[order.key] is not None]
    drafts = [asked.candidates[order.key][outcome.chosen[order.key] or 0].draft for order in placed]
    assert asked.pools is not None
    own = dealt(asked.pools, [(draft, order.current) for draft, order in zip(drafts, placed, strict=True)])
    return [(order, draft.slot_ids) for order, draft in zip(placed, own, strict=True)], calendar


def offered(plan: tuple[Chosen, Calendar], calendar: Calendar | None = None) -> dict[UUID, Offered]:
    return {order.request.therapy_id: Offered(calendar or plan[1]) for order, _ in plan[0]}


def test_a_plan_stands_as_a_whole_though_its_orders_take_each_others_places(plan: tuple[Chosen, Calendar]) -> None:
    assert len(plan[0]) > 10
    assert fallen(plan[0], offered(plan), NOW) == {}


def test_a_place_that_somebody_took_fells_one_of_those_who_want_it_and_nobody_else(
    plan: tuple[Chosen, Calendar],
) -> None:
    order, slot_ids = plan[0][0]
    lane = slot_ids[1]
    wanting = {one.key for one, ids in plan[0] if lane in ids}
    fuller = [replace(w, left=len(wanting) - 1) if w.slot_id == lane else w for w in plan[1].windows]
    found = fallen(plan[0], offered(plan, Calendar(plan[1].places.values(), fuller)), NOW)
    assert len(found) == 1 and set(found) <= wanting
    if len(wanting) > 1:
        assert found.popitem()[1] == FULL
    given = fallen(plan[0], offered(plan, Calendar(plan[1].places.values(), fuller)), NOW, {lane: 1})
    assert given == {}


def test_a_place_that_is_offered_no_more_is_said(plan: tuple[Chosen, Calendar]) -> None:
    order, slot_ids = plan[0][0]
    others = {one.key for one, ids in plan[0] if slot_ids[0] in ids}
    rest = [window for window in plan[1].windows if window.slot_id != slot_ids[0]]
    found = fallen(plan[0], offered(plan, Calendar(plan[1].places.values(), rest)), NOW)
    assert set(found) == others and set(found.values()) == {GONE}


def test_what_waits_too_long_at_the_plant_falls_by_the_searchs_own_rule(plan: tuple[Chosen, Calendar]) -> None:
    order, slot_ids = plan[0][0]
    strict = replace(order, request=replace(order.request, max_age_hours=1, age_buffer_hours=0))
    why = fallen([(strict, slot_ids)], offered(plan), NOW)[order.key]
    assert "old" in why or "age" in why, why


A, B, C, FREE = (UUID(int=n) for n in range(1, 5))


def shift(key: str, has: UUID, wants: UUID) -> Shift:
    return Shift(key, frozenset({has}), frozenset({wants}))


def test_orders_that_could_only_move_at_once_are_named_before_anybody_is_asked() -> None:
    none = {A: 0, B: 0, C: 0, FREE: 1}
    assert ring([shift("one", A, B), shift("two", B, A)], none) == ["one", "two"]
    assert ring([shift("one", A, B), shift("two", B, C), shift("three", C, A)], none) == ["one", "two", "three"]
    assert ring([shift("one", A, B), shift("two", B, C), shift("three", C, FREE)], none) == [], (
        "the last one goes first"
    )
    assert ring([shift("one", A, B), shift("two", B, A)], none | {A: 1}) == [], "a free place opens it"
    assert ring([shift("one", A, A), shift("two", B, FREE)], none) == []


def test_a_collection_that_stands_needs_no_time_to_be_prepared(plan: tuple[Chosen, Calendar]) -> None:
    order, _ = plan[0][0]
    own = order.current.slot_ids
    assert as_booked(replace(order.request, lead_days=9), own, own).lead_days == 0
    assert as_booked(replace(order.request, lead_days=9), own, (uuid4(), *own[1:])).lead_days == 9
