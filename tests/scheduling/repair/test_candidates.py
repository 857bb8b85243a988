"""Every chain that a repair chooses from is feasible by a checker that shares no code with the search."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from uuid import UUID

from benchmarks.repair_network import NOW, Network
from scheduling.calendars import Calendar
from scheduling.drafts import Draft
from scheduling.offers import ChainRequest
from scheduling.repair.candidates import problem
from scheduling.repair.explanation import explain
from scheduling.repair.pools import dealt
from scheduling.repair.snapshot import Affected, Material, without
from scheduling.repair.solver import Limits, solve

HOUR = dt.timedelta(hours=1)


def small(orders: int) -> tuple[list[Affected], set[object], Calendar, Network]:
    network = Network(3, plants=2, centers=4, couriers=2, lines=3, days=40)
    affected, closed, calendar = network.closed_plant(orders, closed_days=25)
    return affected, set(closed), calendar, network


def faults_of(draft: Draft, request: ChainRequest) -> list[str]:
    """Check a chain of fresh material link by link, from its windows alone."""
    by_kind = {pick.kind: pick for pick in draft.picks}
    chair, lane = by_kind["apheresis_chair"], by_kind["courier_lane"]
    bay, line = by_kind["receiving"], by_kind["manufacturing_line"]
    ready = draft.collection_end + dt.timedelta(minutes=request.pack_minutes)
    arrival = lane.starts_at + lane.window.lane.transit  # type: ignore[union-attr]
    age = line.starts_at - draft.collection_end
    checks = {
        "the chair holds the collection": chair.window.starts_at == draft.collection_start
        and draft.collection_start + HOUR * request.collection_hours <= chair.window.ends_at,
        "packed before pickup": ready <= lane.starts_at < lane.window.ends_at,
        "one plant": bay.window.place_id == line.window.place_id == lane.window.lane.destination_id,  # type: ignore[union-attr]
        "received": bay.window.starts_at <= arrival < bay.window.ends_at,
        "started after arrival, on the line": arrival <= line.starts_at < line.window.ends_at,
        "young on arrival": arrival - draft.collection_end
        <= HOUR * ((request.max_age_hours or 0) - request.age_buffer_hours),
        "young at the start": age <= HOUR * (request.max_age_hours or 0),
    }
    return [name for name, holds in checks.items() if not holds]


def test_a_repair_places_the_orders_of_a_closed_plant_elsewhere() -> None:
    affected, closed, calendar, network = small(24)
    asked = problem(affected, calendar, NOW, 35)
    outcome = solve(asked, Limits(workers=1))
    assert outcome.is_optimal
    placed = [order for order in affected if outcome.chosen[order.key] is not None]
    chosen = [asked.candidates[order.key][outcome.chosen[order.key] or 0].draft for order in placed]
    assert asked.pools is not None
    drafts = dealt(asked.pools, [(d, order.current) for d, order in zip(chosen, placed, strict=True)])
    assert placed and not [fault for d, o in zip(drafts, placed, strict=True) for fault in faults_of(d, o.request)]
    used = Counter(slot_id for d in drafts for slot_id in d.slot_ids)
    left = {window.slot_id: window.left for window in calendar.windows}
    assert not closed & used.keys()
    assert all(left[slot_id] >= places for slot_id, places in used.items())
    words = explain(placed[0], drafts[0], network.calendar().places, "Plant 1 is closed")
    assert "Reason: Plant 1 is closed." in words and "moves from" in words


def test_every_candidate_is_feasible_and_none_begins_before_it_can_be_prepared() -> None:
    affected, _, calendar, _ = small(8)
    asked = problem(affected, calendar, NOW, 35)
    for order in affected:
        assert asked.candidates[order.key]
        for candidate in asked.candidates[order.key]:
            assert not faults_of(candidate.draft, order.request)
            lead = candidate.draft.collection_start - NOW
            kept = candidate.draft.collection_start == order.current.collection_start
            assert kept or lead > dt.timedelta(days=order.request.lead_days - 1)


def test_collected_material_keeps_its_collection_or_is_lost() -> None:
    affected, closed, calendar, network = small(4)
    order = affected[0]
    later = order.current.collection_end + HOUR / 2
    collected = Affected(
        order.key,
        order.request,
        order.current,
        Material.AT_CENTER,
        expires_at=order.current.collection_end + HOUR * 72,
    )
    asked = problem([collected], calendar, later, 35)
    for candidate in asked.candidates[order.key]:
        stands = candidate.draft.collection_start == order.current.collection_start
        assert candidate.harm.expired == int(not stands)
        assert not stands or candidate.draft.manufacture_start <= collected.expires_at  # type: ignore[operator]
    assert any(not c.harm.expired for c in asked.candidates[order.key])


def test_material_at_the_plant_waits_for_another_start_there_as_long_as_it_lasts() -> None:
    affected, closed, calendar, network = small(4)
    order = affected[0]
    lost = {pick.window.slot_id for pick in order.current.picks if pick.kind == "manufacturing_line"}
    open_again = without(network.calendar(), lost)
    at_plant = Affected(
        order.key,
        order.request,
        order.current,
        Material.AT_PLANT,
        expires_at=order.current.collection_end + HOUR * 72,
    )
    asked = problem([at_plant], open_again, order.current.arrival_at, 35)
    kept = [c.draft for c in asked.candidates[order.key] if not c.harm.expired]
    assert kept
    for draft in kept:
        assert draft.plant_id == order.current.plant_id and draft.picks[0] == order.current.picks[0]
        assert order.current.arrival_at <= draft.manufacture_start <= at_plant.expires_at  # type: ignore[operator]
        assert not lost & set(draft.slot_ids)


def test_who_is_left_without_a_place_keeps_what_it_has_and_nobody_else_gets_it() -> None:
    affected, _, _, network = small(2)
    first = affected[0]
    chair = first.current.picks[0].window.slot_id
    elsewhere = replace(first.current.picks[0].window, slot_id=UUID(int=10**9))
    picks = (replace(first.current.picks[0], window=elsewhere), *first.current.picks[1:])
    second = replace(first, key="second", current=replace(first.current, picks=picks))
    windows = [w for w in network.windows if w.kind != "apheresis_chair" or w.slot_id == chair]
    full = [replace(w, left=0) if w.slot_id == chair else w for w in windows]
    calendar = without(Calendar(network.calendar().places.values(), full), set(), [first])

    def chosen(*orders: Affected) -> dict[str, bool]:
        outcome = solve(problem(orders, calendar, NOW, 35), Limits(workers=1))
        assert outcome.is_optimal
        return {key: index is not None for key, index in outcome.chosen.items()}

    assert sum(chosen(first, second).values()) == 1
    stuck = replace(first, latest=NOW)
    assert chosen(stuck, second) == {first.key: False, "second": False}


def test_where_places_suffice_for_all_an_order_may_still_choose_between_dates() -> None:
    affected, _, calendar, network = small(8)
    plenty = Calendar(calendar.places.values(), [replace(w, left=50) for w in calendar.windows], calendar.quotas)
    asked = problem(affected, plenty, NOW, 35)
    for order in affected:
        choices = asked.choices(order.key, 4)
        assert len({choice.draft.manufacture_start for choice in choices}) == len(choices) == 4
        assert choices[0] == asked.candidates[order.key][0], "the least harmful is the first"
        assert not [fault for choice in choices for fault in faults_of(choice.draft, order.request)]
    names = network.calendar().places
    first, others = affected[0], asked.choices(affected[0].key, 4)
    words = explain(first, others[0].draft, names, "Plant 1 is closed.", others)
    assert "Reason: Plant 1 is closed. Otherwise: a collection on " in words
    assert "needed more elsewhere" not in words, "it is free, and was not chosen because it does more harm"
