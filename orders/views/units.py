"""Find every unit by lot, donor, shipper, site or time; the same list as a file (QA4)."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from custody.units import Sought
from ledger.context import Actor
from ledger.refusals import InvalidInput, Refusal
from orders.actions import unit_searches as units
from orders.actions.stops import may_stop
from orders.actions.unit_searches import CRITERIA, UnitSearch, sought_of
from orders.forms import Filling, described, flat, unplaced, with_choices
from orders.views.requests import asked
from personas.queries import sites
from personas.states import Capability
from personas.views import desk

PER_PAGE = 50
IN_A_FILE = 20_000
AT_ONCE = 500
COLUMNS = (
    "unit",
    "kind",
    "order",
    "chain_of_identity",
    "treatment_center",
    "state",
    "given_to_the_patient",
    "held_by",
    "place",
    "found_at",
    "found_since",
    "found_until",
    "made_of",
    "lots",
    "donation_number",
)


@require_safe
@never_cache
@desk(Capability.FIND_UNITS)
def find(request: HttpRequest) -> HttpResponseBase:
    """Show the units found, latest stay first, with what was made of them."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    units.require_finder(actor)
    chosen = criteria_in(request)
    page, refusal = None, None
    if any(chosen.values()):
        try:
            page = units.find(actor, sought_of(actor, chosen), _after(request), PER_PAGE)
        except InvalidInput as refused:
            refusal = refused
    fields = fields_for(actor, chosen, refusal)
    context = {
        "fields": fields,
        "chosen": chosen,
        "asked": urlencode({name: text for name, text in chosen.items() if text}),
        "page": page,
        "may_stop": may_stop(actor),
        "next": _next(chosen, page.after) if page and page.after else "",
        "first": not request.GET.get("after"),
        "refusal": refusal,
        "unplaced": unplaced(flat(refusal.fields), fields) if refusal else [],
    }
    return TemplateResponse(request, "orders/units.html", context, status=refusal.status if refusal else 200)


@require_safe
@never_cache
@desk(Capability.FIND_UNITS)
def file(request: HttpRequest) -> HttpResponseBase:
    """The whole list as CSV."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    units.require_finder(actor)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in _all(actor, sought_of(actor, criteria_in(request))):
        writer.writerow([_cell(value) for value in _line(row)])
    answer = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="units.csv"'
    return answer


def criteria_in(request: HttpRequest) -> dict[str, str]:
    """Return what the address asks for."""
    return {name: asked(request, name) for name in CRITERIA}


def fields_for(actor: Actor, chosen: dict[str, str], refusal: Refusal | None = None) -> list[Any]:
    """Return the search's fields, filled in."""
    errors = flat(refusal.fields) if refusal else {}
    known = [(site.code, site.name) for site in sites(actor)]
    filled = described(UnitSearch(), Filling(actor.zone, chosen, errors=errors))
    for field in filled:
        field |= {"help": "", "needed": True, "blank": "Any"}  # what each one means stands below them all
    return with_choices(filled, {"site": known})


def _all(actor: Actor, sought: Sought) -> Iterator[units.Unit]:
    after, seen, written = None, set(), 0
    while True:
        page = units.find(actor, sought, after, AT_ONCE)
        for row in page.rows:
            if row.bag.pk not in seen:  # what two bags were pooled into is told once
                seen.add(row.bag.pk)
                yield row
        written += len(page.rows)
        after = page.after
        if after is None:
            return
        if written > IN_A_FILE:
            text = f"More than {IN_A_FILE} units are found."
            raise InvalidInput(text, code="too_many_units", remedy="Narrow the search, by site or by time.")


def _line(row: units.Unit) -> Iterator[Any]:
    stay = row.stay
    yield from (row.bag.code, row.bag.kind, row.order.code, row.order.identity_code, row.order.center_site.name)
    yield from (row.bag.state, "yes" if row.given else "no", row.holder, row.place)
    yield from (
        (stay.place, stay.since.isoformat(), stay.until.isoformat() if stay.until else "") if stay else ("", "", "")
    )
    yield from (row.made_of, "; ".join(row.lots), row.bag.donation_number)


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _next(chosen: dict[str, str], after: tuple[dt.datetime, UUID]) -> str:
    words = {name: text for name, text in chosen.items() if text}
    return f"?{urlencode({**words, 'after': f'{after[0].isoformat()}~{after[1]}'})}"


def _after(request: HttpRequest) -> tuple[dt.datetime, UUID] | None:
    """Return where the page begins; InvalidInput for a place that was not given here."""
    text = asked(request, "after")
    if not text:
        return None
    since, _, pk = text.partition("~")
    try:
        moment, key = parse_datetime(since), UUID(pk)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInput("This page is not known here.", remedy="Begin with the first page again.")
    return moment, key
