"""The register of lead-time overrides: what searches, holds and changes make of it, who may write and who reads it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event
from ledger.recording import acting
from ledger.refusals import Conflict, FactsMissing, InvalidInput, NotAllowed, NotFound, WrongState
from ledger.walls import visible
from orders import bookings, queries, rescheduling
from orders.flow import order_named
from orders.queries import flows
from scheduling.actions.lead_times import OverrideInput, end_lead_time, set_lead_time
from scheduling.models import LeadTimeOverride
from scheduling.offers import SearchResult
from tests.factories import connect, make_actor, make_member, make_organization, make_site, operator
from tests.orders.conftest import confirmed, patient, prescribed, step, text_of
from tests.orders.factories import World, make_world
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.django_db
PLANNER = ("maker", "planner")
ADDRESS = "/scheduling/lead-times/"


@pytest.fixture
def world(db: None) -> World:
    return make_world(days=30)


def in_days(days: int) -> dt.date:
    return timezone.now().date() + dt.timedelta(days=days)


def override(world: World, step_: str = "manufacture_days", **given: Any) -> LeadTimeOverride:
    wanted = {"first_date": in_days(0), "reason": "New process", **given}
    return set_lead_time(world.actor(*PLANNER), OverrideInput(step=step_, **wanted))


def found(world: World, code: str) -> SearchResult:
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        order = order_named(coordinator, code)
        return queries.search_slots(coordinator, order, queries.step_of(coordinator, order, "book"), in_days(0))


def days_made(result: SearchResult) -> float:
    """Days from the start of manufacture to the return of the first offer, without quality release and transit."""
    offer = result.offers[0]
    transit = offer.arrival_at - offer.pickup_at
    return ((offer.tentative_return - offer.manufacture_start - transit) / dt.timedelta(days=1)) - 5


def test_the_search_goes_by_the_register_and_says_so(world: World) -> None:
    code = prescribed(world, **patient())
    assert days_made(found(world, code)) == 8 and found(world, code).offers[0].lead_times == ()
    override(world, at_least=12, at_most=12, therapy=world.therapy.code)
    result = found(world, code)
    assert days_made(result) == 12
    assert result.offers[0].lead_times == (
        "Manufacture takes 12 days for this therapy (New process; override of priority 0)",
    )


def test_of_two_overrides_the_higher_priority_counts_and_of_equal_ones_the_more_specific(world: World) -> None:
    code = prescribed(world, **patient())
    override(world, at_least=10, at_most=10, site=world.plant.code)
    override(world, at_least=11, at_most=11, market="DE")
    assert days_made(found(world, code)) == 10
    urgent = override(world, at_least=14, at_most=14, priority=5, reason="Cleaning campaign")
    assert days_made(found(world, code)) == 14
    end_lead_time(world.actor(*PLANNER), urgent.pk, in_days(-1), "Cleaned")
    assert days_made(found(world, code)) == 10


def test_an_override_bounds_what_would_hold_otherwise(world: World) -> None:
    code = prescribed(world, **patient())
    low = override(world, at_least=6)
    assert days_made(found(world, code)) == 8
    end_lead_time(world.actor(*PLANNER), low.pk, in_days(-1), "Not needed")
    override(world, at_most=7)
    assert days_made(found(world, code)) == 7


def test_an_override_of_another_market_site_or_therapy_and_one_that_ended_or_begins_later_do_not_count(
    world: World,
) -> None:
    code = prescribed(world, **patient())
    elsewhere = make_site(world.maker)
    override(world, at_least=20, market="FR")
    override(world, at_least=20, site=elsewhere.code)
    override(world, at_least=20, priority=1, first_date=in_days(200))
    ended = override(world, at_least=20, priority=2)
    assert days_made(found(world, code)) == 20
    ended = end_lead_time(world.actor(*PLANNER), ended.pk, in_days(-1), "Entered by mistake")
    assert ended.withdrawn_at is not None
    assert days_made(found(world, code)) == 8
    with pytest.raises(WrongState):
        end_lead_time(world.actor(*PLANNER), ended.pk, in_days(-1), "Again")


def test_a_refused_day_says_which_override_it_was_reckoned_with(world: World) -> None:
    code = prescribed(world, **patient())
    override(world, "lead_days", at_least=9, market="DE", reason="Kits are short", priority=3)
    refused = {day.date: day for day in found(world, code).refused}
    assert refused[in_days(4)].code == "lead_time"
    assert "A collection needs 9 days to be prepared." in refused[in_days(4)].text
    assert "9 days in DE (Kits are short; override of priority 3)" in refused[in_days(4)].text
    override(world, "collection_hours", at_least=12, reason="One nurse")
    texts = [day.text for day in found(world, code).refused if day.code != "lead_time"]
    assert texts and all("Reckoned with: Collection takes at least 12 h" in text for text in texts)


def test_a_hold_is_checked_against_the_register_again(world: World) -> None:
    code = prescribed(world, **patient())
    offer = found(world, code).offers[0]
    override(world, "lead_days", at_least=25)
    with pytest.raises(Conflict) as refusal:
        step(world, code, ("center", "coordinator", 1), "book", offer=offer.token)
    assert refusal.value.code == "offer_gone" and "25 days to be prepared" in refusal.value.detail


def test_moving_booked_dates_goes_by_the_register_and_booked_dates_stay(world: World) -> None:
    code = confirmed(world, 15, **patient())
    override(world, at_least=13, at_most=13)
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        order = order_named(coordinator, code)
        request = rescheduling.request_of(coordinator, order, in_days(15))
    assert [(rule.step, rule.at_least) for rule in request.lead_times] == [("manufacture_days", 13.0)]
    begins = dt.datetime.fromisoformat(order.plan["manufacture_start"])
    returns = dt.datetime.fromisoformat(order.plan["tentative_return"])
    assert (returns - begins).days == 8 + 5


def test_what_the_flow_says_is_the_standard_under_the_register(world: World) -> None:
    code = prescribed(world, **patient())
    with reading(world.actor("maker", "product_owner")):
        flow = flows(world.actor("maker", "product_owner")).filter(state="live").get()
    coordinator = world.actor("center", "coordinator")
    parameters = {"lead_times": [{"step": "manufacture_days", "value": 15, "priority": 90}]}
    override(world, at_most=9)
    with reading(coordinator):
        order = order_named(coordinator, code)
        assert order.flow_id == flow.pk
        result = bookings.search(coordinator, order, parameters, in_days(0))
    assert days_made(result) == 9


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"at_least": -1}, "at_least"),
        ({"at_least": float("nan")}, "at_least"),
        ({}, "at_least"),
        ({"at_least": 5, "at_most": 4}, "at_most"),
        ({"at_least": 5, "site": "nowhere"}, "site"),
        ({"at_least": 5, "therapy": "nothing"}, "therapy"),
        ({"at_least": 5, "market": "d1"}, "market"),
        ({"at_least": 5, "priority": 101}, "priority"),
        ({"at_least": 5, "reason": " "}, "reason"),
        ({"at_least": 5, "first_date": dt.date(2020, 1, 1)}, "first_date"),
        ({"at_least": 5, "last_date": dt.date(2020, 1, 1)}, "last_date"),
        ({"at_least": 5, "step": "nap_hours"}, "step"),
    ],
)
def test_bad_input_is_refused_beside_its_field(world: World, given: dict[str, Any], field: str) -> None:
    wanted = {"step": "manufacture_days", "first_date": in_days(0), "reason": "Why", **given}
    with pytest.raises(InvalidInput) as refusal:
        set_lead_time(world.actor(*PLANNER), OverrideInput(**wanted))
    assert list(refusal.value.fields) == [field]


def test_a_center_s_site_in_another_market_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput) as refusal:
        override(world, at_least=5, site=world.clinic.code, market="FR")
    assert list(refusal.value.fields) == ["market"]


def test_two_of_equal_scope_and_priority_never_overlap_not_even_past_the_action(world: World) -> None:
    override(world, at_least=5, last_date=in_days(10), site=world.plant.code)
    with pytest.raises(InvalidInput) as refusal:
        override(world, at_least=6, first_date=in_days(10), site=world.plant.code)
    assert "equal scope and priority" in refusal.value.fields["priority"][0]
    override(world, at_least=6, first_date=in_days(11), site=world.plant.code)
    override(world, at_least=6, first_date=in_days(10))
    planner = world.actor(*PLANNER)
    with pytest.raises(IntegrityError), acting(planner, "scheduling.lead_time_set"), transaction.atomic():
        LeadTimeOverride.objects.create(
            organization_id=world.maker.pk,
            step="manufacture_days",
            site=world.plant,
            at_least=7,
            reason="Twin",
            first_date=in_days(5),
        )


def test_who_may_and_what_partners_learn(world: World) -> None:
    other = make_organization("treatment_center")
    connect(other, world.maker)
    override(world, at_least=5, site=world.clinic.code, reason="Agreed with this center")
    everywhere = override(world, at_least=6, reason="All plants")
    for reader, seen in ((world.center, 2), (other, 1), (make_organization("treatment_center"), 0)):
        with reading(operator(reader)):
            assert visible(LeadTimeOverride, operator(reader)).count() == seen
            assert LeadTimeOverride.unwalled.count() == seen  # the braces alone
    rival = make_actor(make_organization("manufacturer"), "planner")
    with pytest.raises(NotFound):
        end_lead_time(rival, everywhere.pk, in_days(1), "Not mine")
    given = OverrideInput(step="manufacture_days", at_least=9, first_date=in_days(0), reason="Why", priority=9)
    for actor in (world.actor("center", "coordinator"), world.actor("maker", "qa_reviewer")):
        with pytest.raises(NotAllowed):
            set_lead_time(actor, given)
    assert set_lead_time(world.actor("maker", "site_network_manager"), given).at_least == 9


def test_setting_and_ending_stand_in_the_record_without_a_name(world: World) -> None:
    row = override(world, at_least=5, at_most=6, site=world.plant.code, therapy=world.therapy.code)
    end_lead_time(world.actor(*PLANNER), row.pk, in_days(3), "Back to normal")
    with reading(world.actor(*PLANNER)):
        events = list(Event.unwalled.filter(kind__startswith="scheduling.lead_time").order_by("pk"))
        assert [event.payload["why"] for event in events] == ["New process", "Back to normal"]
        assert events[0].payload["words"] == (
            f"Manufacture takes 5 to 6 days at {world.plant.code} for {world.therapy.code}"
        )
        assert row.history.count() == 2


@pytest.fixture
def client_(world: World) -> Client:
    return signed_in(world.member(*PLANNER))


def form(**given: Any) -> dict[str, Any]:
    wanted = {"step": "release_days", "at_least": "3", "priority": "0", "first_date": in_days(0), "reason": "Strike"}
    return {**wanted, **given}


def test_the_page_lists_adds_filters_and_ends(world: World, client_: Client) -> None:
    empty = client_.get(ADDRESS)
    assert "No override counts" in text_of(empty)
    here = re.findall(r'<a href="([^"]+)" aria-current="page">', empty.content.decode())
    assert here == [ADDRESS], "the calendar, whose address begins alike, is not where the reader is"
    assert re.search(r'value="\d{4}-\d\d-\d\d"', text_of(empty)), "the first day is there as a date field reads it"
    assert client_.post(ADDRESS, form(market="de", site=world.plant.code)).status_code == 303
    assert client_.post(ADDRESS, form(step="lead_days", at_least="4", reason="Kits")).status_code == 303
    page = text_of(client_.get(ADDRESS))
    assert "at least 3 days" in page and f"at {world.plant.name} in DE" in page and "Strike" in page
    narrowed = text_of(client_.get(f"{ADDRESS}?step=lead_days"))
    assert "Kits" in narrowed and "Strike" not in narrowed
    assert "Strike" in text_of(client_.get(f"{ADDRESS}?market=DE&site={world.plant.code}"))
    assert "No override matches" in text_of(client_.get(f"{ADDRESS}?therapy={world.therapy.code}"))
    with reading(world.actor(*PLANNER)):
        row = LeadTimeOverride.unwalled.get(step="release_days")
    end = f"{ADDRESS}{row.pk}/end/"
    refused = client_.post(end, {"last_date": in_days(-5), "reason": "Strike is over"})
    assert refused.status_code == 400
    assert "What counted so far stays" in text_of(refused) and 'value="Strike is over"' in text_of(refused)
    assert client_.post(end, {"last_date": "", "reason": "x"}).status_code == 400
    assert client_.post(end, {"last_date": in_days(-1), "reason": "Strike is over"}).status_code == 303
    assert "Strike" not in text_of(client_.get(ADDRESS))
    assert "Never counted" in text_of(client_.get(f"{ADDRESS}?state=ended"))
    assert "Strike is over" in text_of(client_.get(f"{ADDRESS}?state=all"))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"at_least": "-3"}, "Give a number from 0 to 1000"),
        ({"at_least": "many"}, "Enter a number"),
        ({"at_least": ""}, "Say how long it takes"),
        ({"site": "elsewhere"}, "Select a valid choice"),
        ({"priority": "500"}, "Give a whole number from 0 to 100"),
        ({"last_date": "2020-01-01"}, "The last day comes after the first"),
    ],
)
def test_what_was_typed_stays_beside_the_refusal(client_: Client, given: dict[str, str], told: str) -> None:
    answer = client_.post(ADDRESS, form(reason="Keep these words", **given))
    page = text_of(answer)
    assert answer.status_code == 400
    assert told in page and 'aria-invalid="true"' in page and 'value="Keep these words"' in page


def test_the_page_is_only_for_who_may_and_shows_nobody_else_s(world: World, client_: Client) -> None:
    override(world, at_least=5, reason="Secret of the maker")
    rival = signed_in(make_member(make_organization("manufacturer"), "planner"))
    assert "Secret of the maker" not in text_of(rival.get(f"{ADDRESS}?state=all"))
    for client in (signed_in(world.member("center", "coordinator")), signed_in(world.member("maker", "qa_reviewer"))):
        assert client.get(ADDRESS).status_code in (403, 404)
        assert client.post(ADDRESS, form()).status_code in (403, 404)


def test_the_list_costs_the_same_for_one_row_and_for_three(world: World, client_: Client) -> None:
    costs = []
    for number in (1, 2, 3):
        override(world, at_least=number, priority=number, site=world.plant.code, therapy=world.therapy.code)
        client_.get(ADDRESS)
        with CaptureQueriesContext(connection) as asked:
            assert f"at least {number} days" in text_of(client_.get(ADDRESS))
        costs.append(len(asked))
    assert costs[0] == costs[1] == costs[2]


def test_an_override_that_leaves_no_day_is_told_not_hidden(world: World) -> None:
    code = prescribed(world, **patient())
    override(world, "lead_days", at_least=200)
    result = found(world, code)
    assert not result.offers and {day.code for day in result.refused} == {"lead_time"}
    with pytest.raises((InvalidInput, FactsMissing)):
        step(world, code, ("center", "coordinator", 1), "book", offer="made-up")
