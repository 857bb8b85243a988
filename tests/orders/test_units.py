"""Find every unit by lot, donor, shipper, site or time: page, file and REST; nothing of the tenant next door (QA4)."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cgt.demo.journey import Journey
from custody.models import Container, Shipment, UsedLot
from ledger.context import reading
from ledger.models import Stream
from ledger.refusals import InvalidInput
from orders import flow_files
from orders.actions.flows import approve_flow, propose_flow
from orders.models import Order
from tests.factories import connect, make_actor, make_member, make_organization, unique
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.orders.test_shipper_swaps import OnTheWay
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("QA4")]
REVIEWER, QP, SITE_QUALITY = ("maker", "qa_reviewer"), ("maker", "qualified_person"), ("center", "site_quality")


def found(browser: Client, **sought: Any) -> list[dict[str, Any]]:
    answer = browser.get(f"/api/v1/units?{urlencode(sought)}")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def codes(rows: list[dict[str, Any]]) -> set[str]:
    return {row["container"] for row in rows}


def bags_of(world: World, code: str, kind: str = "") -> list[Container]:
    with reading(world.actor(*REVIEWER)):
        stream_id = Order.unwalled.get(code=code).stream_id
        rows = Container.unwalled.filter(stream_id=stream_id, **({"kind": kind} if kind else {}))
        return list(rows.select_related("coi").order_by("kind", "position"))


@pytest.fixture(scope="module")
def lot() -> str:
    return unique("vl").upper()


@pytest.fixture(scope="module")
def made(world: World, lot: str, django_db_setup: None, django_db_blocker: Any) -> Iterator[Journey]:
    """An order whose product was made with the lot and lies at the plant."""
    with django_db_blocker.unblock():
        journey = journey_of(world, **patient())
        journey.vector_lot = f" {lot.lower()} "
        journey.run(until="finish")
        yield journey


def test_a_lot_leads_to_what_it_touched_and_to_what_was_made_of_that(
    world: World, browse: Browse, made: Journey, lot: str
) -> None:
    rows = found(browse(*REVIEWER), lot=lot.lower())
    assert codes(rows) == {bag.code for bag in bags_of(world, made.code)}
    product = next(row for row in rows if row["kind"] == "drug_product")
    assert (product["order"], product["given"], product["custodian"]) == (made.code, False, world.maker.code)
    assert product["treatment_center"]["code"] == world.clinic.code
    material = next(row for row in rows if row["kind"] == "starting_material")
    assert (material["state"], material["custodian"]) == ("consumed", None) and f"Viral vector {lot}" in material[
        "lots"
    ]
    assert found(browse(*REVIEWER), lot=lot[:-1]) == []
    text = text_of(browse(*QP).get(f"/units/?lot={lot}"))
    assert product["container"] in text and made.code in text and "Nobody has it any more" in text


def test_the_batch_number_is_a_lot_of_its_product(world: World, browse: Browse, made: Journey) -> None:
    product = bags_of(world, made.code, "drug_product")
    assert codes(found(browse(*REVIEWER), lot=product[0].lot)) == {bag.code for bag in product}


def test_a_donor_is_found_by_chain_of_identity(world: World, browse: Browse, made: Journey) -> None:
    bag = bags_of(world, made.code)[0]
    everything = {one.code for one in bags_of(world, made.code)}
    assert bag.coi is not None
    assert codes(found(browse(*REVIEWER), donor=bag.coi.code)) == everything
    assert codes(found(browse(*SITE_QUALITY), donor=bag.coi.code)) == everything


def test_a_shipper_leads_to_what_was_in_it_and_to_its_product(world: World, browse: Browse, made: Journey) -> None:
    stream_id = bags_of(world, made.code)[0].stream_id
    with reading(world.actor(*REVIEWER)):
        box = Shipment.unwalled.get(stream_id=stream_id)
    rows = [row for row in found(browse(*REVIEWER), shipper=box.shipper_code) if row["order"] == made.code]
    inside = {row["container"] for row in rows if not row["made_of"]}
    assert inside == {bag.code for bag in bags_of(world, made.code, "starting_material")}
    product = {bag.code for bag in bags_of(world, made.code, "drug_product")}
    assert {row["container"] for row in rows if row["made_of"]} == product
    assert {row["made_of"] for row in rows if row["made_of"]} <= inside
    before = (box.packed_at - dt.timedelta(days=2)).isoformat()
    until = (box.packed_at - dt.timedelta(days=1)).isoformat()
    assert found(browse(*REVIEWER), shipper=box.shipper_code, since=before, until=until) == []


def test_the_shipper_that_was_left_on_the_way_leads_to_it_as_well(world: World, browse: Browse) -> None:
    way = OnTheWay(world)
    first, given = way.box.shipper_code, way.swap()
    bags = {bag.code for bag in way.bags()}
    for serial in (first, given["shipper_code"]):
        assert bags <= codes(found(browse(*REVIEWER), shipper=serial))


def test_a_site_and_a_time_lead_to_what_was_there_then(world: World, browse: Browse, made: Journey, lot: str) -> None:
    material = {bag.code for bag in bags_of(world, made.code, "starting_material")}
    product = {bag.code for bag in bags_of(world, made.code, "drug_product")}
    rows = found(browse(*REVIEWER), site=world.clinic.code, lot=lot)
    assert {row["container"] for row in rows if not row["made_of"]} == material
    assert {row["container"] for row in rows if row["made_of"]} == product
    assert {row["stay"]["place"] for row in rows if row["stay"]} == {world.clinic.name}
    at_plant = found(browse(*REVIEWER), site=world.plant.code, lot=lot)
    assert codes(at_plant) == material | product
    long_ago = (timezone.now() - dt.timedelta(days=900)).isoformat()
    assert found(browse(*REVIEWER), site=world.clinic.code, until=long_ago) == []
    later = (timezone.now() + dt.timedelta(days=1)).isoformat()
    assert product & codes(found(browse(*REVIEWER), since=timezone.now().isoformat(), until=later, limit=200))


def test_pages_follow_one_another_without_a_gap(world: World, browse: Browse, made: Journey, lot: str) -> None:
    browser, seen, address = browse(*REVIEWER), [], f"/api/v1/units?{urlencode({'lot': lot, 'limit': 1})}"
    while address:
        answer = browser.get(address).json()
        seen += [row["container"] for row in answer["results"]]
        address = answer["next"]
    assert sorted(seen) == sorted(bag.code for bag in bags_of(world, made.code))


def test_the_file_holds_every_unit_once(world: World, browse: Browse, made: Journey, lot: str) -> None:
    answer = browse(*REVIEWER).get(f"/units.csv?lot={lot}&site={world.clinic.code}")
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(text_of(answer).lstrip("\ufeff"))))
    assert sorted(row["unit"] for row in rows) == sorted(bag.code for bag in bags_of(world, made.code))
    assert {row["order"] for row in rows} == {made.code}


def test_a_search_by_nothing_or_by_nonsense_is_refused_in_words(world: World, browse: Browse) -> None:
    browser = browse(*REVIEWER)
    assert browser.get("/units/").status_code == 200
    for sought, field in (
        ({}, "lot"),
        ({"site": "nowhere"}, "site"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-02-02T00:00:00Z", "until": "2026-02-01T00:00:00Z"}, "until"),
        ({"lot": "A", "batch": "B"}, "batch"),
    ):
        answer = browser.get(f"/api/v1/units?{urlencode(sought)}")
        assert answer.status_code == 400
        assert field in answer.json()["fields"], answer.content
    assert browser.get("/units/?site=nowhere").status_code == 400
    assert browser.get("/units/?lot=A&after=now~then").status_code == 400


def test_another_center_sees_none_of_it_though_it_asks_by_the_very_numbers(
    world: World, browse: Browse, made: Journey, lot: str
) -> None:
    """The stranger is a partner of the same manufacturer, and knows lot, chain of identity and site."""
    stranger = make_organization("treatment_center")
    connect(stranger, world.maker)
    connect(stranger, world.center)
    browser = signed_in(make_member(stranger, "site_quality"))
    bag = bags_of(world, made.code)[0]
    assert bag.coi is not None
    for sought in ({"lot": lot}, {"donor": bag.coi.code}, {"site": world.clinic.code}, {"site": world.plant.code}):
        assert found(browser, **sought) == []
        page = browser.get(f"/units/?{urlencode(sought)}")
        assert page.status_code == 200
        assert made.code not in text_of(page) and bag.code not in text_of(page)
        assert bag.code not in text_of(browser.get(f"/units.csv?{urlencode(sought)}"))
    with reading(world.actor(*REVIEWER)):
        assert Stream.unwalled.filter(pk=bag.stream_id).exists(), "there was something to leak"


def test_a_courier_and_whoever_lacks_the_right_find_nothing(world: World, browse: Browse, lot: str) -> None:
    for who in (("courier", "courier_driver"), ("maker", "planner"), ("center", "apheresis_nurse")):
        for address in (f"/units/?lot={lot}", f"/units.csv?lot={lot}", f"/api/v1/units?lot={lot}"):
            assert browse(*who).get(address).status_code == 403, (who, address)


def test_more_rows_take_no_more_queries(world: World, browse: Browse, made: Journey, lot: str) -> None:
    browser, few = browse(*REVIEWER), bags_of(world, made.code, "drug_product")[0].lot

    def cost(address: str) -> int:
        browser.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    assert cost(f"/units/?lot={few}") >= cost(f"/units/?lot={lot}") - 1, "two bags, and all that the lot touched"
    assert cost(f"/api/v1/units?lot={lot}&limit=1") == cost(f"/api/v1/units?lot={lot}&limit=100")


def test_a_therapy_may_ask_for_the_lots_of_its_critical_materials(world: World) -> None:
    definition = flow_files.shipped("autologous_car_t")
    start = next(step for step in definition["steps"] if step["kind"] == "start_manufacture")
    start["parameters"]["critical_materials"] = ["Viral vector", "Activation beads"]
    flow = propose_flow(make_actor(world.maker, "product_owner"), world.therapy, definition)
    approve_flow(make_actor(world.maker, "flow_approver"), flow.pk)
    journey = journey_of(world, **patient())
    journey.vector_lot = "VL-77"
    journey.run(before="start")
    with pytest.raises(InvalidInput) as refusal:
        journey.perform("start")
    assert "Activation beads" in str(refusal.value.fields["materials"])
    told = [{"name": "viral vector", "lot": "VL-77"}, {"name": "Activation beads", "lot": "ab 5"}]
    assert journey.perform("start", {"materials": told}).state == "done"
    with reading(world.actor(*REVIEWER)):
        stream_id = Order.unwalled.get(code=journey.code).stream_id
        assert {"VL-77", "AB5"} <= set(UsedLot.unwalled.filter(stream_id=stream_id).values_list("lot", flat=True))
