"""What becomes of material off the plain way: put aside, released, rejected, lost, found; by quality (QA1, T33)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

from custody import identity, material
from custody.queries import containers_of
from custody.states import MOVES, TERMINAL_STATES, ContainerState
from ledger.context import Actor, reading
from ledger.present import is_to_come
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, NotAllowed, NotFound, WrongState
from orders import evidence, treatment
from orders.flow import order_named
from orders.models import Order
from personas.policies import require
from personas.states import Capability
from quality import deviations, stops
from quality import queries as quality
from quality.states import DeviationState, Severity

RELEASE, REJECT = "release", "reject"
DECISIONS = (RELEASE, REJECT)
LOST, FOUND, ASIDE = "lost", "found", "quarantine"
PUT_ASIDE = "Put aside"  # how the reason begins, so that no typed one reads like that of a mismatch or an excursion
LONGEST_TEXT = 500  # of a deviation's
# Material that waited for its acceptance when it was put aside is accepted by the decision to release it.
ACCEPTED_BY_RELEASE = ContainerState.RECEIVED


def decide_on_quarantine(
    actor: Actor,
    code: str,
    container_code: str,
    decision: str,
    reason: str,
    *,
    once: Once | None = None,
    at: dt.datetime | None = None,
    then: Callable[[Order], None] | None = None,
) -> Any:
    """Release or reject a container in quarantine, or one that came back to the store; return it.

    By quality of its custodian or manufacturer. What came back and is released may be issued again. ``at``: when it was
    decided elsewhere, since the container was put aside; ``then`` looks at the order in the same transaction.

    A release needs every major and critical deviation closed and no identity under query (FactsMissing lists them).
    """
    with _on_container(actor, "orders.quarantine_decided", code, container_code, reason, once) as (order, bag, event):
        if decision not in DECISIONS:
            raise InvalidInput(fields={"decision": [f"Use one of {', '.join(DECISIONS)}."]})
        if bag.state not in (ContainerState.QUARANTINED, ContainerState.RETURNED):
            raise WrongState(f"{bag.code} is not in quarantine.", code="not_quarantined")
        if at is not None:
            event.occurred_at = _moment(at, bag.quarantined_at, "The decision lies after it was put aside")
        if decision == RELEASE:
            _release(actor, order, bag)
        else:
            material.move(bag, ContainerState.REJECTED)
        event.note(order=order.code, container=bag.code, decision=decision)
        treatment.settle(order)
        if then is not None:
            then(order)
    return bag


def _moment(at: dt.datetime, since: dt.datetime | None, rule: str) -> dt.datetime:
    """Whoever decides elsewhere says when: not before ``since``, and not in the future."""
    if is_to_come(at) or (since is not None and at < since):
        text = f"{rule}, and not in the future."
        raise InvalidInput(text, fields={"eventTime": [text]}, remedy="Give the time of the decision itself.")
    return min(at, timezone.now())


def record_loss(actor: Actor, code: str, container_code: str, reason: str, *, once: Once | None = None) -> Any:
    """Record that nobody finds a container (lost on the way, missing at stock-taking); return it.

    A critical deviation is opened, both sites and quality are told. WrongState for one that has ended or is lost.
    """
    with _on_container(actor, "orders.material_lost", code, container_code, reason, once) as (order, bag, event):
        material.lose(bag)
        text = f"{bag.code} is lost: {event.reason}"[:LONGEST_TEXT]
        deviation = deviations.open_deviation(order.stream_id, "lost", Severity.CRITICAL, text, automatic=True)
        event.note(order=order.code, container=bag.code, deviation=deviation.number)
        treatment.settle(order)
    return bag


def record_found(actor: Actor, code: str, container_code: str, reason: str, *, once: Once | None = None) -> Any:
    """Record that a lost container was found; it goes into quarantine, where quality decides. Return it."""
    with _on_container(actor, "orders.material_found", code, container_code, reason, once) as (order, bag, event):
        material.find(bag, f"Found again: {event.reason}")
        event.note(order=order.code, container=bag.code)
    return bag


def put_aside(
    actor: Actor,
    code: str,
    container_code: str,
    reason: str,
    *,
    once: Once | None = None,
    at: dt.datetime | None = None,
    then: Callable[[Order], None] | None = None,
) -> Any:
    """Put a container into quarantine by hand, by quality of whoever has it; return it.

    ``at``: when that was done elsewhere, not in the future; ``then`` looks at the order in the same transaction.
    Quality of both sites is told; ``decide_on_quarantine`` ends it. NotAllowed (``not_custodian``) for another's
    material, WrongState for what is in quarantine (``already_quarantined``), is lost or has ended (``not_at_hand``).
    """
    with _on_container(actor, "orders.material_put_aside", code, container_code, reason, once) as (order, bag, event):
        if bag.custodian_id != actor.organization_id:
            raise NotAllowed(
                f"{bag.code} is not in your hands: quality of whoever has it puts it aside.",
                code="not_custodian",
                remedy="Call quality of whoever has it now; the page of the order says who that is.",
            )
        if not may_be_put_aside(bag):
            raise _not_put_aside(bag)
        if at is not None:
            event.occurred_at = _moment(at, None, "It was put aside before it is told")
        material.quarantine(bag, f"{PUT_ASIDE}: {event.reason}")
        event.note(order=order.code, container=bag.code)
        treatment.settle(order)
        if then is not None:
            then(order)
    return bag


def may_be_put_aside(bag: Any) -> bool:
    return material.can_be_quarantined(bag)


def _not_put_aside(bag: Any) -> WrongState:
    if bag.state == ContainerState.QUARANTINED:
        return WrongState(
            f"{bag.code} is in quarantine already: {bag.quarantine_reason}",
            code="already_quarantined",
            remedy="Decide about it (release or reject); what you found more belongs into a deviation of the order.",
        )
    remedies = {
        ContainerState.LOST: "Record that it was found: that puts it into quarantine.",
        ContainerState.REJECTED: "It can only be destroyed or returned; nobody can use it any more.",
        ContainerState.EXPIRED: "It can only be destroyed or returned; nobody can use it any more.",
    }
    ended = "Open a deviation of the order: the material itself has ended."
    remedy = remedies.get(bag.state, ended if bag.state in TERMINAL_STATES else WrongState.remedy)
    return WrongState(
        f"{bag.code} is {bag.get_state_display().lower()} and cannot be put aside.", code="not_at_hand", remedy=remedy
    )


def may_be_lost(bag: Any) -> bool:
    return ContainerState.LOST in MOVES[ContainerState(bag.state)]


@contextmanager
def _on_container(
    actor: Actor, kind: str, code: str, container_code: str, reason: str, once: Once | None
) -> Iterator[tuple[Order, Any, OpenEvent]]:
    with reading(actor):
        stream_id = order_named(actor, code).stream_id
    with acting(
        actor,
        kind,
        stream_id=stream_id,
        subject=("container", container_code[:64]),
        capability=Capability.MANAGE_DEVIATIONS,
        reason=reason.strip(),
        once=once,
    ) as event:
        order = order_named(actor, code)
        bag = containers_of(actor, stream_id).filter(code=container_code.strip().upper()).first()
        if bag is None:
            raise NotFound("This order has no such container.")
        if not reason.strip():
            raise InvalidInput(fields={"reason": ["Say why; the reason is part of the record."]})
        require(actor, Capability.MANAGE_DEVIATIONS)
        if actor.organization_id not in (bag.custodian_id, order.manufacturer_id):
            raise NotAllowed(
                "Quality of the material's custodian or of the manufacturer decides about it.",
                code="not_custodian",
                remedy="Ask quality of whoever has the material now.",
            )
        yield order, bag, event


def _release(actor: Actor, order: Order, bag: Any) -> None:
    missing = identity.query_facts(order.stream_id) + [
        MissingFact(
            "deviation_open",
            f"Deviation {deviation.number} ({deviation.severity}) is open.",
            "Investigate it and close it with its conclusion.",
        )
        for deviation in quality.deviations_of(actor, order.stream_id).filter(
            state=DeviationState.OPEN, severity__in=(Severity.MAJOR, Severity.CRITICAL)
        )
    ]
    if bag.quarantine_reason.startswith(evidence.REVOKED):
        missing += evidence.revoked_missing(actor, order)
    missing += [fact for fact in stops.facts(order.stream_id) if fact.code not in {one.code for one in missing}]
    if missing:
        raise FactsMissing(f"{bag.code} cannot leave the quarantine.", facts=missing)
    if bag.state == ContainerState.QUARANTINED:
        material.release_from_quarantine(bag)
    if bag.state == ContainerState.RETURNED:
        material.use_again(bag)
    elif bag.state == ACCEPTED_BY_RELEASE:
        material.move(bag, ContainerState.ACCEPTED)
