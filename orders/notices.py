"""Who is told of an order's event: whoever may do a step that it made ready, and who answers for what went wrong.

What a patient could be harmed by if it waited is critical: it passes quiet hours. Titles name no patient; a courier is
told to stop a box, and not why.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from custody import queries as containers
from custody import shipments
from custody.states import ContainerState
from ledger.context import Actor
from ledger.models import Event
from ledger.states import Role
from notifications import envelopes, recipients
from notifications.recipients import Recipient
from notifications.states import NoticeClass
from orders import alarms, arrivals, milestone_notices, one_act, open_cases, requested_dates
from orders.models import Order, OrderStep
from orders.overdue import ESCALATED
from orders.states import StepState
from personas.queries import User, people_with
from personas.states import Capability as C
from quality.states import Severity

PHYSICIAN = C.PRESCRIBE  # only the physician's persona may prescribe


@dataclass(frozen=True)
class Watch:
    """Who hears of a kind of event (holders of these capabilities), in which words."""

    capabilities: tuple[C, ...]
    words: str
    critical: bool = False


# At each end of the way: everybody whose day it changes. The courier's own control hears too.
CONCERNED_BY_TRANSPORT = (
    C.BOOK_SLOTS,
    C.CONFIRM_SLOTS,
    C.PACK_MATERIAL,
    C.RECEIVE_MATERIAL,
    C.RECEIVE_PRODUCT,
    C.MANAGE_LANES,
    C.HOLD_ORDER,
)

# Whoever has chair or suite ready for it: what stops would else only vanish from their desk.
AT_WORK = (C.COLLECT, C.MANUFACTURE)

STOPPED, LIFTED = "quality.units_stopped", "quality.stop_lifted"
PUT_ASIDE = "orders.material_put_aside"
AT_THE_PATIENT = (ContainerState.ISSUED, ContainerState.THAWED)

# What concerns the order as a whole.
WATCHED = {
    "orders.put_on_hold": Watch((C.HOLD_ORDER, *AT_WORK), "On hold"),
    "orders.hold_lifted": Watch((C.HOLD_ORDER, *AT_WORK), "Hold lifted"),
    "orders.cancelled": Watch((C.HOLD_ORDER, C.CANCEL_ORDER, *AT_WORK), "Cancelled"),
    "orders.remanufacture_decided": Watch((C.CONFIRM_SLOTS, C.HOLD_ORDER), "To be made again"),
    "orders.change_offered": Watch((C.BOOK_SLOTS,), "Other dates proposed: agree or refuse"),
    "orders.change_offered_by_plant": Watch(
        (C.BOOK_SLOTS, C.CONFIRM_SLOTS), "Other dates proposed by the contract manufacturer"
    ),
    "orders.repair_handed_over": Watch((C.CONFIRM_SLOTS,), "Repair of the contract manufacturer: sign your part"),
    "orders.offered_change_agreed": Watch((C.CONFIRM_SLOTS,), "Proposed dates agreed"),
    "orders.offered_change_refused": Watch((C.CONFIRM_SLOTS,), "Proposed dates refused"),
    "orders.dates_requested": Watch((C.CONFIRM_SLOTS,), "Dates requested where nothing is published"),
    "orders.date_request_met": Watch((C.BOOK_SLOTS,), "The requested dates are booked"),
    "orders.date_request_declined": Watch((C.BOOK_SLOTS,), "The requested dates were declined"),
    "orders.date_request_withdrawn": Watch((C.CONFIRM_SLOTS,), "A request for dates was withdrawn"),
    "orders.pickup_failed": Watch(CONCERNED_BY_TRANSPORT, "Pickup failed"),
    "orders.delayed": Watch(CONCERNED_BY_TRANSPORT, "Transport delayed"),
    "orders.box_refused": Watch(
        (C.MANAGE_DEVIATIONS, *CONCERNED_BY_TRANSPORT), "Box not accepted at delivery", critical=True
    ),
    open_cases.DECLARED_EVENT: Watch(
        (C.MANAGE_DEVIATIONS, C.HOLD_ORDER), "Declared wrong by who reported it: quality decides", critical=True
    ),
    "orders.customs_held": Watch(CONCERNED_BY_TRANSPORT, "Held at customs"),
    "orders.customs_cleared": Watch(CONCERNED_BY_TRANSPORT, "Cleared by customs"),
    "orders.route_changed": Watch(CONCERNED_BY_TRANSPORT, "The box goes another route"),
    "orders.leg_late": Watch(CONCERNED_BY_TRANSPORT, "Transport delayed"),
    "orders.shipper_swapped": Watch(CONCERNED_BY_TRANSPORT, "Shipper changed on the way"),
    "orders.excursion_found": Watch(
        (C.MANAGE_DEVIATIONS, *CONCERNED_BY_TRANSPORT), "Temperature excursion on the way", critical=True
    ),
    "orders.material_lost": Watch(
        (C.MANAGE_DEVIATIONS, C.HOLD_ORDER, PHYSICIAN, *CONCERNED_BY_TRANSPORT), "Material is lost", critical=True
    ),
    PUT_ASIDE: Watch(
        (C.MANAGE_DEVIATIONS, C.HOLD_ORDER, PHYSICIAN, C.BOOK_SLOTS), "Material was put aside by quality", critical=True
    ),
    "orders.material_found": Watch((C.MANAGE_DEVIATIONS, C.HOLD_ORDER), "Lost material was found: decide about it"),
    "orders.condition_in_range": Watch(CONCERNED_BY_TRANSPORT, "Temperatures in range all the way"),
    "orders.store_breached": Watch(
        (C.MANAGE_DEVIATIONS, C.HOLD_ORDER, PHYSICIAN, C.BOOK_SLOTS), "Stored outside its limits: held", critical=True
    ),
    "scheduling.disruption_opened": Watch((C.BOOK_SLOTS, C.CONFIRM_SLOTS), "Hit by a disruption"),
    "scheduling.disruption_closed": Watch((C.BOOK_SLOTS, C.CONFIRM_SLOTS), "The disruption has ended"),
    "orders.repair_signed": Watch((C.BOOK_SLOTS,), "Other dates proposed after a disruption: accept or refuse"),
    "orders.move_refused": Watch((C.CONFIRM_SLOTS,), "Other dates refused: the order stays on the disruption's list"),
    "scheduling.move_expired": Watch(
        (C.BOOK_SLOTS, C.CONFIRM_SLOTS), "Other dates not answered in time: their places are free again"
    ),
    "custody.identity_mismatch": Watch((C.RESOLVE_IDENTITY, C.HOLD_ORDER), "STOP, identity mismatch", critical=True),
    "custody.query_lifted": Watch((C.RESOLVE_IDENTITY, C.HOLD_ORDER), "Identity query lifted"),
    STOPPED: Watch(
        (C.MANAGE_DEVIATIONS, C.HOLD_ORDER, PHYSICIAN, C.BOOK_SLOTS, C.PACK_MATERIAL, C.PREPARE_PRODUCT, C.INFUSE),
        "STOP, units are called back",
        critical=True,
    ),
    LIFTED: Watch((C.MANAGE_DEVIATIONS, C.HOLD_ORDER, PHYSICIAN, C.BOOK_SLOTS), "A stop was lifted"),
    "quality.release_revoked": Watch(
        (C.MANAGE_DEVIATIONS, C.HOLD_ORDER, PHYSICIAN, C.BOOK_SLOTS, C.PACK_MATERIAL, C.PREPARE_PRODUCT, C.INFUSE),
        "STOP, release revoked",
        critical=True,
    ),
}
LOSES_A_BATCH = ("finish_manufacture", "release_batch")  # kinds of steps: terminated, or rejected
GOES_ON = ("orders.hold_lifted", "custody.query_lifted", LIFTED)
DISRUPTIONS = ("scheduling.disruption_opened", "scheduling.disruption_closed")
MANY = "/disruptions/"  # where all orders of one act stand
OF_ONE_ACT = (*DISRUPTIONS, "orders.repair_signed")  # one notice to a person, however many orders
DELAYED = "orders.delayed"
HANDED_OVER = "orders.repair_handed_over"  # who does it sees the whole list, and needs no notice
OF_TRANSPORT = (
    "orders.pickup_failed",
    "orders.delayed",
    "orders.box_refused",
    "orders.customs_held",
    "orders.customs_cleared",
    "orders.route_changed",
    "orders.leg_late",
    "orders.shipper_swapped",
    "orders.excursion_found",
    "orders.condition_in_range",
    *DISRUPTIONS,
)
STOPS_THE_BOX = (
    "orders.put_on_hold",
    "orders.cancelled",
    "custody.identity_mismatch",
    "quality.release_revoked",
    STOPPED,
)
# Who answers for an order at each firm, when the owner of an overdue step did not act.
ANSWERS = {
    Role.TREATMENT_CENTER: C.BOOK_SLOTS,
    Role.MANUFACTURER: C.CANCEL_ORDER,
    Role.CMO: C.CONFIRM_SLOTS,
    Role.COURIER: C.MANAGE_LANES,
}


@dataclass
class _Told:
    """What one person is told: the steps that became theirs, and the earliest time one of them is due."""

    user: User
    titles: list[str] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    due: dt.datetime | None = None
    critical: bool = False
    category: NoticeClass = NoticeClass.NEWS

    def add(self, title: str, due: dt.datetime | None, *, critical: bool, task: bool, codes: Sequence[str]) -> None:
        self.codes.update(codes)
        if title not in self.titles:
            self.titles.append(title)
        if due is not None and (self.due is None or due < self.due):
            self.due = due
        self.critical = self.critical or critical
        self.category = NoticeClass.TASK if task else self.category


class _Audience:
    """The people of one organization who are told of one event, each once."""

    def __init__(self, actor: Actor, code: str) -> None:
        self.organization_id, self.code = actor.organization_id, code
        self.told: dict[object, _Told] = {}

    def tell(
        self,
        capability: str,
        title: str,
        *,
        site_id: object = None,
        due: dt.datetime | None = None,
        critical: bool = False,
        task: bool = False,
        codes: Sequence[str] = (),
    ) -> None:
        for user in people_with(self.organization_id, capability, site_id):  # type: ignore[arg-type]
            told = self.told.setdefault(user.pk, _Told(user))
            told.add(title, due, critical=critical, task=task, codes=codes or (self.code,))


@recipients.register
def next_owners(actor: Actor, event: Event) -> list[Recipient]:
    """Return the people of the actor's organization who are told, each once; titles name no patient."""
    order = Order.unwalled.filter(stream_id=event.stream_id).first()
    if order is None:
        return []
    audience = _Audience(actor, order.code)
    _tell_of_the_whole(audience, actor, order, event)
    _tell_of_a_late_record(audience, event)
    _tell_of_the_overdue(audience, actor, order, event)
    _tell_of_an_overdue_request(audience, actor, event)
    _tell_of_wishes(audience, actor, order, event)
    milestone_notices.tell(audience, actor, order, event)
    _alarm_the_physician(audience, actor, order, event)
    _stop_the_bedside(audience, actor, order, event)
    many = "/" if actor.organization_role == Role.COURIER else MANY
    for step in _became_ready(actor, order, event):
        audience.tell(step.capability, step.flow_step.title, site_id=step.site_id, due=step.due_at, task=True)
    return [
        Recipient(
            one.user,
            f"{', '.join(one.titles)} · {one_act.named(sorted(one.codes))}",
            f"/orders/{min(one.codes)}/" if len(one.codes) == 1 else many,
            one.due,
            critical=one.critical,
            category=one.category,
        )
        for one in audience.told.values()
    ]


