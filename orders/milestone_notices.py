"""Who is told of a box's milestone: before it whoever must act at both ends, after it whom it concerns (F54)."""

from __future__ import annotations

import datetime as dt
from typing import Protocol
from zoneinfo import ZoneInfo

from ledger.context import Actor
from ledger.models import Event
from ledger.states import Role
from orders.models import Order, OrderStep
from orders.way_points import AHEAD, ESCALATED, direction_of
from personas.states import Capability as C

CONCERNED = (C.BOOK_SLOTS, C.CONFIRM_SLOTS, C.PACK_MATERIAL, C.RECEIVE_MATERIAL, C.RECEIVE_PRODUCT, C.MANAGE_LANES)
ANSWERS = {
    Role.TREATMENT_CENTER: C.HOLD_ORDER,
    Role.MANUFACTURER: C.CANCEL_ORDER,
    Role.CMO: C.CONFIRM_SLOTS,
    Role.COURIER: C.MANAGE_LANES,
}
WORDS = {2: "Missed: ", ESCALATED: "Missed, nobody acted: "}


class Audience(Protocol):
    """The people of one organization who are told of one event."""

    def tell(self, capability: str, title: str, *, site_id: object = None, due: dt.datetime | None = None) -> None: ...


def tell(audience: Audience, actor: Actor, order: Order, event: Event) -> None:
    """Tell the people of the acting organization whom an event about a milestone is for."""
    if event.kind not in ("orders.milestone_ahead", "orders.milestone_missed"):
        return
    step = _step(order, event)
    if step is None:
        return
    level, title, leg = event.payload["level"], event.payload["title"], event.payload.get("leg")
    due = dt.datetime.strptime(event.payload["expected_at"], "%Y-%m-%d %H:%M UTC").replace(tzinfo=dt.UTC)
    if level == AHEAD:
        words = f"{_clock(due, step, order)}: {title}"
        for capability, site_id in _must_act_on_leg(actor) if leg else _must_act(actor, order, step):
            audience.tell(capability, words, site_id=site_id, due=due)
        return
    concerned = _concerned(actor) if not leg or actor.organization_role == Role.COURIER else (C.MANAGE_LANES,)
    for capability in (ANSWERS[Role(actor.organization_role)],) if level == ESCALATED else concerned:
        audience.tell(capability, f"{WORDS[level]}{title}", due=due)


def _must_act(actor: Actor, order: Order, step: OrderStep) -> list[tuple[C | str, object]]:
    """Return who must act at a milestone: the step's own people, and who stands at the other end of a hand-over."""
    found: list[tuple[C | str, object]] = []
    if step.responsible_id == actor.organization_id:
        found.append((step.capability, step.site_id))
    moment = step.flow_step.parameters.get("moment")
    if actor.organization_role == Role.COURIER and moment:
        found += [(C.TAKE_CUSTODY, None), (C.MANAGE_LANES, None)]
    elif moment == "pickup" and _sender(order, step) == actor.organization_id:
        found.append((C.GIVE_CUSTODY, None))
    return found


def _must_act_on_leg(actor: Actor) -> list[tuple[C | str, object]]:
    """On the way only the courier acts; the others hear of a leg that is late."""
    return [(C.TAKE_CUSTODY, None), (C.MANAGE_LANES, None)] if actor.organization_role == Role.COURIER else []


def _sender(order: Order, step: OrderStep) -> object:
    if direction_of(step) == "inbound":
        return order.center_id
    return order.plant_site.organization_id if order.plant_site else None


def _concerned(actor: Actor) -> tuple[C, ...]:
    return (C.MANAGE_LANES, C.TAKE_CUSTODY) if actor.organization_role == Role.COURIER else CONCERNED


def _clock(at: dt.datetime, step: OrderStep, order: Order) -> str:
    """Return a time of day at the place where the step is done."""
    zone = step.site.zone if step.site else order.center_site.zone
    return f"At {at.astimezone(ZoneInfo(zone)):%H:%M} ({zone})"


def _step(order: Order, event: Event) -> OrderStep | None:
    rows = OrderStep.unwalled.select_related("flow_step", "site")
    found: OrderStep | None = rows.filter(
        order=order, key=event.payload["step"], attempt=event.payload["attempt"]
    ).first()
    return found
