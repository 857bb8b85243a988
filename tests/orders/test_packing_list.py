"""The packing list of a box: bags for who receives them, the outer content for who carries it (CO9, CR4, LM4)."""

from __future__ import annotations

import re
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from custody.models import Container, Shipment
from ledger.context import reading
from orders.flow import order_named
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import packed
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
PACKER = ("center", "apheresis_nurse")
DRIVER = ("courier", "courier_driver")


class Boxed:
    """An order whose starting material was just packed."""

    def __init__(self, world: World) -> None:
        self.identity = patient()
        self.code = packed(world, **self.identity)
        actor = world.actor(*PACKER)
        with reading(actor):
            self.order = order_named(actor, self.code)
            self.box = Shipment.unwalled.get(stream_id=self.order.stream_id)
            self.bags = list(Container.unwalled.filter(stream_id=self.order.stream_id))
        self.page = f"/orders/{self.code}/boxes/{self.box.code}/packing-list/"
        self.rest = f"/api/v1/orders/{self.code}/shipments/{self.box.code}/packing-list"

    def inner(self, world: World) -> list[str]:
        """Return what nobody outside may read: codes of bags, chain of identity, therapy, names."""
        names = [str(value) for value in self.identity.values()]
        return [*(bag.code for bag in self.bags), str(self.order.identity_code), world.therapy.name, *names]

    def outer(self) -> list[str]:
        return [self.box.code, self.box.seal_code, self.box.shipper_code, self.box.logger_code]


@pytest.fixture
def boxed(world: World) -> Boxed:
    return Boxed(world)


def test_who_packs_and_who_receives_read_the_bags_but_no_name(world: World, browse: Browse, boxed: Boxed) -> None:
    for who in (PACKER, ("maker", "operator")):
        text = text_of(browse(*who).get(boxed.page))
        for shown in (*boxed.outer(), boxed.order.identity_code, world.therapy.name):
            assert str(shown) in text
        assert all(bag.code in text and bag.k_of_n in text for bag in boxed.bags)
        listed = text.split("</nav>")[-1]
        assert not [value for value in boxed.identity.values() if str(value) in listed]
        answer = browse(*who).get(boxed.rest).json()
        assert {row["code"] for row in answer["bags"]} == {bag.code for bag in boxed.bags}
        assert (answer["count"], answer["identity_code"]) == (len(boxed.bags), boxed.order.identity_code)
    assert boxed.page in text_of(browse(*PACKER).get(f"/orders/{boxed.code}/"))


@pytest.mark.story("CR4")
def test_a_courier_reads_the_outer_content_only(world: World, browse: Browse, boxed: Boxed) -> None:
    client = browse(*DRIVER)
    for address in (boxed.page, f"{boxed.page}?face=inner", boxed.rest):
        text = text_of(client.get(address))
        assert all(shown in text for shown in boxed.outer())
        assert not [hidden for hidden in boxed.inner(world) if hidden in text]
    answer: dict[str, Any] = client.get(boxed.rest).json()
    assert answer["count"] == len(boxed.bags) and not {"bags", "therapy", "identity_code"} & set(answer)


def test_the_outside_of_the_box_tells_nothing_either(world: World, browse: Browse, boxed: Boxed) -> None:
    page = browse(*PACKER).get(boxed.page, {"face": "outer"})
    text = text_of(page)
    printed = re.sub(r'<p class="[^"]*cgt-no-print">.*?</p>', "", text[text.index("<main") :])
    assert page.context["crumbs"] == [] and boxed.code not in printed.replace(boxed.page, "")
    assert all(shown in text for shown in boxed.outer())
    hidden = [bag.code for bag in boxed.bags] + [str(boxed.order.identity_code), world.therapy.name]
    assert not [one for one in hidden if one in text]


def test_nobody_else_finds_it(world: World, browse: Browse, boxed: Boxed) -> None:
    for role, persona in (("treatment_center", "coordinator"), ("courier", "courier_driver"), ("cmo", "cmo_operator")):
        stranger = signed_in(make_member(make_organization(role), persona))
        assert stranger.get(boxed.page).status_code == 404
        assert stranger.get(boxed.rest).status_code == 404
    other = world.enrol(**patient())
    nurse = browse(*PACKER)
    for code, box in ((other, boxed.box.code), (boxed.code, "SHP-00000000-0")):
        assert nurse.get(f"/orders/{code}/boxes/{box}/packing-list/").status_code == 404
        assert nurse.get(f"/api/v1/orders/{code}/shipments/{box}/packing-list").status_code == 404


def test_its_symbol_is_the_boxs_code(browse: Browse, boxed: Boxed) -> None:
    text = text_of(browse(*PACKER).get(boxed.page))
    size = int(re.search(r'viewBox="0 0 (\d+) \1" role="img"', text)[1])  # type: ignore[index]
    image = Image.new("L", (size + 4, size + 4), 255)
    for column, row in re.findall(r"M(\d+) (\d+)h1v1h-1z", text):
        image.putpixel((int(column) + 2, int(row) + 2), 0)
    read = zxingcpp.read_barcodes(image.resize((8 * image.width, 8 * image.height), Image.Resampling.NEAREST))
    assert [found.text for found in read] == [boxed.box.code]
