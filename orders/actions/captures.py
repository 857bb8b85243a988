"""EPCIS capture: what a partner's system says has happened becomes the same acts, with the same refusals (AP2, CR3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from custody import queries as custody
from custody.states import ContainerKind, EquipmentKind, WayReportKind
from ledger.context import Actor, reading
from ledger.models import Event
from ledger.recording import Replayed, acting
from ledger.refusals import InvalidInput, NotAllowed, Refusal
from ledger.walls import visible
from orders import queries
from orders.actions.dispositions import REJECT, RELEASE, decide_on_quarantine, put_aside
from orders.actions.error_declarations import declare_wrong, keep_act, what_is_wrong
from orders.actions.pickups import report_delay, report_failed_pickup
from orders.actions.way_reports import report_way
from orders.epcis import identifiers, pieces
from orders.epcis.capturing import Captured, captured, declared_wrong, declares_wrong, events_of
from orders.flow import StepResult, perform
from orders.models import EpcisCapture, Order, OrderStep
from orders.states import OPEN_STEP_STATES, CaptureBehavior, CapturedAct
from personas.states import Capability

MOMENTS = {
    CapturedAct.PICKED_UP: "pickup",
    CapturedAct.PICKUP_FAILED: "pickup",
    CapturedAct.DELIVERED: "delivery",
}
STEP_KINDS = {
    CapturedAct.STORED: "store_product",
    CapturedAct.MANUFACTURE_BEGUN: "start_manufacture",
    CapturedAct.RECEIVED: "receive_product",
    CapturedAct.THAWED: "prepare_product",
    CapturedAct.INFUSED: "infuse",
    CapturedAct.PACKED: "pack",
}
WAY = {
    CapturedAct.LEG_DEPARTED: WayReportKind.LEG_DEPARTED.value,
    CapturedAct.LEG_ARRIVED: WayReportKind.LEG_ARRIVED.value,
    CapturedAct.CUSTOMS_HELD: WayReportKind.CUSTOMS_HELD.value,
    CapturedAct.CUSTOMS_CLEARED: WayReportKind.CUSTOMS_CLEARED.value,
}
PRODUCT = (ContainerKind.DRUG_PRODUCT, ContainerKind.VECTOR_KIT)
ABOUT_A_BAG = (CapturedAct.QUARANTINE_DECIDED, CapturedAct.PUT_ASIDE)
DECISIONS = {"available": RELEASE, "non_conformant": REJECT}
RESULTS = {"dispensed": "infused", "partially_dispensed": "partial"}


@dataclass(frozen=True)
class Deed:
    """What is about to be done for one event: on which order, and the action that does it."""

    number: int
    act: CapturedAct
    order: str
    run: Callable[[], object]


def capture(actor: Actor, document: Mapping[str, Any], behavior: str) -> EpcisCapture:
    """Do what the events of an EPCIS document say, one act after the other; return the job with what became of each.

    Every event is read first, and what it is about looked up. ``rollback``: one event that cannot be read or names what
    is not known here, and none is done; when a later act is refused, the rest is not done. ``proceed``: each on its
    own. What was recorded stays in either case: it happened. An event that comes again is done once.
    Raises InvalidInput, TooManyEvents or NotAllowed; refusals of single events are in the job.
    """
    if behavior not in CaptureBehavior.values:
        raise InvalidInput(fields={"GS1-Capture-Error-Behaviour": [f"Use {' or '.join(CaptureBehavior.values)}."]})
    events = events_of(document)
    job_id = _received(actor, len(events), behavior)
    deeds, errors = _deeds(actor, events)
    done: list[dict[str, Any]] = []
    all_or_nothing = behavior == CaptureBehavior.ROLLBACK
    for deed in [] if errors and all_or_nothing else deeds:
        try:
            done.append(_done(actor, deed))
        except Refusal as refusal:
            errors.append(_error(deed.number, refusal))
            if all_or_nothing:
                break
    return _finished(actor, job_id, done, sorted(errors, key=lambda error: int(error["cgt:event"])))


def capture_one(actor: Actor, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a single EPCIS event says; return order and act. Its refusal is the answer; again, it is done once."""
    if not actor.can(Capability.VIEW_RECORD):
        raise NotAllowed(f"{actor.persona_title or 'This key'} may not send EPCIS events.")
    if sent.get("type") == "EPCISDocument":
        raise InvalidInput(fields={"type": ["Send one event here, and documents of events to epcis/capture."]})
    with reading(actor):
        deed = _read(actor, 1, {name: value for name, value in sent.items() if name != "@context"})
    done = _done(actor, deed)
    return {name: value for name, value in done.items() if name != "event"}


