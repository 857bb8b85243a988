"""A downtime pack as PDF (A4): one part per order, every page with its number and the time it was printed."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)

from custody import label_fonts
from custody.label_contents import both_times
from custody.label_symbols import data_matrix
from orders.downtime import Paper, PaperStep, Question, Thing

TEXT = ParagraphStyle("text", fontName=label_fonts.PLAIN, fontSize=8.5, leading=11)
BOLD = ParagraphStyle("bold", parent=TEXT, fontName=label_fonts.BOLD)
HEAD = ParagraphStyle("head", parent=BOLD, fontSize=11, leading=14, spaceBefore=4 * mm, spaceAfter=1.5 * mm)
STOP = ParagraphStyle("stop", parent=BOLD, borderColor=colors.black, borderWidth=1, borderPadding=4, spaceBefore=3 * mm)
STOP.spaceAfter = 4 * mm
WIDTH = A4[0] - 30 * mm
LINE, BOX = "_" * 30, "[  ]"
OLD = "Printed for when the system is down. What changed since (holds, releases, quarantine) does not stand here: ask."
AFTERWARDS = (
    "Keep every sheet. When the system is back, one person types what stands here (Downtime packs, Bring in from paper)"
    " and attaches a picture of the sheet; another compares it with the paper, and signs too."
)
ASKED = (
    "Before anything is issued, thawed or infused, by phone, with name and time of who answers:",
    f"{BOX} released (manufacturer's quality)   {LINE}",
    f"{BOX} nothing in quarantine               {LINE}",
    f"{BOX} order not on hold (center's quality) {LINE}",
    "Nobody answers, or something differs: STOP.",
)


class Symbol(Flowable):
    """A DataMatrix of a code."""

    def __init__(self, content: str, side: float = 15 * mm) -> None:
        super().__init__()
        self.content, self.width, self.height = content, side, side

    def draw(self) -> None:
        modules = data_matrix(self.content)
        size = self.width / len(modules)
        path = self.canv.beginPath()
        for row, cells in enumerate(modules):
            for column, dark in enumerate(cells):
                if dark:
                    path.rect(column * size, self.height - (row + 1) * size, size, size)
        self.canv.drawPath(path, stroke=0, fill=1)


def render(papers: Sequence[Paper]) -> bytes:
    """Return the packs as one PDF; each begins on a page of its own and numbers its pages by itself."""
    label_fonts.load()
    target = io.BytesIO()
    document = BaseDocTemplate(target, pagesize=A4, title="Downtime pack", invariant=1)
    frame = Frame(15 * mm, 16 * mm, WIDTH, A4[1] - 40 * mm, id="page", leftPadding=0, rightPadding=0)
    firsts: dict[str, int] = {}
    story: list[Any] = []
    for paper in papers:
        name = code_of(paper)
        document.addPageTemplates(PageTemplate(name, [frame], onPage=_edges(paper, firsts)))
        story += [*([NextPageTemplate(name), PageBreak()] if story else []), *_part(paper)]
    document.build(story)
    return target.getvalue()


def code_of(paper: Paper) -> str:
    return f"{paper.order}/P{paper.number}"


def _edges(paper: Paper, firsts: dict[str, int]) -> Any:
    printed = f"Printed {both_times(paper.printed_at, paper.zone)} by {paper.printed_by}, {paper.organization}"

    def draw(canvas: Any, document: Any) -> None:
        number = canvas.getPageNumber()
        page = number - firsts.setdefault(code_of(paper), number) + 1
        canvas.setFont(label_fonts.BOLD, 12)
        canvas.drawString(15 * mm, A4[1] - 13 * mm, f"DOWNTIME PACK {code_of(paper)}")
        canvas.setFont(label_fonts.PLAIN, 7)
        canvas.drawString(15 * mm, A4[1] - 17 * mm, printed[:120])
        canvas.drawRightString(A4[0] - 15 * mm, A4[1] - 13 * mm, f"page {page}")
        canvas.drawString(15 * mm, 10 * mm, OLD)

    return draw


def _part(paper: Paper) -> list[Any]:
    warnings = [*paper.warnings, *(["FICTIONAL DATA: NOT FOR PATIENTS"] if paper.synthetic else [])]
    found = [Paragraph(escape(text), STOP) for text in warnings]
    if paper.asks_patient:
        found += _patient(paper)
    if paper.things:
        found += [Paragraph("Codes to compare and tick", HEAD), _things(paper.things)]
    for step in paper.steps:
        found += _step(step)
    return [*found, Spacer(0, 4 * mm), Paragraph(AFTERWARDS, TEXT)]


def _patient(paper: Paper) -> list[Any]:
    known = paper.name if paper.name and label_fonts.can_be_set(paper.name) else ""
    rows = [
        ["Patient, as known here", known or "not printed: read the wristband", paper.birth_date],
        ["As the wristband says", LINE, "_" * 14],
    ]
    return [Paragraph("Patient", HEAD), _table([["", "Name", "Birth date"], *rows], (0.3, 0.45, 0.25))]


def _things(things: Sequence[Thing]) -> Table:
    rows: list[list[Any]] = [["", "What it is, and its code", "Person 1", "Person 2"]]
    for thing in things:
        words = Paragraph(f"<b>{escape(thing.what)}</b><br/>{escape(thing.code)}<br/>{escape(thing.detail)}", TEXT)
        rows.append([Symbol(thing.code), words, BOX, BOX])
    return _table(rows, (0.13, 0.57, 0.15, 0.15))


def _step(step: PaperStep) -> list[Any]:
    planned = f", planned {both_times(step.planned_at, step.zone)}" if step.planned_at else ""
    found: list[Any] = [
        Paragraph(escape(step.title), HEAD),
        Paragraph(escape(f"{step.place}{planned}. Times in {step.zone}."), TEXT),
    ]
    if step.authorizes:
        found.append(Paragraph("<br/>".join(_spaced(text) for text in ASKED), STOP))
    found.append(_table([[Paragraph(escape(one.label), TEXT), _answer(one)] for one in step.questions], (0.35, 0.65)))
    people = [["", "Name in print", "Signature", "Date and time", "Meaning"]]
    people += [[f"Person {number + 1}", "", "", "", step.meaning[:24]] for number in range(step.people)]
    return [KeepTogether([*found, _table(people, (0.13, 0.28, 0.22, 0.17, 0.2), high=True)])]


def _answer(question: Question) -> Paragraph:
    if question.columns:
        text = "   ".join(f"{column}: {'_' * 22}" for column in question.columns)
    else:
        text = "   ".join(f"{BOX} {word}" for word in question.choices) or "_" * 48
    return Paragraph(_spaced(text), TEXT)


def _spaced(text: str) -> str:
    return escape(text).replace("  ", "&nbsp; ")


def _table(rows: list[list[Any]], shares: Sequence[float], *, high: bool = False) -> Table:
    if not rows:
        rows, shares = [[""]], (1.0,)
    table = Table(rows, colWidths=[WIDTH * share for share in shares], rowHeights=9 * mm if high else None)
    table.setStyle(
        [
            ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#777777")),
            ("FONT", (0, 0), (-1, -1), label_fonts.PLAIN, 8.5),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ]
    )
    return table


def file_name(papers: Sequence[Paper], at: dt.datetime) -> str:
    one = code_of(papers[0]).replace("/", "-") if len(papers) == 1 else f"{at:%Y-%m-%d}"
    return f"downtime-{one}.pdf"
