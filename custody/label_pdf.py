"""Labels as PDF, one per page of 100 × 70 mm: DataMatrix, eye-readable code with boxed check character (DOMAIN 6.4).

The text is set in DejaVu Sans Mono (fonts/LICENSE.txt), which tells 0 from O and 1 from I and l, as ISBT 128 asks.
"""

from __future__ import annotations

import datetime as dt
import io
import textwrap
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import zxingcpp
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from custody.identity import check_of
from custody.models import Label
from custody.states import LabelTemplate

WIDTH, HEIGHT, MARGIN = 100 * mm, 70 * mm, 3 * mm
SYMBOL = 24 * mm
QUIET = 2 * mm
PLAIN, BOLD = "CgtMono", "CgtMono-Bold"
FONTS = Path(__file__).resolve().parent / "fonts"
LARGEST, SMALLEST = 8.0, 4.0
RIGHT_TO_LEFT = ("R", "AL", "AN")
UNPRINTABLE = "Name in a script that this label cannot show: read the wristband"
CHARACTER = 0.6021  # width of every character, in font sizes
SQUARE_VERSIONS = range(5, 25)  # zxing picks rectangular symbols unless a square version is named

WARNINGS = {
    LabelTemplate.COLLECTION: ("FOR FURTHER MANUFACTURE",),
    LabelTemplate.PRODUCT: ("DO NOT IRRADIATE. NO LEUKOREDUCTION FILTER",),
}
AUTOLOGOUS = {
    LabelTemplate.COLLECTION: ("FOR AUTOLOGOUS USE ONLY", "NOT EVALUATED FOR INFECTIOUS SUBSTANCES"),
    LabelTemplate.PRODUCT: ("FOR AUTOLOGOUS USE ONLY",),
}


@dataclass(frozen=True)
class LabelText:
    """What is printed besides the codes. ``patient_lines`` only where the reader's disclosure allows them.

    ``zone``: the IANA zone of the place of printing. ``storage``: e.g. ``2 to 8 °C``.
    """

    product: str
    storage: str
    zone: str
    site: str = ""
    autologous: bool = True
    patient_lines: Sequence[str] = ()
    warnings: Sequence[str] = ()
    synthetic: bool = False


def render(labels: Sequence[Label], lines_for: Callable[[Label], LabelText]) -> bytes:
    """Return a PDF with one page per label. ``label.container.coi`` should be loaded."""
    _load_fonts()
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(WIDTH, HEIGHT), invariant=True)
    canvas.setTitle("Labels")
    for label in labels:
        _draw(canvas, label, lines_for(label))
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def data_matrix(content: str) -> list[list[bool]]:
    """Return the modules of the smallest square DataMatrix, True where dark."""
    for version in SQUARE_VERSIONS:
        try:
            symbol = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.DataMatrix, version=version)
        except ValueError:
            continue
        drawn: Any = symbol.to_image(scale=1, add_quiet_zones=False)
        image: Any = memoryview(drawn)  # one byte per module, 0 is dark
        rows, columns = image.shape
        return [[image[row, column] == 0 for column in range(columns)] for row in range(rows)]
    raise ValueError("the content does not fit a label's symbol")


def can_be_set(text: str) -> bool:
    """Whether the label's font sets a text as it is read.

    It has no glyphs for many scripts, and the PDF joins no letters and writes from left to right only: a name set
    wrongly is worse at the bedside than one that is not there.
    """
    _load_fonts()
    glyphs = pdfmetrics.getFont(PLAIN).face.charToGlyph
    composed = unicodedata.normalize("NFC", text)
    return all(
        ord(character) in glyphs
        and unicodedata.bidirectional(character) not in RIGHT_TO_LEFT
        and not unicodedata.combining(character)
        for character in composed
    )


