"""What a device kept while it had no network comes in: recorded, kept to be signed, or shown with what stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from ledger.context import Actor, reading
from ledger.models import Replay
from ledger.recording import MAY_RUN_AHEAD, Once, Replayed, acting, fingerprint
from ledger.refusals import Conflict, FactsMissing, InvalidInput, NotAllowed, NotFound, Refusal, WrongState
from orders import courier_notes, offline
from orders.actions import pickups
from orders.courier_notes import NOTES as NOTES
from orders.device_clock import ClockReading, read_clock
from orders.flow import current_step, order_named, perform, rehearse
from orders.inputs import read
from orders.models import OfflineEntry, Order, OrderStep
from orders.offline import as_form as as_form
from orders.offline import exact as exact
from orders.offline import noted as noted
from orders.offline import open_entry as open_entry
from orders.offline import seal_key as seal_key
from orders.offline import to_show as to_show
from orders.offline_sheets import Sheet as Sheet
from orders.offline_sheets import sheets as sheets
from orders.policies import may_see, require_may_perform
from orders.states import OfflineAct, OfflineState, StepState, WithoutNetwork
from orders.step_kinds import StepKind, kind_of
from personas.asking import ZonedTime

AS_THE_ORDER_GOES = "It waits for the steps before it."
SIGN_IT = "Open it and sign: nobody signs without the network."
MERGED = "It had arrived before the network was gone; nothing was entered twice."
PAGES: dict[str, str] = {
    OfflineAct.FAILED: "courier/failed.html",
    OfflineAct.DELAY: "courier/delay.html",
}  # whose forms they are
TWO_PEOPLE = "Two people work by the paper procedure, and record it afterwards."
PAPER_ONLY = "Without current release and quarantine status nothing is issued, thawed or infused."


class EntryInputs(serializers.Serializer[Any]):
    """One entry as a device kept it."""

    key = serializers.UUIDField(help_text="given by the device, the same each time it is sent")
    order = serializers.CharField(max_length=16, help_text="order code")
    step = serializers.SlugField(max_length=64, help_text="step key")
    act = serializers.ChoiceField(
        choices=OfflineAct.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="what a courier reports of the hand-over; empty: the step itself",
    )
    inputs = serializers.JSONField(help_text="what the step or the report asks for, without signatures")
    device_time = ZonedTime(help_text="when it was made, by the device's clock")
    sent_at = ZonedTime(help_text="now, by the device's clock: the skew is measured by it")
    membership = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="whose entry it is; refused while another one acts"
    )


class DiscardInputs(serializers.Serializer[Any]):
    """An entry that is not to be recorded, and why; ``order`` and ``step`` of one that never arrived."""

    reason = serializers.CharField(max_length=300, label="Why it is discarded (no names)")
    order = serializers.RegexField(r"^[0-9A-Za-z-]{1,16}$", required=False, default="")
    step = serializers.SlugField(max_length=64, required=False, default="")
    membership = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="whose entry it is; refused while another one acts"
    )
    discarded_at = ZonedTime(required=False, help_text="when, by the clock of a device without network")
    sent_at = ZonedTime(required=False, help_text="now, by the same clock; needed with `discarded_at`")


def receive(actor: Actor, raw: Mapping[str, Any]) -> OfflineEntry:
    """Take in an entry of a device and do with it what the rules say; return it with its state.

    The same key again changes nothing. Without signatures the step is performed by the usual door; where people sign,
    everything else is asked (another patient's code stops the line) and the entry waits. What is refused is kept with
    the words. Raises NotFound for an order that is not the actor's to see, WrongState for a step that needs the
    network, InvalidInput for what cannot be read.
    """
    given = read(EntryInputs, raw)
    if not actor.is_human or actor.membership_id is None:
        raise NotAllowed("A device's entries are a person's.", remedy="A key performs steps at once, with Device-Time.")
    _refuse_others(actor, given["membership"])
    with reading(actor):
        known = _known(actor, given["key"])
        if known is not None:
            _refuse_another_content(known, given)
            return known
        order = order_named(actor, given["order"])
        step = current_step(order, given["step"])
        if not may_see(actor, step):
            raise NotFound()
        if given["act"] == OfflineAct.DELAY:
            pickups.require_carrier(actor, order)
        else:
            require_may_perform(actor, step)
        kind, about = kind_of(step.flow_step.kind), _about(actor, step, given)
    now = timezone.now()
    clock = read_clock(given["device_time"], given["sent_at"], now)
    entry = OfflineEntry(
        organization_id=actor.organization_id,
        membership_id=actor.membership_id,
        key=given["key"],
        stream_id=order.stream_id,
        order_code=order.code,
        step=step.key,
        **about,
        device_time=given["device_time"],
        happened_at=clock.happened_at,
        received_at=now,
        skew_s=clock.skew.total_seconds(),
    )
    once = Once(f"offline:{entry.key}", fingerprint({"membership": str(actor.membership_id)}))
    try:
        return _settle(actor, order, step, kind, entry, clock, once)
    except Replayed:  # the same entry came in twice at once
        with reading(actor):
            return offline.entries(actor).get(key=entry.key)


def _refuse_others(actor: Actor, membership: UUID | None) -> None:
    """Raise WrongState where somebody else signed in, in another tab, since the device opened its entries."""
    if membership is not None and membership != actor.membership_id:
        raise WrongState(
            "Somebody else acts on this device now. The entry stays on it.",
            code="other_membership",
            remedy="It is sent when whoever made it acts here again.",
        )


def _refuse_another_content(known: OfflineEntry, given: Mapping[str, Any]) -> None:
    """Raise Conflict for a correction that comes after what it corrects: it is not dropped without a word."""
    if (known.inputs, known.order_code, known.step, known.act) == (
        given["inputs"],
        given["order"].upper(),
        given["step"],
        given["act"],
    ):
        return
    raise Conflict(
        f"This entry came in before it was corrected, and is {known.get_state_display().lower()} as it was then.",
        code="entry_differs",
        remedy="Look at what the server received, and correct it there.",
    )


def _known(actor: Actor, key: UUID) -> OfflineEntry | None:
    found = OfflineEntry.unwalled.filter(organization_id=actor.organization_id, key=key).first()
    if found is not None and found.membership_id != actor.membership_id:
        raise NotFound()
    return found


def _kept_kind(step: OrderStep) -> StepKind:
    kind = kind_of(step.flow_step.kind)
    if kind.without_network == WithoutNetwork.PAPER:
        raise WrongState(
            PAPER_ONLY, code="paper_only", remedy="Two people work by the paper procedure, and record it afterwards."
        )
    if kind.without_network != WithoutNetwork.KEPT:
        remedy = "Open the step and record it with the network."
        raise WrongState(f"“{step.flow_step.title}” is not kept on devices.", code="needs_network", remedy=remedy)
    return kind


def _settle(
    actor: Actor, order: Order, step: OrderStep, kind: StepKind, entry: OfflineEntry, clock: ClockReading, once: Once
) -> OfflineEntry:
    signs = step.signatures > 0 and not entry.act
    if _done_by_its_form(actor, entry):
        return _keep(actor, kind, entry, OfflineState.RECORDED, MERGED, once)
    if clock.fault:
        return _keep(actor, kind, entry, OfflineState.REFUSED, clock.fault, once)
    if signs and step.state == StepState.WAITING:  # what it is about may not stand before the others are signed
        return _keep(actor, kind, entry, OfflineState.TO_SIGN, AS_THE_ORDER_GOES, once)
    try:
        if entry.act:
            _report(actor, entry, once)
            with reading(actor):
                return offline.entries(actor).get(key=entry.key)
        inputs = offline.completed(kind, entry)
        if not signs:
            perform(actor, order.code, step.key, inputs, once=once, noted=noted(entry))
            with reading(actor):
                return offline.entries(actor).get(key=entry.key)
        rehearse(actor, order.code, step.key, inputs)
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        state, words = _judged(actor, order, step, refusal)
        return _keep(actor, kind, entry, state, words, once)
    return _keep(actor, kind, entry, OfflineState.TO_SIGN, SIGN_IT, once)


def _about(actor: Actor, step: OrderStep, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return act, title and inputs of an entry; raise WrongState for a step that is not kept on devices."""
    act = given["act"]
    if not act:
        inputs = offline.readable(_kept_kind(step), given["inputs"])
        return {"act": "", "title": step.flow_step.title, "inputs": inputs}
    courier_notes.require(step, act)
    inputs = offline.known_names(given["inputs"], courier_notes.NOTES[act]().fields)
    return {"act": act, "title": courier_notes.title_of(step, act), "inputs": inputs}


def _report(actor: Actor, entry: OfflineEntry, once: Once) -> None:
    """Report what a courier noted, by the usual door; nobody signs it."""
    how: dict[str, Any] = {"once": once, "noted": noted(entry)}
    if entry.act == OfflineAct.FAILED:
        given = read(courier_notes.FailedNote, entry.inputs)
        pickups.report_failed_pickup(
            actor, entry.order_code, entry.step, given["failure"], given.get("note", ""), **how
        )
    else:
        pickups.report_delay(actor, entry.order_code, entry.step, courier_notes.expected(entry), **how)


def _done_by_its_form(actor: Actor, entry: OfflineEntry) -> bool:
    """Whether the page's form with the same key was recorded, and only its answer was lost."""
    with reading(actor):
        page = f"{PAGES[entry.act]}:" if entry.act else ""
        key = f"page:{page}{entry.order_code}:{entry.step}:{entry.key}"
        return Replay.unwalled.filter(organization_id=actor.organization_id, key=key).exists()


def _judged(actor: Actor, order: Order, step: OrderStep, refusal: Refusal) -> tuple[OfflineState, str]:
    """Return the state of an entry that would be refused now, with the words that its person reads."""
    with reading(actor):
        now = current_step(order_named(actor, order.code), step.key)
    if now.state in (StepState.DONE, StepState.FAILED, StepState.SKIPPED):
        who = f" by {now.done_by}" if now.done_by else ""
        at = f" at {now.done_at:%Y-%m-%d %H:%M} UTC" if now.done_at else ""
        return OfflineState.CONFLICT, f"Recorded meanwhile{who}{at}: {now.summary}"
    return OfflineState.REFUSED, _words(refusal)


def _words(refusal: Refusal) -> str:
    """Return a refusal as one text: what, which facts, which fields, what to do."""
    found = [refusal.detail]
    if isinstance(refusal, FactsMissing):
        found += [f"{fact.text} {fact.remedy}".strip() for fact in refusal.facts if fact.text != refusal.detail]
    if isinstance(refusal, InvalidInput):
        found += [f"{path}: {text}" for path, texts in _flat(refusal.fields) for text in texts]
    return " ".join(text for text in [*found, refusal.further] if text)


def _flat(fields: Any, path: str = "") -> list[tuple[str, list[str]]]:
    if isinstance(fields, Mapping):
        return [row for name, inner in fields.items() for row in _flat(inner, f"{path}.{name}".strip("."))]
    if isinstance(fields, list) and any(isinstance(inner, Mapping) for inner in fields):
        return [row for number, inner in enumerate(fields) for row in _flat(inner, f"{path}[{number}]")]
    texts = fields if isinstance(fields, list | tuple) else [fields]
    return [(path, [str(text) for text in texts])] if texts else []


def _keep(
    actor: Actor, kind: StepKind, entry: OfflineEntry, state: OfflineState, words: str, once: Once
) -> OfflineEntry:
    """Write an entry that came in, in an event of its own."""
    with acting(
        actor,
        "orders.offline_received",
        stream_id=entry.stream_id,
        subject=("step", f"{entry.order_code}/{entry.step}"),
        occurred_at=entry.happened_at,
        device_time=entry.device_time,
        once=once,
    ) as event:
        entry.state, entry.words = state, words
        entry.settled_at = entry.received_at if state == OfflineState.RECORDED else None
        entry.save(force_insert=True)
        event.audience = tuple(kind.audience)
        event.clock_skew = dt.timedelta(seconds=entry.skew_s)
        _note(event, entry)
        event.result = {"entry": str(entry.key)}
    return entry


def _note(event: Any, entry: OfflineEntry) -> None:
    event.note(
        offline_entry=str(entry.key),
        order=entry.order_code,
        step=entry.step,
        title=entry.title,
        state=str(entry.state),
        words=entry.words,
        clock_skew_s=round(entry.skew_s),
    )


def discard(actor: Actor, key: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Discard an entry that is not to be recorded, with a reason; also one that the server never took in.

    Raises Conflict when it is recorded (or discarded) already.
    """
    given = read(DiscardInputs, raw)
    _refuse_others(actor, given["membership"])
    times, once = _when_discarded(actor, key, given, once)
    with reading(actor):
        known = _known(actor, key)
        seen = known is not None and Order.unwalled.filter(stream_id=known.stream_id).exists()
    with acting(
        actor,
        "orders.offline_discarded",
        stream_id=known.stream_id if known is not None and seen else None,
        subject=("offline_entry", str(key)),
        reason=given["reason"],
        once=once,
        **times,
    ) as event:
        if known is None:
            event.note(offline_entry=str(key), order=given["order"], step=given["step"], title=given["step"])
            return
        entry = OfflineEntry.unwalled.select_for_update().get(pk=known.pk)
        if not entry.is_open:
            raise offline.settled(entry)
        entry.state, entry.reason, entry.settled_at = OfflineState.DISCARDED, given["reason"], timezone.now()
        entry.save(update_fields=["state", "reason", "settled_at"])
        event.clock_skew = dt.timedelta(seconds=entry.skew_s)
        _note(event, entry)


def _when_discarded(
    actor: Actor, key: UUID, given: Mapping[str, Any], once: Once | None
) -> tuple[dict[str, Any], Once | None]:
    """Return the times of a discard that a device noted without network, and what makes it happen once.

    Raises InvalidInput for one time without the other. A clock that cannot be believed leaves its raw time only.
    """
    said, sent = given.get("discarded_at"), given.get("sent_at")
    if (said is None) != (sent is None):
        raise InvalidInput(fields={"sent_at": ["Send both times by the device's clock, or none."]})
    if said is None or sent is None:
        return {}, once
    clock = read_clock(said, sent, timezone.now())
    times: dict[str, Any] = (
        {"device_time": said} if clock.fault else {"device_time": said, "occurred_at": clock.happened_at}
    )
    return times, Once(f"offline-discard:{key}", fingerprint({"membership": str(actor.membership_id)}))


def is_off(entry: OfflineEntry) -> bool:
    """Whether the device's clock differed by more than five minutes."""
    return abs(entry.skew_s) > MAY_RUN_AHEAD.total_seconds()
