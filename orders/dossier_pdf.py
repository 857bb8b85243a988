"""A dossier as one PDF, to be read, printed and filed: the same parts and events as the rest of it."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import reportlab
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from custody import pictures

_FONTS = Path(reportlab.__file__).parent / "fonts"
pdfmetrics.registerFont(TTFont("Dossier", str(_FONTS / "Vera.ttf")))
pdfmetrics.registerFont(TTFont("Dossier-Bold", str(_FONTS / "VeraBd.ttf")))
_GLYPHS = pdfmetrics.getFont("Dossier").face.charToGlyph

BODY = ParagraphStyle("dossier", fontName="Dossier", fontSize=7, leading=9, wordWrap="CJK")
HEAD = ParagraphStyle("dossier-head", parent=BODY, fontName="Dossier-Bold")
SECTION = ParagraphStyle("dossier-section", parent=HEAD, fontSize=11, leading=15, spaceBefore=5 * mm, spaceAfter=2 * mm)
TITLE = ParagraphStyle("dossier-title", parent=HEAD, fontSize=16, leading=20, spaceAfter=3 * mm)
WIDTH = landscape(A4)[0] - 24 * mm
GRID = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.3, colors.HexColor("#777777")),
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e8ecf0")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
    ]
)


def dossier_pdf(context: Mapping[str, Any]) -> bytes:
    """Return the PDF of what the templates of a dossier are given (``dossier_files``); same content, same bytes."""
    document = context["document"]
    out = io.BytesIO()
    title = f"Dossier of order {document['order']}"
    sheet = SimpleDocTemplate(
        out,
        pagesize=landscape(A4),
        leftMargin=12 * mm,
        rightMargin=12 * mm,
        topMargin=12 * mm,
        bottomMargin=14 * mm,
        title=title,
        author=document["made_for"],
        invariant=1,
    )
    flow: list[Any] = [
        Paragraph(_said(title), TITLE),
        Paragraph(_said(f"Made {context['made_at']} for {document['made_for']}"), BODY),
        Paragraph(_said(f"Fingerprint of the sealing key: {context['fingerprint']}"), BODY),
        Spacer(1, 3 * mm),
        _table(["The order", "As it is"], [[label, value] for label, value in context["facts"]], (0.25, 0.75)),
    ]
    for part in context["parts"]:
        flow.append(Paragraph(_said(part["title"]), SECTION))
        if part["rows"]:
            flow.append(_table(part["columns"], part["rows"]))
        else:
            flow.append(Paragraph("None.", BODY))
        if part["name"] == "photos":
            flow += [_picture(name, content) for name, content in context["photos"].items()]
    flow.append(Paragraph("Events", SECTION))
    flow.append(_table(["No.", "When, where", "What", "Who", "Signed by", "Hash"], _events(context["events"]), EVENTS))
    sheet.build(flow, onFirstPage=_foot(document), onLaterPages=_foot(document))
    return out.getvalue()


PICTURE = 800  # pixels of the longer edge: enough to be read on paper; the file itself lies beside
EVENTS = (0.04, 0.18, 0.33, 0.17, 0.16, 0.12)


def _events(events: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    rows = []
    for event in events:
        row = event.get("row")
        if row is None:
            rows.append([str(event["seq"]), "", "Not for this reader", "", "", event["hash"][:16]])
            continue
        reason = f" Reason: {row.reason}" if row.reason else ""
        signed = "; ".join(
            f"{one['row'].person_name}, {one['row'].organization_name}: {one['row'].meaning}, {one['at']}"
            for one in event["signatures"]
        )
        who = f"{row.actor_name}, {row.organization_name}"
        rows.append(
            [str(event["seq"]), event["at"], f"{event['label']}. {event['text']}{reason}", who, signed, row.hash[:16]]
        )
    return rows


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float] = ()) -> Table:
    cells = [[Paragraph(_said(text), HEAD) for text in columns]]
    cells += [[Paragraph(_said(str(text)), BODY) for text in row] for row in rows]
    shares = widths or [1 / len(columns)] * len(columns)
    return Table(cells, colWidths=[WIDTH * share for share in shares], repeatRows=1, splitInRow=1, style=GRID)


def _picture(name: str, content: bytes) -> KeepTogether:
    """Return a photo as it is in the bundle, small, with the name of its file beneath."""
    small = pictures.smaller(content, PICTURE)
    drawn = Image(io.BytesIO(small), width=80 * mm, height=60 * mm, kind="proportional", hAlign="LEFT")
    return KeepTogether([Spacer(1, 2 * mm), drawn, Paragraph(_said(name), BODY)])


def _foot(document: Mapping[str, Any]) -> Any:
    def draw(canvas: Any, _: Any) -> None:
        canvas.setFont("Dossier", 7)
        fictional = " · fictional" if document["parts"]["order"][0].get("fictional") else ""
        canvas.drawString(
            12 * mm, 8 * mm, f"Dossier of order {document['order']}{fictional} · page {canvas.getPageNumber()}"
        )

    return draw


def _said(text: str) -> str:
    """Return text for a paragraph; what the font cannot draw is spelled without its marks, else as a question mark."""
    plain = "".join(
        letter if ord(letter) in _GLYPHS else unicodedata.normalize("NFKD", letter)[0]
        for letter in text.replace("\n", " ")
        if letter >= " "
    )
    return escape("".join(letter if ord(letter) in _GLYPHS else "?" for letter in plain))
