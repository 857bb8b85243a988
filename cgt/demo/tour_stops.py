"""The stops of the guided tour: what to see, as whom, where, and what the record must say afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from custody import queries as custody
from ledger import queries as record
from ledger.context import Actor
from ledger.refusals import NotFound
from orders import flow, queries
from orders.states import OrderState, StepState
from quality import queries as quality
from quality.states import DeviationState

Happened = Callable[[Actor, dt.datetime], bool]


REFUSED_DAYS, HISTORY = "refused-days", "history"


@dataclass(frozen=True)
class Check:
    """One thing that must have happened since the tour began.

    ``happened`` asks the record, as the stop's person reads it; ``seen`` names what no record tells: that a page of
    this browser has shown it.
    """

    text: str
    happened: Happened
    seen: str = ""


def _never(actor: Actor, since: dt.datetime) -> bool:
    """Return False: looking leaves nothing on the record."""
    return False


@dataclass(frozen=True)
class Stop:
    """A stop: ``organization`` and ``persona`` say as whom, ``find`` the address of the page it is about."""

    key: str
    title: str
    sentence: str
    organization: str
    persona: str
    find: Callable[[Actor], str]
    checks: tuple[Check, ...]
    two_sides: bool = False  # one order, to be seen as the center sees it too
    again: str = ""  # what going there once more is for, where half of the stop is elsewhere


def _step_done(*keys: str, by_own: bool = True) -> Happened:
    def happened(actor: Actor, since: dt.datetime) -> bool:
        found = record.events_since(actor, "orders.step_done", since).filter(payload__step__in=keys)
        return bool((found.filter(organization_id=actor.organization_id) if by_own else found).exists())

    return happened


def _recorded(kind: str) -> Happened:
    return lambda actor, since: bool(record.events_since(actor, kind, since).exists())


def _waiting(actor: Actor, *keys: str) -> list[Any]:
    """Return the acting persona's ready steps with one of these keys, on orders that are not on hold."""
    return list(queries.worklist(actor).filter(key__in=keys, state=StepState.READY, order__on_hold=False))


def _step_page(step: Any) -> str:
    return reverse("orders:step", args=[step.order.code, step.key])


def _first(found: list[Any]) -> Any:
    if not found:
        raise NotFound()
    return found[0]


def _nothing_missing(actor: Actor, step: Any) -> bool:
    """Whether the step could be done now: an order whose line was stopped is not gone to again."""
    kind = flow.kind_of(step.flow_step.kind)
    return not flow.missing_facts(kind, flow.context_of(actor, step.order, step))


def _the_desk(actor: Actor) -> str:
    return "/"


def _may_be_done(actor: Actor, *keys: str) -> list[Any]:
    return [step for step in _waiting(actor, *keys) if _nothing_missing(actor, step)]


def _a_box_at_the_dock(actor: Actor) -> str:
    return _step_page(_first(_may_be_done(actor, "receipt")))


def _a_blocked_release(actor: Actor) -> str:
    """Return the release of an order that exactly one open deviation blocks; a minor one blocks nothing."""
    for step in _waiting(actor, "release"):
        still_open = quality.deviations_of(actor, step.order.stream_id).filter(state=DeviationState.OPEN)
        if still_open.count() == 1 and queries.release_missing(actor, step.order):
            return reverse("orders:order", args=[step.order.code])
    raise NotFound()


def _a_box_to_carry(actor: Actor) -> str:
    return reverse("orders:order", args=[_first(_may_be_done(actor, "pickup", "ship_pickup")).order.code])


def _altered_copy(actor: Actor, since: dt.datetime) -> bool:
    return bool(record.events_since(actor, "orders.copy_verified", since).filter(payload__result="altered").exists())


def _an_order_with_a_past(actor: Actor) -> str:
    for order in queries.orders(actor).filter(state=OrderState.CLOSED):
        if custody.containers_of(actor, order.stream_id):
            return reverse("orders:record", args=[order.code])
    raise NotFound()


STOPS: tuple[Stop, ...] = (
    Stop(
        "list",
        "Two manufacturers in one list",
        "You coordinate cell therapies. Orders at Aurora and at Borealis stand in one list: whose turn it is, and when."
        " Open “Find and hold slots” of one of them: each day without an offer says why. Hold a date that works.",
        "linden",
        "coordinator",
        _the_desk,
        (
            Check("Dates were refused, each with its reason", _never, seen=REFUSED_DAYS),
            Check("Slots are held on a date that works", _step_done("book")),
        ),
    ),
    Stop(
        "bag",
        "A wrong bag stopped, the right one passed",
        "You stand at the plant's dock and two boxes have come. At the first, scan another patient's bag from the tray:"
        " the line stops. Then go to the second box; you and your colleague scan the right bag.",
        "borealis",
        "operator",
        _a_box_at_the_dock,
        (
            Check("The wrong bag was stopped, its order is under query", _recorded("custody.identity_mismatch")),
            Check("The right bag was received by two people", _step_done("receipt")),
        ),
        again="Take me to the second box",
    ),
    Stop(
        "release",
        "A release blocked by one open item",
        "You are the qualified person. One open deviation blocks this release; read it, close it with a conclusion,"
        " then sign beneath exactly what you see.",
        "borealis",
        "qualified_person",
        _a_blocked_release,
        (
            Check("The open deviation was closed", _recorded("quality.deviation_closed")),
            Check("The batch was released and signed", _step_done("release")),
        ),
    ),
    Stop(
        "courier",
        "The same order without a name",
        "You drive for the courier. In the center's list this order has a patient, a therapy and a chain of identity;"
        " here it is a box, its seal, a door and a time. See it from both sides, then take the box over; both sign.",
        "swift",
        "courier_driver",
        _a_box_to_carry,
        (Check("The courier took the box over, both sides signed", _step_done("pickup", "ship_pickup")),),
        two_sides=True,
    ),
    Stop(
        "copy",
        "An order's history, and a tampered copy detected",
        "You are an inspector. This is one order's history: who did and signed what, and what was refused. Now choose"
        " “Verify a copy” and let a forger change one: the page names the very event and field that was altered.",
        "linden",
        "inspector",
        _an_order_with_a_past,
        (
            Check("The order's history was opened", _never, seen=HISTORY),
            Check("A tampered copy was detected", _altered_copy),
        ),
    ),
)
