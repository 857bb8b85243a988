"""Driver, courier control, auditor, site network manager and administrator do their day's work on their own desks."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.journeys import Crew, OrderWork
from tests.orders.conftest import patient
from tests.orders.factories import make_world
from tests.orders.packing import journey_of, packed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
DRIVER, CONTROL = ("courier", "courier_driver", 1), ("courier", "courier_dispatcher", 1)


@pytest.fixture
def crew(browser: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    people = Crew(browser, live_site, make_world())
    yield people
    people.close()


def good(page: Page) -> None:
    """No accessibility failure, and nothing to scroll sideways for on the narrowest phone."""
    size = page.viewport_size
    page.wait_for_load_state()
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") == 320, page.url
    if size:
        page.set_viewport_size(size)
    found: Any = Axe().run(page, options=RULES).response["violations"]
    assert [(fault["id"], [node["html"][:160] for node in fault["nodes"]]) for fault in found] == [], page.url


@pytest.mark.story("CR1", "CR3", "CR5")
def test_a_driver_reports_and_finds_the_hand_over_of_the_box(crew: Crew) -> None:
    work = OrderWork(crew, packed(crew.world, **patient()))
    page = crew.at(*DRIVER)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/?days=week")
    good(page)
    stop = page.locator(f"#stop-{work.code}-pickup")
    stop.get_by_text("Cannot pick up").click()
    page.get_by_role("button", name="Nobody is there").wait_for()
    good(page)
    page.get_by_role("button", name="Nobody is there").click()
    expect(page.locator("#cgt-messages")).to_contain_text("pickup stays open")
    page.goto("/?days=week")
    assert "Nobody is there" in stop.inner_text()
    stop.get_by_text("Later").click()
    page.get_by_role("button", name="In 1 hour").wait_for()
    good(page)
    page.get_by_role("button", name="In 1 hour").click()
    expect(page.locator("#cgt-messages")).to_contain_text("the new time")
    page.goto("/?days=week")
    box, seal = (stop.locator("dd .cgt-mono").nth(number).inner_text() for number in (0, 1))
    stop.get_by_role("link", name="Pick up", exact=True).click()
    page.wait_for_url(f"**/orders/{work.code}/steps/pickup/")
    good(page)
    assert box in page.inner_text("main") and seal in page.inner_text("main")


def test_control_accepts_a_job_with_one_click(crew: Crew) -> None:
    journey = journey_of(crew.world, **patient())
    journey.run(before="accept_job")
    page = crew.at(*CONTROL)
    page.goto("/")
    good(page)
    page.get_by_role("button", name=f"Accept {journey.code}").click()
    page.wait_for_url(f"**/orders/{journey.code}/")
    page.goto("/")
    assert page.get_by_role("button", name=f"Accept {journey.code}").count() == 0


@pytest.mark.story("RG2", "RG3", "RG5")
def test_an_auditor_finds_a_record_takes_a_dossier_and_proves_a_copy(crew: Crew, tmp_path: Path) -> None:
    code = packed(crew.world, **patient())
    page = crew.at("maker", "inspector")
    page.goto("/")
    good(page)
    page.fill("#id_code", code.lower())
    page.keyboard.press("Enter")  # as a scanner ends: on to the button, past the camera
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/orders/{code}/record/")
    good(page)
    assert "Who signed what" in page.inner_text("main")
    with page.expect_download() as download:
        page.get_by_role("link", name="Dossier (zip)").click()
    assert download.value.suggested_filename == f"{code}.zip"
    intact, altered = tmp_path / f"{code}.zip", tmp_path / "dossier.json"
    download.value.save_as(intact)
    with zipfile.ZipFile(intact) as packed_files:
        document = json.loads(packed_files.read("dossier.json"))
    event = next(event for event in document["events"] if "content" in event)  # others are there as their hash only
    event["content"]["person_name"] = "Somebody Else"
    altered.write_text(json.dumps(document))
    page.goto("/record/verify/")
    for copy, verdict in ((intact, "Intact"), (altered, f"Event {event['seq']}, person_name")):
        page.set_input_files("#id_copy", copy)
        page.get_by_role("button", name="Verify").click()
        page.get_by_text(verdict).first.wait_for()
        good(page)


@pytest.mark.story("SN5")
def test_a_site_is_suspended_and_reinstated_on_the_network_desk(crew: Crew) -> None:
    page = crew.at("maker", "site_network_manager")
    page.goto("/")
    good(page)
    row = page.get_by_role("row").filter(has_text=crew.world.clinic.name)
    for button, reason, state in (("Suspend", "Audit finding", "Suspended"), ("Reinstate", "Closed", "Takes orders")):
        act = row.locator("details").filter(has_text=button)
        act.locator("summary").click()
        act.get_by_label("Reason").fill(reason)
        good(page)
        act.locator("button[type=submit]").click()
        page.locator("#cgt-messages .tone-good").wait_for()
        assert state in row.inner_text(), button


@pytest.mark.story("TA1")
def test_an_administrator_invites_somebody(crew: Crew) -> None:
    page = crew.at("center", "administrator")
    page.goto("/")
    good(page)
    page.fill("#id_email", "new.colleague@example.org")
    page.fill("#id_name", "A colleague with a rather long name, Ünal-Østergård")
    card = page.get_by_role("region", name="Invite a person")
    card.locator("[name=persona]").select_option("coordinator")
    card.get_by_role("button", name="Invite").click()
    page.locator("#cgt-messages .tone-good").wait_for()
    good(page)
    assert "Ünal-Østergård" in page.inner_text("main")
