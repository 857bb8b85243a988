"""The register of lead-time overrides over REST."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import Actor, reading
from personas.asking import ActorView, PageQuery, answers_once, input_of, page_of, query_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE
from personas.states import Capability
from scheduling.actions.lead_times import OverrideInput, end_lead_time, set_lead_time
from scheduling.queries import STEPS, lead_time_entries, lead_times
from scheduling.states import OverrideState

STEP_CHOICES = [(step, f"{label} ({unit})") for step, (label, unit) in STEPS.items()]


class LeadTimeQuery(PageQuery):
    """Which overrides."""

    state = s.ChoiceField(choices=OverrideState.choices, default=OverrideState.NOW)
    step = s.ChoiceField(choices=STEP_CHOICES, required=False)
    market = s.CharField(max_length=2, required=False)
    site = s.CharField(max_length=40, required=False, help_text="code")
    therapy = s.CharField(max_length=64, required=False, help_text="code")


class LeadTimeInput(Shape):
    """A step takes at least and at most so long for collections from a day on; an empty scope is any."""

    step = s.ChoiceField(choices=STEP_CHOICES)
    at_least = s.FloatField(required=False, allow_null=True, help_text="in the unit of the step")
    at_most = s.FloatField(required=False, allow_null=True, help_text="the same as at_least: exactly so long")
    market = s.CharField(max_length=2, required=False, allow_blank=True, help_text="country of the center")
    site = s.CharField(max_length=40, required=False, allow_blank=True, help_text="code of a center's or plant's site")
    therapy = s.CharField(max_length=64, required=False, allow_blank=True, help_text="code of an own therapy")
    priority = s.IntegerField(required=False, help_text="0 to 100; the highest counts, then the most specific")
    first_date = s.DateField(help_text="first day of collection")
    last_date = s.DateField(required=False, allow_null=True, help_text="last day of collection")
    reason = s.CharField(max_length=200, help_text="whoever searches reads it")


class LeadTimeRow(LeadTimeInput):
    """An override of the register."""

    id = s.UUIDField()
    priority = s.IntegerField()
    withdrawn_at = s.DateTimeField(allow_null=True, help_text="ended before its first day")
    why_ended = s.CharField(allow_blank=True)


class LeadTimeEnd(Shape):
    """The last day of collection for which it counts (yesterday: from now on no more), and why."""

    last_date = s.DateField()
    reason = s.CharField(max_length=200)


class LeadTimesView(ActorView):
    """The manufacturer's register."""

    scope = Capability.SET_LEAD_TIMES

    @extend_schema(
        operation_id="list_lead_times",
        tags=["capacity"],
        summary="List the organization's lead-time overrides; within a step, by what counts first",
        parameters=[LeadTimeQuery],
        responses=page(LeadTimeRow, "LeadTimePage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        asked = query_of(request, LeadTimeQuery)
        chosen = {name: asked[name] for name in ("state", "step", "market", "site", "therapy") if name in asked}
        found = lead_times(self.actor, _today(self.actor), **chosen)
        return page_of(self, found, ("step", "-priority", "pk"), lambda rows: _rows(self.actor, rows))

    @extend_schema(
        operation_id="set_lead_time",
        tags=["capacity"],
        summary="Override a lead time for a market, a site, a therapy; every later search and hold goes by it",
        parameters=[ONCE],
        request=LeadTimeInput,
        responses={201: LeadTimeRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        row = set_lead_time(self.actor, OverrideInput(**input_of(request, LeadTimeInput)))
        return Response(_one(self.actor, row), status=201)


class EndLeadTimeView(ActorView):
    """The end of an override."""

    scope = Capability.SET_LEAD_TIMES

    @extend_schema(
        operation_id="end_lead_time",
        tags=["capacity"],
        summary="End an override with a day of collection; dates that are held or booked stay",
        parameters=[ONCE],
        request=LeadTimeEnd,
        responses=LeadTimeRow,
    )
    @answers_once
    def post(self, request: Request, override_id: UUID) -> Response:
        row = end_lead_time(self.actor, override_id, **input_of(request, LeadTimeEnd))
        return Response(_one(self.actor, row))


def _today(actor: Actor) -> dt.date:
    return timezone.now().astimezone(ZoneInfo(actor.zone)).date()


def _one(actor: Actor, row: Any) -> dict[str, Any]:
    with reading(actor):
        return _rows(actor, [row])[0]


def _rows(actor: Actor, rows: list[Any]) -> list[dict[str, Any]]:
    names = ("step", "at_least", "at_most", "market", "priority", "first_date", "last_date", "reason", "withdrawn_at")
    return [
        {
            "id": entry.row.pk,
            **{name: getattr(entry.row, name) for name in (*names, "why_ended")},
            "site": entry.site,
            "therapy": entry.therapy,
        }
        for entry in lead_time_entries(actor, rows)
    ]
