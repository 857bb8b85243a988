"""Places of the fictional network that open by rules, so that calendars and boards show holidays and closures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from ledger.context import Actor
from scheduling.actions.calendar import add_rule, close
from scheduling.recurrence import weekly
from scheduling.rules import RuleInput
from scheduling.states import ClosureKind, HolidayPolicy

# Whose windows opening rules make from tomorrow on: how they hold on public holidays, and a closure so many weeks ahead
# (weekday, kind, why). All others are published by hand.
RULED: dict[str, tuple[HolidayPolicy, int, int, ClosureKind, str]] = {
    "linden-chair": (HolidayPolicy.CLOSED, 4, 2, ClosureKind.CLOSURE, "Inspection of the apheresis unit"),
    "aurora-receiving": (HolidayPolicy.CLOSED, 5, 5, ClosureKind.CLOSURE, "Stocktaking"),
    "aurora-manufacturing-line": (
        HolidayPolicy.OPEN,
        5,
        6,
        ClosureKind.MAINTENANCE,
        "Filters of the suite are changed",
    ),
}


def open_by_rule(
    publisher: Actor, resource: str, first: dt.date, days: Iterable[int], times: tuple[dt.time, dt.time], places: int
) -> None:
    """Open a resource of ``RULED`` from a day on, on ``days`` (0 is Monday), with its holidays and its closure."""
    on_holidays, weeks, weekday, kind, reason = RULED[resource]
    add_rule(publisher, resource, RuleInput("day", weekly(days), *times, places, first, on_holidays=on_holidays))
    date = first + dt.timedelta(weeks=weeks, days=weekday - first.weekday())
    close(publisher, resource_code=resource, first_date=date, reason=reason, kind=kind)
