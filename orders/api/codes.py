"""Codes over REST: what one says and leads to, and the codes of parties' own systems."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody.states import AliasScope, AliasSystem, LabelState
from ledger.context import reading
from ledger.recording import Replayed
from orders.actions import aliases as action
from orders.actions.donation_corrections import CorrectDonationInputs, correct_donation
from orders.api.of_order import OfOrder
from orders.flow import order_named
from personas.asking import ActorView, body_of, input_of, once_of, reads
from personas.envelopes import Shape, whole
from personas.headers import ONCE


class AnyCode(serializers.Serializer[Any]):
    """A scanned or typed code; in the body, since it may number a patient."""

    code = serializers.CharField(max_length=200, trim_whitespace=False)


class CodePart(Shape):
    """One thing that a code says."""

    name = serializers.CharField(help_text="`din`, `coi`, `product`, `ai01` …")
    words = serializers.CharField()


class CorrectedContainers(Shape):
    """The containers that carry the right number now."""

    containers = serializers.ListField(child=serializers.CharField(), help_text="codes")


class CorrectDonationView(OfOrder):
    """A donation number that was wrong."""

    @extend_schema(
        operation_id="correct_donation",
        tags=["material"],
        summary="Replace a donation number that was recorded wrongly, scanned and signed by two people",
        parameters=[ONCE],
        request=CorrectDonationInputs,
        responses=CorrectedContainers,
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        try:
            named = correct_donation(self.actor, code, body_of(request), once=once_of(request))
        except Replayed as replayed:
            named = replayed.result.get("containers", [])
        return Response({"containers": named})


class AliasRow(Shape):
    """A code of a party's own system for a thing of an order."""

    id = serializers.UUIDField()
    system = serializers.ChoiceField(choices=AliasSystem.choices)
    code = serializers.CharField(help_text="as it is compared")
    names = serializers.CharField(help_text="our code of the bag, the box or the chain of identity")
    issuer = serializers.CharField(help_text="code of the organization whose system it is")
    scope = serializers.ChoiceField(choices=AliasScope.choices)
    registered_at = serializers.DateTimeField()


ALIASES = whole(AliasRow, "AliasList")


class LabelStanding(Shape):
    """A print of a label, and whether it still counts."""

    serial = serializers.CharField()
    state = serializers.ChoiceField(choices=LabelState.choices, help_text="`void`: its code is refused")
    replaced_by = serializers.CharField(allow_null=True, help_text="serial of the valid print instead of it")


class ThingNow(Shape):
    """The bag or box that a code names, as it stands now."""

    kind = serializers.ChoiceField(choices=["container", "box"])
    code = serializers.CharField()
    what = serializers.CharField(help_text="in words, with k of n")
    state = serializers.CharField(help_text="of a container or of a shipment")
    stop = serializers.CharField(help_text="that it must not be used; empty where nothing says so")
    reason = serializers.CharField(help_text="why: of quarantine, hold or query; never told to a courier")
    organization = serializers.CharField(help_text="who has it; empty once custody has ended, and of a box at a site")
    site = serializers.CharField(help_text="where they have it; empty on the way")
    since = serializers.DateTimeField(allow_null=True)
    place = serializers.CharField(help_text="where it lies in the store; of a box its way")
    expires_at = serializers.DateTimeField(allow_null=True)


class CodeReading(Shape):
    """All that a code says, and the order it leads to."""

    parts = CodePart(many=True)
    order = serializers.CharField(allow_null=True, help_text="order code, where it names something of one")
    alias = AliasRow(allow_null=True, help_text="the registered code that it is")
    print = LabelStanding(allow_null=True, help_text="the print that it is, where the code says one")
    now = ThingNow(allow_null=True, help_text="where it names a bag or a box of an order: how that stands now")


class ReadCodeView(ActorView):
    """What is this code?"""

    @extend_schema(
        operation_id="read_code",
        tags=["material"],
        summary="Say all that a code says (ISBT 128, GS1, registered codes) and which order it leads to",
        request=AnyCode,
        responses=CodeReading,
    )
    @reads
    def post(self, request: Request) -> Response:
        found = action.meaning_of(self.actor, input_of(request, AnyCode)["code"])
        return Response(
            {
                "parts": [{"name": part.name, "words": part.words} for part in found.parts],
                "order": found.order.code if found.order else None,
                "alias": _row(found.alias) if found.alias else None,
                "print": {
                    "serial": found.label.serial,
                    "state": found.label.state,
                    "replaced_by": found.replaced_by.serial if found.replaced_by else None,
                }
                if found.label
                else None,
                "now": _now(found.standing) if found.standing else None,
            }
        )


def _now(standing: Any) -> dict[str, Any]:
    said = asdict(standing)
    return {name: said[name] for name in said if name not in ("state_label", "zone")}


class AliasesView(OfOrder):
    """The codes of an order's things."""

    @extend_schema(
        operation_id="list_aliases",
        tags=["material"],
        summary="List the codes registered for the order's bags and boxes (a courier: boxes only)",
        responses=ALIASES,
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        order = order_named(self.actor, code)
        return Response({"results": [_row(row) for row in action.aliases_of(self.actor, order)]})

    @extend_schema(
        operation_id="register_alias",
        tags=["material"],
        summary="Register what the organization's own system calls a bag, a box or the chain of identity",
        parameters=[ONCE],
        request=action.AliasInputs,
        responses={201: ALIASES},
    )
    def post(self, request: Request, code: str) -> Response:
        self.find(code)
        with suppress(Replayed):
            action.register_alias(self.actor, code, body_of(request), once=once_of(request))
        return self._listed(code, 201)

    def _listed(self, code: str, status: int) -> Response:
        with reading(self.actor):
            rows = action.aliases_of(self.actor, order_named(self.actor, code))
            return Response({"results": [_row(row) for row in rows]}, status=status)


class WithdrawAliasView(AliasesView):
    """An own code that names nothing any more."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="withdraw_alias",
        tags=["material"],
        summary="Withdraw a code that the organization registered; it stays on the record",
        parameters=[ONCE],
        request=action.WithdrawInputs,
        responses=ALIASES,
    )
    def post(self, request: Request, code: str, alias: UUID) -> Response:  # type: ignore[override]
        self.find(code)
        with suppress(Replayed):
            action.withdraw_alias(self.actor, code, alias, body_of(request), once=once_of(request))
        return self._listed(code, 200)


def _row(row: Any) -> dict[str, Any]:
    columns = ("id", "system", "scope", "registered_at")
    return {
        **{name: getattr(row, name) for name in columns},
        "code": row.value,
        "names": row.target_code,
        "issuer": row.issuer.code,
    }
