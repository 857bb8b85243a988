"""Lead times and requested dates at a browser: overridden and ended, asked where nothing is published, confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.journeys import Crew
from tests.browser.test_dates import look
from tests.orders.conftest import patient, prescribed
from tests.orders.factories import World, make_world
from tests.orders.wishing import FAR, in_days, publish, wish

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def world(committed_db: None) -> World:
    return make_world()


@pytest.fixture
def crew(world: World, browser: Browser, live_site: str) -> Iterator[Crew]:
    crew = Crew(browser, live_site, world)
    yield crew
    crew.close()


def test_a_planner_overrides_a_lead_time_and_ends_it(world: World, crew: Crew) -> None:
    page = crew.at("maker", "planner")
    page.goto("/")
    page.click("nav >> text=Lead times")
    look(page, "lead-times-empty")
    for priority, words in (
        ("0", "The second shift of the plant is closed until a new crew is trained"),
        ("7", "Kits"),
    ):
        page.select_option("[name=step] >> nth=1", "manufacture_days")
        page.fill("[name=at_least]", "12")
        page.fill("[name=market] >> nth=1", "de")
        page.select_option("[name=site] >> nth=1", world.plant.code)
        page.fill("[name=priority]", priority)
        page.fill("[name=reason] >> nth=-1", words)
        page.click("text=Add the override")
        assert "The override counts" in page.inner_text("body")
    look(page, "lead-times")
    page.fill("[name=at_least]", "-2")
    page.click("text=Add the override")
    assert page.locator("[aria-invalid=true]").count() >= 1
    look(page, "lead-times-refused")
    page.goto("/scheduling/lead-times/?step=manufacture_days")
    page.locator("summary:has-text('End')").first.click()
    page.locator("details[open] [name=last_date]").fill(str(in_days(3)))
    page.locator("details[open] [name=reason]").fill("Kits are back")
    look(page, "lead-times-end")
    page.locator("button:has-text('End the override')").first.click()
    assert "The override was ended" in page.inner_text("body")


def test_dates_are_requested_and_confirmed_once_they_are_published(world: World, crew: Crew) -> None:
    code = prescribed(world, **patient())
    page = crew.at("center", "coordinator")
    page.goto(f"/orders/{code}/steps/book/?earliest={in_days(FAR)}")
    look(page, "dates-none")
    page.click("text=Request dates that are not published")
    for name, value in wish().items():
        page.fill(f"[name={name}]", value)
    look(page, "date-request-ask")
    page.click("text=Request these dates")
    assert "The manufacturer is asked" in page.inner_text("body")
    page.goto(f"/orders/{code}/date-request/")
    look(page, "date-request-open")

    planner = crew.at("maker", "planner")
    planner.goto("/")
    look(planner, "planner-wishes")
    planner.click("section:has(#wishes) >> text=Look and answer")
    assert "No chain meets it yet" in planner.inner_text("main")
    look(planner, "date-request-nothing")
    publish(world)
    planner.reload()
    planner.locator("[name=offer]").first.check()
    look(planner, "date-request-answer")
    planner.click("text=Confirm these dates")
    assert "Every place is booked and confirmed" in planner.inner_text("body")
    page.reload()
    assert "Dates were found" in page.inner_text("main")
    look(page, "date-request-met")
