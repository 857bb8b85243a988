"""The infusion nurse's desk: patients whose product is here, thaw clocks that run, one station per patient (IN1)."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template.response import TemplateResponse

from ledger.context import Actor
from orders import queries
from orders.views import frame
from orders.views.desks import desk_named
from orders.views.desks.apheresis import rows_of
from orders.views.requests import asked
from orders.views.thaw_clocks import running

PHASE = "treatment"


@desk_named("infusion")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """Filter ``due``: late, today, week, by the next step's due time."""
    chosen = {"due": asked(request, "due")}
    found = queries.orders_at_work(actor, PHASE)
    spans = frame.due_spans(actor)
    strip = frame.summary(found, spans, chosen)
    found = found.filter(spans[chosen["due"]]) if chosen["due"] in spans else found
    page = Paginator(found, frame.PER_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "strip": strip,
        "rows": rows_of(actor, list(page.object_list), PHASE, "earliest_infusion"),
        "clocks": running(actor),
        "filtered": bool(chosen["due"]),
        "pages": frame.pages(page, chosen),
    }
    return TemplateResponse(request, "treatment_center/infusion.html", context)
