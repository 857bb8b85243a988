"""What the contents of ISBT 128 data structures mean (DOMAIN 6.2, 6.5)."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from custody.isbt128 import Structure, Unreadable

DONATION_TYPES = {
    "0": "not specified",
    "1": "autologous use only",
    "2": "for a directed recipient only",
    "4": "for a designated recipient",
    "7": "allogeneic",
    "8": "autologous, containing allogeneic material",
    "A": "autologous, eligible for crossover",
    "V": "allogeneic, from a volunteer",
    "X": "autologous, biohazard",
}
PRODUCT_CLASSES = {
    "S": "cellular therapy",
    "P": "regenerated tissue",
    "H": "product with a nonproprietary name",
    "Y": "clinical trial",
    **dict.fromkeys("ABCD", "national or local code"),
}
UNDIVIDED = "00"
SEE_DIVISIONS = "99"
_FLEXIBLE_MEANINGS = {"01": "expires", "02": "collected", "03": "produced"}
_SEC_PRINTED = re.compile(r"(?:SEC:?)?\s*([A-Z]{2}[A-Z0-9]{19})\s*([ABE][A-Z0-9]{10}\d{8})", re.ASCII)


@dataclass(frozen=True)
class Moment:
    """A date (and time) of a label. ``at`` is aware where the label says UTC, else local to wherever it was printed."""

    at: dt.datetime
    has_time: bool = True
    meaning: str = ""

    def in_utc(self, zone: str) -> dt.datetime:
        """Return the moment in UTC; ``zone``: IANA name of the place of printing, for what the label says locally.

        Raises Unreadable for a local time that the clock skips there. One that comes twice is taken as the first,
        so that an expiry is never late.
        """
        if self.at.tzinfo is not None:
            return self.at.astimezone(dt.UTC)
        found = self.at.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
        if found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != self.at:
            raise Unreadable("a time that the clocks there skip")
        return found


def moment(structure: Structure) -> Moment:
    """Return the date of an expiry, collection, production (005–009) or flexible date (031) structure."""
    if structure.name == "date":
        return _flexible(structure.content)
    name = structure.name.removesuffix("_on")
    if name not in _FLEXIBLE_MEANINGS.values():
        raise Unreadable("not a date")
    return Moment(_ordinal(structure.content), name == structure.name, name)


def _ordinal(content: str) -> dt.datetime:
    """Read ``cyyjjj`` or ``cyyjjjhhmm``: the year without its thousands (026 is 2026, 998 is 1998), day of the year."""
    century = {"0": 2000, "9": 1900}.get(content[0])
    if century is None:
        raise Unreadable("a date of another century")
    year, day = century + int(content[1:3]), int(content[3:6])
    first = dt.datetime(year, 1, 1)  # noqa: DTZ001 - local to the label
    found = first + dt.timedelta(days=day - 1)
    if day < 1 or found.year != year:
        raise Unreadable("a day that the year has not")
    return _at(found, content[6:]) if content[6:] else found


def _flexible(content: str) -> Moment:
    try:
        day = dt.datetime.strptime(content[4:12], "%Y%m%d")  # noqa: DTZ007 - zone follows
    except ValueError:
        raise Unreadable("a day that the calendar has not") from None
    found = _at(day, content[12:])
    if content[0] == "2":
        found = found.replace(tzinfo=dt.UTC)
    return Moment(found, meaning=_FLEXIBLE_MEANINGS.get(content[2:4], ""))


def _at(day: dt.datetime, clock: str) -> dt.datetime:
    hour, minute = int(clock[:2]), int(clock[2:4])
    if hour > 23 or minute > 59:
        raise Unreadable("a time that the clock has not")
    return day.replace(hour=hour, minute=minute)


@dataclass(frozen=True)
class Product:
    """A product code (003)."""

    code: str
    donation_type: str
    division: str

    @property
    def description(self) -> str:
        """Return the five characters that name the product."""
        return self.code[:5]

    @property
    def needs_divisions(self) -> bool:
        """Whether the division stands in a structure of its own (032), which has to be scanned too."""
        return self.division == SEE_DIVISIONS


def product(structure: Structure) -> Product:
    """Return the parts of a product code structure."""
    return Product(structure.content, structure.content[5], structure.content[6:])


def require_division(structures: list[Structure]) -> None:
    """Raise Unreadable when a product code refers to a division structure that was not scanned with it."""
    found = {structure.name: structure for structure in structures}
    if "product" in found and product(found["product"]).needs_divisions and "division" not in found:
        raise Unreadable("the division of this product stands in a second code: scan that too")


@dataclass(frozen=True)
class EuropeanCode:
    """A Single European Code: donation (country, establishment, number) and product (system, code, split, expiry)."""

    country: str
    establishment: str
    donation: str
    system: str
    product: str
    split: str
    expires_on: dt.date | None

    @property
    def sequence(self) -> str:
        """Return the 40 characters."""
        expiry = f"{self.expires_on:%Y%m%d}" if self.expires_on else "0" * 8
        return f"{self.country}{self.establishment}{self.donation}{self.system}{self.product}{self.split}{expiry}"


def european_code(sequence: str) -> EuropeanCode:
    """Return the parts of the 40 characters of structure 038; Unreadable for an expiry that is no day."""
    expiry = sequence[32:]
    try:
        day = None if expiry == "0" * 8 else dt.datetime.strptime(expiry, "%Y%m%d").date()  # noqa: DTZ007 - a day
    except ValueError:
        raise Unreadable("a day that the calendar has not") from None
    parts = (sequence[:2], sequence[2:8], sequence[8:21], sequence[21], sequence[22:29], sequence[29:32])
    return EuropeanCode(*parts, day)


def printed_european_code(text: str) -> EuropeanCode | None:
    """Return a Single European Code as it is printed and typed: ``SEC: `` and the two parts; None for another text."""
    match = _SEC_PRINTED.fullmatch(text.strip())
    return european_code(match[1] + match[2]) if match else None


def flag_words(flags: str) -> str:
    """Say what the two flag digits of a donation number mean; empty for 00, which says nothing."""
    number = int(flags)
    if number == 0:
        return ""
    if 1 <= number <= 4:
        return f"container {number} of a set"
    if 15 <= number <= 19:
        return f"container {number - 10} of a set"
    if number in (6, 7):
        return "sample tube"
    if 20 <= number <= 59:
        return f"flag {flags}, given a meaning by the facility"
    if 60 <= number <= 96:
        return "checked by its flags"
    return f"flag {flags}"
