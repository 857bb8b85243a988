"""A collection kit is sent to the center: its sponsor books the courier, and it is there before it is checked.

The kit holds no material; its way is a courier's job (``custody.jobs``), and its check is a step of the order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from custody import jobs
from custody.actions.jobs import BookInputs, place_in, said_of, times_in
from custody.actions.returns import read_inputs
from custody.states import JobKind
from ledger.context import Actor
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from ledger.states import Role
from network import queries as network
from orders import attempts, parties, way_points
from orders.flow import order_named
from orders.inputs import NumberScanField
from orders.locks import stream_of
from orders.models import Order, OrderStep
from orders.states import OPEN_STEP_STATES, OrderState
from personas.policies import require
from personas.states import Capability


class KitInputs(BookInputs):
    """Which kit goes, and when and where a courier fetches it."""

    number = NumberScanField(max_length=40, label="Kit number", help_text="As it stands on the kit.")

    def get_fields(self) -> dict[str, Any]:
        found = dict(super().get_fields())
        return {"number": found.pop("number"), **found}  # first what goes


def may_send_kit(actor: Actor, order: Order) -> bool:
    """Whether the form is offered: logistics of the order's sponsor, while its kit waits to be checked."""
    sponsor = order.manufacturer_id == actor.organization_id and actor.can(Capability.MANAGE_LANES)
    return sponsor and order.state == OrderState.OPEN and _check(order) is not None


def send_kit(actor: Actor, code: str, raw: Mapping[str, Any], *, once: Once | None = None) -> UUID:
    """Book the courier for an order's collection kit; return the job's id. ``raw``: see ``KitInputs``.

    Center, courier and sponsor are told of it, before the window opens, before it is due, and when one is missed.
    Raises NotAllowed, WrongState ``kit_checked`` where no kit waits, ``no_plant`` before a plant is chosen,
    InvalidInput ``deliver_by`` for a delivery after the check.
    """
    subject = ("order", code.upper())
    with acting(actor, "orders.kit_sent", stream_id=stream_of(code), subject=subject, once=once) as event:
        order = order_named(actor, code)
        order.stream = event.stream
        if actor.organization_role == Role.COURIER:
            raise NotFound()
        given = read_inputs(KitInputs, raw, actor)
        require(actor, Capability.MANAGE_LANES)
        if order.manufacturer_id != actor.organization_id:
            raise NotAllowed("The order's sponsor sends the kit.")
        event.capability = Capability.MANAGE_LANES
        check = _check(order)
        if order.state != OrderState.OPEN or check is None:
            raise WrongState("No collection kit waits to be checked on this order.", code="kit_checked")
        plant = order.plant_site
        if plant is None:
            raise WrongState("No plant is chosen yet.", code="no_plant", remedy="Wait until the dates are booked.")
        times = times_in(given)
        _refuse_late(order, check, times)
        sites = {"sender_site": plant, "receiver_id": order.center_id, "receiver_site_id": order.center_site_id}
        facts = {"sender_id": actor.organization_id, "courier_id": _courier(order, plant.pk), "order": order.code}
        job = jobs.book(JobKind.KIT, given["number"], times, timezone.now(), **sites, **facts, **place_in(given))
        event.note(**said_of(job), deliver_by=times.deliver_by)
        event.result = {"job": str(job.pk)}
    return job.pk


def _check(order: Order) -> OrderStep | None:
    """Return the open step that checks the kit."""
    for step in attempts.latest_attempts(order).values():
        if step.flow_step.kind == "check_kit" and step.state in OPEN_STEP_STATES:
            return step
    return None


def _refuse_late(order: Order, check: OrderStep, times: jobs.Times) -> None:
    steps = list(attempts.latest_attempts(order).values())
    at: dt.datetime | None = way_points.times(order, steps).get(check.pk)
    if at is not None and times.deliver_by > at:
        zone = order.center_site.zone
        text = f"The kit is checked at {at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})."
        raise InvalidInput(fields={"deliver_by": [f"{text} It has to be there before."]})


def _courier(order: Order, plant_id: UUID) -> UUID:
    carriers = [one.organization_id for one in parties.current_parties(order) if one.role == Role.COURIER]
    lane = network.lane_between(order.manufacturer_id, plant_id, order.center_site_id)
    if lane is None and not carriers:
        raise WrongState("No courier drives from the plant to the center.", code="no_lane", remedy="Add a lane first.")
    return carriers[0] if carriers else lane.courier_id  # type: ignore[union-attr]
