from __future__ import annotations

import datetime as dt
import json
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.refusals import InvalidInput, NotFound
from scheduling.actions.capacity import CapacityRow, publish_capacity
from scheduling.slot_chains import search
from tests.factories import connect, make_actor, make_organization, make_site, operator
from tests.scheduling.factories import AMSTERDAM, at, daily, first_day, make_lane, make_resource, make_world

pytestmark = pytest.mark.django_db


@pytest.mark.story("CO1")
def test_joint_feasible_dates_come_with_every_link_and_the_earliest_infusion() -> None:
    world = make_world()
    result = search(world.coordinator, world.request())
    assert len(result.offers) == 5 and result.refused == []
    first = result.offers[0]
    day, next_day = first_day(), first_day() + dt.timedelta(days=1)
    assert (first.collection_start, first.collection_end) == (at(day, "08:00"), at(day, "12:00"))
    assert first.pickup_at == at(day, "13:00")
    assert first.arrival_at == first.manufacture_start == at(day, "13:00") + dt.timedelta(hours=20)
    assert first.arrival_at.astimezone(AMSTERDAM).date() == next_day
    assert first.earliest_infusion == first.manufacture_start + dt.timedelta(days=17, hours=20)
    assert first.slack_hours == 48 - 6 - 21
    assert [(link.kind, link.zone) for link in first.links] == [
        ("apheresis_chair", "Europe/Berlin"),
        ("courier_lane", "Europe/Berlin"),
        ("receiving", "Europe/Amsterdam"),
        ("manufacturing_line", "Europe/Amsterdam"),
    ]
    assert [offer.earliest_infusion for offer in result.offers] == sorted(o.earliest_infusion for o in result.offers)


@pytest.mark.story("CO1")
def test_refused_dates_say_why() -> None:
    world = make_world(days=3)
    result = search(world.coordinator, world.request(earliest=first_day() - dt.timedelta(days=1)))
    assert [refused.code for refused in result.refused] == ["no_chair", "outside_receiving", "no_chair"]
    assert len(result.offers) == 2
    assert all(refused.text for refused in result.refused)


def test_dates_before_the_lead_time_are_refused_in_words() -> None:
    world = make_world()
    result = search(world.coordinator, world.request(lead_days=12))
    assert [refused.code for refused in result.refused] == ["lead_time", "lead_time"]
    assert [refused.date for refused in result.refused] == [first_day(), first_day() + dt.timedelta(days=1)]


def test_answers_are_json() -> None:
    world = make_world(days=2)
    answer = json.loads(json.dumps(search(world.coordinator, world.request()).as_json()))
    assert answer["offers"][0]["collection_start"].endswith("Z")
    assert len(answer["offers"][0]["links"]) == 4
    assert answer["refused"][0].keys() == {"date", "code", "text"}


def test_the_number_of_queries_does_not_grow_with_the_horizon() -> None:
    world = make_world(days=30)
    counts = []
    world.offers(horizon_days=2)  # sites and resources are kept in memory from now on
    for days in (1, 30):
        with CaptureQueriesContext(connection) as captured:
            assert len(world.offers(horizon_days=days)) == min(days, 29)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 7  # two, and five that open a reading transaction inside a test


@pytest.mark.story("CO1")
def test_an_organization_of_another_network_sees_no_capacity() -> None:
    world = make_world()
    stranger = make_organization("treatment_center")
    clinic, nurse = make_site(stranger), make_actor(stranger, "coordinator")
    with pytest.raises(NotFound):
        search(nurse, world.request())
    publish_capacity(operator(stranger), daily(make_resource(stranger, "apheresis_chair", clinic), "08:00", "16:00", 1))
    result = search(nurse, world.request(center_site_id=clinic.pk))
    assert result.offers == []
    assert {refused.code for refused in result.refused} == {"no_plant"}


def test_a_center_that_knows_the_courier_but_not_the_plant_is_offered_nothing() -> None:
    world = make_world()
    other = make_organization("treatment_center")
    connect(other, world.courier)
    clinic, nurse = make_site(other), make_actor(other, "coordinator")
    publish_capacity(operator(other), daily(make_resource(other, "apheresis_chair", clinic), "08:00", "16:00", 1))
    publish_capacity(operator(world.courier), daily(make_lane(world.courier, clinic, world.plant), "09:00", "18:00", 1))
    result = search(nurse, world.request(center_site_id=clinic.pk))
    assert result.offers == [] and len(result.refused) == 5


