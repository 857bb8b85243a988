"""The page of numbering: two people, one version at a time, an order numbered by it, strangers outside."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from custody.models import NumberingScheme
from ledger.context import reading
from tests.custody.test_numbering import letters
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, text_of
from tests.orders.factories import World
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("CO3")]
OWNER, APPROVER = ("maker", "product_owner"), ("maker", "flow_approver")


@pytest.fixture
def world() -> World:
    from tests.orders.factories import make_world

    return make_world()


def proposal(world: World, **changes: str) -> dict[str, str]:
    return {"kind": "sequential", "prefix": letters(world.maker), "pattern": "", "once": str(uuid4())} | changes


def newest(world: World) -> NumberingScheme:
    with reading(world.actor(*OWNER)):
        return NumberingScheme.unwalled.filter(organization=world.maker).order_by("-version")[0]


def test_a_version_is_proposed_approved_by_another_and_numbers_the_next_order(world: World, browse: Browse) -> None:
    owner, approver = browse(*OWNER), browse(*APPROVER)
    sent = proposal(world)
    assert owner.post("/numbering/", sent).status_code == 303
    assert owner.post("/numbering/", sent).status_code == 303  # the same form twice proposes once
    row = newest(world)
    assert row.version == 1
    assert "Approve version" not in text_of(owner.get("/numbering/"))
    assert owner.post(f"/numbering/{row.pk}/approve/", {}).status_code == 403
    assert f"CX{letters(world.maker)}YY########" in text_of(approver.get("/numbering/"))
    assert approver.post(f"/numbering/{row.pk}/approve/", {"once": str(uuid4())}).status_code == 303
    code = world.enrol()
    assert f"CX{letters(world.maker)}" in text_of(browse("center", "coordinator").get(f"/orders/{code}/"))
    assert approver.post(f"/numbering/{row.pk}/retire/", {"reason": ""}).status_code == 400
    assert approver.post(f"/numbering/{row.pk}/retire/", {"reason": "test"}).status_code == 303
    assert newest(world).state == "retired"


def test_a_refusal_stands_beside_its_field_and_keeps_what_was_typed(world: World, browse: Browse) -> None:
    answer = browse(*OWNER).post("/numbering/", proposal(world, kind="isbt_040", prefix="W4711"))
    said = text_of(answer)
    assert answer.status_code == 400 and "W4711" in said and "operator" in said


def test_others_propose_nothing_and_couriers_have_no_such_page(world: World, browse: Browse) -> None:
    planner: Any = browse("maker", "planner")
    assert 'name="prefix"' not in text_of(planner.get("/numbering/"))
    assert planner.post("/numbering/", proposal(world)).status_code == 403
    assert browse("courier", "courier_driver").get("/numbering/").status_code == 404


def test_the_firm_next_door_sees_and_approves_nothing(world: World, browse: Browse) -> None:
    assert browse(*OWNER).post("/numbering/", proposal(world)).status_code == 303
    stranger = signed_in(make_member(make_organization("manufacturer"), "flow_approver"))
    row = newest(world)
    assert letters(world.maker) not in text_of(stranger.get("/numbering/"))
    for act in ("approve", "retire"):
        assert stranger.post(f"/numbering/{row.pk}/{act}/", {"reason": "mine"}).status_code == 404
