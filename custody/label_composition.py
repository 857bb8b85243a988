"""Where each part of a label stands: computed once, drawn alike on paper and by a label printer.

Points (1/72 inch) from the label's upper left corner; a text's ``y`` is its baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from custody.label_contents import Code, LabelContent
from custody.label_fonts import width_of, wrapped
from custody.label_standards import StandardSymbol

RENDERER = 1  # raised whenever the same content is drawn in another way; a test holds it against what is drawn
MM = 72 / 25.4
MARGIN, QUIET, SYMBOL, SMALL = 3 * MM, 2 * MM, 24 * MM, 14 * MM
LARGEST, SMALLEST = 8.0, 4.0
FOOTER = 5.0
WARNINGS = (7.0, 6.0, 5.0)  # sizes, the largest that lets everything fit


@dataclass(frozen=True)
class Text:
    """One line of text; ``part`` says what of the label it is."""

    part: str
    text: str
    x: float
    y: float
    size: float
    bold: bool = False


@dataclass(frozen=True)
class Symbol:
    """A DataMatrix, by its upper left corner and side, without its quiet zone."""

    content: str
    x: float
    y: float
    side: float
    gs1: bool = False


@dataclass(frozen=True)
class Box:
    """The frame around a check character; without height a line."""

    x: float
    y: float
    width: float
    height: float = 0.0


Mark = Text | Symbol | Box


def size_of(stock: str) -> tuple[float, float]:
    """Return width and height of a label stock in points, from its name (``100x70``, in mm)."""
    width, height = stock.split("x")
    return int(width) * MM, int(height) * MM


def compose(content: LabelContent) -> list[Mark]:
    """Return the marks of a label; text shrinks until it fits, and nothing is ever left out.

    Raises ValueError when it does not fit even at the smallest size.
    """
    for warning in WARNINGS[:-1]:
        try:
            return _composed(content, warning)
        except ValueError:
            continue
    return _composed(content, WARNINGS[-1])


def _composed(content: LabelContent, warning: float) -> list[Mark]:
    width, height = size_of(content.stock)
    left = MARGIN + SYMBOL + 2 * QUIET
    room = width - left - MARGIN
    marks: list[Mark] = [Symbol(content.symbol, MARGIN + QUIET, MARGIN + QUIET, SYMBOL)]
    if content.standard is not None:
        room -= _standard(marks, content.standard, width)
    y = _product(marks, content.product, left, room)
    for code in content.codes:
        y += 12
        _code(marks, code, left, y, room)
    marks.append(Text("k_of_n", content.k_of_n, left, y + 14, 11, bold=True))
    top = max(MARGIN + SYMBOL + 2 * QUIET, y + 18)
    bottom = _foot(marks, content, width, height, warning)
    _body(marks, content.lines, top, bottom, width - 2 * MARGIN)
    return marks


def _standard(marks: list[Mark], standard: StandardSymbol, width: float) -> float:
    """Set the standard's symbol at the upper right with its name below; return the width it takes."""
    x = width - MARGIN - QUIET - SMALL
    marks += [
        Symbol(standard.content, x, MARGIN + QUIET, SMALL, standard.gs1),
        Text("standard", standard.title, x, MARGIN + 2 * QUIET + SMALL + FOOTER, FOOTER),
    ]
    return SMALL + 2 * QUIET


def _product(marks: list[Mark], text: str, left: float, room: float) -> float:
    """Set the product's name in at most two lines, smaller if need be; return the last baseline."""
    size, y = 10.0, MARGIN
    while len(parts := wrapped(text, size, room)) > 2 and size > SMALLEST:
        size -= 0.5
    for part in parts:
        y += size * 1.1
        marks.append(Text("product", part, left, y, size, bold=True))
    return y


def _code(marks: list[Mark], code: Code, left: float, y: float, room: float) -> None:
    """Set ``title code [K]``."""
    size = min(9.0, room / (0.61 * (len(code.title) + len(code.code) + 4)))
    start = left + width_of(f"{code.title} ", size * 0.7)
    box = start + width_of(code.code, size) + size * 0.4
    marks += [
        Text("code_title", code.title, left, y, size * 0.7),
        Text("code", code.code, start, y, size, bold=True),
        Box(box, y - size * 0.87, size * 0.85, size * 1.15),
        Text("check", code.check, box + size * 0.12, y, size, bold=True),
    ]


def _foot(marks: list[Mark], content: LabelContent, width: float, height: float, size: float) -> float:
    """Set warnings and the print's serial at the bottom; return where the body must end."""
    room = width - 2 * MARGIN
    y = height - MARGIN
    for part in reversed(wrapped(content.footer, FOOTER, room)):
        marks.append(Text("footer", part, MARGIN, y, FOOTER))
        y -= FOOTER * 1.2
    y -= 2
    for warning in reversed(content.warnings):
        for part in reversed(wrapped(warning, size, room)):
            marks.append(Text("warning", part, MARGIN, y, size, bold=True))
            y -= size * 1.21
    marks.append(Box(MARGIN, y, room))
    return y - 2


def _body(marks: list[Mark], lines: Sequence[tuple[str, str]], top: float, bottom: float, room: float) -> None:
    size = LARGEST
    while True:
        parts = [(key, part) for key, line in lines for part in wrapped(line, size, room)]
        if len(parts) * size * 1.2 <= bottom - top:
            break
        size -= 0.5
        if size < SMALLEST:
            raise ValueError("the label has more text than fits")
    for number, (key, part) in enumerate(parts):
        marks.append(Text(key, part, MARGIN, top + (number + 1) * size * 1.2 - size * 0.25, size))
