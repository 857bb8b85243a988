"""What stands on the paper of a downtime pack: what to check, codes to tick, forms to fill by hand (CO9, ADR 33)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework import serializers

from custody import queries as custody
from custody import vault
from custody.schemes import printed
from ledger.context import Actor
from ledger.states import Role
from ledger.walls import visible
from orders.inputs import LATE, inputs_class
from orders.models import DowntimePack, Order, OrderStep
from orders.places import placed
from orders.states import OrderState, StepState, WithoutNetwork
from orders.step_kinds import StepKind, all_kinds, kind_of

MOST_ORDERS = 40
ON_PAPER_TOO = ("identify_patient",)


@dataclass(frozen=True)
class Thing:
    """A thing to tick: what it is, its code, and what else must fit."""

    what: str
    code: str
    detail: str = ""


@dataclass(frozen=True)
class Question:
    """A field of a form: its label, what may be chosen, or the columns of a row that is filled in per bag."""

    label: str
    choices: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaperStep:
    """A step as it is worked on paper. ``authorizes``: release and quarantine are asked by phone first."""

    title: str
    place: str
    zone: str
    planned_at: dt.datetime | None
    people: int
    meaning: str
    authorizes: bool
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Paper:
    """The pack of one order for one organization. ``name`` and ``birth_date`` only for the own center's readers."""

    order: str
    number: int
    organization: str
    printed_by: str
    printed_at: dt.datetime
    zone: str
    asks_patient: bool
    name: str = ""
    birth_date: str = ""
    things: tuple[Thing, ...] = ()
    steps: tuple[PaperStep, ...] = ()
    synthetic: bool = False
    warnings: tuple[str, ...] = field(default=())


def packs_of(actor: Actor, order: Order) -> QuerySet[DowntimePack]:
    """Return the packs that were printed of an order, the newest first."""
    return visible(DowntimePack, actor).filter(stream_id=order.stream_id).order_by("-number")


def kinds() -> list[str]:
    """Return the kinds of steps that are worked on paper: what moves material, and the checks before it."""
    return [key for key, kind in all_kinds().items() if _on_paper(kind)]


def _on_paper(kind: StepKind) -> bool:
    return kind.physical or kind.without_network != WithoutNetwork.NO or kind.key in ON_PAPER_TOO


def open_steps(actor: Actor) -> QuerySet[OrderStep]:
    """Return the steps of the acting organization (at its person's site) that would be worked on paper now or later."""
    steps = OrderStep.unwalled.filter(
        responsible_id=actor.organization_id,
        state__in=(StepState.READY, StepState.WAITING),
        order__state=OrderState.OPEN,
        flow_step__kind__in=kinds(),
    )
    if actor.site_id is not None:
        steps = steps.filter(Q(site_id=actor.site_id) | Q(site__isnull=True))
    return placed(steps.select_related("order").order_by("position", "attempt"))


def orders_within(actor: Actor, days: int) -> list[str]:
    """Return the codes of the orders with such a step ready, or planned within so many days; at most 40 and one."""
    until = timezone.now() + dt.timedelta(days=days)
    due = open_steps(actor).filter(Q(state=StepState.READY) | Q(planned_at__lt=until))
    codes = dict.fromkeys(due.order_by("planned_at", "position").values_list("order__code", flat=True))
    return list(codes)[: MOST_ORDERS + 1]


def paper_of(actor: Actor, order: Order, number: int, at: dt.datetime, *, identity: bool) -> Paper:
    """Return the pack of an order; ``identity``: whether the actor may read who the patient is."""
    courier = actor.organization_role == Role.COURIER
    things = _things(actor, order, courier=courier)
    bags = max(1, sum(thing.what.startswith("Bag") for thing in things))
    steps = [_step(step, bags) for step in open_steps(actor).filter(order=order)]
    patient = vault.open_identity(actor, order.patient_id) if identity else None
    return Paper(
        order=order.code,
        number=number,
        organization=actor.organization_name,
        printed_by=actor.display_name,
        printed_at=at,
        zone=actor.zone,
        asks_patient=actor.organization_role == Role.TREATMENT_CENTER,
        name=patient.display_name if patient else "",
        birth_date=str(patient.birth_date) if patient else "",
        things=tuple(things),
        steps=tuple(steps),
        synthetic=order.synthetic,
        warnings=_warnings(order, courier=courier),
    )


def _warnings(order: Order, *, courier: bool) -> tuple[str, ...]:
    if not order.on_hold:
        return ()
    return ("STOP: this box must not move.",) if courier else (f"On hold when this was printed: {order.hold_reason}",)


def _things(actor: Actor, order: Order, *, courier: bool) -> list[Thing]:
    boxes = custody.boxes_on(actor, [order.stream_id])
    found = [Thing("Box", box.code, f"Seal {box.seal_code}") for box in boxes]
    if courier:
        return found
    chain = [Thing("Chain of identity", printed(order.identity_code))] if order.identity_code else []
    bags = [bag for bag in custody.containers_of(actor, order.stream_id) if not bag.is_terminal]
    return chain + [Thing(f"Bag {bag.k_of_n}", bag.code, _bag(bag)) for bag in bags] + found


def _bag(bag: Any) -> str:
    words = [bag.get_kind_display(), bag.state_label.lower()]
    if bag.quarantine_reason:
        words.append("IN QUARANTINE")
    if bag.expires_at:
        words.append(f"expires {bag.expires_at:%Y-%m-%d %H:%M} UTC")
    return ", ".join(words)


def _step(step: OrderStep, bags: int) -> PaperStep:
    kind = kind_of(step.flow_step.kind)
    return PaperStep(
        title=step.flow_step.title,
        place=step.site.name if step.site else "",
        zone=step.site.zone if step.site else "UTC",
        planned_at=step.planned_at,
        people=max(2 if kind.without_network == WithoutNetwork.PAPER else 1, step.signatures),
        meaning=step.flow_step.meaning or kind.meaning,
        authorizes=kind.without_network == WithoutNetwork.PAPER,
        questions=tuple(_questions(kind, bags)),
    )


def _questions(kind: StepKind, bags: int) -> list[Question]:
    found = []
    for name, asked in inputs_class(kind, 0)().fields.items():
        label = str(asked.label or name.replace("_", " ").capitalize())
        if name in (LATE, "signature"):
            continue
        if isinstance(asked, serializers.ListSerializer):
            columns = tuple(str(one.label or key) for key, one in _row(asked).items())
            found += [Question(f"{label}, {number + 1}", columns=columns) for number in range(bags)]
        else:
            choices = getattr(asked, "choices", {}) if isinstance(asked, serializers.ChoiceField) else {}
            found.append(Question(label, choices=tuple(str(word) for word in choices.values())))
    return found


def _row(asked: serializers.ListSerializer[Any]) -> dict[str, Any]:
    return dict(asked.child.fields) if isinstance(asked.child, serializers.Serializer) else {}
