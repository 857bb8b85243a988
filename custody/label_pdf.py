"""Labels as PDF: one per page of label stock, or several on a sheet."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence

from reportlab.pdfgen.canvas import Canvas

from custody import label_fonts
from custody.label_composition import MARGIN, MM, RENDERER, Box, Mark, Symbol, Text, compose, size_of
from custody.label_contents import LabelContent
from custody.label_symbols import data_matrix
from custody.states import LabelSheet

VOID = "VOID"
WORDS = 6.0  # size of the words below a void label
SHEETS = {LabelSheet.A4: (210 * MM, 297 * MM), LabelSheet.LETTER: (215.9 * MM, 279.4 * MM)}


def render(contents: Sequence[LabelContent]) -> bytes:
    """Return a PDF with one page per label, each of its own stock's size."""
    canvas, target = _begin()
    for content in contents:
        size = size_of(content.stock)
        canvas.setPageSize(size)
        _draw(canvas, compose(content), 0, size[1])
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def render_sheets(contents: Sequence[LabelContent], sheet: LabelSheet | str, first: int = 1) -> bytes:
    """Return a PDF of sheets; the first label takes place ``first`` (1: upper left), as the ones before are used up.

    A place is as large as the largest label. Raises ValueError for a place that the sheet does not have.
    """
    page = SHEETS[LabelSheet(sheet)]
    places = grid(page, [content.stock for content in contents])
    if not 1 <= first <= len(places):
        raise ValueError(f"the sheet has places 1 to {len(places)}")
    canvas, target = _begin()
    canvas.setPageSize(page)
    for number, content in enumerate(contents, first - 1):
        if number and number % len(places) == 0:
            canvas.showPage()
            canvas.setPageSize(page)
        left, top = places[number % len(places)]
        _draw(canvas, compose(content), left, page[1] - top)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def render_void(ended: Sequence[tuple[LabelContent, Sequence[str]]]) -> bytes:
    """Return a PDF with one page per label that is valid no more, as it was drawn: VOID across it, words below.

    The page is higher than the label, so that nobody takes it for one; a symbol under the lines may still be read, and
    is refused by its serial.
    """
    canvas, target = _begin()
    canvas.setTitle("Void labels")
    for content, words in ended:
        width, height = size_of(content.stock)
        lines = [part for text in words for part in label_fonts.wrapped(text, WORDS, width - 2 * MARGIN)]
        strip = MARGIN + len(lines) * WORDS * 1.3
        canvas.setPageSize((width, height + strip))
        _draw(canvas, compose(content), 0, height + strip)
        _across(canvas, width, height, strip)
        canvas.setFont(label_fonts.PLAIN, WORDS)
        for number, line in enumerate(lines):
            canvas.drawString(MARGIN, strip - (number + 1) * WORDS * 1.3, line)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def _across(canvas: Canvas, width: float, height: float, bottom: float) -> None:
    """Cross a label out from corner to corner, and write VOID over it along the diagonal."""
    size = 0.6 * math.hypot(width, height) / label_fonts.width_of(VOID, 1)
    canvas.saveState()
    canvas.setLineWidth(2)
    canvas.line(0, bottom, width, bottom + height)
    canvas.line(0, bottom + height, width, bottom)
    canvas.line(0, bottom, width, bottom)
    canvas.translate(width / 2, bottom + height / 2)
    canvas.rotate(math.degrees(math.atan2(height, width)))
    canvas.setFillGray(0.4, alpha=0.5)
    canvas.setFont(label_fonts.BOLD, size)
    canvas.drawString(-label_fonts.width_of(VOID, size) / 2, -0.36 * size, VOID)
    canvas.restoreState()


def grid(page: tuple[float, float], stocks: Iterable[str]) -> list[tuple[float, float]]:
    """Return the upper left corners of a sheet's places from its upper left corner, row by row, in points."""
    sizes = [size_of(stock) for stock in stocks]
    width, height = max(size[0] for size in sizes), max(size[1] for size in sizes)
    columns, rows = int(page[0] // width), int(page[1] // height)
    left, top = (page[0] - columns * width) / 2, (page[1] - rows * height) / 2
    return [(left + column * width, top + row * height) for row in range(rows) for column in range(columns)]


def _begin() -> tuple[Canvas, io.BytesIO]:
    label_fonts.load()
    target = io.BytesIO()
    canvas = Canvas(target, invariant=True)
    canvas.setTitle("Labels")
    canvas.setSubject(f"Drawn by renderer {RENDERER}")
    return canvas, target


def _draw(canvas: Canvas, marks: Sequence[Mark], left: float, top: float) -> None:
    """Draw a label whose upper left corner is at (left, top), in PDF's coordinates."""
    for mark in marks:
        x, y = left + mark.x, top - mark.y
        if isinstance(mark, Text):
            canvas.setFont(label_fonts.BOLD if mark.bold else label_fonts.PLAIN, mark.size)
            canvas.drawString(x, y, mark.text)
        elif isinstance(mark, Box):
            _frame(canvas, mark, x, y)
        else:
            _symbol(canvas, mark, x, y)


def _frame(canvas: Canvas, mark: Box, x: float, y: float) -> None:
    if mark.height:
        canvas.rect(x, y - mark.height, mark.width, mark.height, stroke=1, fill=0)
    else:
        canvas.line(x, y, x + mark.width, y)


def _symbol(canvas: Canvas, mark: Symbol, x: float, y: float) -> None:
    modules = data_matrix(mark.content, gs1=mark.gs1)
    size = mark.side / len(modules)
    path = canvas.beginPath()
    for row, cells in enumerate(modules):
        for column, dark in enumerate(cells):
            if dark:
                path.rect(x + column * size, y - (row + 1) * size, size, size)
    canvas.drawPath(path, stroke=0, fill=1)
