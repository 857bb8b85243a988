"""Pages of material and boxes, with something on each: accessible in light and dark, and as narrow as a phone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from custody.actions.equipment import add_equipment
from custody.actions.store import add_unit
from custody.actions.store_alarms import set_limits
from custody.alarm_register import alarms
from custody.queries import shipments_of
from ledger.context import reading
from network.actions.lane_plans import plan_lane
from network.queries import lanes
from orders.actions.downtime import print_pack
from orders.actions.excursions import send_readings
from orders.actions.kit_jobs import send_kit
from orders.actions.pickups import report_delay
from orders.actions.store_readings import send_store_readings
from orders.actions.way_reports import report_way
from orders.flow import order_named
from tests.browser.journeys import Crew, Person
from tests.browser.test_faces import faults
from tests.factories import operator
from tests.orders.conftest import patient
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of, packed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LAB: Person = ("center", "cell_lab_technologist", 1)
CONTROL: Person = ("courier", "courier_dispatcher", 1)
OWNER: Person = ("maker", "product_owner", 1)


@pytest.fixture
def crew(browser: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    people = Crew(browser, live_site, make_world())
    yield people
    people.close()


def sound(page: Page, address: str, *words: str) -> None:
    """The page says these words, has no accessibility failure in either color, and nothing to scroll sideways for."""
    page.set_viewport_size({"width": 1280, "height": 900})
    answer = page.goto(address)
    assert answer is not None and answer.status == 200, address
    said = page.inner_text("main")
    assert [word for word in words if word not in said] == [], address
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert faults(page) == [], (address, scheme)
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 320, address


def too_warm(world: World, code: str) -> str:
    """Read a box at 25 °C, which holds its bags; return its outer code."""
    driver = world.actor("courier", "courier_driver")
    with reading(driver):
        (box,) = shipments_of(driver, order_named(driver, code).stream_id)
    times = [box.packed_at, timezone.now()]
    rows = [[moment.isoformat(), degrees] for moment, degrees in zip(times, (5.0, 25.0), strict=True)]
    send_readings(driver, code, box.code, {"logger": box.logger_code, "readings": rows})
    return str(box.code)


def test_material_is_seen_where_it_lies_what_became_of_it_and_why_it_is_held(crew: Crew) -> None:
    world = crew.world
    code = packed(world, **patient())
    box = too_warm(world, code)
    unit = {"site": world.clinic.code, "name": "Tank 2", "kind": "nitrogen", "racks": 2, "places": 12}
    add_unit(world.actor(*LAB[:2]), unit)
    page = crew.at(*LAB)
    sound(page, "/quarantine/", code, "Quality")
    sound(page, "/store/", "Tank 2", "24")
    sound(page, f"/orders/{code}/lineage/", "Leukopak")
    sound(page, f"/orders/{code}/labels/", "Reconciliation")
    sound(page, "/codes/import/", "All of the list is registered, or nothing of it")
    page.fill("#id_rows", f"names\tsystem\tcode\n{box}\tsscc\t106141412345678909")
    page.get_by_role("button", name="Register all").click()
    page.get_by_text("1 of 1 rows need attention").wait_for()
    assert faults(page) == [] and box in page.input_value("#id_rows")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    sound(page, f"/orders/{code}/boxes/{box}/", "2 readings", "Picked up", "5 to 25 °C; limits 2 to 8 °C")
    sound(crew.at(*CONTROL), f"/orders/{code}/boxes/{box}/", "2 readings")
    sound(page, f"/orders/{code}/downtime/", "No pack yet")
    sound(page, "/downtime/", "Days ahead")
    print_pack(world.actor(*LAB[:2]), code, identity=False)
    sound(page, f"/orders/{code}/downtime/", f"{code}/P1", "Bring in from paper")
    sound(page, f"/orders/{code}/downtime/1/ship_delivery/", "What the paper says", "Picture of the paper")
    sound(crew.at(*CONTROL), "/offline/", "Never without the network")


def test_registers_and_templates_with_something_in_them_and_a_refusal(crew: Crew) -> None:
    valid = (timezone.now() + dt.timedelta(days=90)).isoformat()
    shipper = {"kind": "shipper", "serial": "DS-LONG-SERIAL-NUMBER-0001", "model": "Fictional", "hold_hours": 200}
    piece = add_equipment(operator(crew.world.courier), shipper | {"valid_until": valid})
    page = crew.at(*CONTROL)
    sound(page, "/equipment/", "DS-LONG-SERIAL-NUMBER-0001", "Not charged")
    sound(page, f"/equipment/{piece}/", "Charged at")
    sound(page, "/equipment/layouts/", "Model of logger")
    page.goto("/equipment/")
    page.get_by_label("Logger", exact=True).check()
    page.fill("#id_serial >> nth=-1", "TL-1")
    page.get_by_role("button", name="Enter").click()
    page.get_by_text("This field is needed").first.wait_for()
    assert faults(page) == []
    sound(crew.at(*OWNER), "/label-templates/", "Propose a version")


def test_a_box_on_its_way_and_the_lane_that_it_takes(crew: Crew) -> None:
    world, keeper = crew.world, crew.world.actor("maker", "logistics_manager")
    with reading(keeper):
        lane = lanes(keeper).get(direction="inbound")
    leg = {"origin": "Clinic", "destination": "Plant", "mode": "road", "starts_after": 0, "hours": 19}
    by_train = leg | {"route": "By train", "mode": "rail", "hours": 30}
    planned = plan_lane(keeper, lane.pk, {"legs": [leg, by_train], "papers": "Commercial invoice\nExport declaration"})
    code = packed(world, picked_up=True, **patient())
    with reading(keeper):
        (box,) = shipments_of(keeper, order_named(keeper, code).stream_id)
    at = f"/orders/{code}/boxes/{box.code}/"
    page = crew.at(*CONTROL)
    sound(page, at, "1. Clinic to Plant, road", "Commercial invoice", "Told before")
    sound(page, f"{at}way/", "What happened", "Expected at the destination")
    sound(page, f"{at}shipper/", "What it was moved into", "Units moved")
    sound(page, "/equipment/returns/", "Nothing here")
    given = {"report": "customs_held", "happened_at": timezone.now().isoformat(), "reason": "No value on the invoice"}
    report_way(world.actor(*CONTROL[:2]), code, box.code, given)
    sound(page, at, "No value on the invoice")
    dock = crew.at("maker", "operator", 1)
    sound(dock, f"{at}refuse/", "Custody stays with the courier")
    sponsor = crew.at("maker", "logistics_manager", 1)
    sound(sponsor, "/lanes/", "1 leg, 1 for contingency", "Told before each milestone")
    sound(sponsor, f"/lanes/{planned}/", "For contingency: By train", "Save as the next version")


def test_packing_by_checklist_and_a_box_that_comes_later(crew: Crew) -> None:
    world = crew.world
    journey = journey_of(world, **patient())
    journey.run(before="pack")
    pack = f"/orders/{journey.code}/steps/pack/"
    page = crew.at(*LAB)
    sound(page, pack, "Checklist", "Papers in the pouch")
    tick = page.get_by_label("Papers in the pouch")
    tick.check()
    box = tick.locator("xpath=..").bounding_box()
    assert box is not None and box["height"] >= 44 and box["width"] >= 200  # for a thumb in a glove
    bag = page.locator("dd").filter(has_text="-SM01-").first.inner_text().strip()
    typed = {"bags[0]scan": bag, "shipper_code": "SHIPPER-1", "seal_code": "SEAL-1", "logger_code": "LOG-1"}
    for name, value in typed.items():
        page.fill(f'[name="{name}"]', value)
    page.get_by_role("button", name="Record", exact=True).click()
    page.get_by_text("Not ticked: Coolant").first.wait_for()
    assert faults(page) == [] and page.get_by_label("Papers in the pouch").is_checked()
    journey.run(until="pickup")
    late = timezone.now() + dt.timedelta(hours=60)
    report_delay(world.actor("courier", "courier_driver"), journey.code, "delivery", late, "Held at the border")
    with reading(world.actor(*LAB[:2])):
        (shipment,) = shipments_of(world.actor(*LAB[:2]), order_named(world.actor(*LAB[:2]), journey.code).stream_id)
    at = f"/orders/{journey.code}/boxes/{shipment.code}/"
    sound(page, at, "In reserve on arrival", "It arrives too late", "What is inside keeps after arrival")
    sound(crew.at("courier", "courier_driver", 1), "/?days=week", "arrives too late")
    sound(crew.at(*CONTROL), "/", "h too late")


def test_kits_empty_shippers_and_a_tank_with_an_alarm(crew: Crew) -> None:
    world, now = crew.world, timezone.now()
    journey = journey_of(world, **patient())
    journey.run(before="kit")
    sponsor, control, lab = crew.at("maker", "logistics_manager", 1), crew.at(*CONTROL), crew.at(*LAB)
    page = f"/orders/{journey.code}/kit/"
    sound(sponsor, page, "No courier is booked", "Whom to ask for")
    times = {"window_from": now, "window_until": now + dt.timedelta(hours=1), "deliver_by": now + dt.timedelta(hours=2)}
    given = {name: at.isoformat() for name, at in times.items()} | {"contact": "Warehouse", "number": "KIT-0815"}
    key = send_kit(world.actor("maker", "logistics_manager"), journey.code, given)
    sound(sponsor, page, "KIT-0815", "Booked")
    sound(control, "/jobs/", "KIT-0815", "Warehouse")
    sound(control, f"/jobs/{key}/", "Could not be fetched", "It is with me")
    keeper = world.actor(*LAB[:2])
    raw = {"site": world.clinic.code, "name": "Tank 9", "kind": "nitrogen", "racks": 1, "places": 6}
    unit = add_unit(keeper, raw)
    set_limits(keeper, unit, {"maximum_c": "-150", "minutes_allowed": 0})
    send_store_readings(keeper, unit, {"readings": [[now.isoformat(), -120.5]]})
    with reading(keeper):
        (alarm,) = alarms(keeper).filter(unit_id=unit)
    sound(lab, "/store/", "Alarm of Tank 9")
    sound(lab, f"/store/units/{unit}/", "not above -150 °C", "Open the alarm", "-120.5 °C")
    sound(lab, f"/store/alarms/{alarm.pk}/", "Its limits were breached", "I look after it", "Close the alarm")


def test_fields_of_a_search_with_times_stay_in_their_row(crew: Crew) -> None:
    page = crew.at("maker", "qa_reviewer", 1)
    sound(page, "/units/", "Lot number", "From", "Until")
    page.set_viewport_size({"width": 1280, "height": 900})
    bottoms = page.eval_on_selector_all(
        ".cgt-filter > .cgt-field",
        "all => all.map(one => one.getBoundingClientRect()).map(box => [box.top, box.bottom])",
    )
    rows = {round(top): {round(bottom) for other, bottom in bottoms if abs(other - top) < 1} for top, bottom in bottoms}
    assert all(len(ends) == 1 for ends in rows.values()) and len(rows) <= 2, bottoms
    box = page.eval_on_selector("[id$='-zone']", "one => one.getBoundingClientRect().width")
    assert box <= 1, "the zone stands in the page's subtitle, and is read out with its field"
    sound(page, "/units/stop/?lot=NOTHING-YET", "What comes later", "Later use of this lot is refused")


def test_a_short_page_ends_with_its_foot_as_high_as_its_words(crew: Crew) -> None:
    page = crew.at("center", "coordinator")
    page.goto("/downtime/")
    for width, lines in ((390, 2), (1280, 1)):
        page.set_viewport_size({"width": width, "height": 900})
        foot, main = page.locator(".cgt-foot").bounding_box(), page.locator("main").bounding_box()
        assert foot is not None and main is not None
        assert foot["height"] < 20 + 28 * lines, width
        assert foot["y"] >= main["y"] + main["height"] - 1 and abs(foot["y"] + foot["height"] - 900) < 2, width
        assert foot["x"] == main["x"] and foot["width"] == main["width"], width
