"""Pages of orders for everybody: no accessibility failure, no sideways scrolling at 320 px, usable without script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.journeys import Crew, OrderWork
from tests.browsing import profile, sign_in
from tests.factories import PASSWORD
from tests.orders.factories import make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
COLLEAGUE = ("center", "coordinator", 2)


@pytest.fixture
def work(browser: Browser, live_site: str, committed_db: None) -> Iterator[OrderWork]:
    crew = Crew(browser, live_site, make_world())
    yield OrderWork(crew, crew.world.enrol())
    crew.close()


def faults(page: Page) -> list[Any]:
    page.wait_for_load_state()
    found = Axe().run(page, options=RULES).response["violations"]
    return [(fault["id"], [node["html"][:160] for node in fault["nodes"]]) for fault in found]


def test_pages_are_accessible_and_fit_a_narrow_screen(work: OrderWork) -> None:
    step = f"/orders/{work.code}/steps/activate_coi/"
    addresses = ["/", "/orders/", "/orders/new/", f"/orders/{work.code}/", step, f"{step}?rows=x", "/flows/", "/codes/"]
    addresses.append("/numbering/")
    addresses += [f"/orders/{work.code}/{page}/" for page in ("codes", "labels")]
    page = work.crew.at(*COLLEAGUE)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    for address in addresses:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address)
        assert faults(page) == [], address
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") == 320, address
    assert said == []  # the content security policy stopped nothing


def test_a_refused_step_puts_the_focus_on_the_first_error_and_says_it(work: OrderWork) -> None:
    page = work.send(COLLEAGUE, "activate_coi", {"scan": "smudge", "birth_date": "1961-04-05", "mrn": "M"})
    assert page.evaluate("document.activeElement.name") == "scan"
    assert faults(page) == []
    assert page.input_value('[name="mrn"]') == "M"


def test_a_step_is_done_without_script(browser: Browser, live_site: str, work: OrderWork) -> None:
    context = profile(browser, live_site, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, work.crew.world.username(*COLLEAGUE))
    page.goto(f"/orders/{work.code}/steps/activate_coi/")
    identity = "".join(page.inner_text(".cgt-identity").split("Chain of identity")[1].split()[:2])  # and its check
    values = {"scan": identity, "birth_date": "1961-04-05", "mrn": "MRN-1001", "signature.password": PASSWORD}
    for name, value in values.items():
        page.fill(f'[name="{name}"]', value)
    page.click("text=Sign and record")
    page.wait_for_url(f"**/orders/{work.code}/")
    assert "The chain of identity is active" in page.inner_text("#cgt-messages")
    context.close()


def test_scanners_enter_goes_on_to_the_next_field(work: OrderWork) -> None:
    page = work.open(COLLEAGUE, "activate_coi")
    page.fill('[name="scan"]', "CODE")
    page.press('[name="scan"]', "Enter")
    assert page.evaluate("document.activeElement.name") == "birth_date"
    assert "/steps/activate_coi/" in page.url


def test_the_site_can_be_put_on_a_phone_as_an_app(work: OrderWork) -> None:
    page = work.open(COLLEAGUE, "activate_coi")
    told = page.context.new_cdp_session(page).send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [fault["errorId"] for fault in told if fault["errorId"] != "in-incognito"] == []
