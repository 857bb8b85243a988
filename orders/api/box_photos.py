"""Photos of a box, over REST."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from ledger.recording import Replayed
from ledger.refusals import InvalidInput
from orders import queries
from orders.actions import box_photos as action
from orders.api import answers
from orders.flow import order_named
from personas.asking import ActorView, body_of, once_of, reads
from personas.headers import ONCE


class NewPhoto(answers.Shape):
    """A photo and what it shows."""

    about = serializers.CharField(max_length=action.LONGEST, help_text="what it shows, without names")
    photo = serializers.CharField(help_text="JPEG or PNG as base64; a request holds one megabyte")


class PhotoRow(answers.Shape):
    """A photo of a box: who took it when, of what."""

    id = serializers.UUIDField()
    about = serializers.CharField()
    organization = serializers.CharField()
    taken_by = serializers.CharField()
    taken_at = serializers.DateTimeField()
    step = serializers.CharField(allow_blank=True, help_text="hand-over or receipt that it is a part of; empty: none")
    place = serializers.CharField(allow_blank=True, help_text="where that was")
    digest = serializers.CharField(help_text="SHA-256 of the JPEG that is kept")


class PhotoContent(answers.Shape):
    """A photo itself."""

    photo = serializers.CharField(help_text="JPEG as base64")


PHOTOS = answers.whole(PhotoRow, "BoxPhotoList")


class BoxPhotosView(ActorView):
    """The photos of a box."""

    @extend_schema(
        operation_id="list_box_photos",
        tags=["material"],
        summary="List the photos of a box, oldest first",
        responses=PHOTOS,
    )
    @reads
    def get(self, request: Request, code: str, box: str) -> Response:
        return Response(self._listed(code, box))

    @extend_schema(
        operation_id="add_box_photo",
        tags=["material"],
        summary="Keep a photo of a box",
        parameters=[ONCE],
        request=NewPhoto,
        responses={201: PHOTOS},
    )
    def post(self, request: Request, code: str, box: str) -> Response:
        sent = body_of(request)
        about, content = str(sent.get("about", "")), _decoded(sent.get("photo", ""))
        with suppress(Replayed):
            action.add_photo(self.actor, code, box, about, content, once=once_of(request))
        with reading(self.actor):
            return Response(self._listed(code, box), status=201)

    def _listed(self, code: str, box: str) -> dict[str, Any]:
        found = queries.box_of_order(self.actor, order_named(self.actor, code), box)
        return {"results": [photo_row(row) for row in found.photos]}


class BoxPhotoView(ActorView):
    """One photo."""

    @extend_schema(
        operation_id="read_box_photo",
        tags=["material"],
        summary="Read a photo of a box",
        responses=PhotoContent,
    )
    @reads
    def get(self, request: Request, code: str, box: str, photo: UUID) -> Response:
        content = action.photo_of(self.actor, order_named(self.actor, code), box, photo)
        return Response({"photo": base64.b64encode(content).decode()})


def photo_row(row: Any) -> dict[str, Any]:
    names = ("about", "taken_by", "taken_at", "step", "place", "digest")
    return {"id": row.pk, "organization": row.organization.name} | {name: getattr(row, name) for name in names}


def _decoded(sent: Any) -> bytes:
    try:
        return base64.b64decode(str(sent), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(fields={"photo": ["Send the file as base64."]}) from error
