"""A line stop on the pages and over REST: opened, worked out, changed, signed, accepted; what a stranger finds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from ledger.context import reading
from orders.actions import repair_answers, repairs, what_ifs
from orders.tasks import forget_what_ifs
from scheduling import disrupted
from scheduling.models import RepairRun, Resource, WhatIfDue
from scheduling.repair import solver
from tests.api.conftest import make_partner, problem
from tests.factories import PASSWORD, make_member, make_organization
from tests.house.test_list_costs import cost
from tests.orders.conftest import confirmed, patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.test_repairs import again, coordinator, planner, proposed, signed, slot_of_line, stopped, username
from tests.orders.waiting import line_places
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


def newest(world: World) -> RepairRun:
    with reading(planner(world)):
        return disrupted.repair_runs(planner(world))[0]


@pytest.mark.story("MP6")
def test_a_planner_repairs_a_line_stop_on_the_pages_and_the_center_accepts(far: World) -> None:
    person = patient()
    code = confirmed(far, 16, **person)
    disruption = stopped(far, code)
    browser = signed_in(far.member("maker", "planner"))
    assert "/disruptions/" in text_of(browser.get("/"))
    assert disruption.reason in text_of(browser.get("/disruptions/"))
    page = text_of(browser.get(f"/disruptions/{disruption.pk}/"))
    assert code in page and "can be moved" in page
    started = browser.post(f"/disruptions/{disruption.pk}/repair/", {"once": "one"})
    run = newest(far)
    assert started["Location"] == f"/disruptions/repairs/{run.pk}/"
    assert browser.post(f"/disruptions/{disruption.pk}/repair/", {"once": "one"})["Location"] == started["Location"]
    assert "A worker looks" in text_of(browser.get(started["Location"]))
    assert "hx-trigger" in text_of(browser.get(f"{started['Location']}progress/"))
    assert repairs.work(run.pk)
    assert "look at it" in text_of(browser.get(f"{started['Location']}progress/"))
    page = text_of(browser.get(started["Location"]))
    assert "Proven: no plan does less harm." in page and disruption.reason in page
    (shown,) = browser.get(started["Location"]).context["rows"]
    words = [said for _, said in shown["choice"]["choices"]]
    assert len(words) == len(set(words)) and all("start" in said and "infuse" in said for said in words)
    browser.post(f"{started['Location']}edit/", {"order": code, "choice": ""})
    assert again(far, run).plan[0]["chosen"] is None
    assert "Left out by hand" in text_of(browser.get(started["Location"]))
    assert browser.post(f"{started['Location']}edit/", {"order": code, "choice": "99"}).status_code == 400
    browser.post(f"{started['Location']}edit/", {"order": code, "choice": "0"})
    changed = again(far, run)
    assert (changed.version, changed.plan[0]["chosen"]) == (run.version + 2, 0)
    stale = {"version": run.version, "signature.username": username(far), "signature.password": PASSWORD}
    assert browser.post(f"{started['Location']}sign/", stale).status_code == 412
    said = browser.post(f"{started['Location']}sign/", stale | {"version": changed.version}, follow=True)
    assert "1 move offered" in text_of(said)
    center, former = signed_in(far.member("center", "coordinator")), slot_of_line(far, code)
    assert "asked to move after a disruption" in text_of(center.get("/"))
    assert "Asked to move after a disruption" in text_of(center.get(f"/orders/{code}/dates/"))
    assert "Asked to move after a disruption" in text_of(center.get(f"/orders/{code}/"))
    assert "Asked to move after a disruption" not in text_of(browser.get(f"/orders/{code}/"))
    assert person["family_name"] in text_of(center.get("/disruptions/"))
    assert person["family_name"] not in text_of(browser.get("/disruptions/"))
    ((_, move),) = _waiting(far)
    refused = center.post(f"/disruptions/moves/{move.pk}/", {"decision": "refuse", "reason": ""})
    assert refused.status_code == 400 and "Say why you refuse" in text_of(refused)
    center.post(f"/disruptions/moves/{move.pk}/", {"decision": "accept"})
    assert slot_of_line(far, code) != former
    assert "Asked to move" not in text_of(center.get(f"/orders/{code}/dates/"))
    assert "Asked to move" not in text_of(center.get(f"/orders/{code}/"))
    assert "Accepted" in text_of(browser.get(started["Location"]))


def test_a_plan_in_which_nothing_can_move_says_so_and_leads_back(far: World) -> None:
    """Not a table of zeros that is proven to be the least harm."""
    code = confirmed(far, 16, **patient())
    disruption = stopped(far, code)
    signed(far, proposed(far, disruption))  # its move waits for the center
    run = proposed(far, disruption)
    page = text_of(signed_in(far.member("maker", "planner")).get(f"/disruptions/repairs/{run.pk}/"))
    assert "There is nothing to move" in page and f"/disruptions/{disruption.pk}/" in page
    assert "no plan does less harm" not in page


def _waiting(world: World) -> list[tuple[object, object]]:
    with reading(coordinator(world)):
        return repair_answers.waiting_moves(coordinator(world))  # type: ignore[return-value]


def test_a_disruption_is_opened_by_its_own_organization_and_every_fault_stands_beside_its_field(far: World) -> None:
    browser = signed_in(far.member("maker", "planner"))
    with reading(planner(far)):
        line = Resource.unwalled.get(organization=far.maker, kind="manufacturing_line")
        chair = Resource.unwalled.get(kind="apheresis_chair")
    given = {"form": "open", "kind": "line_stop", "resources": line.code, "reason": "Leak"}
    given |= {"starts_at": "2030-01-02T08:00", "ends_at": "2030-01-01T08:00"}
    bad = browser.post("/disruptions/open/", given)
    assert bad.status_code == 400 and "It ends after it begins" in text_of(bad) and "Leak" in text_of(bad)
    assert browser.post("/disruptions/open/", given | {"starts_at": ""}).status_code == 400
    assert browser.post("/disruptions/open/", given | {"resources": chair.code}).status_code == 400
    given |= {"ends_at": "2030-01-03T08:00", "once": "two"}
    opened = browser.post("/disruptions/open/", given)
    assert browser.post("/disruptions/open/", given)["Location"] == opened["Location"]
    ended = browser.post(f"{opened['Location']}end/", follow=True)
    assert "offered again" in text_of(ended)
    assert browser.post(f"{opened['Location']}end/").status_code == 409


def test_a_what_if_shows_a_plan_that_nobody_can_sign(far: World) -> None:
    code = confirmed(far, 16, **patient())
    browser = signed_in(far.member("maker", "planner"))
    disruption = stopped(far, code)
    with reading(planner(far)):
        lines = [row.code for row in Resource.unwalled.filter(pk__in=disruption.resource_ids)]
    times = {name: getattr(disruption, name).isoformat() for name in ("starts_at", "ends_at")}
    place = browser.post("/disruptions/what-if/", {"form": "if", "resources": lines, **times})["Location"]
    repairs.work(newest(far).pk)
    page = text_of(browser.get(place))
    assert "Only supposed" in page and code in page and "Sign and ask" not in page


def test_next_door_nothing_of_it_exists(far: World) -> None:
    code = confirmed(far, 16, **patient())
    disruption = stopped(far, code)
    run = proposed(far, disruption)
    stranger = signed_in(make_member(make_organization("manufacturer"), "planner"))
    for address in (f"/disruptions/{disruption.pk}/", f"/disruptions/repairs/{run.pk}/"):
        assert stranger.get(address).status_code == 404
    assert disruption.reason not in text_of(stranger.get("/disruptions/"))
    center = signed_in(far.member("center", "coordinator"))
    assert disruption.reason in text_of(center.get(f"/disruptions/{disruption.pk}/"))  # a partner reads it
    assert center.get(f"/disruptions/repairs/{run.pk}/").status_code == 404
    assert signed_in(far.member("courier", "courier_dispatcher")).get("/disruptions/").status_code == 404


@pytest.mark.story("MP6")
def test_a_partner_system_survives_a_line_stop_over_rest(far: World) -> None:
    code = confirmed(far, 16, **patient())
    maker = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    disruption = stopped(far, code)
    (row,) = maker.get("disruptions").json()["results"]
    assert (row["id"], row["own"]) == (str(disruption.pk), True)
    assert [hit["order"] for hit in maker.get(f"disruptions/{disruption.pk}").json()["orders"]] == [code]
    for _ in range(2):
        started = maker.post(f"disruptions/{disruption.pk}/repairs", {}, Idempotency_Key="r1")
        assert started.status_code == 201
    run = started.json()
    with reading(planner(far)):
        assert disrupted.repair_runs(planner(far)).count() == 1
    assert run["state"] == "queued" and run["progress"]
    repairs.work(newest(far).pk)
    run = maker.get(f"repairs/{run['id']}").json()
    assert run["optimal"] is True and run["gap"] == 0 and run["plan"][0]["order"] == code
    unsigned = maker.post(f"repairs/{run['id']}/sign", {"version": run["version"]})
    problem(unsigned, 400, "invalid_input")
    given = {"version": run["version"], "signature": {"username": username(far), "password": PASSWORD}}
    assert maker.post(f"repairs/{run['id']}/sign", given).json() == {"moves": 1}
    center = make_partner(far.center, "coordinator", responsible=far.member("center", "coordinator"))
    (move,) = center.get("moves").json()["results"]
    problem(center.post(f"moves/{move['id']}/answer", {"decision": "refuse"}), 400, "invalid_input")
    assert center.post(f"moves/{move['id']}/answer", {"decision": "accept"}).json()["state"] == "accepted"
    stranger = make_partner(make_organization("manufacturer"), "planner")
    assert stranger.get(f"repairs/{run['id']}").status_code == 404
    assert stranger.get("disruptions").json()["results"] == []
    assert maker.post(f"disruptions/{disruption.pk}/end").json()["closed_at"]


def supposed(world: World, disruption: Any) -> Any:
    """A what-if about the same line, worked out."""
    with reading(planner(world)):
        lines = [row.code for row in Resource.unwalled.filter(pk__in=disruption.resource_ids)]
    times = {name: getattr(disruption, name).isoformat() for name in ("starts_at", "ends_at")}
    run = what_ifs.start_what_if(planner(world), {"resources": lines, **times})
    assert repairs.work(run.pk)
    return run


@pytest.mark.story("MP9")
def test_a_what_if_is_deleted_by_who_made_it_on_the_page_and_over_rest(far: World) -> None:
    code = confirmed(far, 16, **patient())
    disruption = stopped(far, code)
    run, other = supposed(far, disruption), supposed(far, disruption)
    browser, colleague = (signed_in(far.member("maker", "planner", number)) for number in (1, 2))
    place = f"/disruptions/repairs/{run.pk}/"
    assert "Delete it now" in text_of(browser.get(place))
    assert "Delete it now" not in text_of(colleague.get(place)) and "It is forgotten" in text_of(colleague.get(place))
    assert colleague.post(f"{place}delete/").status_code == 403
    assert (
        signed_in(make_member(make_organization("manufacturer"), "planner")).post(f"{place}delete/").status_code == 404
    )
    said = browser.post(f"{place}delete/", {"once": "gone"}, follow=True)
    assert "The what-if is deleted." in text_of(said)
    assert browser.post(f"{place}delete/", {"once": "gone"})["Location"] == "/disruptions/"
    assert browser.get(place).status_code == 404
    real = proposed(far, disruption)
    assert browser.post(f"/disruptions/repairs/{real.pk}/delete/").status_code == 409
    maker = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    problem(maker.post(f"repairs/{other.pk}/delete", {}), 403, "not_allowed")
    times = {name: getattr(disruption, name).isoformat() for name in ("starts_at", "ends_at")}
    with reading(planner(far)):
        lines = [row.code for row in Resource.unwalled.filter(pk__in=disruption.resource_ids)]
    own = maker.post("what-ifs", {"resources": lines, **times}).json()
    problem(maker.post(f"repairs/{own['id']}/delete", {}), 409, "repair_busy")
    maker.post(f"repairs/{own['id']}/cancel", {})
    assert maker.post(f"repairs/{own['id']}/delete", {}).json() == {"deleted": own["id"]}
    assert maker.get(f"repairs/{own['id']}").status_code == 404


def test_a_what_if_is_forgotten_after_a_week_and_a_repair_never(far: World) -> None:
    code = confirmed(far, 16, **patient())
    disruption = stopped(far, code)
    run, real = supposed(far, disruption), proposed(far, disruption)
    assert forget_what_ifs() == 0
    WhatIfDue.unwalled.filter(run_id=run.pk).update(due_at=timezone.now())
    assert WhatIfDue.unwalled.count() == 1
    assert (forget_what_ifs(), forget_what_ifs()) == (1, 0)
    with reading(planner(far)):
        assert [row.pk for row in disrupted.repair_runs(planner(far))] == [real.pk]
    maker = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    assert maker.get(f"repairs/{real.pk}").json()["kept_until"] is None


def test_a_search_that_runs_out_of_time_gives_its_best_plan_and_the_gap(
    far: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ortools.sat.python import cp_model

    codes = [confirmed(far, 16, **patient()) for _ in range(2)]
    disruption = stopped(far, codes[0])
    line_places(far, 1)
    solve = cp_model.CpSolver.solve

    def too_late(self: Any, model: Any) -> Any:
        solve(self, model)
        return cp_model.UNKNOWN

    monkeypatch.setattr(cp_model.CpSolver, "solve", too_late)
    weak = solver.priced
    monkeypatch.setattr(solver, "priced", lambda columns: replace(weak(columns), bound=0))
    run = proposed(far, disruption)
    assert [row["chosen"] is not None for row in run.plan].count(True) == 1
    assert run.result["stopped"] == "work" and not run.result["optimal"] and run.result["gap"] > 0
    page = text_of(signed_in(far.member("maker", "planner")).get(f"/disruptions/repairs/{run.pk}/"))
    assert "The best that was found. The search ended at its limit of work. At most" in page and "Proven" not in page
    maker = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    told = maker.get(f"repairs/{run.pk}").json()
    assert (told["optimal"], told["stopped"], told["gap"]) == (False, "work", run.result["gap"])


def test_the_affected_list_costs_the_same_for_one_order_and_for_three(far: World) -> None:
    one, *three = [confirmed(far, days, **patient()) for days in (8, 16, 16, 16)]
    few, many = stopped(far, one), stopped(far, three[0])
    browser = signed_in(far.member("maker", "planner"))
    maker = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    listed = [len(maker.get(f"disruptions/{found.pk}").json()["orders"]) for found in (few, many)]
    assert listed == [1, 3]
    costs = [cost(browser, f"/disruptions/{found.pk}/")[0] for found in (few, many)]
    assert costs[0] == costs[1]
