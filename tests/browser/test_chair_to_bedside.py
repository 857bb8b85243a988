"""A bag is followed by scanning from chair to bedside on a phone; a wrong one does not pass; the dossier shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from custody.models import Shipment
from custody.schemes import printed
from ledger import copies, seals
from ledger.context import reading
from orders.actions.identity_queries import lift_identity_query
from orders.flow import order_named
from tests.browser.journeys import Crew, OrderWork, Person, local
from tests.factories import PASSWORD
from tests.orders.conftest import patient
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE = {"width": 390, "height": 844}
NURSE, NURSE_2 = ("center", "apheresis_nurse", 1), ("center", "apheresis_nurse", 2)
LAB, LAB_2 = ("center", "cell_lab_technologist", 1), ("center", "cell_lab_technologist", 2)
WARD, WARD_2 = ("center", "infusion_nurse", 1), ("center", "infusion_nurse", 2)
OPERATOR, OPERATOR_2 = ("maker", "operator", 1), ("maker", "operator", 2)
DRIVER: Person = ("courier", "courier_driver", 1)


class OnPhones(Crew):
    """Everybody holds a phone."""

    def at(self, organization: str, persona: str, number: int = 1) -> Page:
        page = super().at(organization, persona, number)
        page.set_viewport_size(PHONE)
        return page


@pytest.fixture
def crew(browser: Browser, live_site: str, committed_db: None) -> Iterator[OnPhones]:
    people = OnPhones(browser, live_site, make_world())
    yield people
    people.close()


def scan(page: Page, name: str, *codes: str) -> None:
    """Scan codes into a field, as a scanner's keyboard does: the text, then Enter."""
    field = page.locator(f'[name="{name}"]')
    field.click()
    for code in codes:
        page.keyboard.type(code)
        page.keyboard.press("Enter")


class ByScanning(OrderWork):
    """Steps are done by scanning; what nobody scans is typed or chosen."""

    def act(
        self,
        person: Person,
        key: str,
        scans: dict[str, str],
        values: dict[str, str] | None = None,
        second: Person | None = None,
        also: tuple[str, ...] = (),
    ) -> Page:
        page = self.open(person, key)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        for name, code in scans.items():
            scan(page, name, code)
        self.fill(page, values or {})
        if page.locator('[name="signature.password"]').count():
            page.fill('[name="signature.password"]', PASSWORD)
        if second is not None:
            page.fill('[name="verifiers[0]username"]', self.crew.world.username(*second))
            page.fill('[name="verifiers[0]password"]', PASSWORD)
            scan(page, "verifiers[0]scan", *also)
        with page.expect_navigation():
            page.click("main form[method=post] [type=submit]")
        return page

    def done(self, page: Page) -> None:
        page.wait_for_url(f"**/orders/{self.code}/")
        assert page.locator("#cgt-messages .tone-good").count() == 1

    def says(self, person: Person, code: str, *words: str) -> None:
        """What is this code? Everybody who may see the bag is told the same."""
        page = self.crew.at(*person)
        page.goto("/codes/")
        scan(page, "code", code)
        with page.expect_navigation():
            page.click("main form[method=post] [type=submit]")
        said = page.inner_text("main")
        assert all(word in said for word in words), said


def ago(minutes: int) -> str:
    return (timezone.now() - dt.timedelta(minutes=minutes)).isoformat()


def identity_of(world: World, code: str) -> str:
    actor = world.actor("center", "coordinator")
    with reading(actor):
        return printed(order_named(actor, code).identity_code)


def box_of(world: World, code: str) -> tuple[str, str]:
    """Return what stands on the box: its outer code and its seal."""
    actor = world.actor("center", "coordinator")
    with reading(actor):
        box = Shipment.unwalled.get(stream_id=order_named(actor, code).stream_id)
    return box.code, box.seal_code


def lift(world: World, code: str) -> None:
    other = {"username": world.username("center", "site_quality"), "password": PASSWORD}
    sent = {"reason": "The other patient's bag lay beside.", "other": other, "signature": {"password": PASSWORD}}
    lift_identity_query(world.actor("maker", "qa_reviewer"), code, sent)


