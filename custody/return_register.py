"""Returns of empty shippers as their keeper, their holder and the courier see them; where a shipper is now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from custody.models import Equipment, Shipment, ShipperReturn
from custody.states import ShipmentState
from ledger.context import Actor
from ledger.refusals import NotFound
from ledger.walls import visible
from personas.states import Capability as C

CONCERNED = (C.KEEP_EQUIPMENT, C.PACK_MATERIAL, C.GIVE_CUSTODY, C.TAKE_CUSTODY, C.MANAGE_LANES, C.RECEIVE_MATERIAL)
TRAVELLING = (ShipmentState.PACKED, ShipmentState.PICKED_UP, ShipmentState.IN_TRANSIT, ShipmentState.DELIVERED)


@dataclass(frozen=True)
class Whereabouts:
    """Where a shipper is, in words, since when; ``overdue``: it is expected back and has not come."""

    words: str
    since: dt.datetime | None = None
    expected_at: dt.datetime | None = None
    overdue: bool = False
    returning: Any = None


def concerns(actor: Actor) -> bool:
    """Whether the actor's persona has to do with empty shippers."""
    return any(actor.can(capability) for capability in CONCERNED)


def returns(actor: Actor, *, closed: bool = False, overdue: bool = False) -> QuerySet[ShipperReturn]:
    """Return the returns that the organization keeps, holds or carries, the most urgent first."""
    found = visible(ShipperReturn, actor).filter(received_at__isnull=not closed)
    if overdue:
        found = found.filter(expected_at__lt=timezone.now())
    return found.select_related("owner", "holder", "holder_site", "courier").order_by("expected_at", "pk")


def one(actor: Actor, key: UUID) -> ShipperReturn:
    """Return one of those returns; NotFound for any other."""
    rows = visible(ShipperReturn, actor).select_related("owner", "holder", "holder_site", "courier")
    found = rows.filter(pk=key).first()
    if found is None:
        raise NotFound()
    return found


def whereabouts(actor: Actor, piece: Equipment) -> Whereabouts:
    """Return where one of the organization's own shippers is, as far as its orders and returns tell."""
    boxes = visible(Shipment, actor).filter(shipper=piece, state__in=TRAVELLING).select_related("to_site")
    box = boxes.order_by("-packed_at").first()
    if box is not None:
        return Whereabouts(f"with box {box.code} to {box.to_site.name}: {box.state_label.lower()}", box.packed_at)
    row = returns(actor).filter(shipper=piece).order_by("-empty_since").first()
    if row is None:
        return Whereabouts("at its depot", piece.returned_at)
    place = row.holder_site.name if row.holder_site else row.holder.name
    words = "empty, on its way back" if row.handed_over_at else f"empty, at {place}"
    late = row.expected_at < timezone.now()
    return Whereabouts(words, row.handed_over_at or row.empty_since, row.expected_at, late, row)


def places_of(actor: Actor, pieces: Iterable[Equipment]) -> dict[UUID, str]:
    """Return in words where those of the organization's pieces are that are not at their depot; two queries."""
    ids = [piece.pk for piece in pieces]
    found: dict[UUID, str] = {}
    for row in returns(actor).filter(shipper__in=ids):
        place = row.holder_site.name if row.holder_site else row.holder.name
        found[row.shipper_id] = "Empty, on its way back" if row.handed_over_at else f"Empty, at {place}"
    boxes = visible(Shipment, actor).filter(Q(shipper__in=ids) | Q(logger__in=ids), binds_pieces=True)
    for code, *packed in boxes.values_list("code", "shipper_id", "logger_id"):
        found |= {key: f"In box {code}" for key in packed if key}
    return found
