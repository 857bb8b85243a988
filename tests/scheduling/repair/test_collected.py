"""What collected material may still do, by where it is: checked window by window, without the planner's own code."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from benchmarks.repair_network import Network
from scheduling.calendars import Calendar
from scheduling.conditions import ShipperHold
from scheduling.drafts import Draft
from scheduling.repair.candidates import problem
from scheduling.repair.collected import dealt, not_held, onward
from scheduling.repair.explanation import explain
from scheduling.repair.snapshot import Affected, Material, movable, without
from scheduling.repair.solver import Limits, solve
from tests.scheduling.repair.material import BAY, CHAIR, HOUR, LANE, LINE, collected


def drafts(order: Affected, calendar: Calendar, now: dt.datetime) -> list[Draft]:
    return [candidate.draft for candidate in problem([order], calendar, now, 35).candidates[order.key]]


def day_of(network: Network, order: Affected, *kinds: str) -> set[object]:
    """The windows of these kinds at the order's plant on the day of its arrival."""
    date = order.current.arrival_at.date()
    here = [w for w in network.windows if w.place_id == order.current.plant_id and w.kind in kinds]
    return {window.slot_id for window in here if window.starts_at.date() == date}


def test_a_box_on_its_way_is_delivered_when_the_dock_opens_again(network: Network, order: Affected) -> None:
    calendar = without(network.calendar(), day_of(network, order, BAY, LINE))  # type: ignore[arg-type]
    box = collected(order, Material.ON_THE_WAY)
    found = drafts(box, calendar, order.current.pickup_at + HOUR)
    assert found
    for draft in found:
        by_kind = {pick.kind: pick for pick in draft.picks}
        assert [by_kind[kind] for kind in (CHAIR, LANE)] == [p for p in order.current.picks if p.kind in (CHAIR, LANE)]
        bay = by_kind[BAY].window
        assert bay.starts_at <= draft.arrival_at < bay.ends_at and draft.arrival_at > order.current.arrival_at
        assert draft.arrival_at - draft.collection_end <= 66 * HOUR
        assert draft.arrival_at <= draft.manufacture_start <= box.expires_at  # type: ignore[operator]
        assert draft.plant_id == order.current.plant_id == by_kind[LINE].window.place_id


def test_a_shipper_that_holds_no_longer_leaves_no_later_delivery(network: Network, order: Affected) -> None:
    calendar = without(network.calendar(), day_of(network, order, BAY, LINE))  # type: ignore[arg-type]
    center, plant = order.request.center_site_id, order.current.plant_id
    packed = order.current.collection_end + HOUR
    hours = (order.current.arrival_at - packed) / HOUR + 1
    holds = (ShipperHold(center, plant, hours, None),)  # type: ignore[arg-type]
    now = order.current.pickup_at + HOUR
    box = collected(order, Material.ON_THE_WAY, request=replace(order.request, shipper_holds=holds))
    assert not drafts(box, calendar, now)
    lasting = drafts(collected(order, Material.ON_THE_WAY), calendar, now)
    needed = (min(draft.arrival_at for draft in lasting) - packed) / HOUR
    lane = next(pick for pick in order.current.picks if pick.kind == LANE).window.resource_name
    why = not_held(box, calendar, now)
    spare = order.request.shipper_buffer_hours
    buffer = f" and a buffer of {spare:g} h" if spare else ""
    assert f"The shipper of {lane} holds for {hours:g} h; {needed:g} h until it arrives{buffer} are more." in why
    said = explain(box, None, calendar.places, "the dock is closed", (), why)
    assert said.index("the dock is closed") < said.index(why) < said.index("expires on")


def test_who_has_no_other_choice_is_told_whose_shipper_rules_the_others_out(network: Network, order: Affected) -> None:
    now, center, plant = order.current.pickup_at + HOUR, order.request.center_site_id, order.current.plant_id
    box, packed = collected(order, Material.ON_THE_WAY), order.current.collection_end + HOUR
    first, second = sorted({one.arrival_at for one in onward(box, network.calendar(), now)})[:2]
    hours = (second - packed) / HOUR - 1 + order.request.shipper_buffer_hours
    holds = (ShipperHold(center, plant, hours, None),)  # type: ignore[arg-type]
    held = replace(box, request=replace(order.request, shipper_holds=holds))
    assert len({one.manufacture_start for one in onward(held, network.calendar(), now)}) > 1
    (some, *_) = onward(held, network.calendar(), now)
    assert not not_held(held, network.calendar(), now, some)  # other starts are left
    lines = sorted((w for w in network.windows if w.kind == LINE and w.place_id == plant), key=lambda w: w.starts_at)
    only = next(window for window in lines if window.starts_at >= second)
    calendar = without(network.calendar(), {window.slot_id for window in lines if window is not only})
    kept, *same = onward(held, calendar, now)
    assert {one.arrival_at for one in (kept, *same)} == {first}
    why = not_held(held, calendar, now, kept)
    assert f" holds for {hours:g} h; {(second - packed) / HOUR:g} h until it arrives" in why
    said = explain(held, kept, calendar.places, "the dock is closed", (), why)
    assert said.index("no other feasible chain") < said.index(why) < said.index("Without a place")


