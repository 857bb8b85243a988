"""Everything in quarantine that the organization may see, the longest held first (QA1)."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger.context import Actor
from orders import queries
from orders.views import frame
from orders.views.requests import asked
from personas.states import Capability
from personas.views import desk

PER_PAGE = 25


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def quarantine(request: HttpRequest) -> HttpResponseBase:
    """List what is held, why, since when, where, and whose decision is missing."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    page: Any = Paginator(queries.quarantined(actor), PER_PAGE).get_page(asked(request, "page"))
    context = {"rows": queries.held(actor, list(page.object_list)), "pages": frame.pages(page, {})}
    return TemplateResponse(request, "orders/quarantine.html", context)
