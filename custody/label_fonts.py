"""The label's font: DejaVu Sans Mono (fonts/LICENSE.txt) tells 0 from O and 1 from I and l, as ISBT 128 asks.

Every character is equally wide, so what fits a line is known without drawing, on paper and on a label printer alike.
"""

from __future__ import annotations

import textwrap
import unicodedata
from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONTS = Path(__file__).resolve().parent / "fonts"
FILES = {"CgtMono": FONTS / "DejaVuSansMono.ttf", "CgtMono-Bold": FONTS / "DejaVuSansMono-Bold.ttf"}
PLAIN, BOLD = FILES
CHARACTER = 0.6021  # width of every character, in font sizes
RIGHT_TO_LEFT = ("R", "AL", "AN")


@cache
def load() -> None:
    """Register both faces with the PDF writer, once per process."""
    for name, file in FILES.items():
        pdfmetrics.registerFont(TTFont(name, file))


def can_be_set(text: str) -> bool:
    """Whether the label's font sets a text as it is read.

    It has no glyphs for many scripts, and no renderer joins letters or writes but from left to right: a name set
    wrongly is worse at the bedside than one that is not there.
    """
    load()
    glyphs = pdfmetrics.getFont(PLAIN).face.charToGlyph
    composed = unicodedata.normalize("NFC", text)
    return all(
        ord(character) in glyphs
        and unicodedata.bidirectional(character) not in RIGHT_TO_LEFT
        and not unicodedata.combining(character)
        for character in composed
    )


def width_of(text: str, size: float) -> float:
    """Return the width of a text in the unit of ``size``."""
    return len(text) * CHARACTER * size


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Break a text into lines that fit; long words are broken too."""
    return textwrap.wrap(text, max(1, int(width / (CHARACTER * size))), break_on_hyphens=False)
