"""Dates requested where nothing is published yet: asked by the center, answered by the planner, told late (F24)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from ledger.context import Actor, reading
from ledger.events import kind_named
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import InvalidInput, MissingFact, NotAllowed, NotFound, WrongState
from orders import attempts, bookings, requested_dates
from orders.actions.rescheduling import ReasonInputs
from orders.flow import order_named, require_facts, require_ready
from orders.inputs import DecisionInputs, read
from orders.locks import stream_of
from orders.models import Order, OrderStep
from orders.overdue import ESCALATED
from orders.policies import may_perform, may_see_therapy, require_may_perform
from orders.states import StepState
from personas.policies import require
from personas.queries import organization_actor
from personas.states import Capability
from scheduling import date_requests, slot_chains, waiting_offers
from scheduling.date_requests import DateRequest, DateRequestDue, PlantToTell, Wish
from scheduling.jobs import job_in

JOB, TELLS = "escalate-date-requests", "tell-requested-days"


class WishInputs(serializers.Serializer[Any]):
    """A day of collection where nothing is published, and the days that would do as well."""

    wished_on = serializers.DateField(label="Wished day of collection")
    first_date = serializers.DateField(label="First day that would do")
    last_date = serializers.DateField(label="Last day that would do")
    remark = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Remark for the planner (no patient data)"
    )


class WishAnswerInputs(DecisionInputs):
    """The planner's answer: confirm with an offer of the days asked for, or decline with a reason."""

    needs_reason = {"decline": "Say why you decline; the center sees the reason."}

    decision = serializers.ChoiceField(choices=[("confirm", "Confirm"), ("decline", "Decline")], label="Answer")
    offer = serializers.CharField(
        max_length=4000, required=False, allow_blank=True, default="", label="Dates", help_text="token of an offer"
    )
    reason = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Reason (needed to decline)"
    )
    proposed_date = serializers.DateField(
        required=False, allow_null=True, default=None, label="Collection date that would fit (told to the center)"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        super().validate(attrs)
        if attrs["decision"] == "confirm" and not attrs["offer"]:
            raise serializers.ValidationError({"offer": ["Choose the dates that you confirm."]})
        return attrs


def request_dates(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> DateRequest:
    """Ask for a day on which nothing is published; nothing is held. By whoever books, while the booking waits.

    Raises Conflict ``dates_published`` when one of the days has an offer, ``dates_requested`` while a request is open.
    """
    with _on_order(actor, "orders.dates_requested", code, once) as (order, event):
        wish = Wish(**read(WishInputs, raw))
        step = _booking(order)
        require_may_perform(actor, step)
        require_ready(actor, order, step)
        date_requests.check(wish, order.center_site.today)
        require_facts(_stops(order))
        request = bookings.wished_request(order, dict(step.flow_step.parameters), wish.first_date)
        due = timezone.now() + dt.timedelta(hours=requested_dates.answer_hours(order))
        row = date_requests.ask(actor, order.stream_id, request, wish, due)
        date_requests.tell_plants(row, requested_dates.contracted_plants(order))
        _note(event, order, row)
    return row


def withdraw_request(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> DateRequest:
    """Give an open request up. By whoever may book at the center."""
    with _on_order(actor, "orders.date_request_withdrawn", code, once) as (order, event):
        given = read(ReasonInputs, raw)
        require_may_perform(actor, _booking(order))
        event.reason = given["reason"]
        row = date_requests.withdraw(_open(order), given["reason"])
        _note(event, order, row)
    return row


def answer_request(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> DateRequest:
    """Confirm a request with an offer of its days, all places or none, or decline it. By the manufacturer's planner.

    With the chain, the steps that it stands for are done: booking and request as the center wished, and the answer
    where the flow gives it to whoever answers here, without a signature.
    """
    with _on_order(actor, "orders.date_request_met", code, once) as (order, event):
        given = read(WishAnswerInputs, raw)
        require(actor, Capability.CONFIRM_SLOTS)
        if actor.organization_id != order.manufacturer_id:
            raise NotAllowed("The manufacturer of the therapy answers a request for dates.")
        row = _open(order)
        if given["decision"] == "decline":
            event.kind, event.reason = kind_named("orders.date_request_declined"), given["reason"].strip()
            proposed = given["proposed_date"]
            if proposed is not None and proposed < order.center_site.today:
                raise InvalidInput(fields={"proposed_date": ["Give a day that has not passed."]})
            date_requests.decline(row, actor, given["reason"], proposed)
        else:
            _confirm(actor, order, row, given["offer"], event)
        _note(event, order, row)
    return row


def _confirm(actor: Actor, order: Order, row: DateRequest, token: str, event: OpenEvent) -> None:
    step = _booking(order)
    require_ready(actor, order, step)
    require_facts(_stops(order))
    parameters = dict(step.flow_step.parameters)
    request = bookings.wished_request(order, parameters, row.first_date)
    hours = int(parameters.get("hold_hours", slot_chains.HOLD_HOURS))
    chain = date_requests.meet(actor, row, request, token, order.center_site.zone, hours)
    waiting_offers.give_way_at(order.center_id, order.stream_id)
    bookings.note_booked(order, chain)
    summary = f"Booked as requested for {row.wished_on:%d %b %Y}."
    _complete(order, step, summary, row.requested_by_name, event)
    asked = next(iter(attempts.of_kind(order, requested_dates.REQUEST)), None)
    if asked is None or asked.state != StepState.READY:
        return
    slot_chains.submit(chain)
    _complete(order, asked, summary, row.requested_by_name, event)
    answer = next(iter(attempts.of_kind(order, requested_dates.ANSWER)), None)
    if answer is None or answer.state != StepState.READY or answer.signatures:
        return
    if may_perform(actor, answer):
        slot_chains.confirm(chain, actor)
        _complete(order, answer, "Slots confirmed.", actor.display_name, event)


def _complete(order: Order, step: OrderStep, summary: str, who: str, event: OpenEvent) -> None:
    step.state, step.summary = StepState.DONE, summary
    step.done_at, step.done_by = timezone.now(), who
    step.version += 1
    step.save(update_fields=["state", "summary", "done_at", "done_by", "version"])
    attempts.advance(order, event.id)


def tell_overdue_request(due: DateRequestDue, now: dt.datetime | None = None) -> bool:
    """Record that a request is not answered in time: first the planners hear, then who answers for the order.

    It is never declined or met by the clock. Returns whether anybody is told now; another worker may have been faster.
    """
    now = now or timezone.now()
    actor = organization_actor(due.organization_id, JOB)
    try:
        with acting(actor, "orders.date_request_overdue", stream_id=due.stream_id) as event:
            fresh = DateRequestDue.unwalled.select_for_update().filter(pk=due.pk, due_at__lte=now).first()
            row = date_requests.open_request(due.stream_id)
            if fresh is None or row is None or fresh.level >= ESCALATED:
                raise WrongState("Nobody is to be told.")
            order = Order.unwalled.get(stream_id=due.stream_id)
            event.subject_type, event.subject_id = "order", order.code
            level = fresh.level + 1
            _note(event, order, row)
            event.note(level=level)
            requested_dates.look_again(fresh, row, level, order)
    except WrongState:
        return False
    return True


def tell_plant(due: PlantToTell) -> bool:
    """Tell a contract manufacturer's planners of days that are wished of a therapy its plants may make, once.

    On its own record, as it may read them: no order, no center. Returns whether there was anything to tell.
    """
    actor = job_in(due.organization_id, TELLS)
    try:
        with acting(actor, "orders.days_wished") as event:
            row = date_requests.days_to_tell(actor, due)
            if row is None:
                raise WrongState("Nobody is to be told.")
            event.subject_type, event.subject_id = "therapy", str(row.therapy_id)
            event.note(**requested_dates.told_to_plants(actor, row))
    except WrongState:
        PlantToTell.unwalled.filter(pk=due.pk).delete()  # answered, withdrawn, or not licensed any more
        return False
    return True


def standing(actor: Actor, code: str) -> requested_dates.Standing:
    """Return how the order's request stands, and what this person may do about it. Raises NotFound to a courier."""
    with reading(actor):
        order = order_named(actor, code)
        if not may_see_therapy(actor):
            raise NotFound()
        return requested_dates.standing(actor, order, partial(may_perform, actor))


@contextmanager
def _on_order(actor: Actor, kind: str, code: str, once: Once | None) -> Iterator[tuple[Order, OpenEvent]]:
    subject = ("order", code.upper())
    with acting(actor, kind, stream_id=stream_of(code), subject=subject, once=once) as event:
        order = order_named(actor, code)
        if not may_see_therapy(actor):
            raise NotFound()
        order.stream = event.stream
        event.zone = order.center_site.zone
        yield order, event


def _booking(order: Order) -> OrderStep:
    step = next(iter(attempts.of_kind(order, requested_dates.BOOKING)), None)
    if step is None:
        raise NotFound()
    return step


def _stops(order: Order) -> list[MissingFact]:
    """Return why nobody can book for the order on request: no plant, or steps that want a signature of their own."""
    found = []
    if not bookings.plant_sites(order):
        text = "No plant makes this therapy for your country."
        found.append(MissingFact("no_plant", text, "Ask the manufacturer's planner."))
    kinds = (requested_dates.BOOKING, requested_dates.REQUEST)
    if any(step.signatures for kind in kinds for step in attempts.of_kind(order, kind)):
        text = "The flow wants the booking signed: nobody books on your behalf."
        found.append(MissingFact("booking_is_signed", text, "Search again when capacity is published."))
    return found


def _open(order: Order) -> DateRequest:
    row = date_requests.open_request(order.stream_id)
    if row is None:
        raise WrongState(
            "No dates are requested for this order.",
            code="no_dates_requested",
            remedy="Look at the order: the request may be answered or withdrawn.",
        )
    return row


def _note(event: OpenEvent, order: Order, row: DateRequest) -> None:
    event.note(order=order.code, wished_on=row.wished_on, first_date=row.first_date, last_date=row.last_date)
    event.note(due_at=row.due_at, proposed_date=row.proposed_date or "", chain=row.chain_id or "")
