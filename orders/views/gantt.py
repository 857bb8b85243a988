"""The order as bars in time: what each phase was planned for, and when it was really worked on (CO8).

The drawing repeats the table below it; who cannot see it misses nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger.context import Actor
from orders import queries
from orders.flow import order_named
from orders.states import PHASE_LABELS, StepState
from orders.views import banner
from personas.states import Capability
from personas.views import desk

WIDTH, ROW, LEFT = 1000, 44, 190  # of the drawing, in its own units; names stand left of the bars
MOST_TICKS = 10


@dataclass(frozen=True)
class Span:
    """From when until when; one instant where only one is known."""

    since: dt.datetime
    until: dt.datetime


@dataclass
class Bar:
    """One phase: planned, and as it was; ``open``: still under way, its bar ends now."""

    phase: str
    planned: Span | None
    actual: Span | None
    open: bool

    @property
    def label(self) -> str:
        return PHASE_LABELS.get(self.phase, self.phase)

    @property
    def later(self) -> dt.timedelta | None:
        """By how much the phase ended, or goes on, after its plan; None within it."""
        if not (self.planned and self.actual) or self.actual.until <= self.planned.until:
            return None
        return self.actual.until - self.planned.until


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def gantt(request: HttpRequest, code: str) -> TemplateResponse:
    """Planned against actual, phase by phase."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    now = timezone.now()
    bars = bars_of(queries.timeline(actor, order), order.opened_at, now)
    context = {
        "order": order,
        "banner": banner.of(actor, order),
        "bars": bars,
        "drawing": drawing_of(bars, now, order.center_site.zone) if bars else None,
        "zone": order.center_site.zone,
        "crumbs": [
            {"label": "Orders", "url": reverse("orders:list")},
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Plan and actual", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/gantt.html", context)


def bars_of(steps: Sequence[Any], opened: dt.datetime, now: dt.datetime) -> list[Bar]:
    """Return one bar for each phase of which anything is planned or done, in the flow's order.

    What happened before the order was ``opened`` (an assessment that it rests on) is drawn at its beginning.
    """
    by_phase: dict[str, list[Any]] = {}
    for step in steps:
        by_phase.setdefault(step.flow_step.phase, []).append(step)
    found = [_bar(phase, rows, opened, now) for phase, rows in by_phase.items()]
    return [bar for bar in found if bar.planned or bar.actual]


def _bar(phase: str, steps: list[Any], opened: dt.datetime, now: dt.datetime) -> Bar:
    planned = [at for step in steps for at in (step.planned_at, step.due_at) if at]
    done = [max(step.done_at, opened) for step in steps if step.done_at]
    begun = [*done, *(step.ready_at for step in steps if step.done_at and step.ready_at)]
    is_open = any(step.state == StepState.READY for step in steps)
    begun += [step.ready_at for step in steps if step.state == StepState.READY and step.ready_at]
    actual = Span(min(begun), max([*done, now] if is_open else done)) if begun else None
    return Bar(phase, Span(min(planned), max(planned)) if planned else None, actual, is_open)


def drawing_of(bars: list[Bar], now: dt.datetime, zone: str) -> dict[str, Any]:
    """Return where the bars, the days and now stand in the drawing."""
    spans = [span for bar in bars for span in (bar.planned, bar.actual) if span]
    since, until = min(span.since for span in spans), max(span.until for span in spans)
    length = max(until - since, dt.timedelta(hours=1))

    def at(moment: dt.datetime) -> float:
        return round(LEFT + (moment - since) / length * (WIDTH - LEFT - 10), 1)

    def box(span: Span | None) -> dict[str, float] | None:
        if span is None:
            return None
        return {"x": at(span.since), "width": max(4.0, round(at(span.until) - at(span.since), 1))}

    return {
        "width": WIDTH,
        "height": ROW * len(bars) + 30,
        "base": ROW * len(bars),
        "ticks": [{"x": at(day), "at": day} for day in _days(since, until, ZoneInfo(zone))],
        "now": at(now) if since <= now <= until else None,
        "rows": [
            {
                "bar": bar,
                "y": ROW * position,
                "planned_y": ROW * position + 8,
                "actual_y": ROW * position + 24,
                "text_y": ROW * position + 26,
                "planned": box(bar.planned),
                "actual": box(bar.actual),
            }
            for position, bar in enumerate(bars)
        ],
    }


def _days(since: dt.datetime, until: dt.datetime, zone: ZoneInfo) -> list[dt.datetime]:
    """Return midnights at the center within the span, so few that their dates do not touch."""
    first = since.astimezone(zone).date() + dt.timedelta(days=1)
    count = (until.astimezone(zone).date() - first).days + 1
    step = max(1, -(-count // MOST_TICKS))
    days = [first + dt.timedelta(days=number) for number in range(0, max(0, count), step)]
    return [dt.datetime.combine(day, dt.time(), zone) for day in days]
