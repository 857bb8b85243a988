"""People at their browsers: each has a profile of their own, signs in by the form and works through the pages."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tests.browsing import profile, sign_in
from tests.factories import PASSWORD
from tests.orders.factories import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Person = tuple[str, str, int]


def local(zone: str, *, minutes_ago: int = 0) -> str:
    """A time in a zone as a datetime-local input takes it."""
    moment = dt.datetime.now(ZoneInfo(zone)) - dt.timedelta(minutes=minutes_ago)
    return moment.strftime("%Y-%m-%dT%H:%M")


class Crew:
    """The people of a world, each in a browser profile of their own."""

    def __init__(self, browser: Browser, base_url: str, world: World) -> None:
        self.browser, self.base_url, self.world = browser, base_url, world
        self.pages: dict[Person, Page] = {}

    def close(self) -> None:
        for page in self.pages.values():
            page.context.close()

    def at(self, organization: str, persona: str, number: int = 1) -> Page:
        """Return the person's page, signed in through the form when they come for the first time."""
        person = (organization, persona, number)
        if person not in self.pages:
            page = self.pages[person] = profile(self.browser, self.base_url).new_page()
            sign_in(page, self.world.username(*person))
        return self.pages[person]


class OrderWork:
    """One order on its way, moved on by the people of a crew."""

    def __init__(self, crew: Crew, code: str) -> None:
        self.crew, self.code = crew, code

    def open(self, person: Person, key: str, query: str = "") -> Page:
        page = self.crew.at(*person)
        page.goto(f"/orders/{self.code}/steps/{key}/{query}")
        return page

    def codes(self, pattern: str) -> list[str]:
        """Return the codes of a form that the coordinator reads on the order's page, each once, in order."""
        page = self.crew.at("center", "coordinator")
        page.goto(f"/orders/{self.code}/")
        return list(dict.fromkeys(re.findall(pattern, page.inner_text("main"))))

    def bags(self, letters: str) -> list[str]:
        return self.codes(rf"\b[A-Z0-9]{{15}}-{letters}\d\d-[0-9A-Z*]")

    def boxes(self) -> list[str]:
        return self.codes(r"\bSHP-[0-9A-Z]{8}-[0-9A-Z]\b")

    def fill(self, page: Page, values: dict[str, str]) -> None:
        for name, value in values.items():
            field = page.locator(f'[name="{name}"]')
            kind = field.first.evaluate("node => node.type || node.localName")
            if kind == "radio":
                page.locator(f'[name="{name}"][value="{value}"]').check()
            elif kind == "checkbox":
                field.check()
            elif kind.startswith("select"):
                field.select_option(value)
            else:
                field.fill(value)

    def do(
        self,
        person: Person,
        key: str,
        values: dict[str, str] | None = None,
        *,
        second: Person | None = None,
        scan: str = "",
        query: str = "",
    ) -> Page:
        """Perform a step on its page and see that the order's page says so."""
        page = self.send(person, key, values, second=second, scan=scan, query=query)
        page.wait_for_url(f"**/orders/{self.code}/")
        assert page.locator("#cgt-messages .tone-good").count() == 1
        return page

    def send(
        self,
        person: Person,
        key: str,
        values: dict[str, str] | None = None,
        *,
        second: Person | None = None,
        scan: str = "",
        query: str = "",
    ) -> Page:
        """Fill a step's page and send it, whatever comes of it."""
        page = self.open(person, key, query)
        self.fill(page, values or {})
        if page.locator('[name="signature.password"]').count():
            page.fill('[name="signature.password"]', PASSWORD)
        if second is not None:
            page.fill('[name="verifiers[0]username"]', self.crew.world.username(*second))
            page.fill('[name="verifiers[0]password"]', PASSWORD)
            if scan:
                page.fill('[name="verifiers[0]scan"]', scan)
        with page.expect_navigation():
            page.click("main form[method=post] [type=submit]")
        return page
