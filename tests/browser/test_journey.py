"""A fictional patient's CAR-T order from enrolment to its end, through the pages, by everybody whose turn it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.journeys import Crew, OrderWork, local
from tests.factories import PASSWORD
from tests.orders.factories import World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
COORDINATOR = ("center", "coordinator", 1)
COLLEAGUE = ("center", "coordinator", 2)
PHYSICIAN = ("center", "treating_physician", 1)
NURSE, NURSE_2 = ("center", "apheresis_nurse", 1), ("center", "apheresis_nurse", 2)
LAB, LAB_2 = ("center", "cell_lab_technologist", 1), ("center", "cell_lab_technologist", 2)
WARD, WARD_2 = ("center", "infusion_nurse", 1), ("center", "infusion_nurse", 2)
PLANNER = ("maker", "planner", 1)
OPERATOR, OPERATOR_2 = ("maker", "operator", 1), ("maker", "operator", 2)
ANALYST, REVIEWER, QP = ("maker", "qc_analyst", 1), ("maker", "qa_reviewer", 1), ("maker", "qualified_person", 1)
DRIVER, DISPATCHER = ("courier", "courier_driver", 1), ("courier", "courier_dispatcher", 1)


@pytest.fixture
def crew(browser: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    people = Crew(browser, live_site, make_world())
    yield people
    people.close()


def enrol(crew: Crew) -> OrderWork:
    world: World = crew.world
    page = crew.at(*COORDINATOR)
    page.click("text=New order")
    page.select_option("[name=therapy]", world.therapy.code)
    page.select_option("[name=site]", world.clinic.code)
    page.fill('[name="identity.family_name"]', "Invented")
    page.fill('[name="identity.given_name"]', "Person")
    page.fill('[name="identity.birth_date"]', "1961-04-05")
    page.fill('[name="identity.mrn"]', "MRN-77")
    page.click("text=Open the order")
    page.wait_for_url("**/orders/CT-*/")
    return OrderWork(crew, page.url.rstrip("/").split("/")[-1])


def whose_turn(page: Page) -> str:
    return page.inner_text(".cgt-next")


def order_and_book(work: OrderWork) -> str:
    """Enrolment to confirmed slots; returns the chain of identity."""
    page = work.crew.at(*COORDINATOR)
    identity = "".join(page.inner_text(".cgt-identity").split("Chain of identity")[1].split()[:2])  # and its check
    work.do(COLLEAGUE, "activate_coi", {"scan": identity, "birth_date": "1961-04-05", "mrn": "MRN-77"})
    work.do(COORDINATOR, "consent", {"therapy": "true", "signed_on": "2026-01-05", "form_reference": "FORM-1"})
    work.do(PHYSICIAN, "eligibility", {"eligible": "yes", "weight_kg": "71.5", "infectious_tests": "negative"})
    work.do(PHYSICIAN, "prescribe", {"indication": "Fictional lymphoma"})
    page = work.open(COORDINATOR, "book")
    page.locator("[name=offer]").first.check()
    page.click("text=Hold these slots")
    page.wait_for_url(f"**/orders/{work.code}/")
    work.do(COORDINATOR, "request")
    page = work.do(PLANNER, "confirm", {"decision": "confirm"})
    assert "Fictional Cryo Courier" in whose_turn(page)
    courier = work.do(DISPATCHER, "accept_job", {"decision": "accept"})
    assert identity not in courier.inner_text("body")
    page.reload()
    assert "Fictional Clinic Berlin" in whose_turn(page)
    return identity


def ticks(items: int) -> dict[str, str]:
    """One tap on each item of the packing checklist."""
    return {f"checklist[{number}]done": "true" for number in range(items)}


def collect_and_send(work: OrderWork, identity: str) -> None:
    """Kit to the plant's dock, with one wrong scan that is stopped."""
    work.do(NURSE, "kit", {"kit_code": "KIT-1", "complete": "yes", "condition": "good"})
    work.do(PHYSICIAN, "readiness", {"decision": "go"})
    said = {"wristband": identity, "patient_said": "matches"}
    work.do(NURSE, "identify", said, second=NURSE_2, scan=identity)
    work.do(NURSE, "labels")
    (bag,) = work.bags("SM")
    work.do(NURSE, "apply_labels", {"wristband": identity, "bags[0]scan": bag}, second=NURSE_2, scan=bag)
    work.do(NURSE, "start_collection", {"wristband": identity, "started_at": local(BERLIN, minutes_ago=90)})
    collected = {
        "bags[0]scan": identity,
        "bags[0]volume_ml": "180.5",
        "ended_at": local(BERLIN, minutes_ago=5),
    }
    page = work.send(NURSE, "collect", collected)
    assert "That is the chain of identity, not a bag" in page.inner_text("main")
    assert page.input_value('[name="bags[0]volume_ml"]') == "180.5"
    assert page.input_value('[name="signature.password"]') == ""
    work.do(NURSE, "collect", {**collected, "bags[0]scan": bag})
    shipper = {"shipper_code": "SHIPPER-1", "seal_code": "SEAL-1", "logger_code": "LOG-1", "logger_running": "yes"}
    work.do(NURSE, "pack", {"bags[0]scan": bag, **shipper, **ticks(4)})
    (box,) = work.boxes()
    handed = {"outer_code": box, "seal_seen": "SEAL-1", "condition": "good"}
    work.do(DRIVER, "pickup", handed, second=NURSE, scan=box)
    work.do(OPERATOR, "delivery", handed, second=DRIVER, scan=box)
    received = {"bags[0]scan": bag, "bags[0]condition": "good", "temperature_c": "5"}
    work.do(OPERATOR, "receipt", received, second=OPERATOR_2, scan=bag)
    work.do(OPERATOR, "start", {"record_reference": "BR-1", "bags[0]scan": bag})