def _tell_of_the_whole(audience: _Audience, actor: Actor, order: Order, event: Event) -> None:
    if event.kind in OF_ONE_ACT:
        return _tell_once(audience, actor, event)
    if event.kind in (STOPPED, LIFTED) and actor.organization_role != Role.COURIER:  # whose every box is told of
        return _tell_of_a_stop(audience, actor, event)
    if event.kind == HANDED_OVER and event.organization_id == actor.organization_id:
        return
    if actor.organization_role == Role.COURIER:
        if event.kind in STOPS_THE_BOX and shipments.underway(order.stream_id):
            audience.tell(C.TAKE_CUSTODY, "STOP this box", critical=True)
        elif event.kind == "orders.cancelled":
            audience.tell(C.MANAGE_LANES, WATCHED[event.kind].words)
        elif event.kind in GOES_ON and shipments.underway(order.stream_id):
            audience.tell(C.TAKE_CUSTODY, "This box may move again")
        elif event.kind in OF_TRANSPORT:
            audience.tell(C.MANAGE_LANES, _words(event), critical=_is_too_late(event))
        return
    if event.kind == "orders.step_failed" and event.payload["kind"] in LOSES_A_BATCH:
        _tell_of_a_lost_batch(audience, actor)
    watch = WATCHED.get(event.kind)
    for capability in watch.capabilities if watch else ():
        critical = watch.critical or _is_too_late(event)  # type: ignore[union-attr]
        asked = event.kind == open_cases.DECLARED_EVENT and capability == C.MANAGE_DEVIATIONS
        audience.tell(capability, _words(event), critical=critical, task=asked)


