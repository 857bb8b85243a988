"""Numbers typed by people or sent by machines, kept exactly: nothing is rounded, guessed or silently converted."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

_PLAIN = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,2})?", re.ASCII)


def exact_number(raw: Any, *, whole_digits: int = 21, decimals: int = 9) -> Decimal:
    """Return ``raw`` (int, float, Decimal or text such as "0.7" or "6.8e7") as the exact decimal number.

    Raises ValueError, with a sentence for the person who typed it, for anything else: true/false, an empty text, a
    decimal comma, infinity, or more digits than can be kept.
    """
    if isinstance(raw, bool) or not isinstance(raw, (int, float, Decimal, str)):
        raise ValueError("Enter a number.")
    text = str(raw).strip()
    if not _PLAIN.fullmatch(text):
        raise ValueError("Enter a number with a decimal point, for example 82.5.")
    try:
        number = Decimal(text)
    except InvalidOperation:  # pragma: no cover - the pattern admits decimal numbers only
        raise ValueError("Enter a number.") from None
    _, digits, exponent = number.normalize().as_tuple()
    if not isinstance(exponent, int) or -exponent > decimals or len(digits) + exponent > whole_digits:
        raise ValueError(f"Enter a number of at most {whole_digits} digits and {decimals} decimals.")
    return number


def as_json(number: Decimal) -> int | float | str:
    """Return the number as JSON holds it without loss: whole, floating, or else as text."""
    if number == number.to_integral_value():
        return int(number)
    return float(number) if Decimal(str(float(number))) == number else str(number)
