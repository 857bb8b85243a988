"""Schemes of chain-of-identity identifiers: how a code is made, recognized and checked (DOMAIN 6.1–6.3).

Every code is 15 characters long, so that what is derived from it (bags, labels) reads alike whatever the scheme. Which
scheme an order gets is data: see ``custody.numbering``. ``A9999`` is a fictional facility number: nothing is labeled
for a real patient under it.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import ClassVar, Protocol

from django.db import connection

from custody import isbt128
from custody.check_characters import check_character
from custody.models import FacilityCounter
from ledger.identifiers import new_id
from ledger.refusals import Conflict

FICTIONAL_FACILITY = "A9999"
LAST_SEQUENCE = 999_999
HOUSE = "CX"  # what codes outside ISBT 128 begin with: none of its own structures does
LETTERS, DIGITS = "ABCDEFGHJKMNPQRSTVWXYZ", "23456789"  # without look-alikes: no 0/O, 1/I/L, U/V pairs
DRAWN_FROM = {"L": LETTERS, "D": DIGITS, "X": LETTERS + DIGITS}
PATTERN = re.compile(r"[LDX]{10}", re.ASCII)  # ten digits still give 2 to the 30
_HOUSE_CODE = re.compile(rf"{HOUSE}[{LETTERS}]{{3}}[{LETTERS}0-9]{{10}}", re.ASCII)


class Scheme(Protocol):
    """How a chain-of-identity code is made. ``name`` is stored with every code; ``draws``: one may come twice."""

    draws: ClassVar[bool]

    @property
    def name(self) -> str: ...

    def next_code(self, year: int) -> str:
        """Return a code that was never given out before, or (``draws``) hardly ever."""
        ...


@dataclass(frozen=True)
class Isbt040:
    """``CH`` + facility (5) + year (2) + sequence (6): ISBT 128 data structure 040."""

    name: str
    facility: str
    draws: ClassVar[bool] = False

    def next_code(self, year: int) -> str:
        number = next_number(self.facility, year)
        if number > LAST_SEQUENCE:
            raise exhausted(f"Facility number {self.facility} has no identifier left in {year}.")
        return f"CH{self.facility}{year % 100:02d}{number:06d}"


@dataclass(frozen=True)
class Sequential:
    """``CX`` + three letters of the organization + year (2) + sequence (8)."""

    name: str
    letters: str
    draws: ClassVar[bool] = False

    def next_code(self, year: int) -> str:
        return f"{HOUSE}{self.letters}{year % 100:02d}{next_number(self.letters, year):08d}"


@dataclass(frozen=True)
class Drawn:
    """``CX`` + three letters of the organization + ten characters drawn after a pattern; it tells no order, no year."""

    name: str
    letters: str
    pattern: str
    draws: ClassVar[bool] = True

    def next_code(self, year: int) -> str:
        return f"{HOUSE}{self.letters}{''.join(secrets.choice(DRAWN_FROM[sort]) for sort in self.pattern)}"


ISBT_040_FICTIONAL = Isbt040("isbt128-040-fictional", FICTIONAL_FACILITY)


def is_any_code(text: str) -> bool:
    """Whether the text has the shape of some scheme's code, without a check character."""
    return isbt128.COI.fullmatch(text) is not None or _HOUSE_CODE.fullmatch(text) is not None


def check(code: str) -> str:
    """Return the check character to print in a box beside a code: over all of it, the mark in front included.

    For ISBT 128 that is the data content with its CH; ST-028 itself was not seen.
    """
    return check_character(code)


def printed(code: str) -> str:
    """Return a code as it is printed and typed: with its check character behind it."""
    return f"{code}{check(code)}"


def exhausted(text: str) -> Conflict:
    """Return the refusal of a scheme that has no code left."""
    return Conflict(
        text, code="identifiers_exhausted", remedy="Propose a scheme under another prefix, and let it be approved."
    )


def next_number(prefix: str, year: int) -> int:
    """Return the next number under a prefix in a year; concurrent callers wait and get different ones."""
    table = FacilityCounter._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into {table} as c (id, facility, year, last) values (%s, %s, %s, 1)"  # noqa: S608
            " on conflict (facility, year) do update set last = c.last + 1 returning last",
            [new_id(), prefix, year],
        )
        return int(cursor.fetchone()[0])
