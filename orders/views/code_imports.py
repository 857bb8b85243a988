"""A list of codes from a spreadsheet: brought as a file or pasted; what is wrong is said row by row, in place."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from custody.states import AliasScope, AliasSystem
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import InvalidInput, Refusal
from orders.actions.code_imports import COLUMNS, LARGEST, MOST_ROWS, NEEDED, CodeList, read_file, read_text
from orders.actions.code_imports import import_codes as register
from orders.forms import flat
from orders.views.requests import acted
from personas.states import Capability
from personas.views import desk

MOST_SHOWN = 200
ABOUT = {
    "order": "Code of the order; may be left out",
    "names": "Code of a bag or box, a chain of identity, or the order's code for its chain of identity",
    "code": "The code in your system, as text",
    "issuer": "Your own organization's code, or nothing",
}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.REGISTER_CODES)
def import_codes(request: HttpRequest) -> HttpResponseBase:
    """Show how a list has to look, or register one."""
    if request.method != "POST":
        return _page(request, CodeList([], []))
    brought: list[CodeList] = []

    def act(actor: Actor, once: Once | None) -> str:
        brought.append(_brought(request))
        done = register(actor, {"rows": brought[0].rows}, once=once)
        known = f" {done.known} named just this before." if done.known else ""
        return f"{done.registered} codes are registered.{known}"

    def page(refusal: Refusal) -> TemplateResponse:
        return _page(request, brought[0] if brought else CodeList([], []), refusal)

    return acted(request, ("import-codes",), act, page, reverse("orders:import_codes"))


def _brought(request: HttpRequest) -> CodeList:
    file, text = request.FILES.get("file"), request.POST.get("rows", "")
    if file is not None:
        return read_file(file.name or "The file", file.read(LARGEST + 1))
    if text.strip():
        return read_text(text)
    raise InvalidInput(fields={"file": ["Choose a file, or paste the rows."]})


def _page(request: HttpRequest, brought: CodeList, refusal: Refusal | None = None) -> TemplateResponse:
    errors = flat(refusal.fields) if refusal else {}
    faults = _faults(brought, refusal)
    text = brought.text if brought.rows else request.POST.get("rows", "")
    fields: list[dict[str, Any]] = [
        {
            "name": "file",
            "label": "File",
            "type": "file",
            "required": False,
            "accept": ".csv,.tsv,.txt,.xlsx",
            "help": f"CSV (UTF-8) or the first sheet of an .xlsx workbook; at most {MOST_ROWS} rows.",
            "errors": errors.get("file", []),
        },
        {
            "name": "rows",
            "label": "Or the rows, pasted with their header",
            "type": "textarea",
            "rows": 8,
            "required": False,
            "value": text,
            "help": "With tabs, semicolons or commas. What a refused file held stands here, to be corrected.",
            "errors": errors.get("rows", []),
        },
    ]
    placed = {"file", "rows"}
    context = {
        "fields": fields,
        "faults": faults[:MOST_SHOWN],
        "more_faults": max(0, len(faults) - MOST_SHOWN),
        "columns": [{"name": name, "needed": name in NEEDED, "about": _about(name)} for name in COLUMNS],
        "refusal": refusal,
        "unplaced": [] if faults else [one for name, some in errors.items() if name not in placed for one in some],
        "once": uuid4() if refusal else request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": "What is this code?", "url": reverse("orders:what_is")},
            {"label": "Register a list", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/import_codes.html", context, status=refusal.status if refusal else 200)


def _about(name: str) -> str:
    choices = {"system": AliasSystem.choices, "scope": AliasScope.choices}.get(name)
    if choices is None:
        return ABOUT[name]
    return "; ".join(f"{value}: {label}" for value, label in choices) + ("; empty: order" if name == "scope" else "")


def _faults(brought: CodeList, refusal: Refusal | None) -> list[dict[str, Any]]:
    """Return what is wrong in each row, by the row's number in what was brought."""
    rows = refusal.fields.get("rows") if refusal and brought.rows else None
    found = []
    for number, wrong in sorted(rows.items(), key=lambda row: int(row[0])) if isinstance(rows, dict) else ():
        for name, messages in wrong.items():
            line, typed = brought.lines[int(number)], brought.rows[int(number)].get(name, "")
            found.append({"line": line, "column": name, "typed": typed, "message": " ".join(map(str, messages))})
    return found
