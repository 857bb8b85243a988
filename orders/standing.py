"""What a scanned thing is and how it stands now: in whose hands, since when, what forbids its use (CL2, CR2)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from custody import queries as custody
from custody.states import GONE, ContainerState, IdentityState
from ledger.context import Actor
from ledger.states import Role
from orders.models import Order
from orders.places import name_custodians, name_way

HELD = "Do not use it: it is in quarantine, and quality decides about it."
USELESS = "Do not use it."
QUERIED = "Do not go on: the chain of identity is under query."
ON_HOLD = "Do not go on: the order is on hold."
OVER = "Do not use it: its time of use is over."
STOPPED = "Do not move it: this box is stopped."  # a courier is not told why


@dataclass(frozen=True)
class Standing:
    """A bag or a box as it stands now. ``stop``: what says that it must not be used; ``reason``: why.

    ``organization``, ``site``, ``since``: who has it; empty once custody has ended. ``place``: where it lies stored;
    of a box its way.
    """

    kind: str  # container, box
    code: str
    what: str
    state: str
    state_label: str
    stop: str = ""
    reason: str = ""
    organization: str = ""
    site: str = ""
    zone: str = ""
    since: dt.datetime | None = None
    place: str = ""
    expires_at: dt.datetime | None = None


def of_found(actor: Actor, found: custody.Found, order: Order) -> Standing | None:
    """Return how the bag or box that a code names stands; None for an order, and of a bag for a courier."""
    if found.container is not None and actor.organization_role != Role.COURIER:
        return _of_bag(actor, found.container, order)
    return _of_box(actor, found.shipment, order) if found.shipment is not None else None


def _stop_of_order(actor: Actor, order: Order) -> tuple[str, str]:
    """Return what stops everything of an order, and why; a courier hears no more than that."""
    if actor.organization_role == Role.COURIER:
        return (STOPPED, "") if order.on_hold else ("", "")
    chain = custody.identity_of(actor, order.stream_id)
    if chain is not None and chain.state == IdentityState.UNDER_QUERY:
        return QUERIED, "Quality of both firms resolves it first."
    return (ON_HOLD, order.hold_reason) if order.on_hold else ("", "")


def _stop_of_bag(actor: Actor, bag: Any, order: Order) -> tuple[str, str]:
    if bag.is_quarantined:
        return HELD, bag.quarantine_reason
    if ContainerState(bag.state) in GONE:
        return USELESS, bag.quarantine_reason
    stop = ("", "") if bag.is_terminal else _stop_of_order(actor, order)
    over = not bag.is_terminal and bag.expires_at is not None and bag.expires_at <= timezone.now()
    return (OVER, "") if over and not stop[0] else stop


def _of_bag(actor: Actor, bag: Any, order: Order) -> Standing:
    (bag,) = name_custodians([bag])
    period = custody.custody_of(actor, bag.stream_id).filter(container_id=bag.pk, until__isnull=True).first()
    stop, reason = _stop_of_bag(actor, bag, order)
    site = bag.custodian_site
    return Standing(
        "container",
        bag.code,
        f"{bag.kind_label} {bag.k_of_n}",
        str(bag.state),
        bag.state_label,
        stop,
        reason,
        bag.custodian.name if period and bag.custodian else "",
        site.name if period and site else "",
        site.zone if site else "",
        period.since if period else None,
        bag.storage_location,
        bag.expires_at,
    )


def _of_box(actor: Actor, box: Any, order: Order) -> Standing:
    """Who has a box follows from what was recorded of it last: packed, picked up, delivered."""
    (box,) = name_way([box])
    at = box.to_site if box.delivered_at else box.from_site
    stop, reason = ("", "") if box.opened_at else _stop_of_order(actor, order)
    on_its_way = box.picked_up_at is not None and box.delivered_at is None
    return Standing(
        "box",
        box.code,
        f"Box, {box.get_direction_display().lower()}",
        str(box.state),
        box.state_label,
        stop,
        reason,
        organization=box.courier.name if on_its_way else "",
        site="" if on_its_way else at.name,
        zone=at.zone,
        since=box.delivered_at or box.picked_up_at or box.packed_at,
        place=f"{box.from_site.name} → {box.to_site.name}",
    )
