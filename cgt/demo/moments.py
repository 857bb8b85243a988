"""The next moment worth advancing to: when the next ready step is planned, or just before it is due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from ledger.context import Actor
from orders import queries
from orders.states import StepState

BEFORE_DUE = dt.timedelta(minutes=20)
MOST_STEPS = 200


@dataclass(frozen=True)
class Moment:
    """A time still to come, what happens then, and how far away it is."""

    at: dt.datetime
    title: str
    zone: str
    far: str


def next_moment(actor: Actor, order: Any = None) -> Moment | None:
    """Return the next such moment of an order, or of the acting persona's own work; None if nothing lies ahead."""
    if order is not None:
        ready: Iterable[Any] = queries.steps_of(actor, order).filter(state=StepState.READY)
    else:
        ready = queries.worklist(actor)[:MOST_STEPS]
    now = timezone.now()
    coming = [found for step in ready if (found := _moment_of(step, now, actor.zone)) is not None]
    return min(coming, key=lambda moment: moment.at, default=None)


def _moment_of(step: Any, now: dt.datetime, home: str) -> Moment | None:
    if step.planned_at is not None:
        at, word = step.planned_at, "planned"
    elif step.due_at is not None:
        at, word = step.due_at - BEFORE_DUE, "due soon"
    else:
        return None
    if at <= now + dt.timedelta(minutes=1):
        return None
    zone = step.site.zone if step.site else home
    return Moment(at, f"{step.flow_step.title} ({word})", zone, in_words(at - now))


def in_words(span: dt.timedelta) -> str:
    """Return a span as people say it: “3 days”, “5 hours”, “40 minutes”."""
    minutes = max(1, round(span.total_seconds() / 60))
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= size * 2 or (minutes >= size and minutes % size < size // 4):
            return _counted(round(minutes / size), unit)
    return _counted(minutes, "minute")


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
