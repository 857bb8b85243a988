"""Entries of devices without network over REST: sent once the network is back, listed, discarded."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.recording import Replayed
from orders.actions import offline as action
from orders.states import OfflineAct, OfflineState
from personas.asking import ActorView, PageQuery, body_of, once_of, page_of, query_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE


class OfflineEntryRow(Shape):
    """An entry of a device, and what became of it."""

    key = serializers.UUIDField(help_text="given by the device")
    order = serializers.CharField()
    step = serializers.CharField()
    act = serializers.ChoiceField(
        choices=OfflineAct.choices, allow_blank=True, help_text="what is reported of the step; empty: the step itself"
    )
    title = serializers.CharField(help_text="of the step, or what is reported of it")
    state = serializers.ChoiceField(choices=OfflineState.choices)
    words = serializers.CharField(allow_blank=True, help_text="why it is not recorded, or what stands instead")
    device_time = serializers.DateTimeField(help_text="when it was made, by the device's clock")
    happened_at = serializers.DateTimeField(help_text="the same, corrected by the measured skew")
    received_at = serializers.DateTimeField()
    skew_s = serializers.FloatField(help_text="seconds by which the device's clock was ahead when it sent")
    clock_off = serializers.BooleanField(help_text="whether that is more than five minutes")
    reason = serializers.CharField(allow_blank=True, help_text="why it was discarded")


class OfflineEntriesView(ActorView):
    """What was made without network in the acting membership."""

    @extend_schema(
        operation_id="list_offline_entries",
        tags=["steps"],
        summary="List the own entries made without network that wait, and those settled within two days",
        parameters=[PageQuery],
        responses=page(OfflineEntryRow, "OfflineEntryPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        query_of(request, PageQuery)
        return page_of(self, action.to_show(self.actor), ("-pk",), lambda rows: [row_of(row) for row in rows])

    @extend_schema(
        operation_id="send_offline_entry",
        tags=["steps"],
        summary="Send an entry that a device kept; its key makes it happen once",
        description="What nobody has to sign is performed by the same rules as `perform_step`. What is signed waits as"
        " `to_sign`: perform the step with `Offline-Entry`. What is refused, or was recorded otherwise meanwhile, is"
        " kept with the words. Signatures in `inputs` are refused. With `act` it is what a courier reports of the"
        " hand-over.",
        request=action.EntryInputs,
        responses=OfflineEntryRow,
    )
    def post(self, request: Request) -> Response:
        return Response(row_of(action.receive(self.actor, body_of(request))))


class DiscardOfflineEntryView(ActorView):
    """An entry that is not to be recorded."""

    @extend_schema(
        operation_id="discard_offline_entry",
        tags=["steps"],
        summary="Discard an own entry made without network, with a reason; also one that was never taken in",
        parameters=[ONCE],
        request=action.DiscardInputs,
        responses={204: None},
    )
    def post(self, request: Request, key: UUID) -> Response:
        with suppress(Replayed):
            action.discard(self.actor, key, body_of(request), once=once_of(request))
        return Response(status=204)


def row_of(entry: Any) -> dict[str, Any]:
    times = ("device_time", "happened_at", "received_at", "skew_s")
    columns = ("key", "step", "act", "title", "state", "words", "reason", *times)
    return {name: getattr(entry, name) for name in columns} | {
        "order": entry.order_code,
        "clock_off": action.is_off(entry),
    }
