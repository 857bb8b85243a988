"""A reserve that waits for quality stands in the release queue by due time, with what was collected, its age and its
storage above the signature (MO7, QA8)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from custody.models import Container
from ledger.context import reading
from ledger.recording import acting
from orders import flow_files, queries
from orders.signers import shown_digest
from orders.states import StepState
from tests.api.conftest import make_partner
from tests.factories import PASSWORD, make_actor, make_organization, operator
from tests.journeys.test_flow_engine import live, step
from tests.journeys.test_remanufacture import browser_of, decide, with_one_left
from tests.journeys.watching import bags, order_of, step_of
from tests.journeys.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeping(world: World) -> World:
    """Two bags are collected, and one may stay behind when manufacture starts."""
    definition = flow_files.shipped("autologous_car_t")
    step(definition, "labels")["parameters"]["containers"] = 2
    live(world, definition)
    return world


def asked(world: World) -> Any:
    """An order of which the reserve has a place and waits for quality."""
    journey = with_one_left(world)
    decide(world.player("center", "treating_physician"), journey, "reserve")
    journey.perform("confirm_reserve")
    return journey


def listed(client: Client) -> dict[str, Any]:
    page = client.get("/")
    assert page.status_code == 200
    return {row.order.code: row for row in page.context["reserves"]}


def form_of(page: Any) -> dict[str, str]:
    html = page.content.decode()
    names = ("once", "version")
    return {name: re.search(rf'name="{name}" value="([^"]*)"', html).group(1) for name in names}  # type: ignore[union-attr]


@pytest.mark.story("MO7", "QA8")
def test_a_reserve_is_released_from_the_queue_beneath_what_was_shown(keeping: World) -> None:
    journey, quality = asked(keeping), keeping.player("maker", "qa_reviewer")
    physician = keeping.player("center", "treating_physician")
    kept = next(code for code, state in bags(physician, journey).items() if state == "accepted")
    desk = browser_of(quality)
    row = listed(desk)[journey.code]
    assert row.mine and row.step.due_at is not None
    address = f"/orders/{journey.code}/steps/release_reserve/"
    assert address in desk.get("/").content.decode()
    page = desk.get(address)
    assert page.status_code == 200, "it is signed on its own page, not beneath the lost batch's evidence"
    html = page.content.decode()
    for words in (f"Bag {kept}", "collection ended", "h old at the start", "may start until", "Place on the line"):
        assert words in html
    shown = [(one["label"], one["value"]) for one in page.context["shown"]]
    assert page.context["version"].endswith(shown_digest(shown)), "exactly what is shown is signed"
    sent = {**form_of(page), "decision": "release", "signature.password": "wrong"}
    assert desk.post(address, sent).status_code == 400, "a wrong password signs nothing"
    with acting(operator(keeping.maker), "custody.stock_added", stream_id=_stream(keeping, journey)):
        Container.unwalled.filter(code=kept).update(storage_location="Tank 4, shelf 2")
    stale = desk.post(address, {**form_of(page), "decision": "release", "signature.password": PASSWORD})
    assert stale.status_code == 412 and "Tank 4, shelf 2" in stale.content.decode()
    done = desk.post(address, {**form_of(stale), "decision": "release", "signature.password": PASSWORD})
    assert done.status_code == 303
    assert step_of(physician, journey, "release_reserve").state == StepState.DONE
    assert journey.code not in listed(desk)


def _stream(world: World, journey: Any) -> Any:
    return order_of(world.player("center", "treating_physician"), journey).stream_id


def test_nobody_else_is_shown_it_and_the_planner_does_not_sign_it(keeping: World) -> None:
    journey = asked(keeping)
    page = browser_of(keeping.player("maker", "planner")).get(f"/orders/{journey.code}/steps/release_reserve/")
    assert page.context["sheet"].inputs is None and page.context["sheet"].why_not
    stranger = make_actor(make_organization("manufacturer"), "qa_reviewer")
    with reading(stranger):
        assert queries.reserves_asked(stranger) == []
    key = make_partner(make_organization("manufacturer"), "qa_reviewer")
    assert key.get(f"orders/{journey.code}/steps/release_reserve").status_code == 404


def test_over_rest_the_worklist_leads_to_what_is_shown(keeping: World) -> None:
    journey = asked(keeping)
    key = make_partner(keeping.maker, "qa_reviewer")
    rows = key.get("worklist").json()["results"]
    row = next(row for row in rows if row["order"]["code"] == journey.code)
    assert row["key"] == "release_reserve" and row["due_at"]
    told = key.get(f"orders/{journey.code}/steps/release_reserve").json()
    labels = [one["label"] for one in told["shown"]]
    assert "Place on the line" in labels and any(label.startswith("Bag ") for label in labels)
