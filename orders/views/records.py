"""One order's record for who examines it: found by any code; who signed what, custody, corrections, refusals."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger.context import Actor, reading
from orders import queries
from orders.actions.dossiers import note_reading
from orders.flow import order_named
from orders.views import banner, order_cards
from orders.views.desks import auditor
from orders.views.requests import asked
from personas.states import Capability
from personas.views import desk

# The parts of the page, with the columns that a person compares; the dossier holds all of them in full.
SHOWN = {
    "signatures": ("event", "what", "printed_name", "organization", "meaning", "signed_at"),
    "refused_attempts": ("attempted", "refused_because", "missing", "scanned_instead", "who", "occurred_at"),
    "corrections": ("event", "what", "reason", "who", "occurred_at"),
    "custody": ("container", "organization", "site", "since", "until", "gap"),
    "labels": ("serial", "state", "printed_at", "ended_at", "printed_again_because"),
    "deviations": ("number", "severity", "state", "text", "conclusion"),
    "decisions": ("decision", "certificate", "decided_at", "revoked_at", "reason"),
}
TITLES = {
    "signatures": ("Who signed what", "Printed name, meaning and time; each is bound to exactly what was shown."),
    "refused_attempts": ("Refused attempts and scans that did not match", "Of your own organization, newest first."),
    "corrections": (
        "Corrections",
        "What was put right, taken back or done again. What stood there before stays on record.",
    ),
    "custody": ("Custody", "Who had which bag, from when to when."),
    "labels": ("Labels", "Every print with its end."),
    "deviations": ("Deviations", ""),
    "decisions": ("Quality's decisions", ""),
}


@require_safe
@desk(Capability.VIEW_RECORD)
def find(request: HttpRequest) -> HttpResponseBase:
    """Lead from any code (order, chain of identity, batch, donation, label, bag, box) to the record of its order."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.find_order(actor, asked(request, "code"))
    if found is not None:
        return HttpResponseRedirect(reverse("orders:record", args=[found.code]))
    return auditor.page(request, actor)


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS, recorded=True)
def record(request: HttpRequest, code: str) -> HttpResponseBase:
    """The record of one order; that it was opened is itself recorded, once an hour per reader."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    note_reading(actor, code)
    with reading(actor):
        order = order_named(actor, code)
        parts, cases = queries.parts_of_record(actor, order), queries.identity_queries(actor, order)
        parts["deviations"] = [*(_as_deviation(case) for case in cases), *parts["deviations"]]
        context = {
            "order": order,
            "banner": banner.of(actor, order, name_only=True),
            "status": "on_hold" if order.on_hold else order_cards.ORDER_TONE.get(order.state, order.state),
            "parts": [_part(name, parts[name]) for name in SHOWN],
            "queried": any(case.is_open for case in cases),
            "gaps": [row for row in parts["custody"] if row["gap"]],
            "zone": order.center_site.zone,
            "reconciled": _reconciled(parts["labels"]),
            "certificate": any(row["certificate"] for row in parts["decisions"]),
            "ends": auditor.access_ends(actor),
            "crumbs": [
                {"label": "Records", "url": reverse("orders:find_record")},
                {"label": order.code, "url": reverse("orders:order", args=[order.code])},
                {"label": "Record", "url": ""},
            ],
        }
        return TemplateResponse(request, "oversight/record.html", context).render()


def _as_deviation(case: queries.IdentityQuery) -> dict[str, Any]:
    """Return an identity query as a line among the deviations; its record is the mismatch itself."""
    said = {"number": "Identity under query", "severity": "Critical", "state": case.state.capitalize()}
    return {**said, "text": case.text, "conclusion": case.conclusion}


def _part(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    title, about = TITLES[name]
    columns = SHOWN[name]
    return {
        "name": name,
        "title": title,
        "about": about,
        "columns": [column.replace("_at", "").replace("_", " ").capitalize() for column in columns],
        "rows": [[_cell(column, row.get(column)) for column in columns] for row in rows],
    }


def _cell(column: str, value: Any) -> dict[str, Any]:
    is_time = column.endswith("_at") or column in ("since", "until")
    return {
        "label": column.replace("_at", "").replace("_", " ").capitalize(),
        "at": auditor.moment(value) if is_time and value else None,
        "text": "" if is_time else value,
        "code": column in ("container", "serial", "number", "attempted", "certificate"),
        "bad": column == "gap" and bool(value),
    }


def _reconciled(labels: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many labels ended in which state: printed = applied + returned + destroyed + void (T33)."""
    counted: dict[str, int] = {}
    for label in labels:
        counted[label["state"]] = counted.get(label["state"], 0) + 1
    return counted
