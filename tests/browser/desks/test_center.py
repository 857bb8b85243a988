"""Desks of a treatment center at a browser: accessible, light, narrow; the station by keyboard and without script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from cgt.demo.journey import Journey
from custody.schemes import printed
from ledger.context import reading
from orders.flow import order_named
from tests.browser.test_faces import faults
from tests.browsing import profile, sign_in
from tests.factories import PASSWORD
from tests.journeys.world import World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HEAVIEST = 60_000
MOST_TABS = 60


@dataclass
class Center:
    """A center with an order before its kit check, one whose product is stored, and one that is closed."""

    world: World
    before_kit: Journey
    stored: Journey
    closed: Journey

    def username(self, persona: str, number: int = 1) -> str:
        return self.world.player("center", persona, number).username


@pytest.fixture(scope="module")
def center(django_db_setup: None, django_db_blocker: object) -> Center:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        world = make_world()
        before_kit, stored, closed = world.journey(seed=1), world.journey("in_vivo", seed=2), world.journey(seed=3)
        before_kit.run(before="kit")
        stored.run(until="prepare")
        closed.run()
        return Center(world, before_kit, stored, closed)


@pytest.fixture
def desk(center: Center, browser: Browser, live_site: str, committed_db: None) -> Iterator[object]:
    """Return a function that opens a page as somebody of the center, with or without script."""
    contexts = []

    def sit(persona: str, address: str = "/", **options: object) -> Page:
        context = profile(browser, live_site, **options)
        contexts.append(context)
        page = context.new_page()
        sign_in(page, center.username(persona))
        if address != "/":
            page.goto(address)
        return page

    yield sit
    for context in contexts:
        context.close()


PERSONAS = ["coordinator", "treating_physician", "apheresis_nurse", "cell_lab_technologist", "infusion_nurse"]


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_desk_is_accessible_fits_and_says_nothing_wrong(desk: object, center: Center, persona: str) -> None:
    page: Page = desk(persona)  # type: ignore[operator]
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    addresses = ["/", "/?due=late", "/worklist/", f"/orders/{center.before_kit.code}/station/"]
    addresses += ["/orders/new/"] if persona == "coordinator" else []
    for address in addresses:
        page.set_viewport_size({"width": 1440, "height": 900})
        answer = page.goto(address)
        assert answer is not None and len(answer.body()) <= HEAVIEST, address
        assert faults(page) == [], address
        for width in (320, 768, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") == width, (address, width)
    page.emulate_media(color_scheme="dark")
    page.goto("/")
    assert faults(page) == []
    assert said == []


def test_a_finished_orders_page_stays_light_and_shows_older_entries_when_asked(desk: object, center: Center) -> None:
    page: Page = desk("coordinator")  # type: ignore[operator]
    answer = page.goto(f"/orders/{center.closed.code}/")
    assert answer is not None and len(answer.body()) <= HEAVIEST
    newest = page.locator("#record li").first.inner_text()
    page.click("text=Show older entries")
    page.wait_for_function("first => !document.querySelector('#record li').innerText.includes(first)", arg=newest)
    assert faults(page) == []


def tab_to(page: Page, selector: str) -> None:
    """Reach an element with the Tab key alone."""
    for _ in range(MOST_TABS):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the keyboard does not reach {selector}")


def choose(page: Page, name: str, presses: int = 0) -> None:
    """Reach a group of choices and take one: Space marks the first, arrows go on."""
    tab_to(page, f'[name="{name}"]')
    page.keyboard.press("Space")
    for _ in range(presses):
        page.keyboard.press("ArrowDown")


def identity_of(center: Center, journey: Journey) -> str:
    actor = center.world.player("center", "coordinator").actor
    with reading(actor):
        return printed(order_named(actor, journey.code).identity_code)


def test_a_nurse_works_at_the_station_by_keyboard_and_only_the_column_changes(desk: object, center: Center) -> None:
    journey = center.before_kit
    page: Page = desk("apheresis_nurse", f"/orders/{journey.code}/station/")  # type: ignore[operator]
    page.evaluate("window.stayed = true")
    tab_to(page, '[name="kit_code"]')
    page.keyboard.type("KIT-7")
    choose(page, "complete")
    choose(page, "condition")
    tab_to(page, "#station [type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#at-kit.is-done")
    assert page.evaluate("window.stayed") is True
    assert "The kit is complete" in page.inner_text("#cgt-messages")
    assert "Treating physician" in page.inner_text("#at-readiness")
    assert faults(page) == []

    journey.run(until="readiness")
    page.reload()
    tab_to(page, '[name="wristband"]')
    page.keyboard.type(identity_of(center, journey))
    page.keyboard.press("Enter")  # as a scanner ends: on to the next field, nothing is sent
    assert page.evaluate("document.activeElement.name") == "patient_said"
    page.keyboard.press("Space")
    tab_to(page, '[name="signature.password"]')
    page.keyboard.type(PASSWORD)
    tab_to(page, '[name="verifiers[0]username"]')
    page.keyboard.type(center.username("apheresis_nurse", 2))
    tab_to(page, '[name="verifiers[0]password"]')
    page.keyboard.type("not the password")
    tab_to(page, '[name="verifiers[0]scan"]')
    page.keyboard.type(identity_of(center, journey))
    tab_to(page, "#station [type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_selector('[name="verifiers[0]password"][aria-invalid="true"]')
    assert page.input_value('[name="wristband"]') == identity_of(center, journey)
    assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"
    assert faults(page) == []
    for name, value in (("signature.password", PASSWORD), ("verifiers[0]password", PASSWORD)):
        page.fill(f'[name="{name}"]', value)
    page.click("#station [type=submit]")
    page.wait_for_selector("#at-identify.is-done")
    page.click("#station [type=submit]")
    page.wait_for_selector("#at-labels.is-done")
    assert "labels.pdf?step=labels" in (page.get_attribute("#at-labels a", "href") or "")
    assert page.locator(".cgt-bags li").count() == 1
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('#station form :is(input:not([type=hidden]), button)')]"
        ".map(field => (field.closest('.cgt-check') ?? field).getBoundingClientRect().height))"
    )
    assert smallest >= 44


def test_the_station_works_without_script(desk: object, center: Center) -> None:
    page: Page = desk(  # type: ignore[operator]
        "infusion_nurse", f"/orders/{center.stored.code}/station/", java_script_enabled=False
    )
    assert "Check identity at the bedside" in page.inner_text("[aria-current=step]")
    for field in page.locator(
        "#station form :is(input[type=text], input[type=password])[required]:not([readonly])"
    ).all():
        field.fill("smudge")
    for group in {str(radio.get_attribute("name")) for radio in page.locator("#station form [type=radio]").all()}:
        page.locator(f'[name="{group}"]').first.check()
    with page.expect_navigation():
        page.click("#station [type=submit]")
    assert page.url.endswith(f"/orders/{center.stored.code}/station/")
    assert page.locator('[aria-invalid="true"]').count() >= 1
    assert page.input_value('[name="wristband"]') == "smudge"


def test_a_coordinator_finds_a_patient_and_books_with_one_click_after_the_hold(desk: object, center: Center) -> None:
    journey = center.world.journey(seed=8)
    journey.run(before="book")
    page: Page = desk("coordinator")  # type: ignore[operator]
    page.fill("#id_find", str(journey.identity["mrn"]))
    page.press("#id_find", "Enter")
    page.wait_for_url("**/?patient=*")
    assert str(journey.identity["mrn"]) not in page.url
    assert page.locator(".cgt-orders > li").count() == 1
    page.click(".cgt-act")
    page.locator("[name=offer]").first.check()
    with page.expect_navigation():
        page.click("text=Hold these slots")
    assert "Slots are held" in page.inner_text("#held")
    assert faults(page) == []
    page.goto("/")
    assert "Slots held" in page.inner_text(f".cgt-orders li:has-text('{journey.identity['family_name']}')")
    page.goto(f"/orders/{journey.code}/")
    with page.expect_navigation():
        page.click("text=Request these slots")
    assert page.locator("#held").count() == 0
    assert "the planner answers" in page.inner_text("#cgt-messages")
