"""How full it is: resources by weeks as a heat map, and lines by days with who asks for them (MP1, CM2)."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from ledger.states import Role
from personas.states import Capability
from personas.views import desk
from scheduling import queries
from scheduling.views.asked import actor_of, date_of, today, word
from scheduling.views.board import chosen_resources, filters, pages

WEEKS, PER_PAGE = 12, 40
SPANS = (7, 14, 28)


@require_safe
@desk(Capability.PUBLISH_CAPACITY)
def heat(request: HttpRequest) -> HttpResponseBase:
    """Own resources by weeks, from the week of ``from`` on."""
    actor = actor_of(request)
    chosen = {name: word(request, name) for name in ("kind", "site")}
    at = date_of(word(request, "from"), actor)
    monday = at - dt.timedelta(days=at.weekday())
    page = Paginator(list(chosen_resources(actor, chosen)), PER_PAGE).get_page(request.GET.get("page"))
    kept = {name: value for name, value in chosen.items() if value}
    context = {
        "rows": queries.heat(actor, list(page.object_list), monday, WEEKS),
        "weeks": [monday + dt.timedelta(weeks=n) for n in range(WEEKS)],
        "filters": filters(actor, chosen),
        "kept": [("from", monday.isoformat())],
        "filtered": bool(kept),
        "before": f"?{urlencode({**kept, 'from': monday - dt.timedelta(weeks=WEEKS)})}",
        "after": f"?{urlencode({**kept, 'from': monday + dt.timedelta(weeks=WEEKS)})}",
        "pages": pages(page, {**kept, "from": monday.isoformat()}),
        "part": "heat",
    }
    return TemplateResponse(request, "scheduling/heat.html", context)


@require_safe
@desk(Capability.PUBLISH_CAPACITY)
def lines(request: HttpRequest) -> HttpResponseBase:
    """Manufacturing lines by ``days`` (7, 14, 28), with utilisation; a contract manufacturer's with use by sponsor."""
    actor = actor_of(request)
    at = date_of(word(request, "from"), actor)
    monday = at - dt.timedelta(days=at.weekday())
    days = int(word(request, "days")) if word(request, "days") in {str(n) for n in SPANS} else 14
    context = {
        "lines": queries.lines(actor, monday, days),
        "dates": [monday + dt.timedelta(days=n) for n in range(days)],
        "today": today(actor),
        "spans": [
            {"days": n, "url": f"?{urlencode({'from': monday, 'days': n})}", "current": n == days} for n in SPANS
        ],
        "before": f"?{urlencode({'from': monday - dt.timedelta(days=days), 'days': days})}",
        "after": f"?{urlencode({'from': monday + dt.timedelta(days=days), 'days': days})}",
        "by_sponsor": actor.organization_role == Role.CMO,
        "part": "lines",
    }
    return TemplateResponse(request, "scheduling/lines.html", context)
