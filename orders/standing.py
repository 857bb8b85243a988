"""What a scanned thing is and how it stands now: in whose hands, since when, what forbids its use (CL2, CR2)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from custody import queries as custody
from custody.states import GONE, ContainerState
from ledger.context import Actor
from ledger.states import Role
from orders.places import name_custodians, name_way

HELD = "Do not use it: it is in quarantine, and quality decides about it."
USELESS = "Do not use it."


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


def of_found(actor: Actor, found: custody.Found) -> Standing | None:
    """Return how the bag or box that a code names stands; None for an order, and of a bag for a courier."""
    if found.container is not None and actor.organization_role != Role.COURIER:
        return _of_bag(actor, found.container)
    return _of_box(found.shipment) if found.shipment is not None else None


def _of_bag(actor: Actor, bag: Any) -> Standing:
    (bag,) = name_custodians([bag])
    period = custody.custody_of(actor, bag.stream_id).filter(container_id=bag.pk, until__isnull=True).first()
    stop = HELD if bag.is_quarantined else USELESS if ContainerState(bag.state) in GONE else ""
    site = bag.custodian_site
    return Standing(
        "container",
        bag.code,
        f"{bag.kind_label} {bag.k_of_n}",
        str(bag.state),
        bag.state_label,
        stop,
        bag.quarantine_reason,
        bag.custodian.name if period and bag.custodian else "",
        site.name if period and site else "",
        site.zone if site else "",
        period.since if period else None,
        bag.storage_location,
        bag.expires_at,
    )


def _of_box(box: Any) -> Standing:
    """Who has a box follows from what was recorded of it last: packed, picked up, delivered."""
    (box,) = name_way([box])
    at = box.to_site if box.delivered_at else box.from_site
    on_its_way = box.picked_up_at is not None and box.delivered_at is None
    return Standing(
        "box",
        box.code,
        f"Box, {box.get_direction_display().lower()}",
        str(box.state),
        box.state_label,
        organization=box.courier.name if on_its_way else "",
        site="" if on_its_way else at.name,
        zone=at.zone,
        since=box.delivered_at or box.picked_up_at or box.packed_at,
        place=f"{box.from_site.name} → {box.to_site.name}",
    )