def _received(actor: Actor, count: int, behavior: str) -> UUID:
    with acting(actor, "orders.epcis_received") as event:
        if not actor.can(Capability.VIEW_RECORD):
            raise NotAllowed(f"{actor.persona_title or 'This key'} may not send EPCIS events.")
        job = EpcisCapture.objects.create(
            organization_id=actor.organization_id, behavior=behavior, event_count=count, received_at=timezone.now()
        )
        event.subject_type, event.subject_id = "epcis_capture", str(job.pk)
        event.note(events=count, behavior=behavior)
        job_id: UUID = job.pk
    return job_id


def _finished(actor: Actor, job_id: UUID, done: list[dict[str, Any]], errors: list[dict[str, Any]]) -> EpcisCapture:
    with acting(actor, "orders.epcis_captured", subject=("epcis_capture", str(job_id))) as event:
        job: EpcisCapture = EpcisCapture.unwalled.get(pk=job_id)
        job.finished_at, job.done, job.errors = timezone.now(), done, errors
        job.save()
        event.note(done=len(done), refused=len(errors))
    return job


def _deeds(actor: Actor, events: list[Any]) -> tuple[list[Deed], list[dict[str, Any]]]:
    deeds: list[Deed] = []
    errors: list[dict[str, Any]] = []
    names: set[str] = set()
    with reading(actor):
        for number, sent in enumerate(events, start=1):
            try:
                deeds.append(_read(actor, number, sent, names))
            except Refusal as refusal:
                errors.append(_error(number, refusal))
            names |= {str(sent["eventID"])} if isinstance(sent, Mapping) and sent.get("eventID") else set()
    return deeds, errors


def _read(actor: Actor, number: int, sent: Any, names: Collection[str] = ()) -> Deed:
    """Read one event and find what it is about. ``names``: the eventIDs before it in the same document."""
    if not declares_wrong(sent):
        return _deed(actor, captured(number, sent))
    wrong = what_is_wrong(actor, declared_wrong(number, sent), names)
    return Deed(number, CapturedAct.DECLARED_WRONG, wrong.order.code, partial(declare_wrong, actor, wrong))


def _deed(actor: Actor, event: Captured) -> Deed:
    """Find what an event is about; raise InvalidInput for things that are not known here, or not of one order.

    Bags of several patients that went into one manufacture are no slip of the pen: their own step refuses them, as a
    mismatch that stops the line.
    """
    found = {thing: _thing(actor, thing) for thing in event.things}
    unknown = [thing for thing, what in found.items() if what is None]
    if unknown:
        text = f"Not known here: {', '.join(unknown)}. Nothing is created by a capture."
        raise InvalidInput(text, code="unknown_identifier", fields={event.listed: [text]}, remedy="Compare the codes.")
    known = [what for what in found.values() if what is not None]
    streams = {what.stream_id for what in known}
    order = visible(Order, actor).filter(stream_id=known[0].stream_id).first()
    if order is None or (len(streams) > 1 and event.act != CapturedAct.MANUFACTURE_BEGUN):
        raise InvalidInput(fields={event.listed: ["One event is about things of one order."]})
    if event.act == CapturedAct.CUSTOMS_HELD and any(what.container is not None for what in known):
        event = replace(event, act=CapturedAct.PUT_ASIDE)
    if event.act in ABOUT_A_BAG:
        return _quarantine_deed(actor, order, event, [_bag(event, what) for what in found.values()])
    if event.act in STEP_KINDS:
        return _step_deed(actor, order, event, {thing: _bag(event, what) for thing, what in found.items()})
    return _box_deed(actor, order, event, [what.shipment for what in known])


def _thing(actor: Actor, thing: str) -> custody.Found | None:
    read = identifiers.read(thing)
    try:
        return custody.lookup(actor, read[1] if read else thing)
    except InvalidInput:
        return None


def _bag(event: Captured, found: custody.Found | None) -> str:
    if found is None or found.container is None:
        raise InvalidInput(fields={event.listed: ["This act is about bags: list their codes."]})
    return found.container.code


def _step_deed(actor: Actor, order: Order, event: Captured, bags: Mapping[str, str]) -> Deed:
    kind, inputs = STEP_KINDS[event.act], _INPUTS[event.act](event, bags)
    if event.act == CapturedAct.RECEIVED and _are_starting_material(actor, order, bags.values()):
        kind, inputs = "receive_material", _received_material(event, bags)
    wanted = {}
    if event.act == CapturedAct.PACKED:
        wanted = {"direction": _direction(actor, order, bags.values())}
        inputs |= _equipment(actor, event)
    return _performing(actor, order, _step(actor, order, kind, wanted), event, inputs)


