"""The board: own resources by week, or one by month; each day leads to its page, with keys as with a mouse (AU1)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from ledger.context import Actor
from personas.queries import own_sites
from personas.states import Capability
from personas.views import desk
from scheduling import queries
from scheduling.states import ResourceKind
from scheduling.views.asked import actor_of, date_of, today, word

PER_PAGE = 20
WEEK, MONTH_WEEKS = 7, 6


@require_safe
@desk(Capability.PUBLISH_CAPACITY)
def show(request: HttpRequest) -> HttpResponseBase:
    """``resource``: one resource's month; else the week of ``from`` of all, narrowed by ``kind`` and ``site``."""
    actor = actor_of(request)
    chosen = {name: word(request, name) for name in ("kind", "site", "resource")}
    at = date_of(word(request, "from"), actor)
    found = list(chosen_resources(actor, chosen))
    if chosen["resource"]:
        return _month(request, actor, chosen, at)
    monday = at - dt.timedelta(days=at.weekday())
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    kept = {name: value for name, value in chosen.items() if value}
    context = {
        "rows": queries.board(actor, list(page.object_list), monday, WEEK),
        "days": [monday + dt.timedelta(days=n) for n in range(WEEK)],
        "today": today(actor),
        "filters": filters(actor, chosen),
        "kept": [("from", monday.isoformat())],
        "filtered": bool(kept),
        "before": f"?{urlencode({**kept, 'from': monday - dt.timedelta(days=WEEK)})}",
        "after": f"?{urlencode({**kept, 'from': monday + dt.timedelta(days=WEEK)})}",
        "pages": pages(page, {**kept, "from": monday.isoformat()}),
        "part": "board",
    }
    return TemplateResponse(request, "scheduling/board.html", context)


def _month(request: HttpRequest, actor: Actor, chosen: dict[str, str], at: dt.date) -> HttpResponseBase:
    resource = queries.own_resource(actor, chosen["resource"])
    first = at.replace(day=1)
    monday = first - dt.timedelta(days=first.weekday())
    before, after = (first - dt.timedelta(days=1)).replace(day=1), (first + dt.timedelta(days=32)).replace(day=1)
    context = {
        "row": queries.board(actor, [resource], monday, WEEK * MONTH_WEEKS)[0],
        "month": first,
        "weekdays": [monday + dt.timedelta(days=n) for n in range(WEEK)],
        "today": today(actor),
        "before": f"?{urlencode({'resource': resource.code, 'from': before})}",
        "after": f"?{urlencode({'resource': resource.code, 'from': after})}",
        "part": "board",
    }
    return TemplateResponse(request, "scheduling/month.html", context)


def chosen_resources(actor: Actor, chosen: dict[str, str]) -> Any:
    """Return the own resources of the chosen kind and site, by code."""
    found = queries.resources(actor, kind=chosen["kind"] or None, own=True)
    return found.filter(site__code=chosen["site"]) if chosen["site"] else found


def filters(actor: Actor, chosen: dict[str, str]) -> list[dict[str, Any]]:
    """Return the selects over a board: kind, and site where there are several."""
    sites = own_sites(actor)
    offered = [("kind", "Kind", list(ResourceKind.choices))]
    offered += [("site", "Site", sites)] if len(sites) > 1 or chosen["site"] else []
    return [
        {"name": name, "label": label, "type": "select", "value": chosen[name], "choices": choices, "blank": "All"}
        for name, label, choices in offered
    ]


def pages(page: Any, kept: dict[str, str]) -> dict[str, str]:
    """Return links and words of ``c-pagination``; empty where everything stands on one page."""
    if page.paginator.num_pages < 2:
        return {}
    link = {"previous": page.has_previous() and page.number - 1, "next": page.has_next() and page.number + 1}
    return {
        **{name: f"?{urlencode({**kept, 'page': number})}" if number else "" for name, number in link.items()},
        "text": f"{page.start_index()}–{page.end_index()} of {page.paginator.count}",
    }
