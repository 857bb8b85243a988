"""A search narrowed to a manufacturing line and a day, as on the planner's board: over REST and on both pages."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ledger.context import reading
from scheduling.models import Resource
from tests.api.conftest import make_partner, problem
from tests.factories import make_organization, make_site, operator
from tests.orders.conftest import confirmed, patient, prescribed, text_of
from tests.orders.factories import NEW_YORK, World, make_world
from tests.personas.conftest import signed_in
from tests.scheduling.factories import make_resource

pytestmark = [pytest.mark.django_db, pytest.mark.story("CO1", "CO5")]
BERLIN = ZoneInfo("Europe/Berlin")
COORDINATOR = ("center", "coordinator")


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


def line_of(world: World) -> str:
    with reading(operator(world.maker)):
        return str(Resource.unwalled.get(kind="manufacturing_line").pk)


def in_days(days: int) -> dt.date:
    return timezone.localdate(timezone=BERLIN) + dt.timedelta(days=days)


def starts(offers: list[dict[str, str]]) -> set[dt.date]:
    return {dt.datetime.fromisoformat(one["manufacture_start"]).astimezone(NEW_YORK).date() for one in offers}


@pytest.mark.parametrize("address", ["slot-chains", "dates"])
def test_only_chains_that_start_on_the_line_and_day_are_found_over_rest(far: World, address: str) -> None:
    code = prescribed(far, **patient()) if address == "slot-chains" else confirmed(far, 16, **patient())
    partner = make_partner(far.center, "coordinator", responsible=far.member(*COORDINATOR))
    line, day = line_of(far), in_days(21)
    found = partner.get(f"orders/{code}/{address}?line={line}&start={day}").json()
    assert found["offers"] and starts(found["offers"]) == {day}
    assert len(starts(partner.get(f"orders/{code}/{address}").json()["offers"])) > 3
    closed = partner.get(f"orders/{code}/{address}?line={line}&start={in_days(200)}").json()
    assert closed["offers"] == []
    foreign = make_organization("manufacturer")
    next_door = make_resource(foreign, "manufacturing_line", make_site(foreign))
    refused = [
        (f"line={line}", "start"),
        (f"start={day}", "line"),
        (f"line={next_door.pk}&start={day}", "line"),
        (f"line=one&start={day}", "line"),
        (f"line={line}&start=soon", "start"),
        (f"line={line}&start={in_days(-2)}", "start"),
    ]
    for query, field in refused:
        answer = problem(partner.get(f"orders/{code}/{address}?{query}"), 400, "invalid_input")
        assert list(answer["fields"]) == [field], query
        assert next_door.name not in str(answer)


def test_the_calendar_says_the_day_of_infusion_of_the_clinic_s_clock(far: World) -> None:
    code = prescribed(far, **patient())
    offers = signed_in(far.member(*COORDINATOR)).get(f"/orders/{code}/steps/book/").context["offers"]
    days = [cell for month in offers["months"] for week in month["weeks"] for cell in week if cell and "offer" in cell]
    assert days
    for cell in days:
        assert (
            cell["infusion"] == offers["found"][cell["offer"] - 1]["offer"].earliest_infusion.astimezone(BERLIN).date()
        )


@pytest.mark.parametrize("booked", [False, True])
def test_the_coordinator_s_pages_offer_the_same_filters(far: World, booked: bool) -> None:
    code = confirmed(far, 16, **patient()) if booked else prescribed(far, **patient())
    address = f"/orders/{code}/dates/" if booked else f"/orders/{code}/steps/book/"
    browser, line, day = signed_in(far.member(*COORDINATOR)), line_of(far), in_days(21)
    assert "Manufacture starts on" in text_of(browser.get(address))
    page = browser.get(f"{address}?line={line}&start={day}")
    shown = [row["offer"].manufacture_start.astimezone(NEW_YORK).date() for row in page.context["offers"]["found"]]
    assert shown and set(shown) == {day} and f'value="{day}"' in text_of(page)
    half = text_of(browser.get(f"{address}?line={line}&start="))
    assert "Give the line and the day of its start together" in half
    none = text_of(browser.get(f"{address}?line={line}&start={in_days(300)}"))
    assert "No chain starts on" in none and "The line offers no start on this day." in none
    for nonsense in ("line=x&start=y", f"line={line}&start=31-31", "start=2099-99-99"):
        assert browser.get(f"{address}?{nonsense}").status_code == 200