def _quarantine_deed(actor: Actor, order: Order, event: Captured, bags: list[str]) -> Deed:
    """Quality inspected a bag in quarantine (released or rejected, as queries say it), or puts one aside."""
    if len(bags) != 1:
        raise InvalidInput(fields={event.listed: ["A bag is put aside, or decided about, by an event of its own."]})
    kept: dict[str, Any] = {"once": event.once, "then": keep_act(actor, event), "at": event.at}
    if event.act == CapturedAct.PUT_ASIDE:
        return _deed_of(event, order, partial(put_aside, actor, order.code, bags[0], _reason(event), **kept))
    if event.disposition not in DECISIONS:
        words = "; nothing else is decided by an inspection, and what is put aside is told where it was found."
        raise InvalidInput(fields={"disposition": [f"Use {' or '.join(DECISIONS)}{words}"]})
    decision, reason = DECISIONS[event.disposition], str(event.own.get("reason", ""))
    return _deed_of(event, order, partial(decide_on_quarantine, actor, order.code, bags[0], decision, reason, **kept))


def _are_starting_material(actor: Actor, order: Order, codes: Iterable[str]) -> bool:
    found = custody.containers_of(actor, order.stream_id).filter(code__in=list(codes))
    return all(bag.kind == ContainerKind.STARTING_MATERIAL for bag in found)


def _direction(actor: Actor, order: Order, codes: Iterable[str]) -> str:
    """Return which way a box goes: product and the kit to the center, everything else to the plant."""
    found = custody.containers_of(actor, order.stream_id).filter(code__in=list(codes), kind__in=PRODUCT)
    return "outbound" if found.exists() else "inbound"


def _packed(event: Captured, bags: Mapping[str, str]) -> dict[str, Any]:
    return {
        "bags": [{"scan": code} for code in bags.values()],
        "seal_code": event.own.get("seal", ""),
        "logger_running": "yes" if event.own.get("loggerRunning") is True else "no",
        "checklist": event.own.get("checklist", []),
        "packed_at": event.at.isoformat(),
    }


def _equipment(actor: Actor, event: Captured) -> dict[str, Any]:
    """The box gets its code here; what the partner names is the shipper, and the logger in it."""
    logger = event.own.get("logger", "")
    if isinstance(logger, str):
        logger = pieces.number_of(actor, EquipmentKind.LOGGER, logger, "cgt:logger")
    return {
        "shipper_code": pieces.number_of(actor, EquipmentKind.SHIPPER, event.parent, "parentID"),
        "logger_code": logger,
    }


def _stored(event: Captured, bags: Mapping[str, str]) -> dict[str, Any]:
    place = event.own.get("location", "")
    places = place if isinstance(place, Mapping) else dict.fromkeys(bags, place)
    rows = [{"scan": code, "location": places.get(thing, "")} for thing, code in bags.items()]
    return {"bags": rows, "stored_at": event.at.isoformat()}


def _begun(event: Captured, bags: Mapping[str, str]) -> dict[str, Any]:
    rows = [{"scan": code} for code in bags.values()]
    reference = event.own.get("batchRecord", "")
    inputs = {"bags": rows, "started_at": event.at.isoformat(), "record_reference": reference}
    return inputs | ({"materials": event.own["materials"]} if "materials" in event.own else {})


def _received_product(event: Captured, bags: Mapping[str, str]) -> dict[str, Any]:
    """Accepted, unless the event says another decision, with its reason."""
    decision = {"decision": event.own.get("decision", "accept"), "reason": event.own.get("reason", "")}
    rows = [{"scan": code, **decision} for code in bags.values()]
    return {"bags": rows, "temperature_c": event.celsius, "received_at": event.at.isoformat()}


def _received_material(event: Captured, bags: Mapping[str, str]) -> dict[str, Any]:
    condition = "damaged" if event.damaged else "good"
    rows = [{"scan": code, "condition": condition} for code in bags.values()]
    return {"bags": rows, "temperature_c": event.celsius, "received_at": event.at.isoformat()}


def _thawed(event: Captured, bags: Mapping[str, str]) -> dict[str, Any]:
    return {"bags": [{"scan": code} for code in bags.values()], "started_at": event.at.isoformat()}


def _infused(event: Captured, bags: Mapping[str, str]) -> dict[str, Any]:
    """One bag; the event's time is the end of the infusion."""
    if len(bags) != 1:
        raise InvalidInput(fields={event.listed: ["A bag is infused by an event of its own."]})
    if event.disposition not in RESULTS:
        raise InvalidInput(fields={"disposition": [f"Use {' or '.join(RESULTS)}."]})
    return {
        "scan": next(iter(bags.values())),
        "result": RESULTS[event.disposition],
        "volume_ml": event.own.get("milliliters", ""),
        "started_at": event.own.get("started", ""),
        "ended_at": event.at.isoformat(),
        "remark": event.own.get("note", ""),
    }


