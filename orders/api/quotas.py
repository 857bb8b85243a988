"""Quotas over REST: the manufacturer's with their use; a center's own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import Actor, reading
from network import queries as network
from personas.asking import ActorView, answers_once, input_of, reads
from personas.envelopes import Shape, whole
from personas.headers import ONCE
from personas.queries import organizations
from scheduling import quota_register
from scheduling.actions.quotas import MOST_PLACES, QuotaRules, ShareRow, add_quota, change_quota
from scheduling.states import QuotaPeriod, QuotaStage, Share


class ShareInput(serializers.Serializer[Any]):
    """Places of one center, of one region, or (neither) of the common pool."""

    places = serializers.IntegerField(min_value=0, max_value=MOST_PLACES)
    center = serializers.SlugField(required=False, allow_blank=True, default="", help_text="code of the organization")
    region = serializers.CharField(required=False, allow_blank=True, default="", max_length=60)
    countries = serializers.ListField(
        child=serializers.RegexField(r"^[A-Z]{2}$"), required=False, default=list, max_length=60
    )


class QuotaInput(serializers.Serializer[Any]):
    """A quota of an own therapy."""

    therapy = serializers.CharField(max_length=40, help_text="code")
    stage = serializers.ChoiceField(choices=QuotaStage.choices)
    period = serializers.ChoiceField(choices=QuotaPeriod.choices)
    starts_on = serializers.DateField(help_text="a Monday, or the first of a month")
    ends_on = serializers.DateField(help_text="the last day of a week or month")
    release_days = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        help_text="days before a period when unused places go to the pool",
    )
    reserve_percent = serializers.IntegerField(required=False, default=0, help_text="kept for remanufacture")
    title = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=60, help_text="refusals name it; partners read it"
    )
    named_only = serializers.BooleanField(
        required=False, default=False, help_text="binds only the centers and regions it names; it has no pool"
    )
    shares = serializers.ListSerializer[Any](child=ShareInput(), allow_empty=False, max_length=200)


class QuotaChange(serializers.Serializer[Any]):
    """Shares from a period on."""

    from_on = serializers.DateField(help_text="first day of the first period that changes")
    shares = serializers.ListSerializer[Any](child=ShareInput(), allow_empty=False, max_length=200)


class PeriodRow(Shape):
    """A share in one period; null where the number would tell a center what others have."""

    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    has_room = serializers.BooleanField()
    own = serializers.IntegerField(help_text="used by the asking organization")
    places = serializers.IntegerField(allow_null=True)
    reserve = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField(allow_null=True)
    remade = serializers.IntegerField(allow_null=True)
    released = serializers.IntegerField(allow_null=True)
    releases_on = serializers.DateField(allow_null=True)


class ShareLineRow(Shape):
    """A share with its next periods."""

    share = serializers.ChoiceField(choices=Share.choices)
    center = serializers.CharField(allow_blank=True, help_text="code of the organization")
    region = serializers.CharField(allow_blank=True)
    countries = serializers.ListField(child=serializers.CharField())
    periods = PeriodRow(many=True)


class QuotaRow(Shape):
    """A quota as the asking organization may see it."""

    id = serializers.UUIDField()
    therapy = serializers.CharField(allow_blank=True)
    stage = serializers.ChoiceField(choices=QuotaStage.choices)
    period = serializers.ChoiceField(choices=QuotaPeriod.choices)
    zone = serializers.CharField()
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    release_days = serializers.IntegerField(allow_null=True)
    reserve_percent = serializers.IntegerField()
    title = serializers.CharField(allow_blank=True)
    named_only = serializers.BooleanField(help_text="beside the others: every quota that names a center must hold")
    shares = ShareLineRow(many=True)


class QuotasView(ActorView):
    """Quotas."""

    @extend_schema(
        operation_id="list_quotas",
        tags=["quotas"],
        summary="List the quotas that run, with the use of each share the organization may see",
        responses=whole(QuotaRow, "QuotaList"),
    )
    @reads
    def get(self, request: Request) -> Response:
        return Response({"results": _rows(self.actor, list(quota_register.quotas(self.actor)[:100]))})

    @extend_schema(
        operation_id="add_quota",
        tags=["quotas"],
        summary="Share out one stage of an own therapy per week or month",
        parameters=[ONCE],
        request=QuotaInput,
        responses={201: QuotaRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, QuotaInput)
        shares = _shares(given.pop("shares"))
        quota = add_quota(self.actor, QuotaRules(**given), shares)
        return Response(_one(self.actor, quota), status=201)


class QuotaView(ActorView):
    """One quota."""

    @extend_schema(
        operation_id="change_quota",
        tags=["quotas"],
        summary="Change shares of a quota from a period on; used places are never withdrawn",
        parameters=[ONCE],
        request=QuotaChange,
        responses=QuotaRow,
    )
    @answers_once
    def post(self, request: Request, quota: UUID) -> Response:
        given = input_of(request, QuotaChange)
        changed = change_quota(self.actor, quota, given["from_on"], _shares(given["shares"]))
        return Response(_one(self.actor, changed))


def _shares(given: Any) -> list[ShareRow]:
    return [ShareRow(row["places"], row["center"], row["region"], tuple(row["countries"])) for row in given]


def _one(actor: Actor, quota: Any) -> dict[str, Any]:
    with reading(actor):
        return _rows(actor, [quota])[0]


def _rows(actor: Actor, rows: list[Any]) -> list[dict[str, Any]]:
    lines = quota_register.lines(actor, rows)
    codes = dict(network.therapies(actor, active=False).values_list("pk", "code"))
    centers = {line.center_id for mine in lines.values() for line in mine if line.center_id}
    names = dict(organizations(actor).filter(pk__in=centers).values_list("pk", "code"))
    dates = ("starts_on", "ends_on", "release_days", "reserve_percent")
    columns = ("stage", "period", "zone", *dates, "title", "named_only")
    return [
        {
            "id": row.pk,
            "therapy": codes.get(row.therapy_id, ""),
            **{name: getattr(row, name) for name in columns},
            "shares": [_line(line, names) for line in lines.get(row.pk, [])],
        }
        for row in rows
        if row.pk in lines
    ]


def _line(line: quota_register.ShareLine, names: dict[UUID, str]) -> dict[str, Any]:
    return {
        "share": line.share,
        "center": names.get(line.center_id, "") if line.center_id else "",
        "region": line.region,
        "countries": line.countries,
        "periods": [{name: getattr(one, name) for name in PeriodRow._declared_fields} for one in line.periods],
    }
