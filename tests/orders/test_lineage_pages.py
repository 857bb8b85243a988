"""The lineage page and its REST twin: who works on material, who reads it, what is refused and kept (CL1)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from custody.models import Container, Conversion
from ledger.context import reading
from orders.flow import order_named
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of, packed
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("CL1")]
LAB, NURSE, OPERATOR = ("center", "cell_lab_technologist"), ("center", "apheresis_nurse"), ("maker", "operator")


class Collected:
    """An order whose bags were collected and lie at the center."""

    def __init__(self, world: World) -> None:
        journey = journey_of(world, **patient())
        journey.run(before="pack")
        self.world, self.code = world, journey.code
        self.page, self.rest = f"/orders/{self.code}/lineage/", f"/api/v1/orders/{self.code}/lineage"

    def bags(self, **narrow: Any) -> list[Container]:
        actor = self.world.actor(*NURSE)
        with reading(actor):
            stream_id = order_named(actor, self.code).stream_id
            return list(Container.unwalled.filter(stream_id=stream_id, **narrow).order_by("kind", "position"))

    def acts(self) -> list[Conversion]:
        actor = self.world.actor(*NURSE)
        with reading(actor):
            stream_id = order_named(actor, self.code).stream_id
            return list(Conversion.unwalled.filter(stream_id=stream_id))


@pytest.fixture
def order(world: World) -> Collected:
    return Collected(world)


def form(kind: str, bags: list[Container], *volumes: object, **more: str) -> dict[str, str]:
    sent = {"kind": kind, "lost_ml": "0", "at": "", "reason": "", "once": str(uuid4())}
    sent |= {f"bags[{place}]scan": bag.code for place, bag in enumerate(bags)}
    sent |= {f"volumes[{place}]volume_ml": str(volume) for place, volume in enumerate(volumes)}
    return sent | more


def now() -> str:
    from django.utils import timezone

    return timezone.now().isoformat()


def test_a_split_is_recorded_once_drawn_and_told_in_words(world: World, browse: Browse, order: Collected) -> None:
    lab, bag = browse(*LAB), order.bags()[0]
    half = (bag.volume_ml / 2).quantize(bag.volume_ml.__class__("0.1"))
    sent = form("split", [bag], half, "", half, at=now())
    assert lab.post(order.page, sent).status_code == 303
    assert lab.post(order.page, sent).status_code == 303  # the same form twice does one thing
    assert len(order.acts()) == 1
    said = text_of(lab.get(order.page))
    new = [one for one in order.bags() if one.state == "collected" and one.pk != bag.pk][-2:]
    for part in new:
        assert part.code in said and f'class="code" x="10" y="21">{part.short_code}<' in said
    assert "Split into several" in said and "Consumed" in said
    assert order.page in text_of(lab.get(f"/orders/{order.code}/"))
    assert browse(*OPERATOR).get(order.page).status_code == 200  # the manufacturer reads, and works on nothing here
    assert 'name="kind"' not in text_of(browse(*OPERATOR).get(order.page))


def test_what_does_not_add_up_is_refused_beside_its_field_and_kept(browse: Browse, order: Collected) -> None:
    bag = order.bags()[0]
    answer = browse(*LAB).post(order.page, form("split", [bag], "1.5", "2.5", at=now(), reason="kept words"))
    said = text_of(answer)
    assert answer.status_code == 400
    assert "is missing" in said and 'value="1.5"' in said and 'value="2.5"' in said and "kept words" in said
    assert order.acts() == []


def test_a_foreign_bag_stops_the_line(world: World, browse: Browse, order: Collected) -> None:
    other = Collected(world).bags()[0]
    answer = browse(*LAB).post(order.page, form("repacked", [other], other.volume_ml, at=now()))
    assert answer.status_code == 422 and "another chain of identity" in text_of(answer)
    assert {bag.state for bag in order.bags(kind="starting_material")} == {"quarantined"}
    assert order.acts() == []
    answer = browse(*LAB).post(order.page, form("repacked", [order.bags()[0]], 1, at=now()))
    assert answer.status_code == 422 and "under query" in text_of(answer)


def test_rest_says_and_does_the_same(world: World, browse: Browse, order: Collected) -> None:
    lab, bag = browse(*LAB), order.bags()[0]
    body = {"kind": "sampled", "bags": [{"scan": bag.code}], "volumes": [{"volume_ml": "2.0"}], "at": now()}
    key = str(uuid4())
    for _ in range(2):
        answer = lab.post(order.rest, body, content_type="application/json", headers={"Idempotency-Key": key})
        assert answer.status_code == 201, answer.content
    told = lab.get(order.rest).json()
    assert len(told["conversions"]) == 1
    act = told["conversions"][0]
    assert (act["kind"], act["used"], act["volume_out_ml"]) == ("sampled", [bag.code], 2)
    vial = next(one for one in told["containers"] if one["code"] == act["made"][0])
    assert (vial["kind"], vial["generation"], vial["made_of"]) == ("sample", 1, [bag.code])
    bad = lab.post(order.rest, body | {"volumes": []}, content_type="application/json")
    assert bad.status_code == 400 and "volumes" in bad.json()["fields"]


def test_who_may_not_and_who_sees_nothing(world: World, browse: Browse, order: Collected) -> None:
    bag = order.bags()[0]
    assert browse(*NURSE).post(order.page, form("repacked", [bag], bag.volume_ml, at=now())).status_code == 403
    answer = browse(*OPERATOR).post(order.page, form("repacked", [bag], bag.volume_ml, at=now()))
    assert answer.status_code == 400  # it has no bag of this order in hand
    stranger = signed_in(make_member(make_organization("treatment_center"), "cell_lab_technologist"))
    for address in (order.page, order.rest):
        assert stranger.get(address).status_code == 404
    assert stranger.post(order.page, form("repacked", [bag], 1, at=now())).status_code == 404
    assert order.acts() == []


def test_a_courier_reads_no_code_of_a_bag(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    driver = browse("courier", "courier_driver")
    with reading(world.actor(*NURSE)):
        order = order_named(world.actor(*NURSE), code)
        codes = list(Container.unwalled.filter(stream_id=order.stream_id).values_list("code", flat=True))
    page = driver.get(f"/orders/{code}/lineage/")
    assert not any(bag in text_of(page) for bag in codes)
    assert driver.get(f"/api/v1/orders/{code}/lineage").json() == {"containers": [], "conversions": []}
    assert driver.post(f"/orders/{code}/lineage/", {"kind": "split", "once": str(uuid4())}).status_code == 404


def test_more_material_takes_no_more_queries(browse: Browse, order: Collected) -> None:
    lab, bag = browse(*LAB), order.bags()[0]

    def cost() -> int:
        lab.get(order.page)
        with CaptureQueriesContext(connection) as captured:
            assert lab.get(order.page).status_code == 200
        return len(captured)

    def draw() -> None:
        assert lab.post(order.page, form("sampled", [bag], "1", at=now())).status_code == 303

    draw()
    once = cost()
    draw()
    draw()
    assert cost() == once


def test_released_product_is_neither_sampled_nor_filled_over(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(until="release")
    operator, actor = browse(*OPERATOR), world.actor(*OPERATOR)
    with reading(actor):
        stream_id = order_named(actor, journey.code).stream_id
        bag = Container.unwalled.filter(stream_id=stream_id, kind="drug_product").order_by("position").first()
    assert bag is not None
    address = f"/orders/{journey.code}/lineage/"
    for kind, volume in (("sampled", 1), ("repacked", bag.volume_ml)):
        answer = operator.post(address, form(kind, [bag], volume, at=now()))
        assert answer.status_code == 409 and "is released" in text_of(answer), text_of(answer)[:500]
    with reading(actor):
        assert Conversion.unwalled.filter(stream_id=stream_id).exclude(kind="transformed").count() == 0
