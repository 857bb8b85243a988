"""What was seen of a box at the door is kept as a photo: by whoever packs, drives or receives it (CR2, CL6)."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from custody import pictures
from custody.shipments import BoxPhoto
from ledger.context import Actor, reading
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound
from orders import boxes
from orders.actions.excursions import may_send
from orders.flow import order_named, stream_of
from orders.models import Order

LARGEST = 12 * 1024 * 1024  # a phone's photo; what is kept is far smaller
MOST_PHOTOS = 40
LONGEST = 120


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
    digest, subject = hashlib.sha256(kept).hexdigest(), ("order", code.upper())
    with acting(actor, "orders.box_photographed", stream_id=stream_of(code), subject=subject, once=once) as event:
        shipment = boxes.shipment_of(actor, order_named(actor, code), box)
        if not may_add(actor, shipment):
            raise NotAllowed("Who packs, drives or receives a box takes photos of it.")
        taken = BoxPhoto.unwalled.filter(shipment=shipment)
        if taken.count() >= MOST_PHOTOS:
            raise InvalidInput(fields={"photo": [f"A box has at most {MOST_PHOTOS} photos."]})
        if taken.filter(digest=digest).exists():
            raise InvalidInput(fields={"photo": ["This photo is kept already."]}, code="photo_kept")
        row: BoxPhoto = BoxPhoto.objects.create(
            stream_id=shipment.stream_id,
            shipment=shipment,
            organization_id=actor.organization_id,
            about=words,
            taken_by=actor.display_name,
            taken_at=event.occurred_at,
            digest=digest,
            content=kept,
        )
        event.note(order=code.upper(), box=shipment.code, about=words, digest=digest)
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
    if not content:
        raise _refused("Choose or take a photo.")
    if len(content) > LARGEST:
        raise _refused(f"At most {LARGEST // 1024 // 1024} MB.")
    try:
        return pictures.as_kept(content)
    except pictures.NotAPicture as error:
        raise _refused(str(error)) from error


def _refused(words: str) -> InvalidInput:
    return InvalidInput(fields={"photo": [words]}, code="no_photo", remedy="Take the photo again, and send that.")
