"""An order that a repair leaves no other choice says which constraint rules the others out, in words for everybody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

import pytest

from benchmarks.repair_network import NOW, THERAPY, Network
from scheduling.calendars import Calendar, Window
from scheduling.offers import Washout
from scheduling.quota_rules import QuotaLeft
from scheduling.repair.candidates import problem
from scheduling.repair.collected import onward
from scheduling.repair.explanation import explain
from scheduling.repair.reasons import CROWDED, Reasons, sentences
from scheduling.repair.snapshot import Affected, Material, Offered, without
from scheduling.states import ResourceKind
from tests.scheduling.repair.material import BAY, CHAIR, HOUR, LANE, LINE, collected


@pytest.fixture(scope="module")
def order(order: Affected) -> Affected:
    return replace(order, request=replace(order.request, horizon_days=35))


def gone(network: Network, *kinds: str, at: Iterable[UUID] | None = None) -> Calendar:
    """The calendar without the windows of these kinds, everywhere or at (or to) these places."""
    places = None if at is None else set(at)

    def is_hit(window: Window) -> bool:
        where = {window.lane.destination_id} if window.lane else {window.place_id}
        return window.kind in kinds and (places is None or bool(where & places))

    return without(network.calendar(), {window.slot_id for window in network.windows if is_hit(window)})


def told(
    order: Affected, calendar: Calendar, now: dt.datetime = NOW, *, quotas: Iterable[QuotaLeft] = (), choices: int = 0
) -> str:
    offered = Offered(calendar, {order.request.center_site_id: tuple(quotas)})
    return sentences(Reasons({THERAPY: offered}, now).told(order, None, choices))


def of(network: Network, order: Affected) -> tuple[str, str]:
    """The names of the order's center and of its plant."""
    names = {place.id: place.name for place in (*network.centers, *network.plants)}
    return names[order.request.center_site_id], names[order.current.plant_id]  # type: ignore[index]


def test_without_a_line_the_nearest_date_says_so_and_names_the_own_plant(network: Network, order: Affected) -> None:
    own = replace(order, request=replace(order.request, plant_site_ids=(order.current.plant_id,)))  # type: ignore[arg-type]
    why = told(own, gone(network, LINE))
    center, plant = of(network, order)
    assert f"No manufacturing start at {plant} after arrival" in why and "before the material is too old" in why
    first = why.removeprefix("Collection on ").split(":")[0]
    day = dt.datetime.strptime(first, "%a %d %b %Y").replace(tzinfo=dt.UTC)
    assert dt.timedelta(0) < day - NOW < dt.timedelta(days=7), "the nearest date that could be prepared"
    text = explain(own, None, network.calendar().places, "the plant is closed", (), why)
    assert text.index("the plant is closed") < text.index(why) < text.index("Without a place the patient waits")


def test_without_a_run_or_a_bay_or_a_chair_that_is_what_is_told(network: Network, order: Affected) -> None:
    own = replace(order, request=replace(order.request, plant_site_ids=(order.current.plant_id,)))  # type: ignore[arg-type]
    center, plant = of(network, order)
    assert f"No courier offers a run from {center} to {plant}" in told(own, gone(network, LANE))
    assert f"is outside the receiving hours of {plant}" in told(own, gone(network, BAY))
    assert f"{center} offers no apheresis chair on this day." in told(own, gone(network, CHAIR))


def test_two_constraints_are_told_at_most_and_each_with_its_first_date(network: Network, order: Affected) -> None:
    why = told(order, gone(network, LINE))
    assert 1 <= why.count("Collection on ") <= 2
    assert len(set(why.split("Collection on ")[1:])) == why.count("Collection on ")


def test_no_other_plant_courier_or_center_and_no_quota_is_named(network: Network, order: Affected) -> None:
    center, plant = of(network, order)
    other_plant = next(place for place in network.plants if place.id != order.current.plant_id)
    elsewhere = replace(order, request=replace(order.request, plant_site_ids=(other_plant.id,)))
    why = told(elsewhere, gone(network, LINE))
    assert "No manufacturing start at another plant" in why
    full = [replace(w, left=0) if w.kind == LANE else w for w in network.windows]
    foreign = [replace(w, organization_id=UUID(int=9)) if w.kind == LANE else w for w in full]
    taken = told(order, Calendar([*network.plants, *network.centers], foreign))
    assert "Every place of another courier is taken." in taken
    mine = {window.resource_name for window in full if window.kind == LANE}
    own = told(
        replace(order, request=replace(order.request, plant_site_ids=(order.current.plant_id,))),  # type: ignore[arg-type]
        Calendar([*network.plants, *network.centers], full),
    )
    assert any(f"Every place of {name} is taken." in own for name in mine), "the own courier's run has its name"
    used = [
        QuotaLeft(UUID(int=5), stage, "center", NOW, NOW + 60 * 24 * HOUR, 0, 0, quota_id=UUID(int=6), title="Secret")
        for stage in (CHAIR, LINE)
    ]
    quota = told(order, network.calendar(), quotas=used)
    assert "No quota is left to the treatment center for this period." in quota
    others = [place.name for place in network.centers if place.name != center] + [other_plant.name, "Secret"]
    for text in (why, taken, quota, own):
        assert not [name for name in others if name in text]


