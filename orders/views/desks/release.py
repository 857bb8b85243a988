"""The desks of QA and of the qualified person: batches by the time they must ship, what is open first (QA1, QA8)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse

from ledger.context import Actor
from orders import queries
from orders.views import frame
from orders.views.desks import desk_named
from orders.views.requests import asked
from quality.states import BatchState

REVIEW, RELEASE = "review_batch", "release_batch"
MOST = 50


@desk_named("qa")
def review_queue(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """Reserves to decide about by due time; undecided batches by ship cut-off: those with open items, those ready to be
    reviewed, those already reviewed."""
    states = [BatchState.IN_QC, BatchState.UNDER_REVIEW, BatchState.REVOKED]
    rows = queries.undecided(actor, [REVIEW, RELEASE], states)
    asking = {"reserves": queries.reserves_asked(actor)}
    return _page(request, actor, rows, OF_QA, f"{actor.organization_role}/qa.html", asking)


@desk_named("qp")
def certification(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """Reviewed batches to certify or reject, by ship cut-off; and what was released lately."""
    rows = queries.undecided(actor, [RELEASE], [BatchState.UNDER_REVIEW])
    lately = {"released": queries.released_lately(actor)}
    return _page(request, actor, rows, OF_QP, f"{actor.organization_role}/qp.html", lately)


def _page(
    request: HttpRequest, actor: Actor, rows: list[Any], words: dict[str, str], template: str, extra: dict[str, Any]
) -> TemplateResponse:
    chosen = {name: asked(request, name) for name in ("therapy", "show")}
    therapies = sorted({(row.order.therapy.code, row.order.therapy.name) for row in rows}, key=lambda pair: pair[1])
    if chosen["therapy"]:
        rows = [row for row in rows if row.order.therapy.code == chosen["therapy"]]
    parts = _parts(rows, words)
    context = {
        "strip": _strip(parts, chosen),
        "filters": [frame.select("therapy", "Therapy", therapies, chosen)] if len(therapies) > 1 else [],
        "kept": [("show", chosen["show"])] if chosen["show"] else [],
        "filtered": any(chosen.values()),
        "parts": [part for part in parts if chosen["show"] in ("", part["key"])],
        "queried": queries.orders_under_query(actor),
        "cases": queries.open_cases(actor),
        **extra,
    }
    return TemplateResponse(request, template, context)


def _parts(rows: list[Any], words: dict[str, str]) -> list[dict[str, Any]]:
    """Return what is open first, then what this persona can sign, then what waits for somebody else."""
    found = {
        "open": [row for row in rows if row.items],
        "ready": [row for row in rows if row.mine and not row.items],
        "waiting": [row for row in rows if not row.mine and not row.items],
    }
    return [
        {
            "key": key,
            "title": TITLES[key],
            "icon": ICONS[key],
            "rows": part[:MOST],
            "count": len(part),
            "empty": words[key],
        }
        for key, part in found.items()
    ]


ICONS = {"open": "alert-triangle", "ready": "signature", "waiting": "hourglass"}
TITLES = {"open": "Open items", "ready": "Ready to sign", "waiting": "Waiting for somebody else"}
OF_QA = {
    "open": "A batch with something open stands here first, each item linked to its evidence.",
    "ready": "A batch appears here when every result is in and nothing stands against it.",
    "waiting": "Reviewed batches wait here for the qualified person, a partner's for its own quality.",
}
OF_QP = {
    "open": "A reviewed batch with something open stands here first, each item linked to its evidence.",
    "ready": "A batch appears here when its review is signed and nothing stands against it.",
    "waiting": "Batches that another organization decides stand here.",
}


def _strip(parts: list[dict[str, Any]], chosen: dict[str, str]) -> list[dict[str, Any]]:
    spans = [frame.span("show", part["key"], part["title"], part["count"], chosen, part["icon"]) for part in parts]
    return [*spans, frame.span("show", "", "All", sum(part["count"] for part in parts), chosen)]