@pytest.mark.story("AN1", "AN2", "CR2", "MO1", "CL2", "IN1", "RG2")
def test_a_bag_is_followed_from_chair_to_bedside(crew: OnPhones) -> None:
    world = crew.world
    journey, other = (journey_of(world, **patient()) for _ in range(2))
    other.run(before="bedside")
    foreign = ByScanning(crew, other.code).bags("DP")[0]
    journey.run(before="identify")
    work, band = ByScanning(crew, journey.code), identity_of(world, journey.code)

    said = {"patient_said": "matches"}
    work.done(work.act(NURSE, "identify", {"wristband": band}, said, NURSE_2, (band,)))
    journey.run(before="apply_labels")
    (bag,) = work.bags("SM")
    work.done(work.act(NURSE, "apply_labels", {"wristband": band, "bags[0]scan": bag}, None, NURSE_2, (bag,)))
    journey.perform("start_collection", {"started_at": ago(60)})
    journey.run(before="collect")
    collected = {"bags[0]volume_ml": "180.5", "ended_at": local("Europe/Berlin", minutes_ago=10)}
    work.done(work.act(NURSE, "collect", {"bags[0]scan": bag}, collected))
    work.says(NURSE, bag, "Collected", world.center.name, world.clinic.name)

    journey.perform("pack", {"packed_at": ago(5)})
    box, seal = box_of(world, journey.code)
    handed = {"outer_code": box, "seal_seen": seal}
    work.done(work.act(DRIVER, "pickup", handed, {"condition": "good"}, NURSE, (box,)))
    work.says(OPERATOR, bag, "In transit", world.courier.name)
    work.done(work.act(OPERATOR, "delivery", handed, {"condition": "good"}, DRIVER, (box,)))
    received = {"bags[0]condition": "good", "temperature_c": "5"}
    work.done(work.act(OPERATOR, "receipt", {"bags[0]scan": bag}, received, OPERATOR_2, (bag,)))
    work.says(NURSE, bag, world.maker.name, world.plant.name)

    journey.run(before="receive_product")
    product = work.bags("DP")
    bags = {f"bags[{place}]scan": code for place, code in enumerate(product)}
    accepted = {f"bags[{place}]decision": "accept" for place in range(len(product))} | {"temperature_c": "-150"}
    work.done(work.act(LAB, "receive_product", bags, accepted, LAB_2, tuple(product)))
    journey.run(before="bedside")

    wrong = {"wristband": band, "bags[0]scan": product[0], "bags[1]scan": foreign}
    page = work.act(WARD, "bedside", wrong, said, WARD_2, (band, *product))
    assert "Stop: the identities do not match" in page.inner_text("main")
    work.says(WARD, product[0], "Do not use it", "Quarantined")
    assert "under query" in work.open(WARD, "bedside").inner_text("main")
    lift(world, journey.code)

    work.done(work.act(WARD, "bedside", {"wristband": band} | bags, said, WARD_2, (band, *product)))
    for code in product:
        soon = local("Europe/Berlin", minutes_ago=-1)  # the field knows minutes, what came before was now
        given = {"result": "infused", "volume_ml": "20", "started_at": soon, "ended_at": soon}
        work.done(work.act(WARD, "infuse", {"scan": code}, given))
    work.says(WARD, product[0], "Infused", "Nobody's any more")

    answer = crew.at("center", "site_quality").request.get(f"/orders/{journey.code}/dossier.zip")
    document, files = copies.unpack(answer.body())
    assert copies.verify(document, files, seals.public_key()).findings == []
    parts = document["parts"]
    (query,) = parts["identity_queries"]
    assert set(product) <= set(query["put_aside"].split(", ")) and query["decided_at"]
    assert {bag, *product} <= {row["container"] for row in parts["custody"]}
    assert foreign in {row["scanned_instead"] for row in parts["refused_attempts"]}, "what was tried is there, too"
