"""Courier control's desk: jobs to answer, what failed, what is on the way, what is to be taken, and lane capacity."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from custody.job_register import jobs
from ledger.context import Actor
from orders import queries
from orders.views.desks import desk_named, driver
from scheduling import queries as scheduling

DAYS = 7
ACCEPT_KIND = "accept_job"
MOST_JOBS, MOST_SLOTS = 30, 400


@desk_named("dispatcher")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """Jobs first: an unanswered one holds up a patient's whole slot chain."""
    now = timezone.now()
    rows = driver.cards(actor, queries.stops(actor), now)
    pickups = [row for row in rows if row["stop"].is_pickup]
    failed = [row for row in pickups if row["failures"]]
    under_way = [row for row in rows if not row["stop"].is_pickup]
    context: dict[str, Any] = {
        "jobs": _jobs(actor, now),
        "groups": [
            ("failed", "Failed pickups", failed, "No pickup has failed."),
            ("way", "On the way", under_way, "No box is on the way."),
            ("pickups", "To be picked up", [row for row in pickups if row not in failed], "No accepted job waits."),
        ],
        "spans": [],
        "other_jobs": jobs(actor).count(),
        "late": sum(1 for row in rows if row["late"]),
        "lanes": _lanes(actor, now),
        "days": _days(actor, now),
    }
    context["spans"] = [
        {"key": "jobs", "label": "To answer", "count": len(context["jobs"]), "url": "#jobs"},
        *(
            {"key": key, "label": title, "count": len(found), "url": f"#{key}"}
            for key, title, found, _ in context["groups"]
        ),
        {"key": "late", "label": "Late", "count": context["late"], "url": "#way"},
    ]
    return TemplateResponse(request, "courier/dispatcher.html", context)


def _jobs(actor: Actor, now: dt.datetime) -> list[dict[str, Any]]:
    """Return the jobs that wait for an answer, with the form's own words so that one click accepts."""
    steps = list(queries.worklist(actor).filter(flow_step__kind=ACCEPT_KIND)[:MOST_JOBS])
    owners = queries.owners(actor, steps)
    return [
        {
            "code": step.order.code,
            "url": reverse("orders:step", args=[step.order.code, step.key]),
            "version": step.etag,
            "owner": owners.get(step.pk, ""),
            "once": uuid4(),
            "origin": step.order.center_site,
            "pickup": _time(step.order.plan.get("pickup")),
            "arrival": _time(step.order.plan.get("arrival")),
            "due": step.due_at,
            "late": step.is_late(now),
            "zone": step.order.center_site.zone,
        }
        for step in steps
    ]


def _time(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


def _days(actor: Actor, now: dt.datetime) -> list[dt.date]:
    today = now.astimezone(ZoneInfo(actor.zone)).date()
    return [today + dt.timedelta(days=number) for number in range(DAYS)]


def _lanes(actor: Actor, now: dt.datetime) -> list[dict[str, Any]]:
    """Return the courier's own lanes with the places taken and offered on each of the next days."""
    zone, days = ZoneInfo(actor.zone), _days(actor, now)
    midnight = dt.datetime.combine(days[0], dt.time(), zone)
    slots = scheduling.slots(
        actor,
        kind="courier_lane",
        organization_id=actor.organization_id,
        since=midnight,
        until=midnight + dt.timedelta(days=DAYS),
    )[:MOST_SLOTS]
    found: dict[str, dict[dt.date, list[int]]] = {}
    for slot in slots:
        day = slot.starts_at.astimezone(zone).date()
        places = found.setdefault(slot.resource.name, {}).setdefault(day, [0, 0])
        places[0] += slot.taken
        places[1] += slot.capacity
    return [{"name": name, "days": [(day, by_day.get(day)) for day in days]} for name, by_day in sorted(found.items())]
