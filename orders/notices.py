"""Who is told of an order's event: whoever may do a step that it made ready, and who answers for a stopped order."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID

from ledger.context import Actor
from ledger.models import Event
from notifications import envelopes, recipients
from notifications.recipients import Recipient
from notifications.states import NoticeClass
from orders.models import Order, OrderStep
from orders.states import StepState
from personas.queries import User, people_with
from personas.states import Capability

# What concerns the order as a whole: who hears of it (holders of these capabilities), in which words.
WATCHED = {
    "orders.put_on_hold": ((Capability.HOLD_ORDER,), "On hold"),
    "orders.hold_lifted": ((Capability.HOLD_ORDER,), "Hold lifted"),
    "orders.cancelled": ((Capability.HOLD_ORDER, Capability.CANCEL_ORDER), "Cancelled"),
    "orders.remanufacture_decided": ((Capability.CONFIRM_SLOTS, Capability.HOLD_ORDER), "To be made again"),
    "custody.identity_mismatch": ((Capability.RESOLVE_IDENTITY, Capability.HOLD_ORDER), "STOP, identity mismatch"),
    "custody.query_lifted": ((Capability.RESOLVE_IDENTITY, Capability.HOLD_ORDER), "Identity query lifted"),
    "quality.release_revoked": ((Capability.MANAGE_DEVIATIONS, Capability.HOLD_ORDER), "STOP, release revoked"),
}


@dataclass
class _Told:
    """What one person is told: the steps that became theirs, and the earliest time one of them is due."""

    user: User
    titles: list[str] = field(default_factory=list)
    due: dt.datetime | None = None
    category: NoticeClass = NoticeClass.NEWS

    def add_task(self, title: str, due: dt.datetime | None) -> None:
        self.category = NoticeClass.TASK
        self.add(title, due)

    def add(self, title: str, due: dt.datetime | None = None) -> None:
        if title not in self.titles:
            self.titles.append(title)
        if due is not None and (self.due is None or due < self.due):
            self.due = due


@recipients.register
def next_owners(actor: Actor, event: Event) -> list[Recipient]:
    """Return the people of the actor's organization who are told, each once; titles name no patient."""
    order = Order.unwalled.filter(stream_id=event.stream_id).first()
    if order is None:
        return []
    told: dict[object, _Told] = {}
    capabilities, words = WATCHED.get(event.kind, ((), ""))
    for capability in capabilities:
        for user in people_with(actor.organization_id, capability):
            told.setdefault(user.pk, _Told(user)).add(words)
    for step in _became_ready(actor, order, event):
        for user in people_with(actor.organization_id, step.capability, step.site_id):
            told.setdefault(user.pk, _Told(user)).add_task(step.flow_step.title, step.due_at)
    path = f"/orders/{order.code}/"
    return [
        Recipient(one.user, f"{', '.join(one.titles)} · {order.code}", path, one.due, category=one.category)
        for one in told.values()
    ]


def _became_ready(actor: Actor, order: Order, event: Event) -> list[OrderStep]:
    steps = OrderStep.unwalled.filter(
        order=order, ready_event_id=event.pk, responsible_id=actor.organization_id, state=StepState.READY
    )
    return list(steps.select_related("flow_step").order_by("position"))


@recipients.judge
def waiting_tasks(actor: Actor, event: Event) -> set[UUID] | None:
    """Return the events that made ready what still is; None for what is about no order."""
    steps = OrderStep.unwalled.filter(stream_id=event.stream_id, responsible_id=actor.organization_id)
    if not Order.unwalled.filter(stream_id=event.stream_id).exists():
        return None
    ready = steps.filter(state=StepState.READY, ready_event_id__isnull=False)
    return set(ready.values_list("ready_event_id", flat=True))


@envelopes.register
def named(actor: Actor, event: Event) -> dict[str, str]:
    """Return the code of the order that an event is about, where to read it, and which step it was."""
    order = Order.unwalled.filter(stream_id=event.stream_id).first()
    if order is None:
        return {}
    step = {"step": str(event.payload["step"])} if "step" in event.payload else {}
    return {"order": order.code, "href": f"/api/v1/orders/{order.code}", **step}
