"""Schemes of chain-of-identity identifiers. Shipped: the shape of ISBT 128 data structure 040 (DOMAIN 6.1–6.3).

``A9999`` is a fictional facility number: nothing may be labeled for a real patient under it. A network that is
registered with ICCBBA adds a scheme under a facility number of its own.
"""

from __future__ import annotations

from typing import Protocol

from django.db import connection

from custody import isbt128
from custody.check_characters import check_character
from custody.models import FacilityCounter
from ledger.identifiers import new_id
from ledger.refusals import Conflict

FICTIONAL_FACILITY = "A9999"
SPAN = slice(0, 15)  # what the check character covers: the data content with its CH; ST-028 itself was not seen
LAST_SEQUENCE = 999_999


class Scheme(Protocol):
    """How a chain-of-identity code is made, recognized and checked."""

    name: str

    def next_code(self, year: int) -> str:
        """Return a code that was never given out before."""

    def is_code(self, text: str) -> bool:
        """Whether the text has this scheme's shape (without a check character)."""

    def check(self, code: str) -> str:
        """Return the check character to print beside the code."""


class Isbt040:
    """``CH`` + facility (5) + year (2) + sequence (6)."""

    def __init__(self, name: str, facility: str) -> None:
        self.name = name
        self.facility = facility

    def next_code(self, year: int) -> str:
        number = next_number(self.facility, year)
        if number > LAST_SEQUENCE:
            raise Conflict(
                f"Facility number {self.facility} has no identifier left in {year}.",
                code="identifiers_exhausted",
                remedy="Ask the network's operator for another facility number.",
            )
        return f"CH{self.facility}{year % 100:02d}{number:06d}"

    def is_code(self, text: str) -> bool:
        return isbt128.COI.fullmatch(text) is not None

    def check(self, code: str) -> str:
        return check_character(code[SPAN])


ISBT_040_FICTIONAL = Isbt040("isbt128-040-fictional", FICTIONAL_FACILITY)
_schemes: dict[str, Scheme] = {ISBT_040_FICTIONAL.name: ISBT_040_FICTIONAL}


def register(scheme: Scheme) -> None:
    """Add a scheme; its name is stored with every code it makes."""
    if scheme.name in _schemes:
        raise LookupError(f"scheme {scheme.name!r} is declared twice")
    _schemes[scheme.name] = scheme


def scheme_named(name: str) -> Scheme:
    """Return a scheme; LookupError for a name nobody declared."""
    try:
        return _schemes[name]
    except KeyError:
        raise LookupError(f"unknown identifier scheme {name!r}") from None


def is_any_code(text: str) -> bool:
    """Whether the text has the shape of some scheme's code."""
    return any(scheme.is_code(text) for scheme in _schemes.values())


def check_of_any(text: str) -> str:
    """Return the check character of a code by the scheme whose shape it has."""
    return next(scheme.check(text) for scheme in _schemes.values() if scheme.is_code(text))


def next_number(facility: str, year: int) -> int:
    """Return the next number under a facility number in a year; concurrent callers wait and get different ones."""
    table = FacilityCounter._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into {table} as c (id, facility, year, last) values (%s, %s, %s, 1)"  # noqa: S608
            " on conflict (facility, year) do update set last = c.last + 1 returning last",
            [new_id(), facility, year],
        )
        return int(cursor.fetchone()[0])
