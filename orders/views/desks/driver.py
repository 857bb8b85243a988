"""The driver's desk: today's stops by cut-off, each with its door, a call button, and what can be done there (CR1)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from custody.job_register import jobs
from ledger.context import Actor
from orders import queries
from orders.states import StepState
from orders.views.desks import desk_named
from orders.views.requests import asked

DAYS = (("", "Today", 1), ("week", "7 days", 7))


@desk_named("driver")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """Stops that are late, due today or waiting at the door; ``?days=week`` looks seven days ahead."""
    days = asked(request, "days")
    ahead = dict((key, number) for key, _, number in DAYS).get(days, 1)
    zone = ZoneInfo(actor.zone)
    midnight = dt.datetime.combine(timezone.now().astimezone(zone).date(), dt.time(), zone)
    now = timezone.now()
    rows = cards(actor, queries.stops(actor, midnight + dt.timedelta(days=ahead)), now)
    context = {
        "stops": rows,
        "spans": [
            {"key": key or "all", "label": label, "url": f"?days={key}" if key else "?", "current": days == key}
            for key, label, _ in DAYS
        ],
        "late": sum(1 for row in rows if row["late"]),
        "week": days == "week",
        "other_jobs": jobs(actor).filter(window_from__lt=midnight + dt.timedelta(days=ahead)).count(),
    }
    return TemplateResponse(request, "courier/driver.html", context)


def cards(actor: Actor, stops: list[Any], now: dt.datetime) -> list[dict[str, Any]]:
    """Return stops as their cards show them, with the colleague who took one over."""
    owners = queries.owners(actor, [stop.step for stop in stops])
    return [card(actor, stop, now) | {"owner": owners.get(stop.step.pk, "")} for stop in stops]


def card(actor: Actor, stop: Any, now: dt.datetime) -> dict[str, Any]:
    """Return a stop as its card shows it: only words that a courier may read."""
    step, code = stop.step, stop.step.order.code
    here = reverse("orders:step", args=[code, step.key])
    ready = step.state == StepState.READY
    return {
        "id": f"stop-{code}-{step.key}",
        "stop": stop,
        "code": code,
        "verb": "Pick up" if stop.is_pickup else "Hand over",
        "late": stop.is_late(now),
        "dial": re.sub(r"[^0-9+]", "", stop.site.phone) if stop.site else "",
        "take_url": here if ready and stop.is_pickup and actor.can(step.capability) else "",
        "failed_url": f"{here}failed/" if stop.is_pickup else "",
        "delay_url": f"{here}delay/",
        "failures": [
            {"text": event.payload.get("failure", ""), "at": event.occurred_at, "who": event.person_name}
            for event in stop.reports[:3]
        ],
    }
