"""What was seen of a box at the door is kept as a photo: by whoever packs, drives or receives it (CR2, CL6)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from custody import pictures
from custody.shipments import BoxPhoto
from ledger.context import Actor, reading
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound
from orders import boxes, photos
from orders.actions.excursions import may_send
from orders.flow import order_named
from orders.locks import stream_of
from orders.models import Order
from orders.photos import LARGEST as LARGEST
from orders.photos import LONGEST as LONGEST


def may_add(actor: Actor, box: Any) -> bool:
    """Whether the form is offered: who packs, drives, receives or judges, of one of the box's parties."""
    return may_send(actor) and box is not None


def add_photo(actor: Actor, code: str, box: str, about: str, content: bytes, *, once: Once | None = None) -> BoxPhoto:
    """Keep a photo of a box: upright, smaller, without place and device. The same photo again is the one that is kept.

    Raises InvalidInput ``photo`` for what is no JPEG or PNG or too large, ``about`` without words, NotAllowed for who
    neither packs, drives nor receives, NotFound for another's box.
    """
    with reading(actor):
        boxes.shipment_of(actor, order_named(actor, code), box)  # whose it is comes before what is wrong with it
    kept, words = _looked_at(content), about.strip()
    if not words or len(words) > LONGEST:
        raise InvalidInput(fields={"about": [f"Say in 1 to {LONGEST} characters what it shows; no names."]})
    subject = ("order", code.upper())
    with acting(actor, "orders.box_photographed", stream_id=stream_of(code), subject=subject, once=once) as event:
        shipment = boxes.shipment_of(actor, order_named(actor, code), box)
        if not may_add(actor, shipment):
            raise NotAllowed("Who packs, drives or receives a box takes photos of it.")
        whose = {"organization_id": actor.organization_id, "taken_by": actor.display_name}
        row = photos.keep(shipment, kept, words, event.occurred_at, **whose)
        event.note(order=code.upper(), box=shipment.code, about=words, digest=row.digest)
        event.result = {"photo": str(row.pk)}
    return row


def photo_of(actor: Actor, order: Order, box: str, photo: UUID) -> bytes:
    """Return a photo of a box as JPEG; NotFound for any other. Call inside ``reading(actor)``."""
    shipment = boxes.shipment_of(actor, order, box)
    row = BoxPhoto.unwalled.filter(shipment=shipment, pk=photo).first()
    if row is None:
        raise NotFound()
    return bytes(row.content)


def _looked_at(content: bytes) -> bytes:
    try:
        return photos.looked_at(content)
    except pictures.NotAPicture as error:
        raise InvalidInput(fields={"photo": [str(error)]}, code="no_photo", remedy=photos.AGAIN) from error
