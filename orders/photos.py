"""Photos of a box: looked at before they are kept, by themselves or as a part of a hand-over or receipt (CR2, CL6)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from rest_framework import serializers

from custody import pictures
from custody.shipments import BoxPhoto, Shipment
from ledger.refusals import InvalidInput
from orders.step_kinds import StepContext

PHOTO = "photo"
LARGEST = 12 * 1024 * 1024  # a phone's photo; what is kept is far smaller
MOST_PHOTOS = 40
LONGEST = 120  # characters of what it shows
TOO_LARGE = f"At most {LARGEST // 1024 // 1024} MB."
AGAIN = "Take the photo again, and send that."
NO_BOX = "No box of these bags is on the record. Record it without the photo."


def looked_at(content: bytes) -> bytes:
    """Return a photo as it is kept; NotAPicture with the words for what is none, or too large."""
    if not content:
        raise pictures.NotAPicture("Choose or take a photo.")
    if len(content) > LARGEST:
        raise pictures.NotAPicture(TOO_LARGE)
    return pictures.as_kept(content)


class PhotoField(serializers.CharField):
    """A photo: the file of a form, or base64 in JSON. Its value is the JPEG that is kept; empty is none."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("style", {"input_type": "photo"})
        super().__init__(required=False, allow_blank=True, trim_whitespace=False, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data in (serializers.empty, "", None):
            raise serializers.SkipField
        return self.to_internal_value(data)

    def to_internal_value(self, data: Any) -> Any:
        try:
            return looked_at(_bytes(data))
        except pictures.NotAPicture as error:
            raise serializers.ValidationError(f"{error} {AGAIN}", code="no_photo") from error


def _bytes(data: Any) -> bytes:
    if isinstance(data, UploadedFile):
        if (data.size or 0) > LARGEST:
            raise pictures.NotAPicture(TOO_LARGE)
        data.seek(0)
        return bytes(data.read())
    try:
        return base64.b64decode(str(data), validate=True)
    except (binascii.Error, ValueError) as error:
        raise pictures.NotAPicture("Send the photo as base64.") from error


def keep(shipment: Shipment, content: bytes, about: str, taken_at: dt.datetime, **whose: Any) -> BoxPhoto:
    """Keep a photo that was looked at; ``whose``: organization_id, taken_by, and of a step its event_id, step, place.

    Runs inside an action. Raises InvalidInput ``photo`` for one that is kept already, and beyond the most of a box.
    """
    digest = hashlib.sha256(content).hexdigest()
    taken = BoxPhoto.unwalled.filter(shipment=shipment)
    if taken.count() >= MOST_PHOTOS:
        raise InvalidInput(fields={PHOTO: [f"A box has at most {MOST_PHOTOS} photos."]})
    if taken.filter(digest=digest).exists():
        raise InvalidInput(fields={PHOTO: ["This photo is kept already."]}, code="photo_kept")
    row: BoxPhoto = BoxPhoto.objects.create(
        stream_id=shipment.stream_id,
        shipment=shipment,
        about=about,
        taken_at=taken_at,
        digest=digest,
        content=content,
        **whose,
    )
    return row


def site_of(ctx: StepContext) -> str:
    """Return the name of the place where a step is done; empty where none is known."""
    return str(ctx.step.site.name) if ctx.step.site else ""


def of_act(
    ctx: StepContext, box: Shipment | None, inputs: dict[str, Any], at: dt.datetime, place: str
) -> dict[str, str]:
    """Keep the photo of a hand-over or receipt in its event; return the fact of it, empty without a photo."""
    content = inputs.get(PHOTO)
    if not content:
        return {}
    if box is None:
        raise InvalidInput(fields={PHOTO: [NO_BOX]})
    assert ctx.event is not None  # noqa: S101 - runs inside the open event
    whose = {"organization_id": ctx.actor.organization_id, "taken_by": ctx.actor.display_name}
    act = {"event_id": ctx.event.id, "step": ctx.step.key, "place": place}
    row = keep(box, content, ctx.step.flow_step.title[:LONGEST], at, **whose, **act)
    return {"photo": row.digest}
