"""The calendar in Chromium: worked by keys alone and without script, accessible, at 320 px, in light and dark."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ledger.context import reading
from personas.models import Membership
from scheduling.actions.calendar import add_rule, close
from scheduling.actions.feeds import make_feed
from scheduling.actions.teams import set_team
from scheduling.models import Resource, Slot
from scheduling.rules import RuleInput, TeamInput
from tests.browser.test_faces import faults
from tests.browsing import profile, sign_in
from tests.factories import make_actor, make_member, make_organization, make_site, operator, unique
from tests.scheduling.factories import make_resource

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def in_days(days: int) -> dt.date:
    return timezone.now().astimezone(ZoneInfo("Europe/Berlin")).date() + dt.timedelta(days=days)


@dataclass
class Unit:
    """An apheresis unit with opening hours, and its scheduler in a browser."""

    chair: Resource
    member: Membership
    username: str


@pytest.fixture
def unit(committed_db: None) -> Iterator[Unit]:
    center = make_organization()
    site = make_site(center)
    chair = make_resource(center, "apheresis_chair", site)
    scheduler = make_actor(center, "apheresis_scheduler")
    rule = RuleInput("day", "FREQ=DAILY", dt.time(8), dt.time(16), 1, in_days(0))
    rule = replace(rule, on_holidays="open", competence="apheresis")
    set_team(scheduler, site.code, TeamInput("blue", "day", "apheresis", "FREQ=DAILY", 1, in_days(0)))
    add_rule(scheduler, chair.code, rule)
    close(scheduler, resource_code=chair.code, first_date=in_days(9), reason="Inspection by the authority")
    username = f"{unique('scheduler')}@example.org"
    member = make_member(center, "apheresis_scheduler", username=username)
    make_feed(scheduler, name="A feed of the chair", resource_code=chair.code)
    yield Unit(chair, member, username)


def windows(unit: Unit, date: dt.date) -> list[tuple[str, int]]:
    zone = ZoneInfo("Europe/Berlin")
    actor = operator(unit.chair.organization)
    with reading(actor):
        found = list(Slot.unwalled.filter(resource=unit.chair).order_by("starts_at"))
    local = [(slot.starts_at.astimezone(zone), slot.capacity) for slot in found]
    return [(f"{start:%H:%M}", capacity) for start, capacity in local if start.date() == date]


def test_pages_are_accessible_and_fit_a_narrow_screen(browser: Browser, live_site: str, unit: Unit) -> None:
    code = unit.chair.code
    paths = ["", f"?resource={code}", f"days/{code}/{in_days(9)}/", "hours/", "closures/", "teams/", "load/", "feeds/"]
    for scheme in ("light", "dark"):
        context = profile(browser, live_site, color_scheme=scheme)
        page = context.new_page()
        sign_in(page, unit.username)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)  # noqa: B023
        for path in paths:
            page.set_viewport_size({"width": 1280, "height": 900})
            page.goto(f"/scheduling/{path}")
            assert faults(page) == [], (path, scheme)
            page.set_viewport_size({"width": 320, "height": 700})
            assert page.evaluate("document.documentElement.scrollWidth") == 320, path
        assert said == []  # the content security policy stopped nothing
        context.close()


def _to(page: Page, condition: str) -> None:
    """Press Tab until the focused element fulfills a condition in JavaScript."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(f"(() => {{ const e = document.activeElement; return {condition}; }})()"):
            return
    raise AssertionError(f"no key leads to {condition}")


def test_places_are_set_and_a_day_is_closed_with_keys_alone(browser: Browser, live_site: str, unit: Unit) -> None:
    day = in_days(12)
    context = profile(browser, live_site)
    page = context.new_page()
    sign_in(page, unit.username)
    page.goto(f"/scheduling/?from={day}")
    _to(page, f"(e.getAttribute('href') || '').endsWith('/{unit.chair.code}/{day}/')")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/days/{unit.chair.code}/{day}/")
    assert windows(unit, day) == [("08:00", 1)]
    _to(page, "e.name === 'places'")
    page.keyboard.press("Control+A")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=The places were changed.")
    assert windows(unit, day) == [("08:00", 2)]
    _to(page, "e.name === 'reason' && e.id.includes('close_day')")
    page.keyboard.type("Day off")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=The day was closed.")
    assert windows(unit, day) == [("08:00", 0)]
    context.close()


def test_a_window_is_added_without_script(browser: Browser, live_site: str, unit: Unit) -> None:
    day = in_days(9)
    context = profile(browser, live_site, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, unit.username)
    page.goto(f"/scheduling/days/{unit.chair.code}/{day}/")
    form = page.locator("form", has=page.locator('button[value="add"]'))
    for name, value in (("starts", "09:00"), ("ends", "11:00"), ("places", "-4")):
        form.locator(f'[name="{name}"]').fill(value)
    form.locator('button[value="add"]').click()
    assert page.locator("text=Give a whole number from 0 to 1000.").count() == 1
    assert form.locator('[name="places"]').input_value() == "-4"
    form.locator('[name="places"]').fill("3")
    form.locator('button[value="add"]').click()
    assert page.locator("text=The window was added.").count() == 1
    assert ("09:00", 3) in windows(unit, day)
    context.close()
