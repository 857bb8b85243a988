"""Texts with places in them: a template's lines, split once where a copy differs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from operator import itemgetter

from custody.states import KIND_LETTERS

NUMBER = "\x00{}\x00"  # stands for the number of the n-th history row
DATE = r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)"
CONTAINER = rf"[A-Z0-9]{{15}}-(?:{'|'.join(KIND_LETTERS.values())})\d\d-[0-9A-Z*]"
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


class Text:
    """A text whose words are replaced in three calls, whatever its length: this runs for each of millions of rows."""

    def __init__(self, parts: list[str]) -> None:
        """``parts``: literal, word, literal, word, …, literal."""
        self.words = [sys.intern(word) for word in parts[1::2]]
        self._parts = parts
        self._pick = itemgetter(*self.words) if len(self.words) > 1 else None

    def fill(self, words: Mapping[str, str]) -> str:
        """Return the text with every word replaced."""
        filled = self._parts.copy()
        filled[1::2] = self._pick(words) if self._pick else [words[word] for word in self.words]
        return "".join(filled)


class Pattern:
    """Finds the words that a copy replaces: given ones, dates, container codes, and numbers of history rows."""

    def __init__(self, words: Iterable[str]) -> None:
        longest_first = sorted({word for word in words if word}, key=lambda word: (-len(word), word))
        shapes = [CONTAINER, NUMBER.format("[0-9]+"), *map(re.escape, longest_first), DATE]
        self._pattern = re.compile(f"({'|'.join(shapes)})")

    def text(self, text: str) -> Text:
        return Text(self._pattern.split(text))


def unescaped(cell: str) -> str:
    """Return the value of a cell in COPY's text format."""
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), cell)
