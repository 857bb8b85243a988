"""The pages and addresses of codes: what is this, register, withdraw; a courier's boxes; the tenant next door."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from custody.models import Alias, Container, Shipment
from ledger.context import reading
from orders.flow import order_named
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import packed
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
NURSE, OPERATOR, DRIVER = ("center", "apheresis_nurse"), ("maker", "operator"), ("courier", "courier_driver")


class Packed:
    def __init__(self, world: World) -> None:
        self.code = packed(world, **patient())
        actor = world.actor(*NURSE)
        with reading(actor):
            self.order = order_named(actor, self.code)
            self.box = Shipment.unwalled.get(stream_id=self.order.stream_id)
            self.bag = Container.unwalled.filter(stream_id=self.order.stream_id).first()
        self.page = f"/orders/{self.code}/codes/"


@pytest.fixture
def order(world: World) -> Packed:
    return Packed(world)


def form(names: str, code: str, system: str = "waybill", scope: str = "order") -> dict[str, str]:
    return {"names": names, "code": code, "system": system, "scope": scope, "once": str(uuid4())}


def test_a_code_is_registered_found_and_withdrawn(world: World, browse: Browse, order: Packed) -> None:
    nurse, operator = browse(*NURSE), browse(*OPERATOR)
    number = f"EX-{uuid4().hex[:10]}".upper()
    assert order.bag.code in text_of(nurse.get(order.page))
    sent = form(order.bag.code, number)
    assert nurse.post(order.page, sent).status_code == 303
    assert nurse.post(order.page, sent).status_code == 303  # the same form twice does one thing
    for browser in (nurse, operator):
        assert number.replace("-", "") in text_of(browser.get(order.page))
        said = text_of(browser.post("/codes/", {"code": number}))
        assert order.code in said and order.bag.code in said and "no identity" in said
    with reading(world.actor(*NURSE)):
        row = Alias.unwalled.get(stream_id=order.order.stream_id)
    end = f"{order.page}{row.pk}/withdraw/"
    assert operator.post(end, {"reason": "not mine"}).status_code == 404
    assert nurse.post(end, {"reason": ""}).status_code == 400
    assert nurse.post(end, {"reason": "wrong bag"}).status_code == 303
    refused = nurse.post("/codes/", {"code": number})
    assert refused.status_code == 400 and "Unreadable" in text_of(refused)


def test_a_refusal_keeps_what_was_typed(world: World, browse: Browse, order: Packed) -> None:
    answer = browse(*NURSE).post(order.page, form(order.bag.code, "106141412345678909", system="sscc"))
    assert answer.status_code == 400
    assert "106141412345678909" in text_of(answer) and "check digit" in text_of(answer)


def test_a_courier_names_boxes_and_learns_of_no_bag(world: World, browse: Browse, order: Packed) -> None:
    driver, nurse = browse(*DRIVER), browse(*NURSE)
    bag_number, box_number = (f"{kind}-{uuid4().hex[:10]}".upper() for kind in ("BAG", "BOX"))
    assert nurse.post(order.page, form(order.bag.code, bag_number)).status_code == 303
    assert driver.post(order.page, form(order.bag.code, box_number)).status_code == 400
    assert driver.post(order.page, form(order.box.code, box_number)).status_code == 303
    page = text_of(driver.get(order.page))
    assert box_number.replace("-", "") in page
    assert bag_number.replace("-", "") not in page and order.bag.code not in page
    assert order.code in text_of(driver.post("/codes/", {"code": box_number})).split("</nav>")[-1]
    for address, name in (("/codes/", "code"), ("/find/", "q")):
        assert order.code not in text_of(driver.post(address, {name: bag_number})).split("</nav>")[-1]
    assert driver.post("/find/", {"q": box_number}).url == f"/orders/{order.code}/"


def test_who_only_looks_may_not_register(world: World, browse: Browse, order: Packed) -> None:
    physician = browse("center", "treating_physician")
    assert 'name="system"' not in text_of(physician.get(order.page))
    assert physician.post(order.page, form(order.bag.code, "EX-1")).status_code == 403


def test_the_tenant_next_door_sees_neither_page_nor_code(world: World, browse: Browse, order: Packed) -> None:
    number = f"EX-{uuid4().hex[:10]}".upper()
    assert browse(*NURSE).post(order.page, form(order.bag.code, number)).status_code == 303
    stranger = signed_in(make_member(make_organization("treatment_center"), "apheresis_nurse"))
    assert stranger.get(order.page).status_code == 404
    assert stranger.post(order.page, form(order.bag.code, "EX-2")).status_code == 404
    refused = stranger.post("/codes/", {"code": number})
    assert refused.status_code == 400 and order.code not in text_of(refused)


def test_the_page_costs_the_same_for_one_code_and_for_three(world: World, browse: Browse, order: Packed) -> None:
    nurse = browse(*NURSE)

    def queries() -> int:
        nurse.get(order.page)
        with CaptureQueriesContext(connection) as asked:
            assert nurse.get(order.page).status_code == 200
        return len(asked)

    targets = (order.bag.code, order.box.code, order.order.identity_code)
    costs = []
    for target in targets:
        assert nurse.post(order.page, form(target, f"EX-{uuid4().hex[:10]}")).status_code == 303
        costs.append(queries())
    assert len(set(costs)) == 1


@pytest.mark.parametrize(
    ("scanned", "words"),
    [
        ("&>0261251430", "Expiry 2026-05-05 14:30 local time"),
        ("(01)06291041500213(17)261231", "Expiry 2026-12-31"),
        ("=#AB19610405", "A patient&#x27;s birth date, not shown here"),
    ],
)
def test_the_page_tells_what_is_in_a_code(world: World, browse: Browse, scanned: str, words: str) -> None:
    said: Any = browse(*NURSE).post("/codes/", {"code": scanned})
    assert said.status_code == 200
    assert words in text_of(said) and "names nothing" in text_of(said)
