"""The demonstration in Chromium: clicks let time pass, scan, type and sign, and the tour follows the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from cgt.demo import advancing, fictional_time, tour_stops
from tests.browsing import profile
from tests.demo.conftest import PASSWORD
from tests.orders.conftest import consented, patient, prescribed
from tests.orders.factories import World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("demonstration")]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture
def world(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(advancing.app, "send_task", lambda *_, **__: None)
    return make_world()


@pytest.fixture
def screen(browser: Browser, live_site: str, world: World) -> Iterator[Page]:
    context = profile(browser, live_site)
    page = context.new_page()
    page.said = []  # type: ignore[attr-defined]
    page.on("console", lambda told: page.said.append(told.text) if told.type == "error" else None)  # type: ignore[attr-defined]
    yield page
    assert page.said == []  # type: ignore[attr-defined] - the content security policy stopped nothing
    context.close()


def test_the_first_stop_turns_green_when_slots_are_held_and_time_passes_by_a_click(
    screen: Page, world: World, stops: tuple[tour_stops.Stop, ...]
) -> None:
    code = prescribed(world, **patient())
    screen.goto("/accounts/login/")
    screen.click("text=Start the tour of five minutes")
    panel = screen.locator("[aria-label='Guided tour']")
    assert "Two manufacturers in one list" in panel.inner_text()
    assert panel.locator("[aria-label='Happened:']").count() == 0
    before = screen.locator(".cgt-demo-strip time").get_attribute("datetime")
    screen.click(".cgt-demo-strip button[value=day]")
    screen.wait_for_load_state()
    assert "1 day ahead" in screen.inner_text("#cgt-messages")
    assert screen.locator(".cgt-demo-strip time").get_attribute("datetime") > before  # type: ignore[operator]
    assert fictional_time.seconds_ahead() == 86400
    screen.goto(f"/orders/{code}/steps/book/")
    assert "Days without an offer" in screen.inner_text("main")
    assert panel.locator("[aria-label='Happened:']").count() == 1, "the refused dates are seen, nothing is held yet"
    screen.locator("[name=offer]").first.check()
    screen.click("text=Hold these slots")
    screen.wait_for_url(f"**/orders/{code}/")
    assert panel.locator("[aria-label='Happened:']").count() == 2
    screen.set_viewport_size({"width": 320, "height": 800})
    zone = screen.locator(".cgt-demo-time > span").last
    zone.evaluate("node => { node.textContent = 'America/Argentina/Buenos_Aires' }")
    assert screen.evaluate("document.documentElement.scrollWidth") == 320
    faults = Axe().run(screen, options=RULES).response["violations"]
    assert [(fault["id"], [node["html"][:160] for node in fault["nodes"]]) for fault in faults] == []


def test_an_example_fills_what_is_empty_and_leaves_what_was_typed(screen: Page, world: World) -> None:
    code = consented(world, **patient())
    username = world.username("center", "treating_physician")
    screen.goto("/accounts/login/")
    screen.locator(f'form:has(input[name="username"][value="{username}"]) button').first.click()
    screen.wait_for_load_state()
    screen.goto(f"/orders/{code}/steps/eligibility/")
    screen.fill('[name="weight_kg"]', "61.5")
    screen.click("text=Fill in an example")
    assert screen.input_value('[name="weight_kg"]') == "61.5"
    assert screen.is_checked('[name="eligible"][value="yes"]')


def test_a_click_scans_types_and_signs_and_the_keyboard_does_too(screen: Page, world: World) -> None:
    world.member("center", "coordinator", 2)
    code = world.enrol(**patient())
    screen.goto("/accounts/login/")
    username = world.username("center", "coordinator", 2)
    screen.locator(f'form:has(input[name="username"][value="{username}"]) button').first.click()
    screen.wait_for_load_state()
    screen.goto(f"/orders/{code}/steps/activate_coi/")
    wristband = screen.locator("[data-demo-scan]").filter(visible=True)
    labels = wristband.evaluate_all("buttons => buttons.map((button) => button.ariaLabel)")
    for label, field in (("record number", "mrn"), ("date of birth", "birth_date")):
        button = wristband.nth(next(n for n, text in enumerate(labels) if label in text))
        button.click()
        assert screen.input_value(f'[name="{field}"]') == button.get_attribute("data-demo-scan")
    screen.focus('[name="scan"]')
    wristband.nth(next(n for n, text in enumerate(labels) if "chain of identity" in text)).press("Enter")
    assert screen.input_value('[name="scan"]').startswith("C")
    screen.locator("[data-demo-fill]").first.press("Enter")
    assert screen.input_value('[name="signature.password"]') == PASSWORD
