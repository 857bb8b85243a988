"""What a downtime pack's paper says, over REST."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.refusals import InvalidInput
from orders.actions import transcribing as action
from orders.api import answers
from orders.api.of_order import OfOrder
from personas.asking import body_of, once_of
from personas.headers import ONCE

ABOUT = ("paper_at", "paper_people", "signature", "checker")


class TranscriptRequest(action.TranscriptInputs):
    """What the paper of a step says, its picture, and the two people who bring it in."""

    inputs = serializers.JSONField(help_text="what the step asks for, as to `perform_step`, without signatures")
    paper = serializers.CharField(help_text="JPEG, PNG or PDF of the sheet, as base64; a request holds one megabyte")


class TranscribeView(OfOrder):
    """A step that was worked on paper."""

    @extend_schema(
        operation_id="transcribe_downtime_step",
        tags=["orders"],
        summary="Record a step as a downtime pack's paper says, typed by one person and checked by another",
        parameters=[ONCE],
        request=TranscriptRequest,
        responses=answers.StepDone,
    )
    def post(self, request: Request, code: str, number: int, key: str) -> Response:
        self.find(code)
        sent = body_of(request)
        inputs: Any = sent.get("inputs", {})
        if not isinstance(inputs, dict):
            raise InvalidInput(fields={"inputs": ["Send an object."]})
        about = {name: sent[name] for name in ABOUT if name in sent}
        content = _decoded(sent.get("paper", ""))
        once = once_of(request)
        done = action.transcribe(self.actor, code, number, key, inputs, about, content, once=once)
        return Response(done.as_json())


def _decoded(sent: Any) -> bytes:
    try:
        return base64.b64decode(str(sent), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(fields={"paper": ["Send the file as base64."]}) from error
