"""How many clicks and fields it takes to book, move and swap dates, from the desk on; the numbers stand in the docs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.journeys import Crew
from tests.factories import PASSWORD
from tests.orders.conftest import confirmed, patient, prescribed
from tests.orders.factories import World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DOCS = Path(__file__).parents[2] / "docs" / "personas" / "README.md"


@pytest.fixture(scope="module")
def far(django_db_setup: None, django_db_blocker: object) -> World:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        return make_world(days=30)


@pytest.fixture
def crew(far: World, browser: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    crew = Crew(browser, live_site, far)
    yield crew
    crew.close()


class Hand:
    """A person's hand at their own desk: counts clicks, and fields that are filled or chosen from."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks, self.fields = page, 0, 0
        page.goto("/")

    def click(self, what: str | Locator) -> None:
        self.clicks += 1
        (self.page.locator(what).first if isinstance(what, str) else what).click()

    def choose(self, name: str, value: str) -> None:
        self.fields += 1
        self.page.select_option(f"[name={name}]", value)

    def fill(self, name: str, value: str) -> None:
        self.fields += 1
        self.page.fill(f"[name='{name}']", value)

    def sees(self, words: str) -> None:
        self.page.locator("#cgt-messages", has_text=words).wait_for()

    @property
    def count(self) -> tuple[int, int]:
        return self.clicks, self.fields


def told(journey: str, persona: str) -> tuple[int, int]:
    """The clicks and fields that the docs tell."""
    row = re.search(rf"^\| {journey} \| {persona} \| (\d+) \| (\d+) \|", DOCS.read_text(), re.MULTILINE)
    assert row is not None, (journey, persona)
    return int(row[1]), int(row[2])


def name_of(who: dict[str, str]) -> str:
    return f"h3 a:has-text('{who['family_name']}')"


@pytest.mark.story("CO1")
def test_booking(far: World, crew: Crew) -> None:
    who = patient()
    code = prescribed(far, **who)
    hand = Hand(crew.at("center", "coordinator"))
    row = hand.page.locator("li.cgt-task", has=hand.page.locator(name_of(who)))
    hand.click(row.locator("a.cgt-act"))
    hand.click(hand.page.locator("a.cgt-day.is-free").nth(4))
    hand.click("button:has-text('Hold these slots')")
    hand.click("button:has-text('Request these slots')")
    hand.page.locator("#cgt-messages > *").first.wait_for()
    planner = Hand(crew.at("maker", "planner"))
    planner.click(f"#r-{code} button:has-text('Confirm')")
    planner.sees("onfirmed")
    assert hand.count == told("Book", "Coordinator") and planner.count == told("Book", "Planner")


@pytest.mark.story("CO5")
def test_moving(far: World, crew: Crew) -> None:
    who = patient()
    code = confirmed(far, 6, **who)
    hand = Hand(crew.at("center", "coordinator"))
    hand.click(name_of(who))
    hand.click("text=Change dates")
    hand.click(hand.page.locator("a.cgt-day.is-free").nth(8))
    hand.click("text=Show what moves")
    hand.choose("code", "patient_condition")
    hand.fill("reason", "Fever")
    hand.click("text=Ask the manufacturer")
    hand.sees("is asked")
    planner = Hand(crew.at("maker", "planner"))
    planner.click(f"section:has(#changes) a[href*='{code}']:has-text('Look and answer')")
    planner.click("text=Agree to the new dates")
    planner.sees("The dates have moved")
    assert hand.count == told("Move", "Coordinator") and planner.count == told("Move", "Planner")


@pytest.mark.story("CO6")
def test_swapping(far: World, crew: Crew) -> None:
    who = patient()
    first, second = confirmed(far, 6, **who), confirmed(far, 12, **patient())
    hand = Hand(crew.at("center", "coordinator"))
    hand.click(name_of(who))
    hand.click("text=Swap dates")
    hand.choose("other", second)
    hand.choose("code", "patient_condition")
    hand.fill("reason", "Sickest first")
    hand.click("text=Ask both physicians")
    hand.page.locator("#cgt-messages > *").first.wait_for()
    physician = Hand(crew.at("center", "treating_physician"))
    physician.click(f"text={first} and {second}")
    for said in ("still to come", "the dates are exchanged"):
        physician.fill("signature.password", PASSWORD)
        physician.click("text=Sign and approve")
        physician.sees(said)
    assert hand.count == told("Swap", "Coordinator") and physician.count == told("Swap", "Treating physician")