def test_what_the_center_wishes_is_told_without_its_reason(network: Network, order: Affected) -> None:
    washout = Washout("the last treatment", NOW.date(), 90)
    waiting = replace(order, request=replace(order.request, washouts=(washout,)))
    why = told(waiting, network.calendar())
    assert "The treatment center may not collect yet." in why and "Washout" not in why and "90" not in why
    late = replace(order, request=replace(order.request, earliest=NOW.date() + dt.timedelta(days=200)))
    assert "before the earliest day that the treatment center wishes" in told(late, network.calendar())


def test_whose_places_are_needed_by_others_is_told_that_and_who_has_a_choice_nothing(
    network: Network, order: Affected
) -> None:
    assert told(order, gone(network, LINE), choices=1) == CROWDED == told(order, gone(network, LINE), choices=2)
    offered, placed = {THERAPY: Offered(network.calendar())}, order.current
    assert Reasons(offered, NOW).told(order, placed, 2) == ()
    (candidate, *_) = problem([order], network.calendar(), NOW, 35).candidates[order.key]
    text = explain(order, None, network.calendar().places, "the plant is closed", (candidate,), CROWDED)
    assert "No feasible dates" not in text and text.index("the plant is closed") < text.index(CROWDED)


@pytest.mark.parametrize(
    ("material", "kinds", "words"),
    [
        (Material.AT_CENTER, (LANE,), "No courier offers a run from {center} to {plant}"),
        (Material.AT_CENTER, (BAY,), "is outside the receiving hours of {plant}"),
        (Material.AT_CENTER, (LINE,), "No manufacturing start at {plant} after arrival"),
        (Material.ON_THE_WAY, (BAY,), "is outside the receiving hours of {plant}"),
        (Material.ON_THE_WAY, (LINE,), "No manufacturing start at {plant} after arrival"),
        (Material.AT_PLANT, (LINE,), "No manufacturing start at {plant} after "),
    ],
)
def test_collected_material_says_where_its_way_ends(
    network: Network, order: Affected, material: Material, kinds: tuple[str, ...], words: str
) -> None:
    center, plant = of(network, order)
    box = collected(order, material, request=replace(order.request, plant_site_ids=(order.current.plant_id,)))
    now = (order.current.collection_end if material is Material.AT_CENTER else order.current.arrival_at) + HOUR / 2
    calendar = gone(network, *kinds, at=[order.current.plant_id])  # type: ignore[list-item]
    assert not list(onward(box, calendar, now))
    assert words.format(center=center, plant=plant) in told(box, calendar, now)


def test_a_product_that_is_begun_says_that_no_bed_is_offered(network: Network, order: Affected) -> None:
    needs = (*order.request.needs, ResourceKind.INFUSION_BED.value)
    begun = collected(order, Material.IN_MANUFACTURE, request=replace(order.request, needs=needs))
    now = order.current.manufacture_start + HOUR
    assert "No infusion bed from " in told(begun, network.calendar(), now)


def test_the_only_start_that_is_left_says_why_no_later_one_is(network: Network, order: Affected) -> None:
    now, plant = order.current.arrival_at + HOUR / 2, order.current.plant_id
    box = collected(order, Material.AT_PLANT)
    starts = sorted({one.manufacture_start for one in onward(box, network.calendar(), now)})
    later = {w.slot_id for w in network.windows if w.kind == LINE and w.place_id == plant and w.starts_at > starts[0]}
    calendar = without(network.calendar(), later)
    (only, *alike) = onward(box, calendar, now)
    assert {one.manufacture_start for one in (only, *alike)} == {starts[0]}
    offered = {THERAPY: Offered(calendar)}
    why = sentences(Reasons(offered, now).told(box, only, 1))
    assert f"manufacturing start at {of(network, order)[1]} after " in why
    text = explain(box, only, calendar.places, "the isolator leaks", (), why)
    assert text.index("no other feasible chain") < text.index(why) < text.index("Without a place")
