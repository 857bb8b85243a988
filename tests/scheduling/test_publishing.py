from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError

from ledger.context import reading
from ledger.models import Event
from ledger.refusals import InvalidInput, NotAllowed
from scheduling.actions.capacity import CapacityRow, add_resource, publish_capacity
from scheduling.booked import CapacityInUse
from scheduling.models import Resource, Slot
from scheduling.queries import resources, slots
from tests.factories import connect, make_actor, make_organization, make_site, operator
from tests.scheduling.factories import at, daily, first_day, make_lane, make_resource, make_world, stepping

pytestmark = pytest.mark.django_db


@pytest.fixture
def chair() -> Resource:
    center = make_organization()
    return make_resource(center, "apheresis_chair", make_site(center))


def row(resource: Resource, start: str = "08:00", end: str = "16:00", capacity: int = 1, day: int = 0) -> CapacityRow:
    date = first_day() + dt.timedelta(days=day)
    return CapacityRow(resource.code, at(date, start), at(date, end), capacity)


def faults(resource: Resource, *rows: CapacityRow) -> dict[str, Any]:
    with pytest.raises(InvalidInput) as refusal:
        publish_capacity(operator(resource.organization), rows)
    with reading(operator(resource.organization)):
        assert not Slot.unwalled.exists()
    return refusal.value.fields


@pytest.mark.story("AU1")
def test_the_unit_publishes_and_changes_its_chairs(chair: Resource) -> None:
    scheduler = make_actor(chair.organization, "apheresis_scheduler")
    done = publish_capacity(scheduler, [row(chair), row(chair, day=1)])
    assert (done.added, done.changed) == (2, 0)
    done = publish_capacity(scheduler, [row(chair), row(chair, end="17:00", capacity=3, day=1), row(chair, day=2)])
    assert (done.added, done.changed) == (1, 1)
    with reading(scheduler):
        assert [slot.capacity for slot in slots(scheduler)] == [1, 3, 1]
        event = Event.unwalled.filter(kind="scheduling.capacity_published").order_by("seq").last()
    assert event is not None and event.person_name == scheduler.person_name
    assert (event.payload["added"], event.payload["changed"]) == (1, 1)


def test_other_personas_publish_nothing(chair: Resource) -> None:
    for persona in ("coordinator", "inspector", "administrator"):
        actor = make_actor(chair.organization, persona)
        with pytest.raises(NotAllowed):
            publish_capacity(actor, [row(chair)])
        with pytest.raises(NotAllowed):
            add_resource(actor, code="another", name="Another", kind="apheresis_chair", site=chair.site)


def test_every_row_at_fault_is_named_and_nothing_is_published(chair: Resource) -> None:
    good = row(chair, day=9)
    found = faults(
        chair,
        good,
        replace(good, resource="nowhere"),
        row(chair, capacity=-1),
        replace(row(chair), capacity="2"),  # type: ignore[arg-type]
        replace(row(chair), capacity=True),
        row(chair, capacity=1001),
        row(chair, "16:00", "16:00"),
        replace(row(chair), starts_at=dt.datetime(2026, 1, 1)),  # noqa: DTZ001
        replace(row(chair), ends_at="soon"),  # type: ignore[arg-type]
        replace(row(chair), ends_at=row(chair, day=40).ends_at),
    )
    assert sorted(found) == [
        "rows[1].resource",
        "rows[2].capacity",
        "rows[3].capacity",
        "rows[4].capacity",
        "rows[5].capacity",
        "rows[6].ends_at",
        "rows[7].starts_at",
        "rows[8].ends_at",
        "rows[9].ends_at",
    ]


def test_one_chair_is_not_offered_twice_at_a_time(chair: Resource) -> None:
    assert list(faults(chair, row(chair), row(chair, "15:00", "18:00"))) == ["rows[1].starts_at"]
    assert list(faults(chair, row(chair), row(chair, capacity=2))) == ["rows[1].starts_at"]
    publish_capacity(operator(chair.organization), [row(chair), row(chair, "16:00", "18:00")])
    with pytest.raises(InvalidInput) as refusal:
        publish_capacity(operator(chair.organization), [row(chair, "07:00", "09:00")])
    assert list(refusal.value.fields) == ["rows[0].starts_at"]
    with pytest.raises(InvalidInput):
        publish_capacity(operator(chair.organization), [row(chair, end="16:30")])


