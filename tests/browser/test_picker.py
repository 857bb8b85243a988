"""The coordinator's picker of dates in Chromium: calendar and list, reasons, filters in the address, keys alone."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from ledger.context import reading
from orders.flow import order_named
from scheduling import slot_chains
from scheduling.states import ChainState
from tests.browser.journeys import Crew
from tests.browser.test_faces import faults
from tests.browsing import profile, sign_in
from tests.orders.conftest import patient, prescribed
from tests.orders.factories import BERLIN, World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.story("CO1")]
PICTURES = os.environ.get("PICTURES")  # a folder: where to leave what was looked at


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: object) -> World:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        return make_world(days=20)


@pytest.fixture
def crew(world: World, browser: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    crew = Crew(browser, live_site, world)
    yield crew
    crew.close()


@pytest.fixture
def address(world: World, committed_db: None) -> str:
    return f"/orders/{prescribed(world, **patient())}/steps/book/"


def chain_of(world: World, address: str) -> slot_chains.SlotChain | None:
    actor = world.actor("center", "coordinator")
    with reading(actor):
        return slot_chains.live_chain(order_named(actor, address.split("/")[2]).stream_id)


def in_days(days: int) -> dt.date:
    return timezone.now().astimezone(BERLIN).date() + dt.timedelta(days=days)


def look(page: Page, name: str) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert faults(page) == [], (name, scheme)
    page.emulate_media(color_scheme="light")
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width, (name, width)
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}.png"), full_page=True)


def test_calendar_and_list_lead_to_a_chain_or_to_the_reason_why_there_is_none(
    world: World, crew: Crew, address: str
) -> None:
    page = crew.at("center", "coordinator")
    page.goto(address)
    look(page, "picker")
    free, closed = page.locator("a.cgt-day.is-free"), page.locator("a.cgt-day:not(.is-free)")
    assert free.count() >= 10 and closed.count() >= 5
    assert "feasible, infusion" in free.first.inner_text() and "no offer, why" in closed.first.inner_text()
    free.nth(1).focus()
    page.keyboard.press("Enter")
    chosen = page.locator(":target")
    assert chosen.get_attribute("name") == "offer" and chosen.is_checked(), "the day is the choice: no second click"
    row = page.locator("tr:has(:target)")
    assert row.locator("[data-label=Infusion]").inner_text().strip()
    closed.first.focus()
    page.keyboard.press("Enter")
    assert page.locator(":target [data-label='Why not']").inner_text().endswith(".")


def test_dates_are_held_by_keys_alone(world: World, crew: Crew, address: str) -> None:
    page = crew.at("center", "coordinator")
    page.goto(address)
    page.get_by_label("Wednesday").focus()
    page.keyboard.press("Space")
    page.locator("[name=washout_days]:visible").press("Enter")
    page.wait_for_url("**weekdays=3**")
    page.locator("[name=offer]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.textContent.trim()") != "Hold these slots":
        page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    chain = chain_of(world, address)
    assert chain is not None and chain.state == ChainState.HELD
    assert chain.collection_starts_at.astimezone(BERLIN).isoweekday() == 3


def test_filters_stand_in_the_address_and_a_washout_is_a_reason(
    world: World, crew: Crew, address: str, browser: Browser, live_site: str
) -> None:
    page = crew.at("center", "coordinator")
    page.goto(address)
    page.fill("[name=earliest]", in_days(4).isoformat())
    page.select_option("[name=sort]", "most_slack")
    page.fill("[name=washout_since]", in_days(-3).isoformat())
    page.fill("[name=washout_days]", "14")
    page.click("button:has-text('Search')")
    for part in (f"earliest={in_days(4)}", "sort=most_slack", f"washout_since={in_days(-3)}", "washout_days=14"):
        assert part in page.url
    assert "Washout of the last treatment: 14 days" in page.inner_text("main")
    look(page, "picker-washout")
    shared = profile(browser, live_site, java_script_enabled=False).new_page()  # the address alone shows the same
    sign_in(shared, world.username("center", "coordinator"))
    shared.goto(page.url)
    assert shared.input_value("[name=washout_days]") == "14" and shared.input_value("[name=sort]") == "most_slack"
    shared.locator("[name=offer]").first.check()
    shared.click("text=Hold these slots")
    chain = chain_of(world, address)
    assert chain is not None and chain.collection_starts_at.astimezone(BERLIN).date() >= in_days(11)
    shared.context.close()