def _words(event: Event) -> str:
    """Return the words of a watched event: of a delay, with what the box has in reserve since."""
    words = WATCHED[event.kind].words
    left = event.payload.get("left", "") if event.kind == DELAYED else ""
    return f"{words}, {arrivals.told(float(left))}" if left else words


def _is_too_late(event: Event) -> bool:
    return event.kind == DELAYED and float(event.payload.get("left") or 0) < 0


def _tell_once(audience: _Audience, actor: Actor, event: Event) -> None:
    """One notice to each person for all orders of the act that are theirs to see."""
    if event.organization_id == actor.organization_id:
        return  # who does it sees the whole list
    together = one_act.told_with(actor, event)
    watch = WATCHED[event.kind]
    courier, center = (actor.organization_role == role for role in (Role.COURIER, Role.TREATMENT_CENTER))
    if together is None or (courier and event.kind not in OF_TRANSPORT):
        return
    for site_id, codes in together.by_site.items():
        for capability in (C.MANAGE_LANES,) if courier else watch.capabilities:
            audience.tell(capability, watch.words, site_id=site_id if center else None, codes=codes)


def _tell_of_a_stop(audience: _Audience, actor: Actor, event: Event) -> None:
    """One notice to each person for all orders of a stop; of a patient who has it already, the physician hears apart.

    Whoever recorded it sees the whole list; their colleagues hear of it too.
    """
    watch = WATCHED[event.kind]
    if event.kind == STOPPED and event.payload.get("given", "none") != "none":
        for capability in (PHYSICIAN, C.MANAGE_DEVIATIONS):
            audience.tell(capability, "Look-back: given already, stopped since", critical=True)
    together = one_act.told_with(actor, event)
    center = actor.organization_role == Role.TREATMENT_CENTER
    for site_id, codes in together.by_site.items() if together else ():
        for capability in watch.capabilities:
            site = site_id if center else None
            audience.tell(capability, watch.words, site_id=site, critical=watch.critical, codes=codes)


