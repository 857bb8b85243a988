"""The coordinator's desk: one row per order over all manufacturers, found by what a center knows its patients by."""

from __future__ import annotations

import pytest

from ledger.context import reading
from orders.actions.interruptions import put_on_hold
from orders.flow import order_named
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, consented, patient, prescribed, text_of
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


def test_an_order_is_found_by_patient_and_by_code(world: World, browse: Browse) -> None:
    who = patient()
    code, other = world.enrol(**who), world.enrol(**patient())
    with reading(world.actor("center", "coordinator")):
        identity = order_named(world.actor("center", "coordinator"), code).identity_code
    client = browse("center", "coordinator")
    name = f"{who['given_name']} {who['family_name']} 1961-04-05"
    for text in (who["mrn"], who["mrn"].lower(), name, code, identity):
        assert codes(client.get("/", {"q": text})) == [code], text
    assert other not in codes(client.get("/", {"q": who["mrn"]}))
    assert "Nothing matches" in text_of(client.get("/", {"q": f"{who['family_name']} 1961-04-06"}))


def test_nobody_else_finds_a_patient_by_record_number(world: World) -> None:
    who = patient()
    world.enrol(**who)
    stranger = signed_in(make_member(make_organization("treatment_center"), "coordinator"))
    assert codes(stranger.get("/", {"q": who["mrn"]})) == []


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
    for nonsense in ({"turn": "x"}, {"phase": "\x00"}, {"q": "%\x00"}, {"q": "9999-99-99 a b"}, {"page": "-1"}):
        assert client.get("/", nonsense).status_code == 200


def test_an_order_on_hold_is_nobodys_turn_and_says_so(world: World, browse: Browse) -> None:
    code = world.enrol(**patient())
    put_on_hold(world.actor("center", "coordinator"), code, "The patient has a fever.")
    page = browse("center", "coordinator", 2).get("/", {"q": code})
    assert "On hold" in text_of(page)
    assert not page.context["rows"][0]["mine"]


def test_fifty_rows_cost_no_more_queries_and_stay_light(
    world: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        world.enrol(**patient())
    assert_light(monkeypatch, browse("center", "coordinator", 2))
