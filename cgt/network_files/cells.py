"""Cells as people type them, read strictly: each reader returns the value or raises ValueError with a sentence."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from network.states import Milestone

Reader = Callable[[Any], Any]
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
YES, NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})
MOST_JSON = 20_000
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,39}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def text(most: int = 200) -> Reader:
    """Return a reader of one line of at most ``most`` characters; whole numbers are taken as they are written."""

    def read(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError("Enter a text.")
        line = f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value).strip()
        if _CONTROL.search(line):
            raise ValueError("Line breaks and control characters are not possible here.")
        if len(line) > most:
            raise ValueError(f"Enter at most {most} characters.")
        return line

    return read


def code(value: Any) -> str:
    """Two to 40 lower-case letters, digits and hyphens."""
    line = str(text()(value))
    if not _CODE.fullmatch(line):
        raise ValueError("Use 2 to 40 lower-case letters, digits and hyphens.")
    return line


def country(value: Any) -> str:
    """An ISO 3166-1 alpha-2 code."""
    line = str(text()(value))
    if not _COUNTRY.fullmatch(line):
        raise ValueError("Use two capital letters, for example DE.")
    return line


def zone(value: Any) -> str:
    """An IANA time zone."""
    line = str(text()(value))
    if line not in available_timezones():
        raise ValueError("Unknown time zone. Use an IANA name such as Europe/Berlin.")
    return line


def email(value: Any) -> str:
    """A sign-in name: the person's e-mail address, in lower case."""
    line = str(text(150)(value)).lower()
    try:
        validate_email(line)
    except ValidationError:
        raise ValueError("Enter the person's e-mail address.") from None
    return line


def yes_no(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in YES | NO:
        raise ValueError("Enter yes or no.")
    return word in YES


def one_of(words: Iterable[str]) -> Reader:
    """Return a reader of one of the words."""
    known = tuple(words)

    def read(value: Any) -> str:
        word = str(value).strip()
        if word not in known:
            raise ValueError(f"Use one of {', '.join(known)}.")
        return word

    return read


def listed(reader: Reader, mark: str = ",") -> Reader:
    """Return a reader of values separated by commas, or by another mark."""

    def read(value: Any) -> list[Any]:
        return [reader(part.strip()) for part in str(value).split(mark) if part.strip()]

    return read


def lead_minutes(value: Any) -> dict[str, int]:
    """Minutes before milestones: ``delivered=120, leg_arrived=30``."""
    found: dict[str, int] = {}
    for part in str(value).split(","):
        name, _, minutes = (word.strip() for word in part.partition("="))
        if name not in Milestone.values or not minutes.isascii() or not minutes.isdigit():
            raise ValueError(f"Enter name=minutes, separated by commas; names: {', '.join(Milestone.values)}.")
        found[name] = int(minutes)
    return found


def whole_number(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError("Enter a whole number.")
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("Enter a whole number.") from None


def hours(value: Any) -> Any:
    """Hours as typed; the action that stores them keeps them exactly."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("Enter a number of hours.")
    return value.strip() if isinstance(value, str) else value


def clock_time(value: Any) -> dt.time:
    """A time of day, ``17:30``."""
    if isinstance(value, dt.datetime):
        return value.time()
    if isinstance(value, dt.time):
        return value
    try:
        return dt.time.fromisoformat(str(value).strip()).replace(tzinfo=None)
    except ValueError:
        raise ValueError("Enter a time of day as HH:MM.") from None


def date(value: Any) -> dt.date:
    """A day, ``2027-01-31``."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError("Enter a date as YYYY-MM-DD.") from None


def weekdays(value: Any) -> list[int]:
    """Days of the week, 0 is Monday: ``Mon-Fri`` or ``Mon, Wed, Sat``."""
    found: set[int] = set()
    for part in str(value).split(","):
        first, dash, last = (word.strip().title() for word in part.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError("Enter days such as Mon-Fri or Mon, Wed, Sat.")
        start, end = DAYS.index(first), DAYS.index(last if dash else first)
        if end < start:
            raise ValueError("The first day comes before the last.")
        found |= set(range(start, end + 1))
    return sorted(found)


def json_value(kind: type) -> Reader:
    """Return a reader of a JSON list or object."""

    def read(value: Any) -> Any:
        written = str(value)
        if len(written) > MOST_JSON:
            raise ValueError(f"Enter at most {MOST_JSON} characters.")
        try:
            found = json.loads(written)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, kind):
            raise ValueError(f"Enter a JSON {'list' if kind is list else 'object'}, as in the template.")
        return found

    return read