def test_the_shipper_is_not_named_where_another_reason_leaves_nothing(network: Network, order: Affected) -> None:
    plant, center = order.current.plant_id, order.request.center_site_id
    closed = {window.slot_id for window in network.windows if window.place_id == plant and window.kind == LINE}
    holds = (ShipperHold(center, plant, 1, None),)  # type: ignore[arg-type]
    box = collected(order, Material.ON_THE_WAY, request=replace(order.request, shipper_holds=holds))
    now = order.current.pickup_at + HOUR
    assert not not_held(box, without(network.calendar(), closed), now)
    assert not not_held(collected(order, Material.ON_THE_WAY), without(network.calendar(), closed), now)


@pytest.mark.parametrize(
    "material", [Material.ON_THE_WAY, Material.AT_PLANT, Material.IN_MANUFACTURE, Material.RELEASED]
)
def test_no_way_back_is_promised_that_is_longer_than_the_shipper_holds(
    network: Network, order: Affected, material: Material
) -> None:
    calendar = without(network.calendar(), day_of(network, order, BAY, LINE))  # type: ignore[arg-type]
    center, plant = order.request.center_site_id, order.current.plant_id
    way = (order.current.arrival_at - order.current.pickup_at) / HOUR
    now = order.current.pickup_at + HOUR if material == Material.ON_THE_WAY else order.current.manufacture_start + HOUR
    for spare, is_held in ((1, True), (-1, False)):
        hours = way + order.request.shipper_buffer_hours + spare
        holds = (ShipperHold(plant, center, hours, None),)  # type: ignore[arg-type]
        late = collected(order, material, request=replace(order.request, shipper_holds=holds))
        assert bool(list(onward(late, calendar, now))) == is_held
        why = not_held(late, calendar, now)
        assert bool(why) != is_held
        assert is_held or (f" holds for {hours:g} h; {way:g} h until it arrives" in why)


def test_an_open_box_at_the_center_goes_to_another_plant_and_a_closed_one_does_not(
    network: Network, order: Affected
) -> None:
    plant = order.current.plant_id
    closed = {window.slot_id for window in network.windows if window.place_id == plant and window.kind == LINE}
    now, calendar = order.current.collection_end + HOUR / 2, without(network.calendar(), closed)
    waiting = collected(order, Material.AT_CENTER)
    found = drafts(waiting, calendar, now)
    assert found and {draft.plant_id for draft in found} == {network.plants[1].id}
    assert all(draft.pickup_at >= now and draft.collection_start == order.current.collection_start for draft in found)
    sealed = replace(waiting, request=replace(order.request, plant_site_ids=(plant,)))  # type: ignore[arg-type]
    asked = problem([sealed], calendar, now, 35)
    outcome = solve(asked, Limits(workers=1))
    assert outcome.chosen == {order.key: None}
    assert {one.name: one.value for one in outcome.components if one.value} == {
        "unplaced": 1,
        "unplaced_urgency": order.urgency,
        "expired": 1,
    }
    words = explain(sealed, None, calendar.places, "the lines are closed")
    assert "expires on" in words and "a physician" in words


def test_a_real_collection_that_ended_earlier_or_later_counts_and_not_the_booked_one(
    network: Network, order: Affected
) -> None:
    now = order.current.collection_end + HOUR / 2
    early = order.current.collection_end - 60 * HOUR
    old = collected(order, Material.AT_CENTER, collected_at=early, expires_at=early + 72 * HOUR)
    assert drafts(collected(order, Material.AT_CENTER), network.calendar(), now)
    assert not drafts(old, network.calendar(), now)


def test_frozen_material_waits_for_weeks_but_not_beyond_its_storage(network: Network, order: Affected) -> None:
    frozen = replace(order.request, cryopreserved=True, max_age_hours=None, storage_days=9)
    expires = order.current.collection_end + dt.timedelta(days=9)
    stored = collected(order, Material.AT_PLANT, request=frozen, expires_at=expires)
    found = onward(stored, network.calendar(), order.current.arrival_at)
    starts = [draft.manufacture_start for draft in found]
    assert starts and max(starts) <= expires and max(starts) > order.current.collection_end + 72 * HOUR


def test_used_places_are_neither_given_back_nor_dealt_again(network: Network, order: Affected) -> None:
    kinds = {pick.window.slot_id: pick.kind for pick in order.current.picks}
    for material, gone in (
        (Material.NOT_COLLECTED, set()),
        (Material.AT_CENTER, {CHAIR}),
        (Material.ON_THE_WAY, {CHAIR, LANE}),
        (Material.AT_PLANT, {CHAIR, LANE, BAY}),
    ):
        kept = {kinds[slot_id] for slot_id in movable(collected(order, material))}
        assert kept == {CHAIR, LANE, BAY, LINE} - gone
    plant = collected(order, Material.AT_PLANT)
    asked = problem([plant, replace(plant, key="other")], network.calendar(), order.current.arrival_at, 35)
    assert asked.pools is not None
    chosen = [asked.candidates[key][0].draft for key in (order.key, "other")]
    for draft in dealt(asked.pools, [(chosen[0], plant), (chosen[1], plant)]):
        assert draft.picks[:3] == order.current.picks[:3]
    left = set(asked.left)
    assert not left & {pick.window.slot_id for pick in order.current.picks[:3]}
