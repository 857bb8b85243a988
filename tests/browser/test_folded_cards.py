"""On a phone an order's page and its steps fold what nobody needs in the hand; what is named or in trouble is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.test_bedside_pages import WARD, crew  # noqa: F401 - the fixture
from tests.browser.test_faces import faults
from tests.orders.conftest import patient
from tests.orders.packing import journey_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.journeys import Crew

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
HEIGHT = "Math.round(document.documentElement.scrollHeight)"


def folded(page: Page, title: str) -> bool:
    """Whether a card's content is folded away."""
    card = page.locator(f'section.cgt-card[aria-label="{title}"]')
    return card.locator("details.cgt-narrow").get_attribute("open") is None


def test_the_order_and_the_bedside_on_a_phone(crew: Crew) -> None:  # noqa: F811 - the fixture
    journey = journey_of(crew.world, **patient())
    journey.run(before="bedside")
    order, step = f"/orders/{journey.code}/", f"/orders/{journey.code}/steps/bedside/"
    page = crew.at(*WARD)
    page.set_viewport_size(PHONE)
    page.goto(order)
    cards = ("Shipments", "Timeline", "Record", "Slot chain", "Parties", "Labels")
    assert all(folded(page, card) for card in cards)
    assert page.locator("section.cgt-next.is-mine").is_visible() and page.locator("#material table").is_visible()
    assert page.evaluate(HEIGHT) < 4000, page.evaluate(HEIGHT)
    assert faults(page) == []
    timeline = page.locator('section[aria-label="Timeline"] summary').first
    timeline.focus()
    page.keyboard.press("Enter")
    assert not folded(page, "Timeline") and folded(page, "Record")
    page.goto(f"{order}#record")
    page.reload()
    page.wait_for_selector('section[aria-label="Record"] details.cgt-narrow[open]')
    assert folded(page, "Parties")

    page.set_viewport_size(DESK)
    page.wait_for_selector('section[aria-label="Parties"] details.cgt-narrow[open]')
    assert not any(folded(page, card) for card in cards)
    assert not page.locator('section[aria-label="Timeline"] details.cgt-narrow > summary').is_visible()

    page.set_viewport_size(PHONE)
    page.goto(step)
    assert folded(page, "This step") and not page.locator('section[aria-label="Before you act"] details').count()
    assert page.locator('[name="wristband"]').bounding_box()["y"] < 1000  # type: ignore[index]
    page.fill('[name="wristband"]', "smudge")
    page.eval_on_selector("main form.cgt-form", "form => { form.noValidate = true }")
    page.click("main form.cgt-form [type=submit]")
    page.wait_for_selector("[data-refusal]")
    assert page.evaluate("document.activeElement.matches('[aria-invalid=true], [data-refusal]')")
    assert page.locator('section[aria-label="Record"] details.cgt-narrow').count() == 0, "the act itself never folds"
