"""Texts with places in them: a template's lines, split once where a copy differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

NUMBER = "\x00number\x00"  # stands for a history row's number
DATE = r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)"
CONTAINER = r"[A-Z0-9]{15}-(?:SM|DP|VK)\d\d-[0-9A-Z*]"
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


class Pattern:
    """Finds the words that a copy replaces: given ones, dates, and container codes."""

    def __init__(self, words: Iterable[str]) -> None:
        longest_first = sorted({word for word in words if word}, key=lambda word: (-len(word), word))
        self._pattern = re.compile(f"({CONTAINER}|{'|'.join(map(re.escape, [NUMBER, *longest_first]))}|{DATE})")

    def split(self, text: str) -> list[str]:
        """Return literal, word, literal, word, …, literal."""
        return self._pattern.split(text)


def fill(parts: list[str], words: Mapping[str, str]) -> str:
    """Return the text with every word replaced."""
    filled = parts.copy()
    for place in range(1, len(parts), 2):
        filled[place] = words[parts[place]]
    return "".join(filled)


def unescaped(cell: str) -> str:
    """Return the value of a cell in COPY's text format."""
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), cell)
