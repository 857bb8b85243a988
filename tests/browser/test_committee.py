"""The committee's page and its neighbors in Chromium: accessible, 320 px wide, and signed by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from orders.tasks import offer_freed_places
from tests.browser.journeys import Crew
from tests.browser.test_faces import faults
from tests.factories import PASSWORD
from tests.orders.factories import World, make_world
from tests.orders.waiting import line_places, make_criteria, offers, waits

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.story("CO10")]
MEMBER, COORDINATOR = ("center", "committee_member", 1), ("center", "coordinator", 1)


@pytest.fixture
def crew(browser: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    """Two who wait, one of them too long, and a committee of two."""
    crew = Crew(browser, live_site, make_world(days=6))
    world = crew.world
    make_criteria(world, ageing_days=30)
    line_places(world, 0)
    waits(world, 9, 9)
    waits(world, 1, 1, days=40)
    world.member("center", "committee_member", 2)
    yield crew
    crew.close()


def is_sound(page: Page, address: str) -> None:
    for dark in (False, True):
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address)
        assert faults(page) == [], address
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") == 320, address
    page.set_viewport_size({"width": 1280, "height": 900})


def tab_to(page: Page, name: str) -> None:
    """Go on by the Tab key until the field has the focus."""
    for _ in range(80):
        if page.evaluate("document.activeElement.name") == name:
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the Tab key never reaches {name}")


def sign(page: Page, world: World) -> None:
    """Type both members' credentials, and send with Enter."""
    tab_to(page, "signature.password")
    page.keyboard.type(PASSWORD)
    tab_to(page, "member1.username")
    page.keyboard.type(world.username("center", "committee_member", 2))
    tab_to(page, "member1.password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")


def test_the_committee_decides_by_keyboard_and_the_place_is_offered(crew: Crew) -> None:
    world, page = crew.world, crew.at(*MEMBER)
    for address in ("/waiting/", "/waiting/committee/", "/waiting/criteria/", "/waiting/equity/"):
        is_sound(page, address)
    page.goto("/waiting/committee/")
    sign(page, world)
    page.wait_for_selector("[aria-invalid=true]")
    assert "is passed over by" in page.inner_text("main")
    wanted: Any = page.evaluate("document.activeElement.name")
    assert wanted.startswith("reason-")  # the focus stands where the reason is missing
    assert faults(page) == []
    page.keyboard.type("Not fit for collection yet")
    sign(page, world)
    page.wait_for_selector("#cgt-messages >> text=Decision 1 is signed")
    line_places(world, 1)
    assert offer_freed_places() == 1
    (offer,) = offers(world)
    desk = crew.at(*COORDINATOR)
    is_sound(desk, "/")
    is_sound(desk, "/waiting/")
    is_sound(desk, "/quotas/")
    desk.goto("/")
    desk.click(f"text=Accept for {offer.entry.order_code}")
    desk.wait_for_url(f"**/orders/{offer.entry.order_code}/station/")
    assert "The place is kept" in desk.inner_text("#cgt-messages")
