"""What a device keeps so that a person can go on without network: the steps at hand, what they ask, which codes fit."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, When
from django.utils import timezone

from custody import queries as custody
from ledger.context import Actor
from ledger.states import Role
from orders import courier_notes
from orders.carrying import hand_overs
from orders.models import OrderStep
from orders.places import placed
from orders.states import OfflineAct, OrderState, StepState, WithoutNetwork
from orders.step_kinds import StepKind, all_kinds, kind_of

AHEAD = dt.timedelta(days=3)
MOST = 100


def kinds(*ways: WithoutNetwork) -> list[str]:
    """Return the keys of the kinds of steps that go one of these ways without network."""
    return [key for key, kind in all_kinds().items() if kind.without_network in ways]


def at_hand(actor: Actor) -> QuerySet[OrderStep]:
    """Return the acting persona's steps that a device knows about: ready ones, then those planned within three days."""
    soon = timezone.now() + AHEAD
    steps = OrderStep.unwalled.filter(
        Q(state=StepState.READY) | Q(state=StepState.WAITING, planned_at__lt=soon),
        responsible_id=actor.organization_id,
        capability__in=actor.capabilities,
        order__state=OrderState.OPEN,
        flow_step__kind__in=kinds(WithoutNetwork.KEPT, WithoutNetwork.PAPER),
    )
    if actor.site_id is not None:
        steps = steps.filter(Q(site_id=actor.site_id) | Q(site__isnull=True))
    ready_first = Case(When(state=StepState.READY, then=0), default=1)
    by_time = F("planned_at").asc(nulls_last=True)
    return placed(steps.select_related("order").order_by(ready_first, by_time, "position", "pk"))


@dataclass(frozen=True)
class Sheet:
    """A step at hand with the codes that its order's things carry; nothing names a patient or decides anything."""

    step: OrderStep
    kind: StepKind
    zone: str
    expects: list[str]
    act: str = ""  # what is reported of the step; empty: the step itself

    @property
    def title(self) -> str:
        return courier_notes.title_of(self.step, self.act) if self.act else str(self.step.flow_step.title)


def sheets(actor: Actor) -> list[Sheet]:
    """Return the sheets of those steps, at most 100; the chain of identity is among the codes but for couriers."""
    steps = list(at_hand(actor)[:MOST])
    codes = _codes(actor, {step.order.stream_id for step in steps})
    own = [_sheet(actor, step, codes[step.order.stream_id]) for step in steps]
    if actor.organization_role == Role.COURIER:  # what it carries to others: they record it, the driver is late for it
        keys = {step.pk for step in steps}
        carried = placed(hand_overs(actor).select_related("order"))
        own += [replace(one, act=OfflineAct.DELAY) for one in _others(actor, carried, keys)]
    return [one for sheet in own for one in (sheet, *_reports(sheet))]


def _others(actor: Actor, steps: Iterable[OrderStep], but: Collection[UUID]) -> list[Sheet]:
    return [_sheet(actor, step, []) for step in list(steps)[:MOST] if step.pk not in but]


def _reports(sheet: Sheet) -> list[Sheet]:
    if sheet.act:
        return []
    return [replace(sheet, act=act, expects=[]) for act in courier_notes.acts_of(sheet.step)]


def _sheet(actor: Actor, step: OrderStep, codes: list[str]) -> Sheet:
    sees = actor.organization_role != Role.COURIER and step.order.identity_code
    zone = step.site.zone if step.site else actor.zone
    return Sheet(step, kind_of(step.flow_step.kind), zone, [*codes, step.order.identity_code] if sees else codes)


def _codes(actor: Actor, streams: set[UUID]) -> defaultdict[UUID, list[str]]:
    """Return the codes of bags (never to a courier) and boxes by order, in two statements."""
    found: defaultdict[UUID, list[str]] = defaultdict(list)
    for box in custody.boxes_on(actor, streams):
        found[box.stream_id].append(box.code)
    if actor.organization_role != Role.COURIER:
        for stream_id, code in custody.container_codes(actor, streams):
            found[stream_id].append(code)
    return found
