"""The planner's board in Chromium: a start dragged to another day, the same by keys alone, without script, narrow."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ledger.context import reading
from orders.flow import order_named
from scheduling import slot_chains
from tests.browser.journeys import Crew
from tests.browser.test_faces import faults
from tests.browsing import profile, sign_in
from tests.orders.conftest import confirmed, patient, requested
from tests.orders.factories import NEW_YORK, World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PICTURES = os.environ.get("PICTURES")  # a folder: where to leave what was looked at


@dataclass
class Planned:
    """A confirmed order in a world with thirty days of capacity, and its start on the plant's clock."""

    world: World
    code: str
    start: dt.datetime

    @property
    def week(self) -> str:
        return f"/board/?week={self.start.date()}"

    def is_at(self, date: dt.date) -> bool:
        return start_of(self.world, self.code).date() == date


def start_of(world: World, code: str) -> dt.datetime:
    actor = world.actor("maker", "planner")
    with reading(actor):
        chain = slot_chains.live_chain(order_named(actor, code).stream_id)
    assert chain is not None
    return chain.manufacture_starts_at.astimezone(NEW_YORK)


@pytest.fixture(scope="module")
def far(django_db_setup: None, django_db_blocker: object) -> World:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        return make_world(days=30)


@pytest.fixture
def crew(far: World, browser: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    crew = Crew(browser, live_site, far)
    yield crew
    crew.close()


def planned(world: World) -> Planned:
    """Begin on the first Tuesday beyond a week, so that days of the same week are free on either side."""
    ahead = next(
        n for n in range(7, 14) if (timezone.now().astimezone(NEW_YORK).date() + dt.timedelta(n)).weekday() == 0
    )
    code = confirmed(world, ahead, **patient())
    return Planned(world, code, start_of(world, code))


def look(page: Page, name: str) -> None:
    """The page is accessible, in the dark too, and fits a narrow screen."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert faults(page) == [], (name, scheme)
    page.emulate_media(color_scheme="light")
    for width in (320, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width, (name, width)
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}.png"), full_page=True)


@pytest.mark.story("MP1", "MP2")
def test_a_start_is_dragged_to_another_day_and_moves_when_the_center_agrees(far: World, crew: Crew) -> None:
    order = planned(far)
    requested(far, 8, **patient())
    target = order.start.date() + dt.timedelta(days=2)
    page = crew.at("maker", "planner")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto("/")
    page.click("text=Board")
    page.goto(order.week)
    look(page, "board")
    page.drag_and_drop(f"li:has-text('{order.code}')", f"[data-start='{target}']")
    page.wait_for_url(f"**/orders/{order.code}/dates/?line=*&start={target}")
    assert "What moves" in page.inner_text("main") and "Who must agree" in page.inner_text("main")
    assert order.is_at(order.start.date()), "dropping alone moves nothing"
    look(page, "board-preview")
    page.select_option("[name=code]", "plant_capacity")
    page.fill("[name=reason]", "Line service")
    page.click("text=Ask the treatment center")
    assert "Until it answers, the former dates stay" in page.inner_text("body")
    page.goto(order.week)
    assert "Proposed change" in page.inner_text(f"[data-start='{target}']")
    look(page, "board-proposed")
    assert order.is_at(order.start.date())
    center = crew.at("center", "coordinator")
    center.goto("/")
    look(center, "coordinator-proposed")
    center.click(f"text={order.code}: look and answer")
    look(center, "dates-to-agree")
    center.click("text=Agree to the new dates")
    assert order.is_at(target)
    assert said == []  # the content security policy stopped nothing


@pytest.mark.story("MP1", "MP2")
def test_the_same_is_done_by_keys_alone(far: World, crew: Crew) -> None:
    order = planned(far)
    target = order.start.date() + dt.timedelta(days=3)
    page = crew.at("maker", "planner")
    page.goto(order.week)
    page.locator(f"li:has-text('{order.code}') a:has-text('Move')").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/orders/{order.code}/dates/?line=*")
    page.locator("[name=start]").fill(target.isoformat())
    page.locator("[name=start]").press("Enter")
    page.wait_for_url(f"**start={target}*")
    page.locator("[name=code]").focus()
    page.keyboard.type("Plant")
    page.keyboard.press("Tab")
    page.keyboard.type("Line service")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Until it answers, the former dates stay" in page.inner_text("body")
    page.goto(order.week)
    assert order.code in page.inner_text(f"[data-start='{target}']")


def test_a_day_that_cannot_be_had_says_why_and_the_page_works_without_script(
    far: World, crew: Crew, browser: Browser, live_site: str
) -> None:
    order = planned(far)
    context = profile(browser, live_site, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, far.username("maker", "planner"))
    page.goto(order.week)
    page.locator(f"li:has-text('{order.code}') a:has-text('Move')").click()
    beyond = timezone.now().astimezone(ZoneInfo("America/New_York")).date() + dt.timedelta(days=80)
    page.locator("[name=start]").fill(beyond.isoformat())
    page.click("button:has-text('Search')")
    words = page.inner_text("main")
    assert "No chain starts on" in words and "The line offers no start on this day." in words
    assert "What moves" not in words
    context.close()
