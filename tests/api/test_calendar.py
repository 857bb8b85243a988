"""The calendar over REST: the rules of the pages, the same refusals."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ledger.context import reading
from scheduling.models import Resource
from tests.api.conftest import PartnerOf, make_partner, problem
from tests.factories import make_organization, unique
from tests.orders.factories import World
from tests.scheduling.factories import make_world as make_slots


def in_days(days: int) -> str:
    return str(timezone.now().date() + dt.timedelta(days=days))


def test_a_resource_is_opened_changed_and_closed(world: World, partner: PartnerOf) -> None:
    scheduler = partner("center", "apheresis_scheduler")
    code = unique("chair")
    given = {"code": code, "name": "Chair of the API", "kind": "apheresis_chair", "site": world.clinic.code}
    assert scheduler.post("resources", given).status_code == 201
    problem(scheduler.post("resources", given), 400, "invalid_input")
    rule = {
        "shift": "day",
        "pattern": "FREQ=DAILY",
        "starts": "08:00",
        "ends": "16:00",
        "places": 1,
        "first_date": in_days(1),
        "on_holidays": "open",
    }
    added = scheduler.post(f"resources/{code}/rules", rule, Idempotency_Key="r1")
    assert added.status_code == 201
    assert scheduler.post(f"resources/{code}/rules", rule, Idempotency_Key="r1").json() == added.json()
    bad = problem(
        scheduler.post(f"resources/{code}/rules", rule | {"places": -1, "shift": "late"}), 400, "invalid_input"
    )
    assert list(bad["fields"]) == ["places"]
    bad = problem(scheduler.post(f"resources/{code}/rules", rule | {"shift": "late"}), 400, "invalid_input")
    assert list(bad["fields"]) == ["starts"]
    bad = problem(scheduler.post(f"resources/{code}/rules", rule), 400, "invalid_input")
    assert list(bad["fields"]) == ["first_date"]
    changed = scheduler.post(f"rules/{added.json()['id']}/change", rule | {"first_date": in_days(20), "places": 2})
    assert changed.status_code == 201
    assert [row["places"] for row in scheduler.get(f"resources/{code}/rules").json()["results"]] == [1, 2]
    ended = scheduler.post(f"rules/{changed.json()['id']}/end", {"last_date": in_days(40)})
    assert ended.json()["last_date"] == in_days(40)
    closed = scheduler.post("closures", {"resource": code, "first_date": in_days(5), "reason": "Inspection"})
    assert closed.status_code == 201
    assert closed.json()["id"] in {row["id"] for row in scheduler.get("closures").json()["results"]}
    assert scheduler.post(f"closures/{closed.json()['id']}/lift").status_code == 200
    problem(scheduler.post("closures", {"first_date": in_days(5), "reason": "Which?"}), 400, "invalid_input")
    stranger = make_partner(make_organization(), "apheresis_scheduler")
    problem(stranger.get(f"resources/{code}/rules"), 404, "not_found")
    problem(stranger.post(f"resources/{code}/rules", rule), 404, "not_found")
    problem(stranger.post(f"rules/{added.json()['id']}/end", {"last_date": in_days(9)}), 404, "not_found")
    assert stranger.get("closures").json()["results"] == []
    problem(partner("center", "coordinator").get("closures"), 403, "scope_missing")


def test_teams_and_classes_are_set(world: World, partner: PartnerOf) -> None:
    scheduler = partner("center", "apheresis_scheduler")
    team = {
        "site": world.clinic.code,
        "code": unique("team"),
        "shift": "day",
        "competence": "apheresis",
        "pattern": "FREQ=WEEKLY;BYDAY=MO",
        "people": 2,
        "first_date": in_days(1),
    }
    assert scheduler.post("teams", team).status_code == 201
    assert team["code"] in {row["code"] for row in scheduler.get("teams").json()["results"]}
    problem(scheduler.post("teams", team | {"site": "nowhere"}), 400, "invalid_input")
    classed = {"therapy": str(world.therapy.pk), "priority": "commercial"}
    assert scheduler.post("priority-classes", classed).json() == classed
    problem(scheduler.post("priority-classes", classed | {"priority": "friends"}), 400, "invalid_input")


def test_a_key_makes_no_feed_and_windows_of_others_are_not_found(partner: PartnerOf) -> None:
    scheduler = partner("center", "apheresis_scheduler")
    problem(scheduler.post("calendar-feeds", {"name": "A system's"}), 403, "not_allowed")
    assert scheduler.get("calendar-feeds").json()["results"] == []
    nothing = "00000000-0000-7000-8000-000000000000"
    problem(scheduler.post(f"calendar-feeds/{nothing}/revoke"), 404, "not_found")
    problem(scheduler.post(f"windows/{nothing}/close", {"reason": "No"}), 404, "not_found")
    problem(scheduler.post(f"windows/{nothing}/move", {"starts_at": "2030-01-01T08:00:00Z"}), 404, "not_found")
    problem(scheduler.post(f"windows/{nothing}/follow-rules"), 404, "not_found")


@pytest.mark.story("MP1", "MP6")
def test_a_cut_below_what_is_taken_is_refused_with_the_disruption_that_could_be_opened_instead(db: None) -> None:
    slots = make_slots()
    chain = slots.held()
    with reading(slots.coordinator):
        chair = Resource.unwalled.get(organization=slots.center, kind="apheresis_chair")
    scheduler = make_partner(slots.center, "apheresis_scheduler")
    day = chain.collection_starts_at.astimezone(ZoneInfo("Europe/Berlin")).date()
    closure = {"resource": chair.code, "first_date": day.isoformat(), "reason": "Inspection"}
    instead = problem(scheduler.post("closures", closure), 409, "capacity_in_use")["open_disruption"]
    assert (instead["href"], instead["method"]) == ("/api/v1/disruptions", "POST")
    assert instead["body"]["resources"] == [chair.code]
    body = instead["body"] | {"kind": "center_closed", "reason": "Inspection"}
    opened = scheduler.post(instead["href"], body)
    assert opened.status_code == 201, opened.content
