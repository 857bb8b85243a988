"""The register of lead-time overrides over REST: the rules of the page, the same refusals."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from tests.api.conftest import PartnerOf, make_partner, problem
from tests.factories import make_organization
from tests.orders.factories import World


def in_days(days: int) -> str:
    return str(timezone.now().date() + dt.timedelta(days=days))


def test_an_override_is_set_listed_and_ended(world: World, partner: PartnerOf) -> None:
    planner = partner("maker", "planner")
    given = {
        "step": "manufacture_days",
        "at_least": 9,
        "at_most": 9,
        "market": "DE",
        "site": world.plant.code,
        "therapy": world.therapy.code,
        "priority": 7,
        "first_date": in_days(1),
        "reason": "Second shift is closed",
    }
    added = planner.post("lead-times", given, Idempotency_Key="l1")
    assert added.status_code == 201
    assert {name: added.json()[name] for name in given} == given
    assert planner.post("lead-times", given, Idempotency_Key="l1").json() == added.json()
    twin = problem(planner.post("lead-times", given), 400, "invalid_input")
    assert list(twin["fields"]) == ["priority"]
    for field, value in (("at_least", -1), ("site", "nowhere"), ("step", "naps"), ("therapy", "none")):
        bad = problem(planner.post("lead-times", given | {field: value, "priority": 8}), 400, "invalid_input")
        assert list(bad["fields"]) == [field]
    listed = planner.get(f"lead-times?market=DE&therapy={world.therapy.code}&step=manufacture_days").json()["results"]
    assert [row["id"] for row in listed] == [added.json()["id"]]
    assert planner.get("lead-times?market=FR").json()["results"] == []
    problem(planner.get("lead-times?state=maybe"), 400, "invalid_input")
    address = f"lead-times/{added.json()['id']}/end"
    problem(planner.post(address, {"last_date": in_days(-9), "reason": "Open again"}), 400, "invalid_input")
    ended = planner.post(address, {"last_date": in_days(0), "reason": "Open again"}, Idempotency_Key="l2")
    assert ended.json()["withdrawn_at"] and ended.json()["why_ended"] == "Open again"
    problem(planner.post(address, {"last_date": in_days(0), "reason": "Twice"}), 409, "wrong_state")
    assert planner.get("lead-times").json()["results"] == []
    assert [row["id"] for row in planner.get("lead-times?state=ended").json()["results"]] == [added.json()["id"]]


def test_the_tenant_next_door_finds_nothing(world: World, partner: PartnerOf) -> None:
    planner = partner("maker", "planner")
    given = {"step": "release_days", "at_least": 9, "first_date": in_days(0), "reason": "Lab moves"}
    row = planner.post("lead-times", given).json()
    stranger = make_partner(make_organization("manufacturer"), "planner")
    assert stranger.get("lead-times?state=all").json()["results"] == []
    problem(stranger.post(f"lead-times/{row['id']}/end", {"last_date": in_days(0), "reason": "x"}), 404, "not_found")
    problem(partner("center", "coordinator").get("lead-times"), 403, "scope_missing")
    problem(partner("center", "coordinator").post("lead-times", given), 403, "scope_missing")
