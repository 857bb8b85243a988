"""What stands on a label, as data: the elements of DOMAIN 6.4. Every renderer draws exactly this, and adds nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from custody import label_fonts, label_standards, label_words
from custody.check_characters import check_character
from custody.identity import check_of
from custody.label_standards import StandardSymbol
from custody.label_words import word
from custody.models import ChainOfIdentity, Label
from custody.states import LabelElement, LabelLanguage, LabelStock, LabelTemplate

SEALED = ("",)  # patient lines that are kept by their place only
STANDARD = tuple(element for element in LabelElement if element != LabelElement.TEXTS)


@dataclass(frozen=True)
class Layout:
    """How labels of one kind look: which elements below the codes, in which order, languages, stock, own texts.

    ``version``: of the approved template, 0 for the layout that the software brings along.
    """

    elements: tuple[str, ...] = STANDARD
    languages: tuple[str, ...] = (LabelLanguage.ENGLISH,)
    stock: str = LabelStock.MM_100_70
    proper_name: str = ""
    product_code: str = ""
    anticoagulant: str = ""
    texts: tuple[str, ...] = ()
    version: int = 0


@dataclass(frozen=True)
class LabelText:
    """What is printed besides the codes. ``patient_lines`` only where the reader's disclosure allows them.

    ``infectious_tests``: of the donor, ``negative``, ``positive``, ``pending`` or unknown.
    ``zone``: the IANA zone of the place of printing. ``storage``: e.g. ``2 to 8 °C``.
    """

    product: str
    storage: str
    zone: str
    site: str = ""
    autologous: bool = True
    infectious_tests: str = ""
    patient_lines: Sequence[str] = ()
    warnings: Sequence[str] = ()
    synthetic: bool = False
    layout: Layout = field(default_factory=Layout)


@dataclass(frozen=True)
class Code:
    """An eye-readable code with the check character that is printed boxed beside it."""

    title: str
    code: str
    check: str


@dataclass(frozen=True)
class LabelContent:
    """One label, in the order in which it is read.

    ``symbol``: what its DataMatrix says, the serial of the print, so that a voided label is known by its code;
    ``lines``: (element, text). ``standard``: what other people's systems read, in a smaller symbol of its own.
    """

    symbol: str
    product: str
    codes: tuple[Code, ...]
    k_of_n: str
    lines: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    footer: str
    standard: StandardSymbol | None = None
    stock: str = LabelStock.MM_100_70


def content_of(label: Label, text: LabelText) -> LabelContent:
    """Return what stands on a print. ``label.container.coi`` should be loaded."""
    container, layout = label.container, text.layout
    codes = [Code("BAG", container.code[:-2], container.code[-1])]
    if container.coi is not None:
        codes.append(Code("CoI", container.coi.code, check_of(container.coi)))
    if container.donation_number and LabelElement.DONATION in layout.elements:
        codes.append(Code("DIN", container.donation_number, check_character(container.donation_number)))
    lines = [(key, line) for key in layout.elements for line in _ELEMENTS[key](label, text)]
    warnings = label_words.statements(
        label.template, layout.languages, autologous=text.autologous, infectious_tests=text.infectious_tests
    )
    template = f" T{layout.version}" if layout.version else ""
    return LabelContent(
        symbol=label.serial,
        product=layout.proper_name or text.product,
        codes=tuple(codes),
        k_of_n=container.k_of_n,
        lines=tuple(lines),
        warnings=(*warnings, *text.warnings, *([label_words.FICTIONAL] if text.synthetic else [])),
        footer=f"Label {label.serial}{template} printed {both_times(label.printed_at, text.zone)}",
        standard=_standard(label, layout),
        stock=layout.stock,
    )


def wristband_of(
    coi: ChainOfIdentity, patient_lines: Sequence[str], zone: str, at: dt.datetime, *, site: str, synthetic: bool
) -> LabelContent:
    """Return what the patient wears: the chain of identity with its check character as the symbol, and who it is."""
    return LabelContent(
        symbol=coi.code + check_of(coi),
        product="Patient",
        codes=(Code("CoI", coi.code, check_of(coi)),),
        k_of_n="",
        lines=(*((LabelElement.PATIENT, line) for line in patient_lines_of(patient_lines)), (LabelElement.SITE, site)),
        warnings=(label_words.FICTIONAL,) if synthetic else (),
        footer=f"Printed {both_times(at, zone)}",
    )


def _standard(label: Label, layout: Layout) -> StandardSymbol | None:
    if label.template == LabelTemplate.PRODUCT:
        return label_standards.of_product(label.container, layout.product_code)
    return label_standards.of_donation(label.container)


def both_times(moment: dt.datetime, zone: str) -> str:
    """Return local time with its zone, and UTC in brackets: material crosses zones."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M %Z} ({moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC)"


def patient_lines_of(given: Sequence[str]) -> list[str]:
    """Return what a label says of the patient: what its font cannot set is replaced by a hint."""
    shown = [line if label_fonts.can_be_set(line) else label_words.UNPRINTABLE for line in given if line]
    return list(dict.fromkeys(shown))  # said once for family and given name


def _patient(label: Label, text: LabelText) -> list[str]:
    return [""] if text.patient_lines == SEALED else patient_lines_of(text.patient_lines)


def _collected(label: Label, text: LabelText) -> list[str]:
    container = label.container
    verb = "collected" if label.template == LabelTemplate.COLLECTION else "filled"
    if container.ended_at is not None:
        return [_told(text, verb, both_times(container.ended_at, text.zone))]
    return [_told(text, verb, "____-__-__ __:__ ______")] if verb == "collected" else []


def _expires(label: Label, text: LabelText) -> list[str]:
    at = label.container.expires_at
    return [_told(text, "expires", both_times(at, text.zone))] if at is not None else []


def _volume(label: Label, text: LabelText) -> list[str]:
    volume = label.container.volume_ml
    return [_told(text, "volume", f"{volume.normalize():f} mL")] if volume is not None else []


def _lot(label: Label, text: LabelText) -> list[str]:
    container, languages = label.container, text.layout.languages
    if not container.lot:
        return []
    serial = f"  {word('serial', languages)}: {container.serial}" if container.serial else ""
    return [_told(text, "lot", container.lot) + serial]


def _told(text: LabelText, key: str, value: str) -> str:
    return f"{word(key, text.layout.languages)}: {value}" if value else ""


def _one(build: Callable[[Label, LabelText], str]) -> Callable[[Label, LabelText], list[str]]:
    return lambda label, text: [line for line in (build(label, text),) if line]


_ELEMENTS: dict[Any, Callable[[Label, LabelText], list[str]]] = {
    LabelElement.PATIENT: _patient,
    LabelElement.COLLECTED: _collected,
    LabelElement.EXPIRES: _expires,
    LabelElement.VOLUME: _volume,
    LabelElement.ANTICOAGULANT: _one(lambda label, text: _told(text, "anticoagulant", text.layout.anticoagulant)),
    LabelElement.DONATION: lambda label, text: [],  # stands among the codes, with its boxed check character
    LabelElement.PRODUCT_CODE: _one(lambda label, text: _told(text, "product_code", text.layout.product_code)),
    LabelElement.LOT: _lot,
    LabelElement.STORAGE: _one(lambda label, text: _told(text, "storage", text.storage)),
    LabelElement.SITE: _one(lambda label, text: text.site),
    LabelElement.TEXTS: lambda label, text: list(text.layout.texts),
}
