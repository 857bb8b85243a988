"""The equity report: how long patients waited, by group, never so few that one of them shows."""

from __future__ import annotations

import csv
import io

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger.context import Actor
from ledger.refusals import NotFound
from orders import queries
from orders.views.requests import asked, day
from personas.states import Capability
from personas.views import desk
from scheduling.waiting import is_concerned

GROUPS = {"all": "All", "site": "Site", "region": "Region", "sex": "Sex", "age": "Age band"}


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def report(request: HttpRequest) -> HttpResponseBase:
    """Time-to-slot by group, over those who were added since a day."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    cells = _cells(request, actor)
    context = {
        "cells": [(GROUPS[cell.group], cell) for cell in cells],
        "smallest": queries.SMALLEST_GROUP,
        "since": asked(request, "since"),
        "narrow": not actor.can(Capability.READ_IDENTITY),
    }
    return TemplateResponse(request, "orders/equity.html", context)


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def file(request: HttpRequest) -> HttpResponseBase:
    """The same as CSV; a suppressed number is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["group", "label", "waiting_list_entries", "with_a_place", "median_days_to_slot", "suppressed"])
    for cell in _cells(request, request.actor):  # type: ignore[attr-defined]
        numbers = [cell.entries, cell.placed, cell.median_days]
        writer.writerow([cell.group, cell.label, *("" if n is None else n for n in numbers), int(cell.is_suppressed)])
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="equity.csv"'
    return answer


def _cells(request: HttpRequest, actor: Actor) -> list[queries.Cell]:
    if not is_concerned(actor):
        raise NotFound()
    return queries.equity_report(actor, day(asked(request, "since")))
