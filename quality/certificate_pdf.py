"""The release certificate as PDF: decision, chain of identity, batch, tests against limits, signatures (T1, QA2).

Holds no patient data. The same decision gives the same bytes each time it is printed.
"""

from __future__ import annotations

import datetime as dt
import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import reportlab
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from ledger.refusals import WrongState
from network.specifications import Rule, rules_of
from quality.models import Batch, QCResult, Release
from quality.results import results_before
from quality.states import Decision, Verdict

_FONTS = Path(reportlab.__file__).parent / "fonts"
pdfmetrics.registerFont(TTFont("Certificate", str(_FONTS / "Vera.ttf")))
pdfmetrics.registerFont(TTFont("Certificate-Bold", str(_FONTS / "VeraBd.ttf")))
_GLYPHS = pdfmetrics.getFont("Certificate").face.charToGlyph

BODY = ParagraphStyle("body", fontName="Certificate", fontSize=9, leading=12)
HEAD = ParagraphStyle("head", parent=BODY, fontName="Certificate-Bold")
TITLE = ParagraphStyle("title", parent=HEAD, fontSize=16, leading=20, spaceAfter=4 * mm)
WARNING = ParagraphStyle("warning", parent=HEAD, fontSize=12, leading=16, textColor=colors.HexColor("#a30000"))
GRID = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#777777")),
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e8ecf0")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
)


class Signed(Protocol):
    """A signature of the record: printed name, organization, meaning, time and IANA zone."""

    person_name: Any
    organization_name: Any
    meaning: Any
    signed_at: Any
    zone: Any


def certificate_pdf(
    batch: Batch,
    release: Release,
    *,
    identity_code: str,
    therapy_name: str,
    plant_name: str,
    signatures: Sequence[Signed],
    zone: str = "UTC",
    synthetic: bool = False,
) -> bytes:
    """Return the certificate of a release; call it inside ``reading(actor)`` or an action.

    ``identity_code``: the chain-of-identity identifier; ``zone``: the plant's IANA zone for times of manufacture and
    decision; ``synthetic``: print that the record is fictional. Raises WrongState ``not_released`` for a rejection.
    """
    if release.decision != Decision.RELEASE:
        raise WrongState("Only a release has a certificate.", code="not_released")
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        title=f"Release certificate {release.certificate_number}",
        author=_legible(plant_name),
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        invariant=1,
    )
    parts: list[Any] = [Paragraph("Release certificate", TITLE)]
    if synthetic:
        parts.append(Paragraph("FICTIONAL DEMONSTRATION RECORD – NOT FOR CLINICAL USE", WARNING))
    if release.revoked_at is not None:
        parts.append(Paragraph(f"REVOKED {_moment(release.revoked_at, zone)} – DO NOT SHIP, DO NOT GIVE", WARNING))
    facts = _facts(batch, release, identity_code, therapy_name, plant_name, zone)
    parts += [Spacer(1, 3 * mm), _table([], facts, (52, 122)), Spacer(1, 6 * mm)]
    parts += [Paragraph("Tests", HEAD), _tests(batch, release), Spacer(1, 6 * mm)]
    parts += [Paragraph("Signatures", HEAD), _signatures(signatures)]
    document.build(parts)
    return out.getvalue()


def _facts(batch: Batch, release: Release, identity: str, therapy: str, plant: str, zone: str) -> list[tuple[str, ...]]:
    facts: list[tuple[str, ...]] = [
        ("Certificate", release.certificate_number or ""),
        ("Decision", "Released"),
        ("Decided", _moment(release.decided_at, zone)),
        ("Chain of identity", identity),
        ("Therapy", therapy),
        ("Batch", batch.number),
        ("Batch record", batch.record_reference),
        ("Plant", plant),
        ("Manufacture", f"{_moment(batch.started_at, zone)} – {_moment(batch.finished_at, zone)}"),
        ("Specification", f"Version {batch.specification.version}"),
        ("Signed content", release.content_hash or "–"),
    ]
    return [*facts, ("Remark", release.reason)] if release.reason else facts


def _tests(batch: Batch, release: Release) -> Table:
    results = {result.test_key: result for result in results_before(release)}
    rows = [_test_row(rule, results.get(rule.key)) for rule in rules_of(batch.specification).values()]
    return _table(["Test", "Limit", "Result", "Verdict"], rows, (62, 44, 44, 24))


def _test_row(rule: Rule, result: QCResult | None) -> tuple[str, ...]:
    if result is None:
        return rule.label, rule.limits_text, "–", "Not done"
    return rule.label, rule.limits_text, result.outcome, Verdict(result.verdict).label


def _signatures(signatures: Sequence[Signed]) -> Table:
    rows = [(s.person_name, s.organization_name, s.meaning, _moment(s.signed_at, s.zone)) for s in signatures]
    return _table(["Name", "Organization", "Meaning", "Signed"], rows, (44, 44, 36, 50))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Table:
    cells = [[Paragraph(text, HEAD) for text in head]] if head else []
    cells += [[Paragraph(escape(_legible(text)), BODY) for text in row] for row in rows]
    cells = cells or [[Paragraph("–", BODY)] * len(widths)]
    style = GRID if head else TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP")])
    return Table(cells, colWidths=[width * mm for width in widths], style=style, repeatRows=1 if head else 0)


def _moment(moment: dt.datetime | None, zone: str) -> str:
    if moment is None:
        return "–"
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S %Z} ({zone})"


def _legible(text: str) -> str:
    """Replace each character that the font lacks by its base letter, or else by a visible mark, never by nothing."""
    return "".join(character if ord(character) in _GLYPHS else _base(character) for character in str(text))


def _base(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)[0]
    return base if ord(base) in _GLYPHS else "?"
