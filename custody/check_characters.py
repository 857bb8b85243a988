"""Check characters after ISO/IEC 7064 MOD 37-2, as ISBT 128 prints them in a box (DOMAIN 6.3)."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def _sum(text: str) -> int:
    total = 0
    for character in text:
        if character not in _VALUES or character == "*":
            raise ValueError(f"{character!r} is not 0–9 or A–Z")
        total = (total + _VALUES[character]) * 2 % 37
    return total


def check_character(text: str) -> str:
    """Return the check character of ``text`` (digits and capital letters); ValueError for anything else."""
    if not text:
        raise ValueError("an empty text has no check character")
    return ALPHABET[(38 - _sum(text)) % 37]


def is_valid(text: str, check: str) -> bool:
    """Whether ``check`` is the check character of ``text``."""
    try:
        return check_character(text) == check
    except ValueError:
        return False
