"""What is wished of an order's dates, said on its own: before anything is booked, or when it has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.context import Actor, reading
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotFound, WrongState
from orders import requested_dates, rescheduling
from orders.actions.rescheduling import require_mine
from orders.flow import order_named
from orders.inputs import read
from orders.locks import stream_of
from orders.models import Order
from orders.policies import may_see_therapy
from orders.requested_dates import Ahead
from orders.states import OrderState
from orders.wish_inputs import DateWishInputs, wished_in
from personas.states import Capability
from scheduling import waiting, wishes
from scheduling.wishes import Wishes


def state_wishes(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> Wishes:
    """Say what is wished of an open order's dates: earliest day, weekday, washout. By whoever books at its center.

    Booked dates stay as they are; whatever is searched, changed, repaired or offered from now on goes by it. Raises
    NotFound, InvalidInput, NotAllowed, WrongState ``order_ended``.
    """
    subject = ("order", code.upper())
    with acting(actor, "orders.wishes_stated", stream_id=stream_of(code), subject=subject, once=once) as event:
        order = order_named(actor, code)
        given = read(DateWishInputs, raw)
        require_mine(actor, order)
        if order.state != OrderState.OPEN:
            raise WrongState(f"The order is {order.get_state_display().lower()}.", code="order_ended")
        found = wished_in(order, given) or wishes.of_order(order.stream_id)
        _check(order, found, given)
        wishes.keep(actor, order.stream_id, order.center_id, found)
        waiting.look_again(order.therapy_id)
        event.zone = order.center_site.zone
        event.note(order=order.code)
    return found


def wished(actor: Actor, code: str) -> tuple[Order, Wishes]:
    """Return an order with what is wished of its dates; NotFound to a courier."""
    with reading(actor):
        order = order_named(actor, code)
        if not may_see_therapy(actor):
            raise NotFound()
        return order, wishes.of_order(order.stream_id)


def wished_ahead(actor: Actor) -> list[Ahead]:
    """Return what is wished of the dates of a planner's orders that have none yet. Run inside ``reading``."""
    return requested_dates.wished_ahead(actor) if actor.can(Capability.CONFIRM_SLOTS) else []


def in_words(order: Order, found: Wishes) -> list[str]:
    """Return what is wished as short sentences, with the usual washout of the order's flow. Run inside ``reading``."""
    return [] if found.is_empty else found.in_words(rescheduling.usual_washout(order))


def may_state(actor: Actor, order: Order) -> bool:
    """Whether the order's page offers to say what is wished."""
    mine = actor.organization_id == order.center_id and actor.site_id in (None, order.center_site_id)
    return mine and actor.can(Capability.BOOK_SLOTS) and order.state == OrderState.OPEN


def _check(order: Order, found: Wishes, given: Mapping[str, Any]) -> None:
    today, faults = order.center_site.today, {}
    if found.washout_since and not 0 <= (today - found.washout_since).days <= LONGEST_AGO:
        faults["washout_since"] = ["Give the day of a treatment that was given, within the last two years."]
    if given.get("washout_days") is not None and not found.washout_since:
        faults["washout_since"] = ["Say from which day on the washout counts."]
    if found.earliest and (found.earliest - today).days > FARTHEST:
        faults["earliest"] = ["Give a day within a year."]
    if faults:
        raise InvalidInput(fields=faults)


LONGEST_AGO, FARTHEST = 730, 366  # days