def test_a_resource_of_other_therapies_is_not_offered() -> None:
    world = make_world(places=0)
    chair = make_resource(world.center, "apheresis_chair", world.clinic, therapy_ids=[uuid4()])
    publish_capacity(operator(world.center), daily(chair, "08:00", "16:00", 1))
    assert world.offers() == []
    own = make_resource(world.center, "apheresis_chair", world.clinic, therapy_ids=[uuid4(), world.therapy_id])
    publish_capacity(operator(world.center), daily(own, "08:00", "16:00", 1))
    assert len(world.offers()) == 5


def test_couriers_and_plants_may_be_narrowed() -> None:
    world = make_world()
    assert world.offers(courier_organization_ids=(world.courier.pk,))
    assert world.offers(courier_organization_ids=()) == []
    assert world.offers(plant_site_ids=(uuid4(),)) == []


def test_each_plant_offers_its_best_chain() -> None:
    world = make_world()
    second = make_site(world.maker, zone="Europe/Amsterdam")
    publish_capacity(
        operator(world.courier), daily(make_lane(world.courier, world.clinic, second), "09:00", "18:00", 1)
    )
    for kind, end in (("receiving", "18:00"), ("manufacturing_line", "20:00")):
        publish_capacity(
            operator(world.maker), daily(make_resource(world.maker, kind, second), "06:00", end, 1, AMSTERDAM)
        )
    offers = world.offers(plant_site_ids=(world.plant.pk, second.pk), horizon_days=1)
    assert {offer.links[-1].site_id for offer in offers} == {world.plant.pk, second.pk}


def test_a_place_that_is_taken_is_not_offered() -> None:
    world = make_world()
    world.held()
    result = search(world.coordinator, world.request())
    assert len(result.offers) == 4
    assert [(refused.date, refused.code) for refused in result.refused] == [(first_day(), "chair_full")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"horizon_days": 0}, "horizon_days"),
        ({"horizon_days": 367}, "horizon_days"),
        ({"earliest": dt.date.max}, "earliest"),
        ({"earliest": dt.date.min}, "earliest"),
        ({"needs": ("apheresis_chair", "spaceship")}, "needs"),
        ({"needs": ("courier_lane",)}, "needs"),
        ({"collection_hours": -1}, "request"),
    ],
)
def test_requests_that_no_calendar_could_answer_are_refused(changes: dict[str, object], field: str) -> None:
    world = make_world(days=1)
    with pytest.raises(InvalidInput) as refusal:
        search(world.coordinator, world.request(**changes))
    assert list(refusal.value.fields) == [field]


def test_the_past_is_left_out() -> None:
    world = make_world(days=1)
    result = search(world.coordinator, world.request(earliest=first_day() - dt.timedelta(days=40)))
    assert result.refused[0].date == dt.datetime.now(dt.UTC).astimezone(at(first_day(), "08:00").tzinfo).date()


def test_the_night_of_the_clock_change_is_computed_in_utc() -> None:
    """Collected the day before clocks change in the plant's spring, the material arrives an hour later by the clock."""
    spring = dt.date(dt.date.today().year + 1, 3, 1)
    spring = max(d for d in (spring + dt.timedelta(days=n) for n in range(31)) if d.isoweekday() == 7)
    saturday = spring - dt.timedelta(days=1)
    world = make_world(days=0)
    for kind, organization, site in (
        ("apheresis_chair", world.center, world.clinic),
        ("receiving", world.maker, world.plant),
        ("manufacturing_line", world.maker, world.plant),
    ):
        resource = make_resource(organization, kind, site)
        date = saturday if kind == "apheresis_chair" else spring
        rows = [CapacityRow(resource.code, at(date, "07:00"), at(date, "18:00"), 1)]
        publish_capacity(operator(organization), rows)
    lane = make_lane(world.courier, world.clinic, world.plant, transit_hours=19)
    rows = [CapacityRow(lane.code, at(saturday, "07:00"), at(saturday, "18:00"), 1)]
    publish_capacity(operator(world.courier), rows)
    (offer,) = world.offers(earliest=saturday, horizon_days=1)
    assert offer.pickup_at.astimezone(AMSTERDAM).hour == 12
    assert offer.arrival_at.astimezone(AMSTERDAM).hour == 8  # 12:00 + 19 h is 07:00 on a clock that does not jump
    assert offer.slack_hours == 48 - 6 - 20
