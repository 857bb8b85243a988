"""Issue, thaw, return and bedside, with bags on each: accessible in light and dark, and as narrow as a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from custody.queries import containers_of
from custody.states import ContainerKind
from ledger.context import reading
from orders.flow import order_named
from tests.browser.journeys import Crew, Person
from tests.browser.test_material_pages import sound
from tests.orders.conftest import patient
from tests.orders.factories import make_world
from tests.orders.packing import journey_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LAB: Person = ("center", "cell_lab_technologist", 1)
WARD: Person = ("center", "infusion_nurse", 1)


@pytest.fixture
def crew(browser: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    people = Crew(browser, live_site, make_world())
    yield people
    people.close()


def test_from_the_store_to_the_bedside(crew: Crew) -> None:
    world = crew.world
    journey = journey_of(world, **patient())
    journey.run(before="issue")
    steps, lab = f"/orders/{journey.code}/steps", crew.at(*LAB)
    nurse = world.actor(*WARD[:2])
    with reading(nurse):
        found = containers_of(nurse, order_named(nurse, journey.code).stream_id)
        one, two = (bag.code for bag in found.filter(kind=ContainerKind.DRUG_PRODUCT))
    sound(lab, f"{steps}/issue/", "Prescribed", "Weight", "Split dose", "stop the line")
    journey.perform("issue")
    sound(lab, f"{steps}/thaw/", one, "1 of 2")
    back = f"/orders/{journey.code}/material/{two}/return/"
    sound(lab, back, "Condition on the way", "Sign and record the return")
    journey.perform("thaw", {"bags": [{"scan": one}]})
    sound(lab, f"/orders/{journey.code}/", "Return to the store")
    ward = crew.at(*WARD)
    sound(ward, f"{steps}/bedside/", "Bag 1 of 2", "use before", "Something differs", "every bag yourself")
    journey.perform("bedside")
    sound(ward, f"{steps}/infuse/", one)


def test_a_scan_that_comes_before_anything_has_the_focus_is_not_lost(crew: Crew) -> None:
    journey = journey_of(crew.world, **patient())
    journey.run(before="identify")
    nurse, station = crew.at("center", "apheresis_nurse", 1), f"/orders/{journey.code}/station/"
    nurse.goto(station)
    wristband = nurse.locator('main [name="wristband"]')
    wristband.wait_for()
    assert nurse.evaluate("document.activeElement === document.body")
    nurse.keyboard.type("CHA-FIRST")
    assert wristband.input_value() == "CHA-FIRST"
    nurse.keyboard.press("Enter")
    assert nurse.url.endswith(station) and nurse.evaluate("document.activeElement.name") == "patient_said"
