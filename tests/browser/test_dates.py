"""Booked dates at a browser: the coordinator moves them, the planner agrees, two physicians approve a swap."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ledger.context import reading
from orders.actions import repairs
from orders.flow import order_named
from scheduling import disrupted
from tests.browser.journeys import Crew
from tests.browser.test_faces import faults
from tests.factories import PASSWORD
from tests.orders.conftest import confirmed, patient
from tests.orders.factories import World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PICTURES = os.environ.get("PICTURES")  # a folder: where to leave what was looked at


@pytest.fixture(scope="module")
def far(django_db_setup: None, django_db_blocker: object) -> World:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        return make_world(days=30)


@pytest.fixture
def crew(far: World, browser: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    crew = Crew(browser, live_site, far)
    yield crew
    crew.close()


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


@pytest.mark.story("CO5")
def test_a_coordinator_moves_dates_and_the_planner_agrees(far: World, crew: Crew) -> None:
    code = confirmed(far, 6, **patient())
    page = crew.at("center", "coordinator")
    page.goto(f"/orders/{code}/")
    page.click("text=Change dates")
    earliest = timezone.now().date() + dt.timedelta(days=9)
    page.fill("[name=earliest] >> nth=0", earliest.isoformat())
    page.click("button:has-text('Search')")
    page.locator("[name=offer]").first.check()
    page.click("text=Show what moves")
    assert "Who must agree" in page.inner_text("main")
    look(page, "dates-preview")
    page.select_option("[name=code]", "patient_condition")
    page.fill("[name=reason]", "Fever")
    page.click("text=Ask the manufacturer")
    assert f"{far.maker.name} is asked" in page.inner_text("body")
    page.goto(f"/orders/{code}/dates/")
    look(page, "dates-proposed")

    planner = crew.at("maker", "planner")
    planner.goto("/")
    look(planner, "planner-changes")
    planner.locator("section:has(#changes) a:has-text('Look and answer')").first.click()
    look(planner, "dates-answer")
    planner.click("text=Agree to the new dates")
    assert "The dates have moved" in planner.inner_text("body")
    page.goto(f"/orders/{code}/gantt/")
    look(page, "gantt")


@pytest.mark.story("CO6")
def test_two_patients_exchange_dates_at_the_browser(far: World, crew: Crew) -> None:
    first, second = confirmed(far, 6, **patient()), confirmed(far, 12, **patient())
    page = crew.at("center", "coordinator")
    page.goto(f"/orders/{first}/")
    page.click("text=Swap dates")
    look(page, "swap")
    page.select_option("[name=other]", second)
    page.select_option("[name=code]", "patient_condition")
    page.fill("[name=reason]", "Sickest first")
    page.click("text=Ask both physicians")
    physician = crew.at("center", "treating_physician")
    physician.goto("/")
    physician.click(f"text={first} and {second}")
    look(physician, "swap-approve")
    for number in (1, 2):
        physician.locator("[name=order]").first.check()
        physician.fill("[name='signature.password']", PASSWORD)
        physician.click("text=Sign and approve")
        said = "still to come" if number == 1 else "the dates are exchanged"
        assert said in physician.inner_text("body")


@pytest.mark.story("MP6")
def test_a_planner_survives_a_line_stop_at_the_browser(far: World, crew: Crew) -> None:
    code = confirmed(far, 18, **patient())
    planner = crew.at("maker", "planner")
    with reading(far.actor("maker", "planner")):
        order = order_named(far.actor("maker", "planner"), code)
        start = dt.datetime.fromisoformat(order.plan["manufacture_start"])
    planner.goto("/")
    planner.click("text=Disruptions and repairs")
    look(planner, "disruptions")
    planner.select_option("[name=kind]", "line_stop")
    form = planner.locator("form:has([name=kind])")
    form.locator("label:has-text('manufacturing-line')").click()
    zone = ZoneInfo(far.actor("maker", "planner").zone)
    for name, hours in (("starts_at", -6), ("ends_at", 6)):
        form.locator(f"[name={name}]").fill(
            (start + dt.timedelta(hours=hours)).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
        )
    form.locator("[name=reason]").fill("Isolator leak")
    form.locator("button").click()
    assert code in planner.inner_text("main")
    look(planner, "disruption")
    planner.click("text=Look for the least harmful plan")
    look(planner, "repair-waiting")
    with reading(far.actor("maker", "planner")):
        run = disrupted.repair_runs(far.actor("maker", "planner"))[0]
    assert repairs.work(run.pk)
    planner.click("text=look at it")  # the page noticed by itself
    assert "no plan does less harm" in planner.inner_text("main")
    look(planner, "repair-proposed")
    why = planner.locator("td.cgt-why")
    assert " moves from " in why.inner_text() and "Isolator leak" not in why.inner_text(), "folded away"
    for summary in why.locator("summary").all():
        summary.click()
    assert "Reason: Isolator leak." in why.inner_text()
    for width in (320, 1280):
        planner.set_viewport_size({"width": width, "height": 900})
        assert planner.evaluate("document.documentElement.scrollWidth") == width
        for label in why.locator("label").all():
            assert label.evaluate(
                "e => e.scrollWidth <= e.clientWidth && e.getBoundingClientRect().right <= innerWidth"
            )
    assert why.locator("label").count() >= 2 and why.locator("[name=choice]:checked").count() == 1
    look(planner, "repair-unfolded")
    planner.fill("[name='signature.password']", PASSWORD)
    planner.click("button:has-text('Sign and ask the centers')")
    assert "1 move offered" in planner.inner_text("body")
    center = crew.at("center", "coordinator")
    center.goto("/")
    center.click("text=Look and answer")
    look(center, "moves")
    center.locator("button:has-text('Accept the new dates')").first.click()
    assert "the order has its new dates" in center.inner_text("body")
