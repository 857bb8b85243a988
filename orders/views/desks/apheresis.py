"""The apheresis nurse's desk: who sits in the chair when, how far each is, one station per patient (AN1)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from ledger.context import Actor
from orders import queries
from orders.states import StepState
from orders.views import frame
from orders.views.desks import desk_named
from orders.views.requests import asked

PHASE, CHAIR = "collection", "plan__collection_start"
SPANS = (("earlier", "Earlier, not finished"), ("today", "Today"), ("week", "Next 7 days"), ("", "All"))


@desk_named("apheresis")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """Filter ``due``: earlier, today (at the chair's place), week."""
    due = asked(request, "due")
    found = queries.orders_at_work(actor, PHASE).order_by(CHAIR, "pk")
    spans = _spans(actor)
    strip = _strip(found, spans, due)
    found = found.filter(spans[due]) if due in spans else found
    page = Paginator(found, frame.PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "strip": strip,
        "days": _by_day(rows_of(actor, list(page.object_list), PHASE, "collection_start")),
        "filtered": due in spans,
        "pages": frame.pages(page, {"due": due}),
        "phase_word": "collected",
    }
    return TemplateResponse(request, "treatment_center/apheresis.html", context)


def _spans(actor: Actor) -> dict[str, Q]:
    """Return the conditions on the chair time, which stands in the plan as ISO text in UTC."""
    zone = ZoneInfo(actor.zone)
    today = dt.datetime.combine(timezone.now().astimezone(zone).date(), dt.time(), zone)
    marks = [(today + dt.timedelta(days=days)).astimezone(dt.UTC).isoformat() for days in (0, 1, 8)]
    return {
        "earlier": Q(**{f"{CHAIR}__lt": marks[0]}),
        "today": Q(**{f"{CHAIR}__gte": marks[0], f"{CHAIR}__lt": marks[1]}),
        "week": Q(**{f"{CHAIR}__gte": marks[1], f"{CHAIR}__lt": marks[2]}),
    }


def _strip(found: Any, spans: dict[str, Q], due: str) -> list[dict[str, Any]]:
    counted = {name: Count("pk", filter=condition) for name, condition in spans.items()}
    counts = found.prefetch_related(None).order_by().aggregate(all=Count("pk"), **counted)
    return [
        {
            "key": {"earlier": "late"}.get(key, key or "all"),
            "label": label,
            "count": counts[key or "all"],
            "url": f"?due={key}" if key else "?",
            "current": due == key,
        }
        for key, label in SPANS
    ]


def rows_of(actor: Actor, orders: list[Any], phase: str, planned: str) -> list[dict[str, Any]]:
    """Return orders at work in a phase: patient, time, how many steps are done, what is next and whose it is."""
    names = frame.names_of(actor, orders)
    steps = queries.steps_in_phase(actor, orders, phase)
    now = timezone.now()
    rows = [_row(order, steps.get(order.pk, []), names.get(order.patient_id), planned, now) for order in orders]
    owners = queries.owners(actor, [row["step"] for row in rows if row["step"]])
    for row in rows:
        row["owner"] = owners.get(row["step"].pk, "") if row["step"] else ""
    return rows


def _row(order: Any, steps: list[Any], patient: Any, planned: str, now: dt.datetime) -> dict[str, Any]:
    ready = next((step for step in steps if step.state == StepState.READY), None)
    at = dt.datetime.fromisoformat(order.plan[planned]) if planned in order.plan else ready.due_at if ready else None
    zone = order.center_site.zone
    return {
        "order": order,
        "patient": patient,
        "at": at,
        "day": at.astimezone(ZoneInfo(zone)).date() if at else None,
        "zone": zone,
        "url": reverse("orders:station", args=[order.code]),
        "done": sum(step.state == StepState.DONE for step in steps),
        "steps": len(steps),
        "step": ready,
        "next": ready.flow_step.title if ready else "",
        "due": ready.due_at if ready else None,
        "late": bool(ready and ready.is_late(now)),
    }


def _by_day(rows: list[dict[str, Any]]) -> list[tuple[Any, list[dict[str, Any]]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["day"], []).append(row)
    return list(found.items())
