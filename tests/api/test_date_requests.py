"""Requests for dates over REST: the rules of the pages, the same refusals."""

from __future__ import annotations

from tests.api.conftest import PartnerOf, make_partner, problem
from tests.factories import make_organization
from tests.orders.conftest import patient, prescribed
from tests.orders.factories import World
from tests.orders.wishing import FAR, in_days, publish, wish


def test_dates_are_requested_declined_requested_again_and_confirmed(world: World, partner: PartnerOf) -> None:
    code = prescribed(world, **patient())
    address = f"orders/{code}/date-request"
    coordinator, planner = partner("center", "coordinator"), partner("maker", "planner")
    problem(coordinator.get(address), 404, "not_found")
    bad = problem(coordinator.post(address, wish(last_date=in_days(FAR - 9))), 400, "invalid_input")
    assert list(bad["fields"]) == ["last_date"]
    soon = wish(wished_on=in_days(6), first_date=in_days(5), last_date=in_days(8))
    problem(coordinator.post(address, soon), 409, "dates_published")
    problem(planner.post(address, wish()), 403, "not_allowed")
    problem(coordinator.post(f"{address}/withdraw", {"reason": "None there"}), 409, "no_dates_requested")
    asked = coordinator.post(address, wish(), Idempotency_Key="w1")
    assert asked.status_code == 201 and asked.json()["state"] == "open" and asked.json()["chain"] is None
    assert coordinator.post(address, wish(), Idempotency_Key="w1").json() == asked.json()
    problem(coordinator.post(address, wish()), 409, "dates_requested")
    assert code in {row["order"] for row in planner.get("date-requests").json()["results"]}
    problem(coordinator.get("date-requests"), 403, "scope_missing")
    problem(coordinator.get(f"{address}/dates"), 404, "not_found")
    found = planner.get(f"{address}/dates").json()
    assert found["found"] == 0 and len(found["refused"]) == 5
    problem(planner.post(f"{address}/answer", {"decision": "decline"}), 400, "invalid_input")
    given = {"decision": "decline", "reason": "No line then", "proposed_date": str(in_days(FAR + 9))}
    declined = planner.post(f"{address}/answer", given, Idempotency_Key="w2").json()
    assert (declined["state"], declined["proposed_date"]) == ("declined", str(in_days(FAR + 9)))
    problem(planner.post(f"{address}/answer", given), 409, "no_dates_requested")
    assert coordinator.post(address, wish()).status_code == 201
    assert coordinator.post(f"{address}/withdraw", {"reason": "Later"}).json()["state"] == "withdrawn"
    assert coordinator.post(address, wish()).status_code == 201
    publish(world)
    offer = planner.get(f"{address}/dates").json()["offers"][0]["token"]
    problem(planner.post(f"{address}/answer", {"decision": "confirm", "offer": "made-up"}), 400, "invalid_input")
    met = planner.post(f"{address}/answer", {"decision": "confirm", "offer": offer}).json()
    chain = coordinator.get(f"orders/{code}").json()["slot_chain"]
    assert met["state"] == "met" and met["chain"] and chain["state"] == "confirmed"


def test_the_tenant_next_door_finds_nothing(world: World, partner: PartnerOf) -> None:
    code = prescribed(world, **patient())
    address = f"orders/{code}/date-request"
    assert partner("center", "coordinator").post(address, wish()).status_code == 201
    for role, persona in (("treatment_center", "coordinator"), ("manufacturer", "planner")):
        stranger = make_partner(make_organization(role), persona)
        problem(stranger.get(address), 404, "not_found")
        problem(stranger.post(f"{address}/answer", {"decision": "decline", "reason": "x"}), 404, "not_found")
        problem(stranger.post(f"{address}/withdraw", {"reason": "x"}), 404, "not_found")
    assert make_partner(make_organization("manufacturer"), "planner").get("date-requests").json()["results"] == []
