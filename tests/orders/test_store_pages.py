"""The storage map and its REST twin: what lies where, what expires first, moving, the tenant next door (CL3)."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from custody.models import Container
from ledger.context import reading
from ledger.refusals import Conflict, InvalidInput
from orders.flow import order_named, perform
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import LIMITS, World
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
LAB, NURSE, OPERATOR = ("center", "cell_lab_technologist"), ("center", "apheresis_nurse"), ("maker", "operator")


def collected(world: World) -> tuple[str, Container]:
    journey = journey_of(world, **patient())
    journey.run(before="pack")
    actor = world.actor(*NURSE)
    with reading(actor):
        stream_id = order_named(actor, journey.code).stream_id
        return journey.code, Container.unwalled.filter(stream_id=stream_id, kind="starting_material")[0]


def a_unit(world: World, browse: Browse) -> tuple[str, str]:
    """Add a unit by the page; return its id and name."""
    name = f"Tank {uuid4().hex[:8]}"
    sent = {"site": world.clinic.code, "name": name, "kind": "nitrogen", "racks": 2, "places": 3, "once": str(uuid4())}
    lab = browse(*LAB)
    for _ in range(2):  # the same form twice adds one unit
        assert lab.post("/store/", sent).status_code == 303
    found = [one for one in lab.get("/api/v1/store-units").json()["results"] if one["name"] == name]
    assert [one["free"] for one in found] == [6]
    return found[0]["id"], name


def test_a_bag_is_put_into_a_place_drawn_there_and_leaves_it_free(world: World, browse: Browse) -> None:
    unit, name = a_unit(world, browse)
    code, bag = collected(world)
    lab = browse(*LAB)
    sent = {"container": f"{code} {bag.code}", "unit": unit, "rack": "2", "place": "3"}
    assert lab.post("/store/move/", sent | {"once": str(uuid4())}).status_code == 303
    page = text_of(lab.get(f"/store/?unit={unit}"))
    places = page.split('id="map"', 1)[1]
    assert f"{code} {bag.short_code}" in places and places.count("free</span>") == 5
    assert f"{name}/2/3" in page
    other = collected(world)
    taken = lab.post("/store/move/", sent | {"container": f"{other[0]} {other[1].code}", "once": str(uuid4())})
    assert taken.status_code == 409 and f"{name}/2/3 is taken" in text_of(taken)
    far = lab.post("/store/move/", sent | {"rack": "9", "once": str(uuid4())})
    assert far.status_code == 400 and "racks 1 to 2" in text_of(far) and 'value="9"' in text_of(far)
    full = lab.post(f"/store/{unit}/retire/", {"once": str(uuid4())})
    assert full.status_code == 409 and "lie in" in text_of(full)


def test_what_expires_first_comes_first_with_all_its_clocks(world: World, browse: Browse) -> None:
    (_, first), (_, second) = collected(world), collected(world)
    rows = browse(*LAB).get("/api/v1/store").json()["results"]
    ends = [row["clocks"][0]["at"] for row in rows if row["clocks"]]
    assert ends == sorted(ends)
    told = {row["container"]: row for row in rows}
    age = next(clock for clock in told[first.code]["clocks"] if clock["words"] == "Age limit")
    assert dt.datetime.fromisoformat(age["at"]) == first.ended_at + dt.timedelta(hours=LIMITS["max_age_hours"])
    page = text_of(browse(*LAB).get("/store/"))
    assert first.code in page and second.code in page and "Age limit" in page


def test_the_list_comes_in_pages_that_miss_nothing_and_repeat_nothing(world: World, browse: Browse) -> None:
    made = {collected(world)[1].code for _ in range(3)}
    lab, found, pages, address = browse(*LAB), [], 0, "/api/v1/store?limit=2"
    whole = [row["container"] for row in lab.get("/api/v1/store?limit=200").json()["results"]]
    while address:
        page = lab.get(address).json()
        assert 0 < len(page["results"]) <= 2 and (page["previous"] is None) == (pages == 0)
        found += [row["container"] for row in page["results"]]
        address, pages, back = page["next"], pages + 1, page["previous"]
    assert found == whole and made <= set(found) and len(found) == len(set(found))
    before = lab.get(back).json()["results"] if back else []
    assert [row["container"] for row in before] == whole[-2 - len(page["results"]) : -len(page["results"])]
    for wrong in ("cursor=nonsense", "cursor=WyJ4Il0=", "limit=0", "limit=201"):
        assert lab.get(f"/api/v1/store?{wrong}").status_code == 400, wrong


def test_rest_moves_and_refuses_as_the_page_does(world: World, browse: Browse) -> None:
    unit, name = a_unit(world, browse)
    code, bag = collected(world)
    address, key = f"/api/v1/orders/{code}/material/{bag.code}/place", str(uuid4())
    body = {"unit": unit, "rack": 1, "place": 2}
    lab = browse(*LAB)
    for _ in range(2):
        answer = lab.post(address, body, content_type="application/json", headers={"Idempotency-Key": key})
        assert (answer.status_code, answer.json()) == (200, {"place": f"{name}/1/2"})
    assert browse(*NURSE).post(address, body, content_type="application/json").status_code == 403
    assert browse(*OPERATOR).post(address, body, content_type="application/json").status_code == 403
    wrong = lab.post(address, body | {"unit": str(uuid4())}, content_type="application/json")
    assert wrong.status_code == 400 and "unit" in wrong.json()["fields"]


def test_strangers_and_couriers_see_nothing_of_it(world: World, browse: Browse) -> None:
    unit, name = a_unit(world, browse)
    code, bag = collected(world)
    stranger = signed_in(make_member(make_organization("treatment_center"), "cell_lab_technologist"))
    for browser in (stranger, browse("courier", "courier_driver"), browse(*OPERATOR)):
        said = text_of(browser.get("/store/"))
        assert name not in said and bag.code not in said
        assert bag.code not in {row["container"] for row in browser.get("/api/v1/store").json()["results"]}
        assert name not in {row["name"] for row in browser.get("/api/v1/store-units").json()["results"]}
    assert stranger.post(f"/store/{unit}/retire/", {"once": str(uuid4())}).status_code == 404
    sent = {"container": f"{code} {bag.code}", "unit": unit, "rack": "1", "place": "1", "once": str(uuid4())}
    assert stranger.post("/store/move/", sent).status_code == 404


def test_more_rows_take_no_more_queries(world: World, browse: Browse) -> None:
    lab = browse(*LAB)

    def cost() -> int:
        lab.get("/store/")
        with CaptureQueriesContext(connection) as captured:
            assert lab.get("/store/").status_code == 200
        return len(captured)

    a_unit(world, browse)
    collected(world)
    once = cost()
    collected(world)
    a_unit(world, browse)
    assert cost() == once


def test_product_is_stored_in_a_place_of_the_register(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="store")
    unit, name = a_unit(world, browse)
    actor = world.actor(*LAB)
    with reading(actor):
        stream_id = order_named(actor, journey.code).stream_id
        bags = list(Container.unwalled.filter(stream_id=stream_id, kind="drug_product", state="accepted"))

    def store(*locations: str) -> None:
        rows = [{"scan": bag.code, "location": place} for bag, place in zip(bags, locations, strict=True)]
        perform(actor, journey.code, "store", {"bags": rows, "stored_at": timezone.now().isoformat()})

    with pytest.raises(InvalidInput) as refusal:
        store(f"{name}/1/1", "wherever there is room")
    assert name in refusal.value.fields["bags[1].location"][0]
    with pytest.raises(Conflict) as taken:
        store(f"{name}/1/1", f"{name}/1/1")
    assert taken.value.code == "place_taken" and "bags[1].location" in taken.value.fields
    store(f"{name}/1/1", f"{name}/1/2")
    with reading(actor):
        for place, bag in enumerate(bags, 1):
            bag.refresh_from_db()
            assert (bag.state, str(bag.store_unit_id), bag.rack, bag.place) == ("stored", unit, 1, place)
