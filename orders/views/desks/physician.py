"""The treating physician's desk: alerts first, what is to be signed with what it rests on, my patients (TP1, TP2)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse

from ledger.context import Actor
from notifications.queries import inbox
from orders import queries
from orders.actions.swaps import waiting_swaps
from orders.views import frame
from orders.views.desks import desk_named
from orders.views.order_rows import rows_of

MOST_PATIENTS, MOST_ALERTS = 10, 5


@desk_named("physician")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """To sign: the worklist with the done steps that each signature rests on; filters as in the frame."""
    context = frame.of(request, actor, queries.worklist(actor), _rows)
    mine = queries.prescribed_by(actor)
    context |= {
        "alerts": list(inbox(actor).filter(critical=True, acknowledged_at__isnull=True)[:MOST_ALERTS]),
        "swaps": waiting_swaps(actor),
        "patients": rows_of(actor, list(mine[:MOST_PATIENTS])),
        "patient_count": mine.order_by().count(),
    }
    return TemplateResponse(request, "treatment_center/physician.html", context)


def _rows(actor: Actor, steps: list[Any]) -> list[dict[str, Any]]:
    evidence = queries.evidence_of(steps)
    rows = frame.task_rows(actor, steps)
    for row in rows:
        row["evidence"] = evidence.get(row["step"].pk, [])
    return rows
