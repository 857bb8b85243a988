"""Finding units, with some found: accessible in light and dark, and as narrow as a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ledger.context import reading
from orders.actions import stops
from orders.actions.stop_runs import work
from quality import stop_runs
from quality.models import Stop
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


def test_a_stop_of_many_orders_is_followed_until_its_units_are_put_aside(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stops, "AT_ONCE", 0)
    journey = journey_of(crew.world, **patient())
    journey.vector_lot = "VL-2026-09"
    journey.run(until="finish")
    page = crew.at(*REVIEWER)
    page.goto("/units/stop/?lot=VL-2026-09")
    page.get_by_text("the stop's page says how far it is").wait_for()
    page.get_by_label("Why these units are stopped").fill("Called back by the supplier")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign and stop them all").click()
    page.wait_for_url("**/stops/S-**")
    number = page.url.rstrip("/").rpartition("/")[2]
    sound(page, page.url, "Its units are being put aside", "Waiting for a worker", "Not listed yet")
    with reading(crew.world.actor(*REVIEWER[:2])):
        case = Stop.unwalled.get(number=number)
    with stop_runs.reported(case.pk) as tell:
        runs_claimed = stop_runs.claim(case.pk)
        tell("Putting 2 units aside")
        page.get_by_text("Putting 2 units aside").wait_for()
    assert runs_claimed is not None
    stop_runs.ask_again(case.pk)
    assert work(case.pk)
    page.get_by_role("link", name="Every unit is put aside").click()
    page.get_by_text("Put aside by this stop").first.wait_for()
