"""The coordinator's desk: one row per order over all manufacturers, found by what a center knows its patients by."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from ledger.context import reading
from orders.actions.interruptions import put_on_hold
from orders.flow import current_step, order_named
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, confirmed, consented, patient, prescribed, step, text_of
from tests.orders.desks.costs import assert_light
from tests.orders.factories import World
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")


def codes(page: object) -> list[str]:
    return [row["order"].code for row in page.context["rows"]]  # type: ignore[attr-defined]


def test_one_row_per_order_whatever_is_ready_at_once(world: World, browse: Browse) -> None:
    code = consented(world, **patient())
    page = browse("center", "coordinator").get("/")
    assert codes(page).count(code) == 1
    row = next(row for row in page.context["rows"] if row["order"].code == code)
    assert row["step"].key == "eligibility"
    assert not row["mine"]
    assert row["who"] == "Treating physician"


def test_patients_are_named_to_their_own_center_only(world: World, browse: Browse) -> None:
    who = patient()
    world.enrol(**who)
    assert who["family_name"] in text_of(browse("center", "coordinator").get("/"))
    stranger = signed_in(make_member(make_organization("treatment_center"), "coordinator"))
    assert who["family_name"] not in text_of(stranger.get("/"))
    assert codes(stranger.get("/")) == []


def test_a_patient_is_found_without_a_name_in_the_address(world: World, browse: Browse) -> None:
    who = patient()
    code, other = world.enrol(**who), world.enrol(**patient())
    client = browse("center", "coordinator")
    for text in (
        who["mrn"],
        who["mrn"].lower(),
        who["family_name"].upper(),
        f"{who['given_name']} {who['family_name']} 1961-04-05",
    ):
        found = client.post("/find/", {"q": text}, follow=True)
        address = found.redirect_chain[0][0]
        assert who["family_name"] not in address and who["mrn"] not in address
        assert codes(found) == [code], text
        assert other not in codes(found)
    wrong = client.post("/find/", {"q": f"{who['family_name']} 1961-04-06"})
    assert "Nobody and nothing" in text_of(wrong)
    assert who["family_name"] in text_of(wrong)  # what was typed is kept


def test_codes_lead_to_their_order(world: World, browse: Browse) -> None:
    code = world.enrol(**patient())
    with reading(world.actor("center", "coordinator")):
        identity = order_named(world.actor("center", "coordinator"), code).identity_code
    client = browse("center", "coordinator")
    for text in (code, code.lower(), identity, identity.lower()):
        assert client.post("/find/", {"q": text}).headers["Location"] == f"/orders/{code}/", text
    for nonsense in ("", "\x00", "9999-99-99 a b", "x" * 5000):
        assert client.post("/find/", {"q": nonsense}).status_code == 200


def test_nobody_else_finds_a_patient(world: World, browse: Browse) -> None:
    who = patient()
    code = world.enrol(**who)
    stranger = signed_in(make_member(make_organization("treatment_center"), "coordinator"))
    assert code not in text_of(stranger.post("/find/", {"q": who["mrn"]}, follow=True))
    with reading(world.actor("center", "coordinator")):
        key = order_named(world.actor("center", "coordinator"), code).patient_id
    assert codes(stranger.get("/", {"patient": str(key)})) == []
    assert codes(browse("center", "coordinator").get("/", {"patient": str(key)})) == [code]
    blind = browse("center", "cell_lab_technologist").post("/find/", {"q": who["mrn"]})
    assert "Nobody and nothing" in text_of(blind)


def test_filters_stand_in_the_address(world: World, browse: Browse) -> None:
    enrolled, waiting = world.enrol(**patient()), prescribed(world, **patient())
    client = browse("center", "coordinator", 2)
    mine = codes(client.get("/", {"turn": "me"}))
    assert {enrolled, waiting} <= set(mine)
    assert codes(client.get("/", {"turn": "plant"})) == []
    scheduling = codes(client.get("/", {"phase": "scheduling"}))
    assert waiting in scheduling and enrolled not in scheduling
    assert codes(client.get("/", {"due": "late"})) == []
    assert enrolled in codes(client.get("/", {"due": "week", "therapy": world.therapy.code}))
    for nonsense in ({"turn": "x"}, {"phase": "\x00"}, {"patient": "x,\x00"}, {"page": "-1"}):
        assert client.get("/", nonsense).status_code == 200


def test_an_order_on_hold_is_nobodys_turn_and_says_so(world: World, browse: Browse) -> None:
    code = world.enrol(**patient())
    put_on_hold(world.actor("center", "coordinator"), code, "The patient has a fever.")
    page = browse("center", "coordinator", 2).get("/")
    assert "On hold" in text_of(page)
    assert not next(row for row in page.context["rows"] if row["order"].code == code)["mine"]


def test_fifty_rows_cost_no_more_queries_and_stay_light(
    world: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        world.enrol(**patient())
    assert_light(monkeypatch, browse("center", "coordinator", 2))


def test_who_enrolled_a_patient_is_not_told_to_activate_the_identity(world: World, browse: Browse) -> None:
    code = world.enrol(**patient())
    mine = {
        number: {
            row["order"].code: row["mine"] for row in browse("center", "coordinator", number).get("/").context["rows"]
        }
        for number in (1, 2)
    }
    assert (mine[1][code], mine[2][code]) == (False, True)


def test_a_step_that_is_begun_again_is_due_from_then_on(world: World) -> None:
    """Its predecessor was done long ago: by that alone it would be late at once."""
    code = confirmed(world, **patient())
    coordinator = world.actor("center", "coordinator")
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=3)):
        step(world, code, ("courier", "courier_dispatcher", 1), "accept_job", decision="decline", reason="No driver")
        with reading(coordinator):
            again = current_step(order_named(coordinator, code), "book")
            assert (again.attempt, again.state) == (2, "ready")
            assert not again.is_late()
