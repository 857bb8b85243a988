"""The order as bars in time: planned and actual by phase, late said in words, a courier's part only."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace
from typing import Any

import pytest

from orders.views.gantt import bars_of, drawing_of
from tests.orders.conftest import Browse, confirmed, patient, text_of
from tests.orders.factories import World

NOW = dt.datetime(2026, 3, 29, 12, tzinfo=dt.UTC)  # the day on which clocks go forward in Berlin


def row(phase: str, *, planned: float, ready: float | None = None, done: float | None = None) -> Any:
    """A step planned, ready and done so many hours from now."""
    times = [None if hours is None else NOW + dt.timedelta(hours=hours) for hours in (planned, ready, done)]
    state = "done" if done is not None else "ready" if ready is not None else "waiting"
    flow_step = SimpleNamespace(phase=phase)
    return SimpleNamespace(
        flow_step=flow_step, planned_at=times[0], due_at=None, ready_at=times[1], done_at=times[2], state=state
    )


def test_a_phase_that_ended_after_its_plan_is_late_by_so_much() -> None:
    late, open_, planned = bars_of(
        [
            row("collection", planned=-50, ready=-51, done=-45),
            row("inbound", planned=30, ready=-40),
            row("manufacture", planned=60),
        ],
        NOW - dt.timedelta(hours=60),
        NOW,
    )
    assert late.later == dt.timedelta(hours=5)
    assert (open_.open, open_.later) == (True, None) and open_.actual is not None and open_.actual.until == NOW
    assert planned.actual is None


def test_bars_stand_in_the_drawing_in_the_order_of_time() -> None:
    steps = [row("collection", planned=-50, ready=-51, done=-45), row("release", planned=400)]
    bars = bars_of(steps, NOW - dt.timedelta(hours=60), NOW)
    drawing = drawing_of(bars, NOW, "Europe/Berlin")
    first, second = drawing["rows"]
    assert first["planned"]["x"] < drawing["now"] < second["planned"]["x"] <= drawing["width"]
    assert 1 <= len(drawing["ticks"]) <= 10
    assert all(tick["at"].hour == 0 for tick in drawing["ticks"])


def test_what_was_done_before_the_order_was_opened_does_not_stretch_the_drawing() -> None:
    opened = NOW - dt.timedelta(hours=10)
    (bar,) = bars_of([row("enrolment", planned=0, done=-5000)], opened, NOW)
    assert bar.actual is not None and bar.actual.since == opened


@pytest.mark.story("CO8")
def test_the_page_says_in_words_what_the_bars_show(world: World, browse: Browse) -> None:
    code = confirmed(world, **patient())
    client = browse("center", "coordinator")
    assert f"/orders/{code}/gantt/" in text_of(client.get(f"/orders/{code}/"))
    page = text_of(client.get(f"/orders/{code}/gantt/"))
    for words in ("Enrolment", "Collection", "Manufacture", "Not begun"):
        assert words in page
    assert re.search(r'<rect class="planned" x="[\d.]+"', page)
    courier = text_of(browse("courier", "courier_dispatcher").get(f"/orders/{code}/gantt/"))
    assert ">Manufacture<" not in courier and ">Enrolment<" not in courier