def _tell_of_a_lost_batch(audience: _Audience, actor: Actor) -> None:
    """At the center somebody must decide how the order goes on; at the plant a line is free."""
    if actor.organization_role == Role.TREATMENT_CENTER:
        audience.tell(PHYSICIAN, "A batch was lost: decide how the order goes on", critical=True)
        audience.tell(C.BOOK_SLOTS, "A batch was lost")
    else:
        audience.tell(C.CONFIRM_SLOTS, "A batch was lost")


def _tell_of_a_late_record(audience: _Audience, event: Event) -> None:
    if "late" not in event.payload:
        return
    critical = event.payload.get("severity") == Severity.CRITICAL
    for capability in (C.MANAGE_DEVIATIONS, PHYSICIAN):
        audience.tell(capability, f"Recorded late: {event.payload['title']}", critical=critical)


def _tell_of_the_overdue(audience: _Audience, actor: Actor, order: Order, event: Event) -> None:
    if event.kind != "orders.step_overdue":
        return
    key, attempt, title = (event.payload[name] for name in ("step", "attempt", "title"))
    step = OrderStep.unwalled.filter(order=order, key=key, attempt=attempt).first()
    owned = step is not None and step.responsible_id == actor.organization_id
    if owned and step is not None:
        audience.tell(step.capability, f"Overdue: {title}", site_id=step.site_id, due=step.due_at, task=True)
    may_hear = owned or actor.organization_role in (Role.TREATMENT_CENTER, Role.MANUFACTURER)
    if event.payload["level"] == ESCALATED and may_hear:
        audience.tell(ANSWERS[Role(actor.organization_role)], f"Overdue, nobody acted: {title}")


