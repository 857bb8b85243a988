"""The desk of cell lab and pharmacy: what arrives, what is to be received, stored, issued, thawed; what lies where."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from custody.states import ContainerState
from ledger.context import Actor
from orders import queries
from orders.views import frame
from orders.views.desks import desk_named
from orders.views.thaw_clocks import bags_in, running

AHEAD = dt.timedelta(days=7)
MOST = 20
GROUPS = (  # in the order in which the product meets them
    ("To take over and receive", ("hand_over", "receive_product", "receive_material")),
    ("To store", ("store_product",)),
    ("To issue", ("issue_product",)),
    ("To thaw or prepare", ("prepare_product",)),
    ("At the bedside", ("check_bedside", "infuse")),
)
OTHER = "Also yours"


@desk_named("cell_lab")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """The worklist by what is done to the product; above it the clocks, below it what is expected and stored."""
    context = frame.of(request, actor, queries.worklist(actor), _rows)
    context |= {
        "groups": _grouped(context["rows"]),
        "clocks": running(actor),
        "expected": _expected(actor),
        "stored": bags_in(actor, ContainerState.STORED, ContainerState.ACCEPTED),
    }
    return TemplateResponse(request, "treatment_center/cell_lab.html", context)


def _rows(actor: Actor, steps: list[Any]) -> list[dict[str, Any]]:
    rows = frame.task_rows(actor, steps)
    for row in rows:
        row["url"] = f"{reverse('orders:station', args=[row['code']])}?step={row['step'].key}"
    return rows


def _grouped(rows: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    named = {kind: title for title, kinds in GROUPS for kind in kinds}
    found: dict[str, list[dict[str, Any]]] = {title: [] for title in (*dict(GROUPS), OTHER)}
    for row in rows:
        found[named.get(row["step"].flow_step.kind, OTHER)].append(row)
    return [(title, group) for title, group in found.items() if group]


def _expected(actor: Actor) -> list[dict[str, Any]]:
    steps = list(queries.expected_deliveries(actor, timezone.now() + AHEAD)[:MOST])
    rows = frame.task_rows(actor, steps)
    for row in rows:
        row |= {
            "due": row["step"].planned_at,
            "late": row["step"].planned_at < timezone.now(),
            "url": row["order_url"],
            "title": row["about"] or row["code"],
            "about": "",
        }
    return rows
