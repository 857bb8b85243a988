"""What was wished of dates stays with the order: search, change, repair and waiting list go by it (CO1, CO5, CO10)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ledger.context import reading
from ledger.refusals import Conflict, InvalidInput, NotAllowed, NotFound, WrongState
from ledger.walls import visible
from orders import queries, tasks
from orders.actions import date_wishing, interruptions, rescheduling
from orders.flow import current_step, order_named, perform
from orders.models import Order
from scheduling import wishes
from scheduling.models import DateWishes
from scheduling.offers import SearchResult
from scheduling.wishes import Wishes
from tests.api.conftest import make_partner, problem
from tests.factories import connect, make_actor, make_member, make_organization
from tests.orders.conftest import confirmed, patient, prescribed, text_of
from tests.orders.factories import World, make_world
from tests.orders.test_repairs import again, proposed, stopped
from tests.orders.waiting import decide, make_criteria, offers, waits
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
COORDINATOR, PLANNER = ("center", "coordinator"), ("maker", "planner")
WHY = {"code": "patient_condition", "reason": "Fever"}


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


def in_days(days: int) -> dt.date:
    return timezone.localdate(timezone=BERLIN) + dt.timedelta(days=days)


def order_of(world: World, code: str) -> Order:
    with reading(world.actor(*COORDINATOR)):
        return order_named(world.actor(*COORDINATOR), code)


def kept(world: World, code: str) -> Wishes:
    with reading(world.actor(*COORDINATOR)):
        return wishes.of_order(order_of(world, code).stream_id)


def state(world: World, code: str, **given: Any) -> Wishes:
    return date_wishing.state_wishes(world.actor(*COORDINATOR), code, given)


def days_of(found: SearchResult) -> set[dt.date]:
    return {offer.collection_start.astimezone(BERLIN).date() for offer in found.offers}


def search(world: World, code: str) -> SearchResult:
    actor = world.actor(*COORDINATOR)
    with reading(actor):
        order = order_named(actor, code)
        return queries.search_slots(actor, order, current_step(order, "book"), in_days(0))


@pytest.mark.story("CO1", "CO5")
def test_what_was_wished_when_dates_were_held_binds_a_later_change(far: World) -> None:
    code, coordinator = prescribed(far, **patient()), far.actor(*COORDINATOR)
    offer = search(far, code).offers[12]
    date = offer.collection_start.astimezone(BERLIN).date()
    given = {"weekdays": date.isoweekday(), "earliest": in_days(3), "washout_since": in_days(-1), "washout_days": 6}
    perform(coordinator, code, "book", {"offer": offer.token, **{k: str(v) for k, v in given.items()}})
    expected = Wishes(frozenset({date.isoweekday()}), in_days(3), "earliest", in_days(-1), 6)
    assert kept(far, code) == expected
    found = rescheduling.search_dates(coordinator, code, in_days(0))
    assert days_of(found) and {day.isoweekday() for day in days_of(found)} == {date.isoweekday()}
    assert min(days_of(found)) >= in_days(5)
    other = rescheduling.search_dates(coordinator, code, in_days(0), {"weekdays": None})
    assert len({day.isoweekday() for day in days_of(other)}) > 1 and kept(far, code) == expected, (
        "a search says nothing"
    )
    unfit = next(
        one for one in other.offers if one.collection_start.astimezone(BERLIN).isoweekday() != date.isoweekday()
    )
    with pytest.raises(Conflict) as refusal:
        rescheduling.reschedule(coordinator, code, {"offer": unfit.token, **WHY})
    assert refusal.value.code == "offer_gone" and kept(far, code) == expected
    rescheduling.reschedule(coordinator, code, {"offer": unfit.token, **WHY, "weekdays": None, "earliest": None})
    assert kept(far, code) == Wishes(washout_since=in_days(-1), washout_days=6)
    with reading(coordinator):
        history = DateWishes.history.filter(stream_id=order_of(far, code).stream_id)
        assert history.count() == 2, "what was wished before stays on the record"


@pytest.mark.story("CO1")
def test_wishes_are_said_before_anything_is_booked_and_every_search_goes_by_them(far: World) -> None:
    code = prescribed(far, **patient())
    everyday = days_of(search(far, code))
    state(far, code, washout_since=str(in_days(-2)), washout_days=12)
    found = search(far, code)
    assert days_of(found) == {day for day in everyday if day >= in_days(10)}
    assert any("Washout of the last treatment: 12 days" in day.text for day in found.refused)
    state(far, code, weekdays=[3, 4])
    assert days_of(search(far, code)) == {day for day in everyday if day >= in_days(10) and day.isoweekday() in (3, 4)}
    state(far, code, weekdays=None, washout_since=None)
    assert kept(far, code) == Wishes() and days_of(search(far, code)) == everyday


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"weekdays": [8]}, "weekdays"),
        ({"weekdays": [2, "soon"]}, "weekdays"),
        ({"weekdays": {"2": 3}}, "weekdays"),
        ({"earliest": "soon"}, "earliest"),
        ({"earliest": str(in_days(500))}, "earliest"),
        ({"washout_since": str(in_days(3))}, "washout_since"),
        ({"washout_since": "1990-01-01"}, "washout_since"),
        ({"washout_days": 14}, "washout_since"),
        ({"washout_since": str(in_days(-1)), "washout_days": -1}, "washout_days"),
    ],
)
def test_a_wish_that_means_nothing_is_refused_beside_its_field(far: World, given: dict[str, Any], field: str) -> None:
    code = prescribed(far, **patient())
    with pytest.raises(InvalidInput) as refusal:
        state(far, code, **given)
    assert list(refusal.value.fields) == [field] and kept(far, code) == Wishes()


def test_who_says_and_who_reads_what_is_wished(far: World) -> None:
    code = confirmed(far, 16, **patient())
    state(far, code, washout_since=str(in_days(-2)), washout_days=12)
    planner = far.actor(*PLANNER)
    assert date_wishing.wished(planner, code)[1].washout_days == 12, "who proposes other dates has to know"
    with pytest.raises(NotAllowed):
        date_wishing.state_wishes(planner, code, {"weekdays": [2]})
    found = rescheduling.search_dates(planner, code, in_days(0))
    assert min(days_of(found)) >= in_days(10)
    with pytest.raises(InvalidInput) as refusal:
        rescheduling.reschedule(planner, code, {"offer": found.offers[0].token, **WHY, "washout_since": None})
    assert list(refusal.value.fields) == ["washout_since"]
    with pytest.raises(NotFound):
        date_wishing.wished(far.actor("courier", "courier_dispatcher"), code)
    center, maker = make_organization("treatment_center"), make_organization("manufacturer")
    connect(center, far.maker)
    for organization, persona in ((center, "coordinator"), (maker, "planner")):
        actor = make_actor(organization, persona)
        with pytest.raises(NotFound):
            date_wishing.wished(actor, code)
        with reading(actor):
            assert not visible(DateWishes, actor).exists()
            assert not DateWishes.unwalled.exists()  # the braces alone
        assert signed_in(make_member(organization, persona)).get(f"/orders/{code}/date-wishes/").status_code == 404
    interruptions.cancel(far.actor("maker", "case_manager"), code, "Patient withdrew")
    with pytest.raises(WrongState):
        state(far, code, weekdays=[2])


@pytest.mark.story("CO10")
def test_a_place_is_offered_along_the_list_only_on_days_that_are_wished(far: World) -> None:
    first, second = prescribed(far, **patient()), prescribed(far, **patient())
    make_criteria(far)
    state(far, first, washout_since=str(in_days(0)), washout_days=90)
    state(far, second, washout_since=str(in_days(-1)), washout_days=9)
    waits(far, 9, 9, code=first)
    waits(far, 5, 5, code=second)
    decide(far)
    assert tasks.offer_freed_places() == 1
    (offer,) = offers(far)
    assert offer.entry.order_code == second
    assert dt.datetime.fromisoformat(offer.place.offer["collection_start"]).astimezone(BERLIN).date() >= in_days(8)
    state(far, first, washout_since=None)
    assert tasks.offer_freed_places() == 1, "what is wished no more stands in no way: the list is looked at again"


@pytest.mark.story("MP6")
def test_a_repair_proposes_no_day_that_the_wishes_refuse(far: World) -> None:
    code = confirmed(far, 16, **patient())
    wednesday = next(n for n in range(17, 27) if in_days(n).isoweekday() == 3)
    state(far, code, weekdays=[3, 5], earliest=str(in_days(wednesday)))
    run = again(far, proposed(far, stopped(far, code)))
    (row,) = run.plan
    assert row["chosen"] == 0 and row["choices"]
    for choice in row["choices"]:
        date = dt.datetime.fromisoformat(choice["collection"]).astimezone(BERLIN).date()
        assert date.isoweekday() in (3, 5) and date >= in_days(wednesday)


@pytest.mark.story("CO1", "CO5")
def test_the_pages_remember_what_was_wished_and_let_it_be_changed(far: World) -> None:
    code, browser = confirmed(far, 16, **patient()), signed_in(far.member(*COORDINATOR))
    address = f"/orders/{code}/date-wishes/"
    assert "Say what is wished of the dates" in text_of(browser.get(f"/orders/{code}/"))
    bad = browser.post(address, {"weekdays": ["", "2", "4"], "earliest": "", "washout_since": "", "washout_days": "14"})
    assert bad.status_code == 400 and 'value="14"' in text_of(bad)
    assert "Say from which day on the washout counts" in text_of(bad)
    ticked = re.findall(r'name="weekdays" id="[^"]+" value="(.)" checked', text_of(bad))
    assert ticked == ["2", "4"], "what was ticked stays"
    sent = {"weekdays": ["", "2", "4"], "earliest": "", "washout_since": str(in_days(-3)), "washout_days": "5"}
    assert browser.post(address, sent).status_code == 303
    for page in (f"/orders/{code}/", f"/orders/{code}/dates/", address):
        assert "Collection on Tuesday or Thursday" in text_of(browser.get(page)) and "Washout of 5 days" in text_of(
            browser.get(page)
        )
    dates = browser.get(f"/orders/{code}/dates/")
    days = {row["offer"].collection_start.astimezone(BERLIN).isoweekday() for row in dates.context["offers"]["found"]}
    assert (
        days == {2, 4}
        and 'name="weekdays" value="2,4"' in text_of(dates)
        and f'name="washout_since" value="{in_days(-3)}"' in text_of(dates)
    )
    wider = f"/orders/{code}/dates/?earliest={in_days(0)}&weekdays=&washout_since=&washout_days=&sort=earliest"
    found = browser.get(wider).context["offers"]["found"]
    days = {row["offer"].collection_start.astimezone(BERLIN).isoweekday() for row in found}
    assert len(days) > 1
    offer = next(
        row["offer"] for row in found if row["offer"].collection_start > timezone.now() + dt.timedelta(days=20)
    )
    shown = browser.get(f"{wider}&offer={offer.token}")
    assert shown.context["preview"] is not None and 'name="weekdays" value=""' in text_of(shown)
    moved = {"offer": offer.token, "weekdays": "", "washout_since": "", "washout_days": "", "earliest": str(in_days(0))}
    answer = browser.post(wider, {**moved, **WHY, "version": str(shown.context["etag"])})
    assert answer.status_code == 303 and kept(far, code) == Wishes()


def test_the_same_over_rest(far: World) -> None:
    code = confirmed(far, 16, **patient())
    partner = make_partner(far.center, "coordinator", responsible=far.member(*COORDINATOR))
    nothing = {"order": code, "earliest": None, "weekdays": [], "washout_since": None, "washout_days": None}
    assert partner.get(f"orders/{code}/date-wishes").json() == nothing
    assert (
        "weekdays"
        in problem(partner.post(f"orders/{code}/date-wishes", {"weekdays": [9]}), 400, "invalid_input")["fields"]
    )
    given = {"weekdays": [2, 4], "washout_since": str(in_days(-3)), "washout_days": 5}
    assert partner.post(f"orders/{code}/date-wishes", given).json() == {**nothing, **given}
    found = partner.get(f"orders/{code}/dates").json()["offers"]
    starts = [dt.datetime.fromisoformat(one["collection_start"]).astimezone(BERLIN) for one in found]
    assert starts and {start.isoweekday() for start in starts} == {2, 4}
    narrowed = partner.get(f"orders/{code}/dates?weekdays=3&weekdays=5").json()["offers"]
    starts = [dt.datetime.fromisoformat(one["collection_start"]).astimezone(BERLIN) for one in narrowed]
    assert starts and {start.isoweekday() for start in starts} == {3, 5}
    token = narrowed[-1]["token"]
    problem(partner.get(f"orders/{code}/dates/preview?offer={token}"), 409, "offer_gone")
    assert partner.get(f"orders/{code}/dates/preview?offer={token}&weekdays=3,5").status_code == 200
    assert partner.post(f"orders/{code}/dates/move", {"offer": token, **WHY, "weekdays": [5, 3, 5]}).status_code == 200
    assert partner.get(f"orders/{code}/date-wishes").json()["weekdays"] == [3, 5]


def test_every_weekday_is_no_wish(far: World) -> None:
    code = prescribed(far, **patient())
    state(far, code, weekdays=[1, 2])
    state(far, code, weekdays=list(range(1, 8)))
    assert kept(far, code) == Wishes()
    browser = signed_in(far.member(*COORDINATOR))
    state(far, code, weekdays=[1, 2])
    assert browser.post(f"/orders/{code}/date-wishes/", {"weekdays": ""}).status_code == 303
    assert kept(far, code) == Wishes(), "with no box ticked any day is wished"
