"""The planner's board: lines by days with every start, moved by drag or by a link; the knock-on first (MP1, MP2)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger.context import Actor
from ledger.states import Role
from orders import queries
from orders.views.requests import asked, day
from personas.states import Capability
from personas.views import desk

WEEK, MOST_REQUESTS = 7, 10


@require_safe
@never_cache
@desk(Capability.CONFIRM_SLOTS)
def board(request: HttpRequest) -> HttpResponseBase:
    """The week of the day that ``week`` names, else this one; beside it the requests, answer due first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    today = timezone.localdate(timezone=ZoneInfo(actor.zone))
    monday = week_of(request, today)
    asking = queries.slot_requests(actor)
    requests = queries.requests_of(actor, list(asking[:MOST_REQUESTS]))
    lines = queries.line_board(actor, monday)
    context: dict[str, Any] = {
        "lines": lines,
        "week": [monday + dt.timedelta(days=offset) for offset in range(WEEK)],
        "today": today,
        "week_before": monday - dt.timedelta(days=WEEK),
        "week_after": monday + dt.timedelta(days=WEEK),
        "movable": any(start.movable for line in lines for cell in line.cells for start in cell.starts),
        "requests": requests,
        "more": max(0, asking.count() - len(requests)),
        "by_sponsor": actor.organization_role == Role.CMO,
    }
    return TemplateResponse(request, "orders/board.html", context)


def week_of(request: HttpRequest, today: dt.date) -> dt.date:
    """Return the Monday of the week that the address names; of this week for words that name no day of about a year."""
    wanted = day(asked(request, "week")) or today
    chosen = wanted if abs((wanted - today).days) < 366 else today
    return chosen - dt.timedelta(days=chosen.weekday())
