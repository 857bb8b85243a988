"""From rows of the calendar's sheets to the actions behind them."""

from __future__ import annotations

from cgt.network_files.rows import Row
from ledger.context import Actor
from ledger.refusals import InvalidInput
from scheduling import recurrence
from scheduling.actions.calendar import add_rule, close
from scheduling.actions.teams import set_team
from scheduling.rules import RuleInput, TeamInput
from scheduling.states import ClosureKind, HolidayPolicy


def load_team(operator: Actor, row: Row) -> None:
    given = {name: row[name] for name in ("code", "shift", "competence", "people", "first_date", "last_date")}
    set_team(operator, row["site"], TeamInput(pattern=_pattern(row), **given))


def load_rule(operator: Actor, row: Row) -> None:
    given = RuleInput(
        shift=row["shift"],
        pattern=_pattern(row),
        starts=row["start"],
        ends=row["end"],
        places=row["places"],
        first_date=row["first_date"],
        last_date=row["last_date"],
        on_holidays=row["on_holidays"] or HolidayPolicy.CLOSED,
        holiday_region=row["region"] or "",
        competence=row["competence"] or "",
        people_per_place=1 if row["people_per_place"] is None else row["people_per_place"],
        reserved_for=row["reserved_for"] or "",
        release_days=row["release_days"] or 0,
    )
    add_rule(operator, row["resource"], given)


def load_closure(operator: Actor, row: Row) -> None:
    close(
        operator,
        resource_code=row["resource"] or "",
        site_code=row["site"] or "",
        kind=row["kind"] or ClosureKind.CLOSURE,
        first_date=row["first_date"],
        last_date=row["last_date"],
        starts=row["start"],
        ends=row["end"],
        reason=row["reason"],
    )


def _pattern(row: Row) -> str:
    """Return the recurrence that the row gives, by days of the week or as a pattern."""
    if bool(row["weekdays"]) == bool(row["pattern"]):
        raise InvalidInput(fields={"weekdays": ["Fill either weekdays or pattern."]})
    return str(row["pattern"]) if row["pattern"] else recurrence.weekly(row["weekdays"])
