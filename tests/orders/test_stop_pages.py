"""Stop-ship by page and by REST: shown first, signed, told, lifted by two; nothing of it next door (QA4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cgt.demo.journey import Journey
from tests.api.conftest import make_partner
from tests.factories import PASSWORD, connect, make_member, make_organization, unique
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.orders.test_units import bags_of
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("QA4")]
REVIEWER, QP, SITE_QUALITY = ("maker", "qa_reviewer"), ("maker", "qualified_person"), ("center", "site_quality")


def stopped(world: World, code: str) -> set[str]:
    return {str(bag.state) for bag in bags_of(world, code, "drug_product")}


@pytest.fixture
def lot() -> str:
    return unique("sl").upper()


@pytest.fixture
def made(world: World, lot: str) -> Iterator[Journey]:
    journey = journey_of(world, **patient())
    journey.vector_lot = lot
    journey.run(until="finish")
    yield journey


def post(browser: Client, address: str, body: Any, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return browser.post(address, body, content_type="application/json", headers=headers)


def by_rest(world: World, browser: Client, lot: str, key: str = "") -> Any:
    signature = {"username": world.username(*REVIEWER), "password": PASSWORD}
    return post(browser, "/api/v1/stops", {"lot": lot, "reason": "Called back", "signature": signature}, key)


def test_what_would_be_stopped_is_shown_signed_and_stands_on_a_page(
    world: World, browse: Browse, made: Journey, lot: str
) -> None:
    browser = browse(*REVIEWER)
    assert f"/units/stop/?lot={lot}" in text_of(browser.get(f"/units/?lot={lot}"))
    shown = text_of(browser.get(f"/units/stop/?lot={lot}"))
    product = bags_of(world, made.code, "drug_product")
    assert all(bag.code in shown for bag in product) and "of 1 order" in shown
    form = {"lot": lot, "reason": "", "signature.password": PASSWORD, "once": str(uuid4())}
    refused = browser.post("/units/stop/", form)
    assert refused.status_code == 400 and product[0].code in text_of(refused)
    wrong = browser.post("/units/stop/", form | {"reason": "Called back", "signature.password": "no"})
    assert wrong.status_code == 400 and stopped(world, made.code) == {"stored"}
    done = browser.post("/units/stop/", form | {"reason": "Called back by its supplier"})
    assert done.status_code == 303, text_of(done)
    page = text_of(browser.get(done["Location"]))
    assert "Called back by its supplier" in page and product[0].code in page and world.clinic.name in page
    assert stopped(world, made.code) == {"quarantined"}
    again = browser.post("/units/stop/", form | {"reason": "Called back by its supplier"})
    assert again.status_code == 303, "the same form twice is one stop"
    number = done["Location"].strip("/").split("/")[-1]
    assert number in text_of(browser.get("/stops/"))
    assert number in text_of(browse(*SITE_QUALITY).get(f"/orders/{made.code}/")), "its center reads of the deviation"
    second = {"other.username": world.username(*QP), "other.password": PASSWORD}
    given = {"conclusion": "Sound.", "signature.password": PASSWORD, "once": str(uuid4())}
    alone = browser.post(f"/stops/{number}/lift/", given)
    assert alone.status_code == 400 and "Sound." in text_of(alone)
    lifted = browser.post(f"/stops/{number}/lift/", given | second)
    assert lifted.status_code == 303, text_of(lifted)
    assert stopped(world, made.code) == {"stored"}
    assert "Lifted" in text_of(browser.get(f"/stops/{number}/"))


def test_the_same_by_rest_once_per_key(world: World, browse: Browse, made: Journey, lot: str) -> None:
    browser, key = browse(*REVIEWER), uuid4().hex
    answer = by_rest(world, browser, lot, key)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["state"], told["sought"], [row["order"] for row in told["orders"]]) == (
        "standing",
        {"lot": lot},
        [made.code],
    )
    assert by_rest(world, browser, lot, key).json()["number"] == told["number"]
    assert by_rest(world, browser, lot).status_code == 409
    number = told["number"]
    rows = browser.get(f"/api/v1/stops/{number}/units").json()["results"]
    assert {row["container"] for row in rows} == {bag.code for bag in bags_of(world, made.code)}
    assert all(row["treatment_center"] == world.clinic.name for row in rows)
    assert number in [row["number"] for row in browser.get("/api/v1/stops").json()["results"]]
    lift = {
        "conclusion": "Sound.",
        "signature": {"password": PASSWORD},
        "other": {"username": world.username(*QP), "password": PASSWORD},
    }
    ended = post(browser, f"/api/v1/stops/{number}/lift", lift)
    assert (ended.status_code, ended.json()["state"]) == (200, "lifted"), ended.content


def test_a_key_alone_signs_nothing(world: World, made: Journey, lot: str) -> None:
    client, token = Client(), make_partner(world.maker, "qa_reviewer").token
    body: dict[str, Any] = {"lot": lot, "reason": "Called back", "signature": {"password": PASSWORD}}
    head = {"Authorization": f"Bearer {token}"}
    answer = client.post("/api/v1/stops", body, content_type="application/json", headers=head)
    assert (answer.status_code, answer.json()["code"]) == (403, "key_cannot_sign")
    assert stopped(world, made.code) == {"stored"}
    body["signature"]["username"] = world.username(*REVIEWER)
    assert client.post("/api/v1/stops", body, content_type="application/json", headers=head).status_code == 201
    assert stopped(world, made.code) == {"quarantined"}


def test_nobody_else_stops_reads_or_lifts_it(world: World, browse: Browse, made: Journey, lot: str) -> None:
    number = by_rest(world, browse(*REVIEWER), lot).json()["number"]
    rival = make_organization("manufacturer")
    connect(rival, world.center)
    connect(rival, world.maker)
    stranger = signed_in(make_member(rival, "qa_reviewer"))
    product = bags_of(world, made.code, "drug_product")[0].code
    for address in (f"/stops/{number}/", f"/api/v1/stops/{number}", f"/api/v1/stops/{number}/units"):
        for browser in (stranger, browse(*SITE_QUALITY)):
            assert browser.get(address).status_code == 404, address
    assert number not in text_of(stranger.get("/stops/")) and stranger.get("/api/v1/stops").json()["results"] == []
    assert post(stranger, f"/api/v1/stops/{number}/lift", {}).status_code == 404
    shown = text_of(stranger.get(f"/units/stop/?lot={lot}"))
    assert product not in shown and made.code not in shown
    for who in (SITE_QUALITY, ("maker", "planner"), ("courier", "courier_driver")):
        assert browse(*who).get(f"/units/stop/?lot={lot}").status_code == 403
        assert by_rest(world, browse(*who), lot).status_code == 403


def test_more_units_and_orders_take_no_more_queries_to_read(world: World, browse: Browse, lot: str) -> None:
    browser = browse(*REVIEWER)

    def made_and_stopped(orders: int, name: str) -> str:
        for _ in range(orders):
            journey = journey_of(world, **patient())
            journey.vector_lot = name
            journey.run(until="start")
        return str(by_rest(world, browser, name).json()["number"])

    def cost(address: str) -> int:
        browser.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    one, three = made_and_stopped(1, lot), made_and_stopped(3, f"{lot}-3")
    for address in ("/stops/{}/", "/api/v1/stops/{}", "/api/v1/stops/{}/units"):
        assert cost(address.format(one)) == cost(address.format(three)), address
    codes = re.findall(r"/orders/(CT-[A-Z0-9-]+)/", text_of(browser.get(f"/stops/{three}/")))
    assert len(set(codes)) == 3


def test_before_it_is_signed_the_page_says_what_becomes_of_what_comes_later(
    world: World, browse: Browse, made: Journey, lot: str
) -> None:
    browser = browse(*REVIEWER)
    assert "Later use of this lot is refused" in text_of(browser.get(f"/units/stop/?lot={lot}"))
    assert "collected from this donor later is put aside" in text_of(browser.get("/units/stop/?donor=SOMEBODY"))
    for more in (f"lot={lot}&site={world.plant.code}", f"lot={lot}&since=2020-01-01T00:00", f"site={world.plant.code}"):
        said = text_of(browser.get(f"/units/stop/?{more}"))
        assert "nothing that comes to it later" in said and "by the lot, the donor or the shipper alone" in said
