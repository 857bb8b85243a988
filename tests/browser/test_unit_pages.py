"""Finding units, with some found: accessible in light and dark, and as narrow as a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.journeys import Crew, Person
from tests.browser.test_material_pages import sound
from tests.factories import PASSWORD
from tests.orders.conftest import patient
from tests.orders.factories import make_world
from tests.orders.packing import journey_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.story("QA4")]
REVIEWER: Person = ("maker", "qa_reviewer", 1)
PICTURES = os.environ.get("PICTURES")  # a folder: pictures of the pages are left there


def picture(page: Page, name: str) -> None:
    if PICTURES:
        for width in (1440, 320):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}.png"), full_page=True)


@pytest.fixture
def crew(browser: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    people = Crew(browser, live_site, make_world())
    yield people
    people.close()


def test_units_of_a_lot_are_found_by_keyboard_and_read_on_a_phone(crew: Crew) -> None:
    journey = journey_of(crew.world, **patient())
    journey.vector_lot = "VL-2026-07"
    journey.run(until="finish")
    page = crew.at(*REVIEWER)
    page.goto("/units/")
    page.get_by_label("Lot number").fill("vl-2026-07")
    page.keyboard.press("Enter")
    page.wait_for_url("**/units/?lot=vl-2026-07**")
    address = "/units/?lot=vl-2026-07"
    sound(page, address, journey.code, "Drug-product bag", "Viral vector VL-2026-07", crew.world.clinic.name)
    picture(page, "units")
    sound(page, "/units/?lot=NOWHERE-TO-BE-FOUND", "No unit is found")
    page.goto("/units/?since=2026-02-02T10:00&until=2026-02-01T10:00")
    page.get_by_text("The end must come after the beginning.").first.wait_for()
    picture(page, "units-refused")


def test_a_stop_is_read_before_it_is_signed_and_lifted_by_two(crew: Crew) -> None:
    journey = journey_of(crew.world, **patient())
    journey.vector_lot = "VL-2026-08"
    journey.run(until="finish")
    page = crew.at(*REVIEWER)
    address = "/units/stop/?lot=VL-2026-08"
    sound(page, address, journey.code, "This stops every unit", "Sign and stop them all")
    picture(page, "stop-units")
    page.goto(address)
    page.get_by_label("Why these units are stopped").fill("Called back by the supplier")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign and stop them all").click()
    page.wait_for_url("**/stops/S-**")
    sound(page, page.url, "Called back by the supplier", "Put aside by this stop", "Lift the stop")
    picture(page, "stop")
    sound(page, "/stops/", "Called back by the supplier", "Standing")
    picture(page, "stops")
