"""Numbers with their noun, as people say them: “1 bag”, “2 bags”."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return the number with its noun in the right form; for nouns that take a plain s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