def test_the_database_refuses_overlapping_chairs_too(chair: Resource) -> None:
    publish_capacity(operator(chair.organization), [row(chair)])
    window = row(chair, "12:00", "18:00")
    with (
        pytest.raises(IntegrityError, match="scheduling_slot_no_overlap"),
        stepping(operator(chair.organization), chair.organization_id),
    ):
        Slot.objects.create(
            resource=chair,
            organization_id=chair.organization_id,
            site_id=chair.site_id,
            kind=chair.kind,
            starts_at=window.starts_at,
            ends_at=window.ends_at,
            capacity=1,
        )


def test_places_that_are_taken_are_not_withdrawn() -> None:
    world = make_world(places=2)
    world.held()
    chair = Resource(code=_code_of_chair(world), organization=world.center)
    actor = operator(world.center)
    for change, field in (({"capacity": 0}, "capacity"), ({"end": "15:00", "capacity": 2}, "ends_at")):
        with pytest.raises(CapacityInUse) as refusal:
            publish_capacity(actor, [row(chair, **change)])  # type: ignore[arg-type]
        assert list(refusal.value.fields) == [f"rows[0].{field}"]
        assert [fact.code for fact in refusal.value.facts] == ["place_taken"]
    assert publish_capacity(actor, [row(chair, capacity=1)]).changed == 1
    assert world.taken() == 4


def _code_of_chair(world: Any) -> str:
    with reading(world.coordinator):
        return resources(world.coordinator, kind="apheresis_chair", own=True).get().code


def test_nobody_publishes_for_another_organization() -> None:
    world = make_world(days=1)
    with reading(world.coordinator):
        line = resources(world.coordinator, kind="manufacturing_line").get()
    with pytest.raises(InvalidInput) as refusal:
        publish_capacity(operator(world.center), [row(line, day=5)])
    assert list(refusal.value.fields) == ["rows[0].resource"]


def test_taking_places_writes_no_row_history() -> None:
    world = make_world()
    world.held()
    with reading(world.coordinator):
        assert not Slot.history.filter(history_type="~").exists()


def test_an_empty_publication_is_harmless(chair: Resource) -> None:
    assert publish_capacity(operator(chair.organization), []).added == 0


def test_a_resource_says_where_it_is_and_whose(chair: Resource) -> None:
    stranger = make_site(make_organization())
    cases: list[tuple[dict[str, Any], str]] = [
        ({"kind": "spaceship"}, "kind"),
        ({"site": None}, "site"),
        ({"site": stranger}, "site"),
        ({"code": chair.code}, "code"),
        ({"attributes": {"cutoff": "15:00"}}, "attributes"),
    ]
    wanted = {"code": "second", "name": "Second", "kind": "apheresis_chair", "site": chair.site}
    for changes, field in cases:
        with pytest.raises(InvalidInput) as refusal:
            add_resource(operator(chair.organization), **{**wanted, **changes})
        assert list(refusal.value.fields) == [field]


def test_a_lane_is_checked_when_it_is_added() -> None:
    center, courier = make_organization(), make_organization("courier")
    connect(center, courier)
    origin, destination = make_site(center), make_site(center)
    unknown = make_site(make_organization())
    lane = make_lane(courier, origin, destination, cutoff=dt.time(15), weekdays=[5, 1, 1])
    assert lane.attributes == {
        "origin_site_id": str(origin.pk),
        "destination_site_id": str(destination.pk),
        "transit_hours": 20.0,
        "cutoff": "15:00",
        "weekdays": [1, 5],
    }
    cases: list[tuple[dict[str, Any], str]] = [
        ({"origin_site_id": str(unknown.pk)}, "origin_site_id"),
        ({"destination_site_id": "x"}, "destination_site_id"),
        ({"transit_hours": 0}, "transit_hours"),
        ({"transit_hours": "soon"}, "transit_hours"),
        ({"transit_hours": float("nan")}, "transit_hours"),
        ({"cutoff": "25:00"}, "cutoff"),
        ({"weekdays": [0]}, "weekdays"),
        ({"weekdays": ["Monday"]}, "weekdays"),
        ({"color": "blue"}, "attributes"),
    ]
    for changes, field in cases:
        with pytest.raises(InvalidInput) as refusal:
            make_lane(courier, origin, destination, **changes)
        assert list(refusal.value.fields) == [field]


def test_a_lanes_run_lasts_a_day_at_most() -> None:
    center, courier = make_organization(), make_organization("courier")
    connect(center, courier)
    lane = make_lane(courier, make_site(center), make_site(center))
    assert list(faults(lane, replace(row(lane), ends_at=row(lane, day=1).ends_at))) == ["rows[0].ends_at"]
    publish_capacity(operator(courier), daily(lane, "08:00", "18:00", 4, days=2))