def both_times(moment: dt.datetime, zone: str) -> str:
    """Return local time with its zone, and UTC in brackets: material crosses zones."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M %Z} ({moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC)"


@cache
def _load_fonts() -> None:
    pdfmetrics.registerFont(TTFont(PLAIN, FONTS / "DejaVuSansMono.ttf"))
    pdfmetrics.registerFont(TTFont(BOLD, FONTS / "DejaVuSansMono-Bold.ttf"))


def _draw(canvas: Canvas, label: Label, text: LabelText) -> None:
    container = label.container
    _draw_symbol(canvas, container.code)
    left = MARGIN + SYMBOL + 2 * QUIET
    width = WIDTH - left - MARGIN
    top = HEIGHT - MARGIN
    y = _paragraph(canvas, text.product, left, top, width, BOLD, 10, 2)
    y = _code_line(canvas, "BAG", container.code[:-2], container.code[-1], left, y - 12, width)
    if container.coi is not None:
        y = _code_line(canvas, "CoI", container.coi.code, check_of(container.coi), left, y - 12, width)
    canvas.setFont(BOLD, 11)
    canvas.drawString(left, y - 14, container.k_of_n)
    bottom = _footer(canvas, label, text)
    _body(canvas, _body_lines(label, text), HEIGHT - MARGIN - SYMBOL - 2 * QUIET, bottom)


def _draw_symbol(canvas: Canvas, content: str) -> None:
    modules = data_matrix(content)
    size = SYMBOL / len(modules)
    left, top = MARGIN + QUIET, HEIGHT - MARGIN - QUIET
    path = canvas.beginPath()
    for row, cells in enumerate(modules):
        for column, dark in enumerate(cells):
            if dark:
                path.rect(left + column * size, top - (row + 1) * size, size, size)
    canvas.drawPath(path, stroke=0, fill=1)


def _code_line(canvas: Canvas, title: str, code: str, check: str, left: float, y: float, width: float) -> float:
    """Draw ``title code [K]``; return the line's baseline."""
    size = min(9.0, width / (0.61 * (len(title) + len(code) + 4)))
    canvas.setFont(PLAIN, size * 0.7)
    canvas.drawString(left, y, title)
    canvas.setFont(BOLD, size)
    start = left + pdfmetrics.stringWidth(title + " ", PLAIN, size * 0.7)
    canvas.drawString(start, y, code)
    box = start + pdfmetrics.stringWidth(code, BOLD, size) + size * 0.4
    canvas.rect(box, y - size * 0.28, size * 0.85, size * 1.15, stroke=1, fill=0)
    canvas.drawString(box + size * 0.12, y, check)
    return y


def _body_lines(label: Label, text: LabelText) -> list[str]:
    container = label.container
    lines = [line if can_be_set(line) else UNPRINTABLE for line in text.patient_lines if line]
    lines = list(dict.fromkeys(lines))  # said once for family and given name
    if container.ended_at is not None:
        verb = "Collected" if container.kind == "starting_material" else "Filled"
        lines.append(f"{verb}: {both_times(container.ended_at, text.zone)}")
    elif label.template == LabelTemplate.COLLECTION:
        lines.append("Collected: ____-__-__ __:__ ______")
    if container.expires_at is not None:
        lines.append(f"Expires: {both_times(container.expires_at, text.zone)}")
    if container.volume_ml is not None:
        lines.append(f"Volume: {container.volume_ml.normalize():f} mL")
    if container.donation_number:
        lines.append(f"DIN: {container.donation_number}")
    if container.lot:
        lines.append(f"Lot: {container.lot}" + (f"  Serial: {container.serial}" if container.serial else ""))
    lines.append(f"Store at {text.storage}")
    if text.site:
        lines.append(text.site)
    return lines


def _footer(canvas: Canvas, label: Label, text: LabelText) -> float:
    """Draw warnings and the print's serial at the bottom; return where the body must end."""
    template = LabelTemplate(label.template)
    warnings = [*(AUTOLOGOUS[template] if text.autologous else ()), *WARNINGS[template], *text.warnings]
    if text.synthetic:
        warnings.append("FICTIONAL DEMONSTRATION - NOT FOR USE")
    canvas.setFont(PLAIN, 5)
    canvas.drawString(MARGIN, MARGIN, f"Label {label.serial}  printed {both_times(label.printed_at, text.zone)}")
    y = MARGIN + 8
    for warning in reversed(warnings):
        for line in reversed(_wrapped(warning, 7, WIDTH - 2 * MARGIN)):
            canvas.setFont(BOLD, 7)
            canvas.drawString(MARGIN, y, line)
            y += 8.5
    canvas.line(MARGIN, y, WIDTH - MARGIN, y)
    return y + 2


def _body(canvas: Canvas, lines: Sequence[str], top: float, bottom: float) -> None:
    """Set the lines as large as they fit; nothing is ever left out."""
    size = LARGEST
    while True:
        wrapped = [part for line in lines for part in _wrapped(line, size, WIDTH - 2 * MARGIN)]
        if len(wrapped) * size * 1.2 <= top - bottom:
            break
        size -= 0.5
        if size < SMALLEST:
            raise ValueError("the label has more text than fits")
    canvas.setFont(PLAIN, size)
    for number, line in enumerate(wrapped):
        canvas.drawString(MARGIN, top - (number + 1) * size * 1.2 + size * 0.25, line)


def _wrapped(text: str, size: float, width: float) -> list[str]:
    """Break a text into lines that fit; every character of the font is equally wide, and long words are broken too."""
    return textwrap.wrap(text, max(1, int(width / (CHARACTER * size))), break_on_hyphens=False)


def _paragraph(
    canvas: Canvas, text: str, left: float, top: float, width: float, font: str, size: float, most: int
) -> float:
    """Set a text in at most ``most`` lines, smaller if need be; return the last baseline."""
    while len(parts := _wrapped(text, size, width)) > most and size > SMALLEST:
        size -= 0.5
    canvas.setFont(font, size)
    y = top
    for part in parts:
        y -= size * 1.1
        canvas.drawString(left, y, part)
    return y