_INPUTS: Mapping[CapturedAct, Callable[[Captured, Mapping[str, str]], dict[str, Any]]] = {
    CapturedAct.STORED: _stored,
    CapturedAct.MANUFACTURE_BEGUN: _begun,
    CapturedAct.RECEIVED: _received_product,
    CapturedAct.THAWED: _thawed,
    CapturedAct.INFUSED: _infused,
    CapturedAct.PACKED: _packed,
}


def _box_deed(actor: Actor, order: Order, event: Captured, boxes: list[Any]) -> Deed:
    if len(boxes) != 1 or boxes[0] is None:
        raise InvalidInput(fields={event.listed: ["This act is about one box: give its outer code."]})
    box = boxes[0]
    kept: dict[str, Any] = {"once": event.once, "then": keep_act(actor, event)}
    if event.act in WAY:
        return _deed_of(event, order, partial(report_way, actor, order.code, box.code, _way(event), **kept))
    wanted = {"direction": box.direction}
    if event.act in MOMENTS:
        wanted["moment"] = MOMENTS[event.act]
    step = _step(actor, order, "hand_over", wanted)
    note = str(event.own.get("note", ""))
    if event.act == CapturedAct.PICKUP_FAILED:
        failure = str(event.own.get("failure", ""))
        return _deed_of(event, order, partial(report_failed_pickup, actor, order.code, step, failure, note, **kept))
    if event.act == CapturedAct.DELAYED:
        expected = _expected(event)
        return _deed_of(event, order, partial(report_delay, actor, order.code, step, expected, note, **kept))
    inputs = {
        "outer_code": box.code,
        "seal_seen": event.own.get("seal", ""),
        "condition": "damaged" if event.damaged else "good",
        "handed_over_at": event.at.isoformat(),
    }
    return _performing(actor, order, step, event, inputs)


def _reason(event: Captured) -> str:
    return str(event.own.get("reason") or event.own.get("note") or "")


def _way(event: Captured) -> dict[str, Any]:
    """A leg begins or ends, customs hold or clear the box: its courier keeps it until ``shipping``, ``receiving``."""
    expected = _expected(event)
    return {
        "report": WAY[event.act],
        "happened_at": event.at.isoformat(),
        "leg": event.own.get("leg"),
        "expected_at": expected.isoformat() if expected else None,
        "reason": _reason(event),
    }


def _performing(actor: Actor, order: Order, step: str, event: Captured, inputs: dict[str, Any]) -> Deed:
    """Perform a step. Where people sign, their credentials come with the event, and are kept nowhere."""
    for name, sent in (("signature", "signature"), ("verifiers", "verifiers"), ("late_reason", "lateReason")):
        if sent in event.own:
            inputs[name] = event.own[sent]
    then = keep_act(actor, event)
    return _deed_of(event, order, partial(perform, actor, order.code, step, inputs, once=event.once, then=then))


def _deed_of(event: Captured, order: Order, run: Callable[[], object]) -> Deed:
    return Deed(event.number, event.act, order.code, run)


def _step(actor: Actor, order: Order, kind: str, wanted: Mapping[str, str]) -> str:
    """Return the key of the step that the act belongs to: the one that is open, else the last one that was."""
    steps: list[OrderStep] = [
        step
        for step in queries.steps_of(actor, order).filter(flow_step__kind=kind)
        if all(step.flow_step.parameters.get(name) == value for name, value in wanted.items())
    ]
    if not steps:
        raise InvalidInput(fields={"bizStep": ["The flow of this order has no such step for you."]})
    open_ones = [step for step in steps if step.state in OPEN_STEP_STATES]
    return str((open_ones or steps[-1:])[0].key)


def _expected(event: Captured) -> dt.datetime | None:
    try:
        moment = parse_datetime(str(event.own.get("expectedAt", "")))
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _done(actor: Actor, deed: Deed) -> dict[str, Any]:
    done: object = None
    with suppress(Replayed):  # it came before, and is on the record
        done = deed.run()
    told = {"event": deed.number, "order": deed.order, "act": deed.act.value}
    if deed.act == CapturedAct.PACKED and isinstance(done, StepResult):
        told["box"] = _box_of(actor, done)
    return told


def _box_of(actor: Actor, done: StepResult) -> str:
    """Return the outer code that a box was given when it was packed."""
    with reading(actor):
        packed: Event = visible(Event, actor).get(pk=done.event)
    return str(packed.payload["facts"]["shipment"])


def _error(number: int, refusal: Refusal) -> dict[str, Any]:
    """Return what the standard calls an exception of a capture job: a problem, and which event it is about."""
    problem = refusal.as_problem()
    return problem | {"type": "epcisException:ValidationException", "cgt:event": number}