def sign_beneath_evidence(work: OrderWork, person: tuple[str, str, int], key: str, values: dict[str, str]) -> Page:
    """The step's page leads to the evidence; the signature stands beneath it."""
    page = work.open(person, key)
    work.fill(page, values)
    page.fill('[name="signature.password"]', PASSWORD)
    page.click("text=Sign and record")
    page.wait_for_url(re.compile(rf"/orders/{work.code}/(#.*)?$"))
    return page


def rows_come_and_go(page: Page) -> None:
    """What was typed stays, in the list and beside it; a new row is typed into next."""
    volumes = page.locator('[name^="bags["][name$="volume_ml"]')
    before = volumes.count()
    volumes.first.fill("20.5")
    page.fill('[name="reason"]', "half typed")
    page.click("text=One row more")
    expect(volumes).to_have_count(before + 1)
    assert page.evaluate("document.activeElement.name") == f"bags[{before}]volume_ml"
    volumes.last.fill("19")
    page.click("text=One row less")
    expect(volumes).to_have_count(before)
    assert volumes.first.input_value() == "20.5"
    assert page.input_value('[name="reason"]') == "half typed"


def make_and_release(work: OrderWork) -> None:
    """Manufacture, QC, review and release, each by somebody else."""
    rows_come_and_go(work.open(OPERATOR, "finish"))
    work.do(OPERATOR, "finish", {"result": "finished", "bags[0]volume_ml": "20", "bags[1]volume_ml": "20"})
    filled = work.bags("DP")
    labels = {f"bags[{place}]scan": bag for place, bag in enumerate(filled)}
    work.do(OPERATOR, "label_product", labels, second=OPERATOR_2, scan=", ".join(filled))
    page = work.open(ANALYST, "qc")
    names = page.locator('main input[name$="]test"]')
    results = {"viability": "92", "dose": "120", "vcn": "2", "sterility": "no growth", "purity": "95"}
    values = {f"results[{n}]value": results[names.nth(n).input_value()] for n in range(names.count())}
    work.do(ANALYST, "qc", values)
    sign_beneath_evidence(work, REVIEWER, "review", {"audit_trail_reviewed": "yes"})
    page = sign_beneath_evidence(work, QP, "release", {"decision": "release"})
    assert "Released" in page.inner_text("main")


def bring_and_give(work: OrderWork, identity: str) -> None:
    """The way to the center, storage, the bedside, and the end."""
    bags = work.bags("DP")
    scans = {f"bags[{n}]scan": bag for n, bag in enumerate(bags)}
    work.do(PHYSICIAN, "ship_go", {"decision": "go"})
    shipper = {"shipper_code": "SHIPPER-2", "seal_code": "SEAL-2", "logger_code": "LOG-2", "logger_running": "yes"}
    work.do(OPERATOR, "ship", {**scans, **shipper, **ticks(5)})
    box = work.boxes()[-1]
    handed = {"outer_code": box, "seal_seen": "SEAL-2", "condition": "good"}
    work.do(DRIVER, "ship_pickup", handed, second=OPERATOR, scan=box)
    work.do(LAB, "ship_delivery", handed, second=DRIVER, scan=box)
    accepted = {f"bags[{n}]decision": "accept" for n in range(len(bags))}
    work.do(LAB, "receive_product", {**scans, **accepted, "temperature_c": "-150"}, second=LAB_2, scan=", ".join(bags))
    places = {f"bags[{n}]location": f"Tank 1, {n}" for n in range(len(bags))}
    work.do(LAB, "store", {**scans, **places})
    work.do(PHYSICIAN, "ld_go", {"decision": "go"})
    work.do(LAB, "issue", {"patient_ready": "yes", "wristband": identity, **scans})
    work.do(LAB, "thaw", scans)
    checked = {"wristband": identity, "patient_said": "matches", **scans}
    work.do(WARD, "bedside", checked, second=WARD_2, scan=", ".join((identity, *bags)))
    for bag in bags:
        given = {"scan": bag, "result": "infused", "volume_ml": "20", "started_at": local(BERLIN, minutes_ago=1)}
        work.do(WARD, "infuse", given)
    page = work.do(COORDINATOR, "close")
    assert "Closed" in page.inner_text(".cgt-head")


@pytest.mark.slow
@pytest.mark.story("CO3", "TP1", "AN1", "CR2", "MO1", "QA2", "IN1")
def test_an_order_from_enrolment_to_its_end(crew: Crew) -> None:
    work = enrol(crew)
    identity = order_and_book(work)
    collect_and_send(work, identity)
    make_and_release(work)
    bring_and_give(work, identity)
