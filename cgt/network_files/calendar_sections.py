"""The sheets of opening rules: who is there, when what is open, and when it is closed all the same."""

from __future__ import annotations

import datetime as dt
from typing import Any

from cgt.network_files import cells
from cgt.network_files.columns import Column, Section
from scheduling.states import ClosureKind, HolidayPolicy, PriorityClass

NEXT_MONDAY = dt.date(2030, 1, 7)
WHICH_DAYS = "Mon-Fri; or leave it empty and fill pattern"


def _dated(example: dt.date) -> tuple[Column, Column]:
    return (
        Column("first_date", cells.date, example, "from when it holds: YYYY-MM-DD"),
        Column("last_date", cells.date, "", "empty: until further notice", needed=False),
    )


def _recurring() -> tuple[Column, Column]:
    return (
        Column("weekdays", cells.weekdays, "Mon-Fri", WHICH_DAYS, needed=False),
        Column("pattern", cells.text(), "", "RFC 5545, for example FREQ=MONTHLY;BYDAY=1TU", needed=False),
    )


TEAMS = Section(
    "teams",
    "How many people with a competence a site has on a shift: without them a shift has no places.",
    (
        Column("organization", cells.code, "example-hospital", "code of the organization"),
        Column("site", cells.code, "example-campus", "code of its site"),
        Column("code", cells.code, "example-nurses", "unique in the organization"),
        Column("shift", cells.code, "afternoon", "as in the sheet rules"),
        Column("competence", cells.code, "apheresis", "as in the sheet rules"),
        *_recurring(),
        Column("people", cells.whole_number, 2, "how many"),
        *_dated(NEXT_MONDAY),
    ),
    key=("organization", "code", "first_date"),
)


def _rule(**cells_: Any) -> dict[str, Any]:
    common = {"weekdays": "Mon-Fri", "first_date": NEXT_MONDAY, "on_holidays": "closed"}
    return {**common, **cells_}


RULES = Section(
    "rules",
    "When a resource is open, again and again, in the local time of its place; windows are made for half a year ahead.",
    (
        Column("organization", cells.code, "example-hospital", "code of the organization"),
        Column("resource", cells.code, "example-chair", "code of its resource"),
        Column("shift", cells.code, "afternoon", "a name for the shift, unique among those of the resource"),
        *_recurring(),
        Column("start", cells.clock_time, "14:00", "HH:MM"),
        Column("end", cells.clock_time, "19:00", "HH:MM; not after the start: on the next day"),
        Column("places", cells.whole_number, 1, "how many at the same time"),
        *_dated(NEXT_MONDAY),
        Column("on_holidays", cells.one_of(HolidayPolicy.values), "closed", "empty: closed", needed=False),
        Column("region", cells.text(12), "BE", "region whose holidays count, e.g. BY in DE, NY in US", needed=False),
        Column("competence", cells.code, "apheresis", "what the people of a place must be able to do", needed=False),
        Column("people_per_place", cells.whole_number, 1, "empty: 1", needed=False),
        Column(
            "reserved_for",
            cells.one_of(PriorityClass.values),
            "emergent",
            f"class that has precedence: {', '.join(PriorityClass.values)}",
            needed=False,
        ),
        Column("release_days", cells.whole_number, 3, "days before, when everybody may book", needed=False),
    ),
    key=("organization", "resource", "shift", "first_date"),
    more_examples=(
        _rule(
            organization="example-courier",
            resource="example-run",
            shift="early",
            start="06:00",
            end="09:00",
            places=2,
        ),
    ),
)
CLOSURES = Section(
    "closures",
    "When a resource, or all of a site, is closed: maintenance, an inspection, a day off.",
    (
        Column("organization", cells.code, "example-hospital", "code of the organization"),
        Column("resource", cells.code, "example-chair", "code of its resource; empty: all of the site", needed=False),
        Column("site", cells.code, "", "code of its site, where no resource is named", needed=False),
        Column("kind", cells.one_of(ClosureKind.values), "maintenance", "empty: closure", needed=False),
        Column("first_date", cells.date, NEXT_MONDAY + dt.timedelta(days=30), "YYYY-MM-DD"),
        Column("last_date", cells.date, "", "empty: one day only", needed=False),
        Column("start", cells.clock_time, "", "empty: from midnight", needed=False),
        Column("end", cells.clock_time, "", "empty: to midnight", needed=False),
        Column("reason", cells.text(160), "Calibration", "read by whoever finds no place"),
    ),
    key=("organization", "resource", "site", "first_date", "start"),
)
