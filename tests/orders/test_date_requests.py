"""Dates requested where nothing is published yet: asked, answered, declined, withdrawn, late; never oversold."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.models import Event
from ledger.recording import acting
from ledger.refusals import Conflict, InvalidInput, NotAllowed, NotFound, WrongState
from ledger.walls import visible
from notifications.recipients import recipients_of
from orders import flow_files, queries, tasks
from orders.actions import date_requests, interruptions
from orders.actions.flows import approve_flow, propose_flow
from orders.actions.waiting_list import add_to_waiting_list
from orders.flow import current_step, order_named, perform
from orders.models import Order
from scheduling import slot_chains, waiting
from scheduling.actions.calendar import add_rule
from scheduling.actions.priorities import class_therapy
from scheduling.actions.windows import close_window
from scheduling.capacity import SlotFull
from scheduling.models import DateRequest, DateRequestDue, Resource, Slot, WaitingEntry, WaitingOffer
from scheduling.rules import RuleInput
from tests.factories import connect, make_actor, make_member, make_organization
from tests.orders.conftest import patient, prescribed, step, text_of
from tests.orders.factories import BERLIN, World, make_world
from tests.orders.waiting import decide, make_criteria, offers, waits
from tests.orders.wishing import COORDINATOR, FAR, PLANNER, asked, confirm, in_days, planner_sees, publish, wish
from tests.personas.conftest import signed_in
from tests.scheduling.factories import make_resource

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def order_of(world: World, code: str, actor: Actor | None = None) -> Order:
    actor = actor or world.actor(*COORDINATOR)
    with reading(actor):
        return order_named(actor, code)


def states(world: World, code: str) -> dict[str, str]:
    with reading(world.actor(*COORDINATOR)):
        order = order_named(world.actor(*COORDINATOR), code)
        return {key: current_step(order, key).state for key in ("book", "request", "confirm", "accept_job", "kit")}


def taken(world: World) -> int:
    with reading(world.actor(*COORDINATOR)):
        return sum(Slot.unwalled.values_list("taken", flat=True))


def test_dates_are_requested_where_nothing_is_published_and_confirmed_later(world: World) -> None:
    code = asked(world)
    assert taken(world) == 0 and states(world, code)["book"] == "ready"
    (waiting,) = queries_wishes(world)
    assert waiting.order.code == code and not waiting.late
    assert abs(waiting.row.due_at - timezone.now() - dt.timedelta(hours=24)) < dt.timedelta(minutes=5)
    assert planner_sees(world, code) == []
    publish(world)
    offers = planner_sees(world, code)
    assert {offer.collection_start.astimezone(BERLIN).date() for offer in offers} == {
        in_days(FAR + n) for n in range(-2, 3)
    }
    row = confirm(world, code, offers[0].token)
    assert row.state == "met" and row.answered_by_name == "Planner A"
    assert states(world, code) == {
        "book": "done",
        "request": "done",
        "confirm": "done",
        "accept_job": "ready",
        "kit": "ready",
    }
    assert taken(world) == 4 and queries_wishes(world) == []
    order = order_of(world, code)
    with reading(world.actor(*COORDINATOR)):
        chain = slot_chains.live_chain(order.stream_id)
    assert chain is not None and chain.state == "confirmed" and chain.organization_id == world.center.pk
    assert order.plan["collection_start"] == offers[0].collection_start.isoformat()
    assert order.plant_site_id == world.plant.pk
    step(world, code, ("courier", "courier_dispatcher", 1), "accept_job", decision="accept")
    interruptions.cancel(world.actor("maker", "case_manager"), code, "Patient withdrew")
    assert taken(world) == 0


def queries_wishes(world: World) -> list[Any]:
    with reading(world.actor(*PLANNER)):
        return queries.wished_dates(world.actor(*PLANNER))


def test_the_center_s_chair_is_needed_too_and_days_say_what_they_lack(world: World) -> None:
    code = asked(world)
    publish(world, places=0)
    standing = date_requests.standing(world.actor(*PLANNER), code)
    assert not standing.found.offers
    assert {(day.date, day.code) for day in standing.found.refused} == {
        (in_days(FAR + n), "chair_full") for n in range(-2, 3)
    } or all("chair" in day.text.lower() for day in standing.found.refused)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"first_date": dt.date(2020, 1, 1)}, "first_date"),
        ({"first_date": in_days(400), "last_date": in_days(401), "wished_on": in_days(400)}, "first_date"),
        ({"last_date": in_days(FAR + 100)}, "last_date"),
        ({"last_date": in_days(FAR - 9)}, "last_date"),
        ({"wished_on": in_days(FAR + 9)}, "wished_on"),
        ({"wished_on": "soon"}, "wished_on"),
    ],
)
def test_a_wish_that_nobody_could_meet_is_refused_beside_its_field(
    world: World, given: dict[str, Any], field: str
) -> None:
    code = prescribed(world, **patient())
    with pytest.raises(InvalidInput) as refusal:
        date_requests.request_dates(world.actor(*COORDINATOR), code, wish(**given))
    assert list(refusal.value.fields) == [field]


def test_where_dates_are_offered_nothing_is_asked_and_an_order_asks_once(world: World) -> None:
    code = prescribed(world, **patient())
    soon = wish(wished_on=in_days(6), first_date=in_days(5), last_date=in_days(8))
    with pytest.raises(Conflict) as refusal:
        date_requests.request_dates(world.actor(*COORDINATOR), code, soon)
    assert refusal.value.code == "dates_published"
    row = date_requests.request_dates(world.actor(*COORDINATOR), code, wish())
    with pytest.raises(Conflict) as refusal:
        date_requests.request_dates(world.actor(*COORDINATOR), code, wish())
    assert refusal.value.code == "dates_requested"
    with (
        pytest.raises(IntegrityError),
        acting(world.actor(*COORDINATOR), "orders.dates_requested", stream_id=row.stream_id),
        transaction.atomic(),
    ):
        names = ("organization_id", "manufacturer_id", "therapy_id", "wished_on", "first_date", "last_date", "due_at")
        copied = {name: getattr(row, name) for name in names}
        DateRequest.objects.create(
            stream_id=row.stream_id, requested_at=timezone.now(), requested_by_name="Twin", **copied
        )


def test_a_declined_request_tells_why_and_which_day_would_fit_and_may_be_asked_again(world: World) -> None:
    code = asked(world)
    with pytest.raises(InvalidInput) as refusal:
        date_requests.answer_request(world.actor(*PLANNER), code, {"decision": "decline"})
    assert list(refusal.value.fields) == ["reason"]
    with pytest.raises(InvalidInput) as refusal:
        date_requests.answer_request(world.actor(*PLANNER), code, {"decision": "confirm"})
    assert list(refusal.value.fields) == ["offer"]
    given = {"decision": "decline", "reason": "The line is rebuilt", "proposed_date": str(in_days(FAR + 20))}
    row = date_requests.answer_request(world.actor(*PLANNER), code, given)
    assert (row.state, row.proposed_date) == ("declined", in_days(FAR + 20))
    assert states(world, code)["book"] == "ready" and taken(world) == 0
    with pytest.raises(WrongState):
        date_requests.answer_request(world.actor(*PLANNER), code, given)
    page = text_of(signed_in(world.member(*COORDINATOR)).get(f"/orders/{code}/steps/book/"))
    assert "The line is rebuilt" in page and f'value="{in_days(FAR + 20)}"' in page
    assert date_requests.request_dates(world.actor(*COORDINATOR), code, wish()).state == "open"


def test_of_two_answers_the_newer_says_where_the_next_search_begins(world: World) -> None:
    code, coordinator = asked(world), world.actor(*COORDINATOR)
    later = {"decision": "decline", "reason": "The line is rebuilt", "proposed_date": str(in_days(FAR + 20))}
    date_requests.answer_request(world.actor(*PLANNER), code, later)
    with reading(coordinator):
        order = order_named(coordinator, code)
        found = queries.search_slots(coordinator, order, queries.step_of(coordinator, order, "book"), in_days(0))
    step(world, code, ("center", "coordinator", 1), "book", offer=found.offers[0].token)
    step(world, code, ("center", "coordinator", 1), "request")
    sooner = {"decision": "decline", "reason": "Line service", "proposed_date": str(in_days(9))}
    perform(world.actor(*PLANNER), code, "confirm", sooner)
    page = signed_in(world.member(*COORDINATOR)).get(f"/orders/{code}/steps/book/")
    assert page.context["offers"]["earliest"] == in_days(9)


def test_withdrawing_holding_other_dates_and_cancelling_end_a_request(world: World) -> None:
    first, second, third = (asked(world) for _ in range(3))
    date_requests.withdraw_request(world.actor(*COORDINATOR), first, {"reason": "Patient is better"})
    coordinator = world.actor(*COORDINATOR)
    with reading(coordinator):
        order = order_named(coordinator, second)
        found = queries.search_slots(coordinator, order, queries.step_of(coordinator, order, "book"), in_days(0))
    step(world, second, ("center", "coordinator", 1), "book", offer=found.offers[0].token)
    interruptions.cancel(world.actor("maker", "case_manager"), third, "Patient withdrew")
    with reading(coordinator):
        rows = [date_requests.standing(coordinator, code).row for code in (first, second, third)]
        assert [row and row.state for row in rows] == ["withdrawn"] * 3
        assert not DateRequestDue.unwalled.filter(request_id__in=[row.pk for row in rows if row]).exists()
    with pytest.raises(WrongState):
        date_requests.withdraw_request(coordinator, first, {"reason": "Twice"})


def test_an_order_on_hold_is_not_booked_on_request(world: World) -> None:
    code = asked(world)
    publish(world)
    offers = planner_sees(world, code)
    interruptions.put_on_hold(world.actor("maker", "case_manager"), code, "Fever")
    with pytest.raises(WrongState):
        confirm(world, code, offers[0].token)
    assert taken(world) == 0


def test_dates_outside_the_window_and_made_up_offers_are_refused(world: World) -> None:
    code, other = asked(world), asked(world, wished_on=in_days(FAR), first_date=in_days(FAR), last_date=in_days(FAR))
    publish(world)
    outside = next(o for o in planner_sees(world, code) if o.collection_start.astimezone(BERLIN).date() != in_days(FAR))
    for token in (outside.token, "made-up"):
        with pytest.raises((InvalidInput, Conflict)):
            confirm(world, other, token)
    assert taken(world) == 0 and states(world, other)["book"] == "ready"


def test_a_place_that_went_to_somebody_else_meanwhile_is_never_sold_twice(world: World) -> None:
    first, second = asked(world), asked(world)
    publish(world, places=1)
    offer = planner_sees(world, first)[0]
    confirm(world, first, offer.token)
    with pytest.raises(SlotFull):
        confirm(world, second, offer.token)
    assert taken(world) == 4 and date_requests.standing(world.actor(*PLANNER), second).is_open
    confirm(world, second, planner_sees(world, second)[0].token)
    assert taken(world) == 8


def test_an_answer_that_is_late_is_told_to_the_planners_then_to_who_answers_and_never_decided_by_the_clock(
    world: World,
) -> None:
    code = asked(world)
    row = date_requests.standing(world.actor(*PLANNER), code).row
    assert row is not None
    due = DateRequestDue.unwalled.get(request_id=row.pk)
    assert not date_requests.tell_overdue_request(due, row.due_at - dt.timedelta(minutes=1))
    assert date_requests.tell_overdue_request(due, row.due_at + dt.timedelta(minutes=1))
    assert not date_requests.tell_overdue_request(due, row.due_at + dt.timedelta(minutes=2))
    assert date_requests.tell_overdue_request(due, row.due_at + dt.timedelta(hours=5))
    assert not date_requests.tell_overdue_request(due, row.due_at + dt.timedelta(hours=50))
    with reading(world.actor(*PLANNER)):
        events = list(Event.unwalled.filter(kind="orders.date_request_overdue").order_by("pk"))
        assert [event.payload["level"] for event in events] == [1, 2]
        planner = world.member(*PLANNER).user_id
        told = [{one.user.pk: one.title for one in recipients_of(world.actor(*PLANNER), event)} for event in events]
    assert all(titles[planner].startswith("Overdue: answer a request for dates") for titles in told)
    with reading(world.actor(*COORDINATOR)):
        coordinator = world.member(*COORDINATOR).user_id
        told = [{one.user.pk: one.title for one in recipients_of(world.actor(*COORDINATOR), event)} for event in events]
    assert coordinator not in told[0] and "nobody answered" in told[1][coordinator]
    assert date_requests.standing(world.actor(*PLANNER), code).is_open
    assert tasks.escalate_date_requests() == 0


def test_where_the_flow_wants_the_answer_signed_the_chain_waits_for_the_signature(world: World) -> None:
    definition = flow_files.shipped("autologous_car_t")
    next(step for step in definition["steps"] if step["key"] == "confirm")["signatures"] = 1
    flow = propose_flow(world.actor("maker", "product_owner"), world.therapy, definition)
    approve_flow(world.actor("maker", "flow_approver"), flow.pk)
    code = asked(world)
    publish(world)
    row = confirm(world, code, planner_sees(world, code)[0].token)
    assert (row.state, row.chain.state) == ("met", "requested")
    found = states(world, code)
    assert (found["book"], found["request"], found["confirm"]) == ("done", "done", "ready")
    step(world, code, ("maker", "planner", 1), "confirm", decision="confirm")
    assert states(world, code)["confirm"] == "done" and taken(world) == 4


def test_who_may_ask_and_answer(world: World) -> None:
    code = prescribed(world, **patient())
    for actor in (world.actor(*PLANNER), world.actor("center", "treating_physician")):
        with pytest.raises(NotAllowed):
            date_requests.request_dates(actor, code, wish())
    date_requests.request_dates(world.actor(*COORDINATOR), code, wish())
    publish(world)
    token = planner_sees(world, code)[0].token
    for actor in (world.actor(*COORDINATOR), world.actor("maker", "qa_reviewer")):
        with pytest.raises(NotAllowed):
            date_requests.answer_request(actor, code, {"decision": "confirm", "offer": token})
    with pytest.raises(NotAllowed):
        date_requests.withdraw_request(world.actor(*PLANNER), code, {"reason": "Not mine"})


def test_the_tenants_next_door_learn_nothing(world: World) -> None:
    code = asked(world, remark="Travels from afar")
    center, maker = make_organization("treatment_center"), make_organization("manufacturer")
    connect(center, world.maker)
    for organization, persona in ((center, "coordinator"), (maker, "planner"), (world.courier, "courier_dispatcher")):
        actor = make_actor(organization, persona)
        with pytest.raises(NotFound):
            date_requests.standing(actor, code)
        with pytest.raises(NotFound):
            date_requests.answer_request(actor, code, {"decision": "decline", "reason": "x"})
        with reading(actor):
            assert not visible(DateRequest, actor).exists()
            assert not DateRequest.unwalled.exists()  # the braces alone
        client = signed_in(make_member(organization, persona))
        assert client.get(f"/orders/{code}/date-request/").status_code == 404
    rival = make_actor(maker, "planner")
    with reading(rival):
        assert queries.wished_dates(rival) == []


def test_center_and_planner_do_it_on_their_pages(world: World) -> None:
    code = prescribed(world, **patient())
    address = f"/orders/{code}/date-request/"
    center, planner = signed_in(world.member(*COORDINATOR)), signed_in(world.member(*PLANNER))
    book = text_of(center.get(f"/orders/{code}/steps/book/?earliest={in_days(FAR)}"))
    assert "No feasible date" in book and f"{address}?wished={in_days(FAR)}" in book
    assert f'value="{in_days(FAR)}"' in text_of(center.get(f"{address}?wished={in_days(FAR)}"))
    refused = center.post(address, wish(last_date=in_days(FAR - 9)) | {"remark": "Keep these words"})
    assert refused.status_code == 400
    assert "The last day comes after the first" in text_of(refused) and "Keep these words" in text_of(refused)
    assert center.post(address, wish() | {"remark": "Travels from afar"}).status_code == 303
    assert "Travels from afar" in text_of(center.get(address)) and "Withdraw the request" in text_of(
        center.get(address)
    )
    assert "Holding an offer withdraws the request" in text_of(center.get(f"/orders/{code}/steps/book/"))
    desk = text_of(planner.get("/"))
    assert "Requested where nothing is published" in desk and address in desk
    assert "No chain meets it yet" in text_of(planner.get(address))
    assert planner.post(f"{address}answer/", {"decision": "decline", "proposed_date": ""}).status_code == 400
    publish(world)
    page = text_of(planner.get(address))
    assert "Confirm these dates" in page and "Withdraw the request" not in page
    token = planner_sees(world, code)[0].token
    assert planner.post(f"{address}answer/", {"decision": "confirm", "offer": token}).status_code == 303
    assert "Dates were found" in text_of(center.get(address))
    assert "Requested where nothing is published" not in text_of(planner.get("/"))
    assert planner.post(f"{address}answer/", {"decision": "confirm", "offer": token}).status_code == 409


def test_the_planner_s_desk_costs_the_same_for_one_request_and_for_three(world: World) -> None:
    planner, costs = signed_in(world.member(*PLANNER)), []
    for _ in range(3):
        code = asked(world)
        planner.get("/")
        with CaptureQueriesContext(connection) as found:
            assert code in text_of(planner.get("/"))
        costs.append(len(found))
    assert costs[0] == costs[1] == costs[2]


def test_the_flow_s_own_door_still_books_after_a_request_ended(world: World) -> None:
    code = asked(world)
    date_requests.withdraw_request(world.actor(*COORDINATOR), code, {"reason": "No need"})
    coordinator = world.actor(*COORDINATOR)
    with reading(coordinator):
        order = order_named(coordinator, code)
        found = queries.search_slots(coordinator, order, queries.step_of(coordinator, order, "book"), in_days(0))
    assert perform(coordinator, code, "book", {"offer": found.offers[0].token}).state == "done"


@pytest.mark.story("AU1")
def test_chairs_kept_for_the_order_s_class_are_offered_to_the_planner_who_answers(world: World) -> None:
    scheduler = make_actor(world.center, "apheresis_scheduler")
    class_therapy(scheduler, world.therapy.pk, "commercial")
    code = asked(world)
    publish(world)
    with reading(scheduler):
        (chair,) = Resource.unwalled.filter(kind="apheresis_chair")
        by_hand = list(Slot.unwalled.filter(resource=chair, starts_at__gt=timezone.now() + dt.timedelta(days=FAR - 5)))
    for slot in by_hand:
        close_window(scheduler, slot.pk, "Another class")
    assert planner_sees(world, code) == []
    kept = make_resource(world.center, "apheresis_chair", world.clinic)
    rule = RuleInput("day", "FREQ=DAILY", dt.time(8), dt.time(16), 1, in_days(0), on_holidays="open")
    add_rule(scheduler, kept.code, replace(rule, reserved_for="stem_cells", release_days=1))
    assert planner_sees(world, code) == [], "kept for a class before the therapy's"
    reserved = make_resource(world.center, "apheresis_chair", world.clinic)
    add_rule(scheduler, reserved.code, replace(rule, reserved_for="own_trial", release_days=1))
    offers = planner_sees(world, code)
    assert {o.collection_start.astimezone(BERLIN).date() for o in offers} == {in_days(FAR + n) for n in range(-2, 3)}
    other = prescribed(world, **patient())
    with reading(world.actor(*PLANNER)):
        order, planner = order_named(world.actor(*PLANNER), other), world.actor(*PLANNER)
        found = queries.search_slots(planner, order, current_step(order, "book"), in_days(FAR - 2), days=5)
    assert not found.offers, "without a request the center's classes open nothing to a planner"
    assert confirm(world, code, offers[0].token).state == "met"


@pytest.mark.story("CO10")
def test_whoever_waits_and_is_booked_on_request_is_placed_on_the_list_and_asked_no_more(world: World) -> None:
    code, coordinator = asked(world), world.actor(*COORDINATOR)
    entry = add_to_waiting_list(coordinator, code)
    publish(world)
    confirm(world, code, planner_sees(world, code)[0].token)
    with reading(coordinator):
        (found,) = waiting.entries(coordinator, world.therapy.pk)
        assert found.pk == entry.pk and found.placed  # type: ignore[attr-defined]
        assert found.placed_at is not None and timezone.now() - found.placed_at < dt.timedelta(minutes=5)
    with reading(world.actor(*PLANNER)):
        assert not WaitingEntry.unwalled.exists(), "the list stays the center's alone"


@pytest.mark.story("CO10")
def test_a_place_that_the_list_keeps_for_the_order_is_let_go_when_it_is_booked_on_request(world: World) -> None:
    code = asked(world)
    make_criteria(world)
    waits(world, 9, 9, code=code)
    decide(world)
    assert tasks.offer_freed_places() == 1
    (offer,) = offers(world)
    assert offer.entry.order_code == code and taken(world) == 4
    publish(world)
    confirm(world, code, planner_sees(world, code)[0].token)
    assert offers(world) == [] and taken(world) == 4, "what was kept is free, what was requested is booked"
    with reading(world.actor(*COORDINATOR)):
        (ended,) = WaitingOffer.unwalled.filter(pk=offer.pk)
    assert (ended.state, ended.reason) == ("refused", "Other dates were booked.")
