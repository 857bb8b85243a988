"""The network goes while somebody scans: what is noted stays on the device and arrives once, by the same rules."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from ledger.context import reading
from ledger.models import Event
from ledger.walls import visible
from orders.flow import order_named
from tests.browser.journeys import Crew, OrderWork
from tests.browser.test_courier_and_audit import good
from tests.browsing import sign_in
from tests.factories import PASSWORD
from tests.orders.conftest import patient
from tests.orders.factories import make_world
from tests.orders.packing import journey_of, packed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("offline")]

NURSE, OTHER = ("center", "apheresis_nurse", 1), ("center", "apheresis_nurse", 2)
DRIVER = ("courier", "courier_driver", 1)
PICTURES = os.environ.get("PICTURES")  # a folder: where to leave what was looked at
NOTHING_WAITS = "async () => { const { own, others } = await window.cgtOffline.counts(); return own + others === 0; }"
OWN_ENTRIES = "async () => (await window.cgtOffline.entries()).length"


@pytest.fixture
def crew(browser: Browser, live_site: str, committed_db: None) -> Iterator[Crew]:
    people = Crew(browser, live_site, make_world())
    yield people
    people.close()


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


def equipped(page: Page) -> Page:
    """Wait until the device holds what it needs to do without the network."""
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    until(page, "async () => (await window.cgtOffline.sheets()).sheets.length > 0")
    return page


def until(page: Page, question: str) -> None:
    """Wait until the page answers yes. ``wait_for_function`` takes a promise for a yes: it would not wait at all."""
    for _ in range(600):
        if page.evaluate(question):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {question}")


def cut(page: Page) -> None:
    page.context.set_offline(True)


def back(page: Page) -> None:
    page.context.set_offline(False)


def events_of(crew: Crew, code: str, step: str) -> list[Event]:
    actor = crew.world.actor("center", "coordinator")
    with reading(actor):
        stream = order_named(actor, code).stream_id
        found = visible(Event, actor).filter(stream_id=stream, kind__startswith="orders.step_")
        return [event for event in found.order_by("seq") if event.payload.get("step") == step]


def kit_of(crew: Crew) -> str:
    journey = journey_of(crew.world, **patient())
    journey.run(before="kit")
    return journey.code


def check_kit(page: Page, number: str) -> None:
    """Fill in and send the form of the kit, wherever it is drawn."""
    form = page.locator("form:has([name=kit_code])")
    form.locator("[name=kit_code]").fill(number)
    form.locator("[name=complete][value=yes]").check()
    form.locator("[name=condition][value=good]").check()
    form.locator("button:not([type=button])").click()


@pytest.mark.story("AN6")
def test_what_is_noted_without_network_arrives_once_in_order(crew: Crew) -> None:
    first, second = kit_of(crew), kit_of(crew)
    page = OrderWork(crew, first).open(NURSE, "kit")
    page.set_viewport_size({"width": 390, "height": 844})
    equipped(page)
    cut(page)
    expect(page.get_by_text("No network. What you enter is kept on this device")).to_be_visible()
    picture(page, "offline-step")
    check_kit(page, "KIT-1")
    expect(page.get_by_text("Kept on this device at")).to_be_visible()
    good(page)
    page.goto(f"/orders/{second}/steps/kit/")  # not loaded before: the device knows the step all the same
    expect(page.get_by_role("heading", name="Entries without network")).to_be_visible()
    expect(page.locator("#offline-count")).to_have_text("1")
    check_kit(page, "KIT-2")
    expect(page.locator("#offline-count")).to_have_text("2")
    page.reload()
    expect(page.locator("#offline-list > li")).to_have_count(2)
    assert [first in text for text in page.locator("#offline-list > li").all_inner_texts()] == [True, False]
    picture(page, "offline-queue")
    good(page)
    assert not events_of(crew, first, "kit")
    back(page)
    expect(page.locator("#offline-none")).to_be_visible(timeout=60_000)
    expect(page.locator("#offline-received-list > li").first).to_contain_text("Recorded")
    picture(page, "offline-received")
    good(page)
    for code in (first, second):
        (event,) = events_of(crew, code, "kit")
        assert event.device_time and event.device_time < event.recorded_at
        assert event.payload["offline_entry"] and abs(event.payload["clock_skew_s"]) < 30
    assert events_of(crew, first, "kit")[0].recorded_at < events_of(crew, second, "kit")[0].recorded_at


def test_an_answer_that_is_lost_on_the_way_enters_nothing_twice(crew: Crew) -> None:
    code = kit_of(crew)
    page = equipped(OrderWork(crew, code).open(NURSE, "kit"))
    cut(page)
    expect(page.locator("[data-offline-note]")).to_be_visible()
    check_kit(page, "KIT-3")
    expect(page.get_by_text("Kept on this device at")).to_be_visible()
    lost: list[str] = []

    def lose(route: Any) -> None:
        """The server takes it in; its answer never comes back."""
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().text())
            route.abort("connectionreset")
        else:
            route.continue_()

    page.goto("/offline/")
    expect(page.locator("#offline-count")).to_have_text("1")
    page.context.route("**/api/v1/offline-entries", lose)
    back(page)
    expect(page.locator("#offline-count")).to_have_text("0", timeout=90_000)
    assert lost and '"recorded"' in lost[0]
    assert len(events_of(crew, code, "kit")) == 1


@pytest.mark.story("CR2")
def test_a_driver_notes_a_pick_up_and_both_sign_later(crew: Crew) -> None:
    work = OrderWork(crew, packed(crew.world, **patient()))
    box = work.boxes()[0]
    page = equipped(work.open(DRIVER, "pickup"))
    page.set_viewport_size({"width": 390, "height": 844})
    seal = re.search(r"Seal\s+(\S+)", page.inner_text("main"))
    assert seal
    cut(page)
    page.reload()  # the form is gone with the network; the device draws its own
    form = page.locator("#offline-sheets form")
    expect(form).to_be_visible()
    form.locator("[name=outer_code]").fill("SHP-00000000-0")
    expect(form.get_by_role("alert")).to_contain_text("Stop and look")
    picture(page, "offline-wrong-box")
    good(page)
    form.locator("[name=outer_code]").fill(box)
    expect(form.get_by_role("alert")).to_be_hidden()
    form.locator("[name=seal_seen]").fill(seal[1])
    form.locator("[name=condition][value=good]").check()
    assert form.locator("[type=password]").count() == 0
    form.get_by_role("button", name="Keep on this device").click()
    expect(page.locator("#offline-count")).to_have_text("1")
    back(page)
    sign = page.get_by_role("link", name="Open and sign")
    expect(sign).to_be_visible(timeout=60_000)
    assert not events_of(crew, work.code, "pickup")
    sign.click()
    expect(page.get_by_text("Noted without network")).to_be_visible()
    assert page.input_value("[name=outer_code]") == box
    picture(page, "offline-sign")
    good(page)
    page.fill('[name="signature.password"]', PASSWORD)
    page.fill('[name="verifiers[0]username"]', crew.world.username("center", "cell_lab_technologist", 1))
    page.fill('[name="verifiers[0]password"]', PASSWORD)
    page.fill('[name="verifiers[0]scan"]', box)
    page.click("main form[method=post] [type=submit]")
    page.wait_for_url(f"**/orders/{work.code}/")
    (event,) = events_of(crew, work.code, "pickup")
    assert event.payload["offline_entry"] and event.device_time < event.recorded_at


@pytest.mark.story("CR3", "CR5")
def test_a_driver_notes_that_nobody_is_there_and_a_new_time_for_later(crew: Crew) -> None:
    work = OrderWork(crew, packed(crew.world, **patient()))
    page = equipped(work.open(DRIVER, "pickup"))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/orders/{work.code}/steps/pickup/failed/")
    equipped(page)
    cut(page)
    expect(page.locator("[data-offline-note]")).to_be_visible()
    picture(page, "offline-failed")
    good(page)
    page.get_by_role("button", name="Nobody is there").click()
    expect(page.get_by_text("Kept on this device at")).to_be_visible()
    page.goto(f"/orders/{work.code}/steps/pickup/delay/")  # not loaded before: the device draws the form itself
    form = page.locator("#offline-sheets form")
    form.get_by_label("In 2 hours").check()
    form.get_by_role("button", name="Keep on this device").click()
    expect(page.locator("#offline-count")).to_have_text("2")
    picture(page, "offline-delay")
    good(page)
    back(page)
    expect(page.locator("#offline-none")).to_be_visible(timeout=60_000)
    expect(page.locator("#offline-received-list > li[data-state=recorded]")).to_have_count(2)
    actor = crew.world.actor("center", "coordinator")
    with reading(actor):
        found = visible(Event, actor).filter(stream_id=order_named(actor, work.code).stream_id).order_by("seq")
        told = [one for one in found if one.kind in ("orders.pickup_failed", "orders.delayed")]
    assert [one.kind for one in told] == ["orders.pickup_failed", "orders.delayed"]
    assert all(one.device_time and one.payload["offline_entry"] for one in told)
    assert told[0].payload["failure"] == "Nobody is there"


def test_what_somebody_else_recorded_stands_and_the_entry_is_discarded_with_a_reason(crew: Crew) -> None:
    code = kit_of(crew)
    page = equipped(OrderWork(crew, code).open(NURSE, "kit"))
    cut(page)
    expect(page.locator("[data-offline-note]")).to_be_visible()
    check_kit(page, "KIT-4")
    expect(page.get_by_text("Kept on this device at")).to_be_visible()
    OrderWork(crew, code).do(OTHER, "kit", {"kit_code": "KIT-5", "complete": "yes", "condition": "good"})
    back(page)
    page.goto("/offline/")
    item = page.locator("#offline-received-list > li[data-state=conflict]")
    expect(item).to_contain_text("Recorded meanwhile by", timeout=60_000)
    picture(page, "offline-conflict")
    good(page)
    item.get_by_role("button", name="Discard").click()
    page.get_by_label("Reason (no names)").fill("The other nurse had it")
    page.locator("#offline-discard").get_by_role("button", name="Discard").click()
    expect(page.locator("#offline-received-list > li").first).to_contain_text("The other nurse had it")
    assert len(events_of(crew, code, "kit")) == 1


def test_nobody_else_on_the_device_sees_or_sends_it_and_sign_out_warns(crew: Crew) -> None:
    code = kit_of(crew)
    page = equipped(OrderWork(crew, code).open(NURSE, "kit"))
    page.context.route("**/api/v1/offline-entries", lambda route: route.abort("connectionfailed"))
    cut(page)
    expect(page.locator("[data-offline-note]")).to_be_visible()
    check_kit(page, "KIT-SECRET-6")
    expect(page.get_by_text("Kept on this device at")).to_be_visible()
    back(page)
    page.goto("/accounts/logout/")
    leave = page.get_by_role("button", name="Sign out", exact=True).last
    leave.click()
    warning = page.get_by_role("dialog")
    expect(warning).to_contain_text("1 entry is not sent yet")
    picture(page, "offline-sign-out")
    good(page)
    warning.get_by_role("button", name="Leave all the same").click()
    page.wait_for_url("**/accounts/login/**")
    until(page, "async () => (await window.cgtOffline.known('acting')) === undefined")
    sign_in(page, crew.world.username(*OTHER))
    page.context.unroute("**/api/v1/offline-entries")
    page.goto("/offline/")
    expect(page.locator("#offline-others")).to_contain_text("1 more entry waits here, sealed")
    assert page.evaluate(OWN_ENTRIES) == 0
    stored = page.evaluate(
        """() => new Promise((done) => { const open = indexedDB.open("cgt-offline"); open.onsuccess = () => {
        const all = open.result.transaction("entries").objectStore("entries").getAll();
        all.onsuccess = () => done(all.result.map((row) => new TextDecoder().decode(row.sealed)).join()); }; })"""
    )
    assert stored and "KIT-SECRET-6" not in stored
    assert not events_of(crew, code, "kit")
    page.goto("/accounts/logout/")
    page.get_by_role("button", name="Sign out", exact=True).last.click()
    page.wait_for_url("**/accounts/login/**")
    sign_in(page, crew.world.username(*NURSE))
    until(page, NOTHING_WAITS)
    page.goto("/offline/")
    expect(page.locator("#offline-received-list > li").first).to_contain_text("Recorded")
    assert len(events_of(crew, code, "kit")) == 1


def test_a_refused_entry_stays_with_the_words_and_is_corrected(crew: Crew) -> None:
    code = kit_of(crew)
    page = equipped(OrderWork(crew, code).open(NURSE, "kit"))
    page.clock.set_fixed_time("2020-01-01T10:00:00Z")
    cut(page)
    expect(page.locator("[data-offline-note]")).to_be_visible()
    check_kit(page, "KIT-7")
    expect(page.get_by_text("Kept on this device at")).to_be_visible()
    back(page)
    page.goto("/offline/")
    item = page.locator("#offline-received-list > li[data-state=refused]")
    expect(item).to_contain_text("hours behind: set it right", timeout=60_000)
    item.get_by_role("link", name="Open and correct").click()
    assert page.input_value("[name=kit_code]") == "KIT-7"
    page.click("main form[method=post] [type=submit]")
    page.wait_for_url(f"**/orders/{code}/")
    (event,) = events_of(crew, code, "kit")
    assert event.payload["clock_off"] is True and event.device_time.year == 2020


@pytest.mark.story("IN1")
def test_without_network_nothing_is_infused_on_what_the_device_shows(crew: Crew) -> None:
    journey = journey_of(crew.world, **patient())
    journey.run(before="infuse")
    page = equipped(OrderWork(crew, journey.code).open(("center", "infusion_nurse", 1), "infuse"))
    page.set_viewport_size({"width": 390, "height": 844})
    cut(page)
    note = page.locator("[data-offline-note]")
    expect(note).to_contain_text("does not know the current release and quarantine status")
    assert page.locator("main form[data-without-network=paper] [type=submit]").is_disabled()
    picture(page, "offline-infuse")
    good(page)
    page.reload()
    expect(page.locator("#offline-stop")).to_contain_text("authorizes nothing")
    expect(page.get_by_text("Two people at the bag and at the patient")).to_be_visible()
    assert page.locator("#offline-sheets form").count() == 0
    picture(page, "offline-infuse-reloaded")
    good(page)
    back(page)
    page.reload()
    expect(page.locator("main form[data-without-network=paper] [type=submit]")).to_be_enabled()


def test_what_nobody_needs_is_discarded_without_network_and_told_later(crew: Crew) -> None:
    code = kit_of(crew)
    page = equipped(OrderWork(crew, code).open(NURSE, "kit"))
    cut(page)
    expect(page.locator("[data-offline-note]")).to_be_visible()
    check_kit(page, "KIT-8")
    expect(page.get_by_text("Kept on this device at")).to_be_visible()
    page.goto("/offline/")
    page.locator("#offline-list > li").get_by_role("button", name="Discard").click()
    page.get_by_label("Reason (no names)").fill("The wrong kit")
    page.locator("#offline-discard").get_by_role("button", name="Discard").click()
    item = page.locator("#offline-list > li[data-state=discarding]")
    expect(item).to_contain_text("Why: The wrong kit")
    item.get_by_role("button", name="Keep it after all").click()
    page.locator("#offline-list > li[data-state=waiting]").get_by_role("button", name="Discard").click()
    page.get_by_label("Reason (no names)").fill("The wrong kit")
    page.locator("#offline-discard").get_by_role("button", name="Discard").click()
    expect(item).to_be_visible()
    picture(page, "offline-discarded")
    good(page)
    back(page)
    expect(page.locator("#offline-none")).to_be_visible(timeout=60_000)
    assert not events_of(crew, code, "kit")
    actor = crew.world.actor(*NURSE)
    with reading(actor):
        kept = visible(Event, actor).filter(kind="orders.offline_discarded", reason="The wrong kit")
        (event,) = [one for one in kept if one.payload["order"] == code]
    assert event.device_time and event.device_time < event.recorded_at


def test_an_answer_from_before_the_cut_does_not_count(crew: Crew) -> None:
    page = equipped(OrderWork(crew, kit_of(crew)).open(NURSE, "kit"))
    note, asked = page.locator("[data-offline-note]"), list[Any]()
    page.route("**/healthz", lambda route: asked.append(route))
    with page.expect_request("**/healthz"):
        page.evaluate("() => { window.before = window.cgtOffline.look(); }")
    cut(page)
    expect(note).to_be_visible()
    asked[0].fulfill(status=200)
    assert page.evaluate("() => window.before") is False
    expect(note).to_be_visible()


def test_a_store_that_failed_or_was_closed_is_opened_again(crew: Crew) -> None:
    code, page = kit_of(crew), crew.at(*NURSE)
    page.add_init_script(
        """(() => { const open = IDBFactory.prototype.open; let failed = false;
        IDBFactory.prototype.open = function (...given) {
          if (failed) return open.apply(this, given);
          failed = true;
          const request = { error: new DOMException("Internal error.", "UnknownError") };
          setTimeout(() => request.onerror());
          return request; }; })()"""
    )
    equipped(OrderWork(crew, code).open(NURSE, "kit"))
    page.evaluate(
        """() => new Promise((done, failed) => {
        const request = indexedDB.deleteDatabase("cgt-offline");
        request.onblocked = failed;
        request.onsuccess = done; })
        .then(() => window.cgtOffline.session())"""
    )
    cut(page)
    expect(page.locator("[data-offline-note]")).to_be_visible()
    check_kit(page, "KIT-9")
    expect(page.get_by_text("Kept on this device at")).to_be_visible()
    back(page)
    until(page, NOTHING_WAITS)
    assert len(events_of(crew, code, "kit")) == 1


def test_what_the_device_caches_names_nobody(crew: Crew) -> None:
    page = equipped(OrderWork(crew, kit_of(crew)).open(NURSE, "kit"))
    kept = page.evaluate(
        """async () => { const found = {}; for (const name of await caches.keys()) {
        const cache = await caches.open(name); for (const request of await cache.keys())
        found[new URL(request.url).pathname] = await (await cache.match(request)).text(); } return found; }"""
    )
    assert "/offline/" in kept
    assert all(path.startswith("/static/") or path == "/offline/" for path in kept)
    assert "csrf" not in kept["/offline/"] and crew.world.username(*NURSE) not in kept["/offline/"]