def _tell_of_an_overdue_request(audience: _Audience, actor: Actor, event: Event) -> None:
    if event.kind != "orders.date_request_overdue" or actor.organization_role == Role.CMO:
        return
    if actor.organization_role == Role.MANUFACTURER:
        audience.tell(C.CONFIRM_SLOTS, "Overdue: answer a request for dates")
    if event.payload["level"] == ESCALATED:
        audience.tell(ANSWERS[Role(actor.organization_role)], "Overdue, nobody answered a request for dates")


def _tell_of_wishes(audience: _Audience, actor: Actor, order: Order, event: Event) -> None:
    """Whoever plans the plant where the order is booked hears of wishes, and the sponsor who has it made elsewhere.

    Before anything is booked the manufacturer's planners do: those of its plants that may make it for the center.
    """
    if event.kind != "orders.wishes_stated":
        return
    if order.plant_site is None:
        if order.manufacturer_id == actor.organization_id:
            sites: list[UUID | None] = [*requested_dates.own_plants(order)]
            for site_id in sites or [None]:
                audience.tell(C.CONFIRM_SLOTS, "Wishes for dates that are not booked yet", site_id=site_id)
        return
    if order.plant_site.organization_id == actor.organization_id:
        audience.tell(C.CONFIRM_SLOTS, "Wishes for its dates", site_id=order.plant_site_id)
    elif order.manufacturer_id == actor.organization_id:
        audience.tell(C.CONFIRM_SLOTS, "Wishes for its dates")


def _alarm_the_physician(audience: _Audience, actor: Actor, order: Order, event: Event) -> None:
    """After the go for lymphodepletion the patient cannot wait: whatever endangers the product is told at once."""
    if actor.organization_id != order.center_id:
        return
    what = alarms.danger_in(event)
    if what and alarms.lymphodepletion_began(order, event):
        audience.tell(PHYSICIAN, f"After the LD go: {what}", critical=True)


def _stop_the_bedside(audience: _Audience, actor: Actor, order: Order, event: Event) -> None:
    """A bag that left the store for its patient is put aside: whoever thaws and infuses hears it at once."""
    if event.kind != PUT_ASIDE or actor.organization_id != order.center_id:
        return
    found = containers.containers_of(actor, event.stream_id).filter(code=event.payload["container"])
    if found.filter(state_before_quarantine__in=AT_THE_PATIENT).exists():
        for capability in (C.PREPARE_PRODUCT, C.INFUSE):
            audience.tell(capability, "STOP, a bag was put aside", critical=True)


def _became_ready(actor: Actor, order: Order, event: Event) -> list[OrderStep]:
    steps = OrderStep.unwalled.filter(
        order=order, ready_event_id=event.pk, responsible_id=actor.organization_id, state=StepState.READY
    )
    return list(steps.select_related("flow_step").order_by("position"))


@recipients.judge
def waiting_tasks(actor: Actor, event: Event) -> set[UUID] | None:
    """Return the events that made ready what still is, or ask quality for what is open; None for what is no order's."""
    steps = OrderStep.unwalled.filter(stream_id=event.stream_id, responsible_id=actor.organization_id)
    if not Order.unwalled.filter(stream_id=event.stream_id).exists():
        return None
    ready = steps.filter(state=StepState.READY, ready_event_id__isnull=False)
    return {*ready.values_list("ready_event_id", flat=True), *open_cases.still_to_decide(event.stream_id)}


@envelopes.register
def named(actor: Actor, event: Event) -> dict[str, str]:
    """Return the code of the order that an event is about, where to read it, and which step it was."""
    order = Order.unwalled.filter(stream_id=event.stream_id).first()
    if order is None:
        return {}
    step = {"step": str(event.payload["step"])} if "step" in event.payload else {}
    return {"order": order.code, "href": f"/api/v1/orders/{order.code}", **step}
