"""A day at the plant in the browser: planner, dock, QC, QA and QP, each at their desk; no accessibility failure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.test_faces import RULES
from tests.browsing import profile, sign_in
from tests.desks.world import PlantWorld, make_plant_world
from tests.factories import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Plant:
    """The people of the plants, each in a browser profile of their own."""

    def __init__(self, browser: Browser, base_url: str, world: PlantWorld) -> None:
        self.browser, self.base_url, self.world = browser, base_url, world
        self.pages: dict[tuple[str, str], Page] = {}

    def at(self, organization: str, persona: str) -> Page:
        """Return the person's page at their desk, signed in when they come for the first time."""
        if (organization, persona) not in self.pages:
            page = self.pages[organization, persona] = profile(self.browser, self.base_url).new_page()
            sign_in(page, self.world.player(organization, persona).username)
        page = self.pages[organization, persona]
        page.goto("/")
        return page

    def close(self) -> None:
        for page in self.pages.values():
            page.context.close()


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[PlantWorld]:
    with django_db_blocker.unblock():
        yield make_plant_world()


@pytest.fixture
def plant(browser: Browser, live_site: str, committed_db: None, world: PlantWorld) -> Iterator[Plant]:
    people = Plant(browser, live_site, world)
    yield people
    people.close()


def fits(page: Page) -> None:
    """The page has no accessibility failure, light and dark, and does not scroll sideways at 320 px."""
    page.wait_for_load_state()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = Axe().run(page, options=RULES).response["violations"]
        assert [(fault["id"], [node["html"][:200] for node in fault["nodes"]]) for fault in found] == [], page.url
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 320, page.url
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.story("MP2")
def test_the_planner_declines_one_request_and_confirms_another(plant: Plant) -> None:
    declined, confirmed = (plant.world.journey("own", before="confirm").code for _ in range(2))
    page = plant.at("one", "planner")
    fits(page)
    page.locator(f"#r-{declined} a:has-text('Decline')").click()
    page.wait_for_url(f"**open={declined}**")
    assert "Next free date" in page.inner_text(f"#r-{declined}")
    fits(page)
    page.click("text=Decline this request")
    assert "Say why you decline" in page.inner_text(f"#r-{declined}")
    assert page.evaluate("document.activeElement.name") == "reason"
    fits(page)
    page.fill("[name=reason]", "The suite is down for maintenance.")
    page.click("text=Decline this request")
    expect(page.locator(f"#r-{declined}")).to_have_count(0)
    page.locator(f"#r-{confirmed} button:has-text('Confirm')").dblclick()
    expect(page.locator(f"#r-{confirmed}")).to_have_count(0)
    expect(page.locator("#cgt-messages")).to_contain_text(f"{confirmed}: Slots confirmed.")


@pytest.mark.story("MO1")
def test_the_dock_opens_the_station_of_a_box(plant: Plant) -> None:
    code = plant.world.journey("one", before="delivery").code
    page = plant.at("cmo", "cmo_operator")
    assert code in page.inner_text("#main")
    fits(page)
    page.click(f'h3 a[href*="/orders/{code}/station/"]')
    page.wait_for_url(f"**/orders/{code}/station/**")
    assert page.locator('[name="outer_code"]').count() == 1


@pytest.mark.story("QC2", "QC3", "QA1", "QA2")
def test_a_batch_is_tested_reviewed_and_certified_each_at_their_desk(plant: Plant) -> None:
    code = plant.world.journey("own", before="qc").code
    page = plant.at("one", "qc_analyst")
    fits(page)
    page.locator(f"#r-{code} a:has-text('Enter results')").click()
    page.wait_for_url(f"**open={code}**")
    fits(page)
    page.fill('[name="results[0]value"]', "82")
    page.locator('[name="results[1]value"]').select_option("no growth")
    page.click("text=Record results")
    page.wait_for_url("**/")
    assert page.locator(f"#r-{code}").count() == 0

    page = plant.at("one", "qa_reviewer")
    fits(page)
    page.locator(f'a[href="/orders/{code}/evidence/#sign"]').click()
    page.wait_for_url(f"**/orders/{code}/evidence/#sign")
    fits(page)
    page.check('[name="audit_trail_reviewed"]')
    page.fill('[name="signature.password"]', "wrong")
    page.click("text=Sign and record")
    assert page.locator('[name="signature.password"][aria-invalid="true"]').count() == 1
    page.fill('[name="signature.password"]', PASSWORD)
    page.click("text=Sign and record")
    page.wait_for_function("document.querySelector('#cgt-messages')?.innerText.includes('reviewed')")

    page = plant.at("one", "qualified_person")
    fits(page)
    page.locator(f'a[href="/orders/{code}/evidence/#sign"]').click()
    page.check('[name="decision"][value="release"]')
    page.fill('[name="signature.password"]', PASSWORD)
    page.click("text=Sign and record")
    page.wait_for_function("document.querySelector('#cgt-messages')?.innerText.includes('released')")
    page.goto("/")
    assert code in page.inner_text("#released >> xpath=ancestor::section")
    fits(page)
