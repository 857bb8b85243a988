"""Every desk in the dark, pages in states that are forced on them, and what is left of a page on paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from cgt.demo.journey import Journey
from ledger.context import reading
from orders.flow import order_named
from personas.catalog import ACTORS
from quality.actions.deviations import open_deviation
from tests.browser.test_faces import faults
from tests.browsing import profile
from tests.desks.world import PlantWorld, make_plant_world
from tests.factories import PASSWORD, make_member
from tests.personas.conftest import signed_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOMES = {"center": "treatment_center", "one": "manufacturer", "cmo": "cmo", "courier": "courier"}
# one person for each desk that there is; a contract manufacturer's desks are its own
DESKS = {
    (persona.desk, home == "cmo"): (home, persona.key)
    for home, role in HOMES.items()
    for persona in ACTORS[role].personas
}
OPEN_ALL = "document.querySelectorAll('details:not(.cgt-menu)').forEach(one => { one.open = true })"


@dataclass
class Site:
    """A world with an order before the patient is identified, and one whose release an open deviation blocks."""

    world: PlantWorld
    waiting: Journey
    blocked: Journey

    def session(self, organization: str, persona: str) -> str:
        members = self.world.members
        if (organization, persona, 1) not in members:
            members[organization, persona, 1] = make_member(self.world.organizations[organization], persona)
        return str(signed_in(members[organization, persona, 1]).cookies["cgt_session"].value)


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: Any) -> Site:
    with django_db_blocker.unblock():
        world = make_plant_world()
        waiting, blocked = world.journey("own", before="identify"), world.journey("own", before="release")
        reviewer = world.player("one", "qa_reviewer").actor
        with reading(reviewer):
            stream_id = order_named(reviewer, blocked.code).stream_id
        open_deviation(reviewer, stream_id, kind="storage", severity="major", text="A door stood open.")
        return Site(world, waiting, blocked)


@dataclass
class Visitor:
    """One page in one browser profile that is whoever it is told to be."""

    page: Page
    base_url: str
    site: Site

    def be(self, organization: str, persona: str, address: str = "/") -> Page:
        value = self.site.session(organization, persona)
        self.page.context.add_cookies([{"name": "cgt_session", "value": value, "url": self.base_url}])
        answer = self.page.goto(address)
        assert answer is not None and answer.status == 200, (persona, address)
        return self.page


@pytest.fixture
def visitor(site: Site, browser: Browser, live_site: str, committed_db: None) -> Iterator[Visitor]:
    context = profile(browser, live_site, color_scheme="dark", viewport={"width": 1280, "height": 900})
    yield Visitor(context.new_page(), live_site, site)
    context.close()


def test_every_desk_is_accessible_in_the_dark_with_everything_unfolded(visitor: Visitor) -> None:
    assert len(DESKS) >= 16
    found = {}
    for organization, persona in DESKS.values():
        page = visitor.be(organization, persona)
        page.evaluate(OPEN_ALL)
        found[organization, persona] = faults(page)
    assert {who: seen for who, seen in found.items() if seen} == {}


def refused_with_a_second_person(visitor: Visitor) -> Page:
    page = visitor.be("center", "apheresis_nurse", f"/orders/{visitor.site.waiting.code}/steps/identify/")
    page.fill('[name="wristband"]', "smudge")
    page.locator('[name="patient_said"]').first.check()
    page.fill('[name="signature.password"]', PASSWORD)
    page.fill('[name="verifiers[0]username"]', "nobody@example.org")
    page.fill('[name="verifiers[0]password"]', "wrong")
    page.fill('[name="verifiers[0]scan"]', "smudge")
    page.click("main form.cgt-form [type=submit]")
    page.wait_for_selector("[data-refusal]")
    return page


def refused_enrolment(visitor: Visitor) -> Page:
    page = visitor.be("center", "coordinator", "/orders/new/")
    page.eval_on_selector("main form.cgt-form", "form => { form.noValidate = true }")
    page.click("text=Open the order")
    page.wait_for_selector("[aria-invalid=true]")
    return page


def nobody_may(visitor: Visitor) -> Page:
    page = visitor.be("center", "coordinator")
    page.goto("/personas/people/")  # 403
    return page


def came_back_after_the_session_ended(visitor: Visitor) -> Page:
    page = visitor.be("center", "coordinator", "/orders/new/")
    page.select_option("[name=therapy]", index=1)
    page.fill('[name="identity.family_name"]', "W" * 100)
    page.fill('[name="identity.given_name"]', "Person")
    page.fill('[name="identity.birth_date"]', "1961-04-05")
    page.fill('[name="identity.mrn"]', "MRN-KEPT")
    page.context.clear_cookies(name="cgt_session")
    page.click("text=Open the order")
    page.wait_for_url("**/accounts/login/**")
    assert faults(page) == []
    visitor.be("center", "coordinator", "/orders/new/")
    assert page.input_value('[name="identity.family_name"]') == "W" * 100
    assert page.evaluate("document.activeElement.matches('[data-refusal]')"), "the sentence about it has the focus"
    return page


def at(organization: str, persona: str, address: str) -> Any:
    def go(visitor: Visitor) -> Page:
        codes = {"waiting": visitor.site.waiting.code, "blocked": visitor.site.blocked.code}
        return visitor.be(organization, persona, address.format(**codes))

    return go


STATES = {
    "a step refused, the second person's panel open": refused_with_a_second_person,
    "an enrolment with nothing entered": refused_enrolment,
    "a page that is not yours": nobody_may,
    "a form shown again": came_back_after_the_session_ended,
    "an order": at("center", "coordinator", "/orders/{waiting}/"),
    "a search for dates": at("center", "coordinator", "/orders/{waiting}/dates/"),
    "a release that is blocked": at("one", "qualified_person", "/orders/{blocked}/evidence/"),
    "a courier's order": at("courier", "courier_driver", "/orders/{waiting}/"),
    "a station": at("center", "apheresis_nurse", "/orders/{waiting}/station/"),
    "a list with no row": at("center", "coordinator", "/orders/?q=nothing-is-called-that"),
    "a desk with no order": at("stranger", "planner", "/"),
    "an empty inbox": at("stranger", "operator", "/inbox/"),
    "the record": at("one", "qa_reviewer", "/orders/{blocked}/record/"),
}


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_accessible_in_the_dark_and_in_the_light(visitor: Visitor, state: str) -> None:
    page = STATES[state](visitor)
    page.evaluate(OPEN_ALL)
    assert faults(page) == []
    page.emulate_media(color_scheme="light")
    assert faults(page) == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 320


ON_PAPER = {
    "an order": ("center", "coordinator", "/orders/{waiting}/", "Timeline"),
    "the evidence of a batch": ("one", "qualified_person", "/orders/{blocked}/evidence/", "Chain of custody"),
    "an order's record": ("one", "qa_reviewer", "/orders/{blocked}/record/", "Review the batch record"),
    "a list": ("center", "coordinator", "/orders/", "{waiting}"),
}


@pytest.mark.parametrize("page_of", ON_PAPER)
def test_paper_holds_what_the_page_says_and_nothing_to_click(visitor: Visitor, page_of: str) -> None:
    organization, persona, address, words = ON_PAPER[page_of]
    page = at(organization, persona, address)(visitor)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("h1").is_visible()
    assert words.format(waiting=visitor.site.waiting.code) in page.inner_text("main")
    for gone in (".cgt-nav", ".cgt-bar", ".cgt-foot", "main .btn", "main form [type=submit]"):
        assert [one.inner_text() for one in page.locator(gone).all() if one.is_visible()] == [], gone
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert faults(page) == []  # ink on white, whatever the screen's colors are
