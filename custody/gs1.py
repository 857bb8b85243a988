"""GS1 element strings, as scanned or as printed with parentheses, and GS1 Digital Link addresses.

The tables and most of the reading are biip's. Added here: check digits are required, two values for one thing are
refused, and service relation numbers (8017, 8018) are checked too.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from biip import BiipException
from biip.checksums import gs1_standard_check_digit
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_element_strings import GS1ElementString, GS1ElementStrings
from biip.gs1_messages import GS1Message

from custody.isbt128 import Unreadable

SEPARATOR = "\x1d"  # what scanners deliver for FNC1
GTIN, SSCC, LOT, EXPIRY, SERIAL = "01", "00", "10", "17", "21"
SHIP_TO, LOCATION = "410", "414"
PROVIDER, PATIENT = "8017", "8018"
_HAND_WRITTEN = re.compile(r"\(\d{2,4}\)")
_BEGINS = re.compile(r"(?:00\d{18}|01\d{14}|801[78]\d{18}|41[04]\d{13})", re.ASCII)
_LINK = re.compile(r"https?://", re.IGNORECASE)
_NOT_IN_GS1 = "^~|#@$`"  # characters that no element string may hold: one of them stands for a lost separator


@dataclass(frozen=True)
class Element:
    """One element string: application identifier, value, its title in GS1's words, and the day where it is a date."""

    ai: str
    value: str
    title: str = ""
    day: dt.date | None = None


def looks_like_gs1(text: str) -> bool:
    """Whether an unmarked text begins with a GS1 key of fixed length, or is written out, or is a link."""
    return bool(_HAND_WRITTEN.match(text) or _LINK.match(text) or _BEGINS.match(text))


def parse(text: str) -> list[Element]:
    """Return the elements of a scanned text, of one with parentheses, or of a Digital Link; Unreadable if one is wrong.

    A separator that the keyboard has turned into a character which GS1 does not know is read as the separator.
    """
    if not text.isascii():
        raise Unreadable("a character that GS1 does not know")
    try:
        if _LINK.match(text):
            found = list(GS1DigitalLinkURI.parse(text).element_strings)
        elif text.startswith("("):
            found = list(GS1Message.parse_hri(text).element_strings)
        else:
            found = list(GS1Message.parse(_with_separators(text)).element_strings)
    except (BiipException, ValueError) as wrong:
        raise Unreadable("no GS1 element strings") from wrong
    if not found:
        raise Unreadable("nothing was read")
    for element in found:
        _require_check(element)
    return _once([Element(one.ai.ai, one.value, one.ai.data_title, one.date) for one in found])


def _with_separators(text: str) -> str:
    text = text.replace("{GS}", SEPARATOR).replace("[GS]", SEPARATOR)
    strange = {character for character in text if character in _NOT_IN_GS1}
    if len(strange) == 1 and SEPARATOR not in text:
        text = text.replace(strange.pop(), SEPARATOR)
    elif strange:
        raise Unreadable("a character that GS1 does not know")
    return text.lstrip(SEPARATOR)


def _require_check(element: GS1ElementString) -> None:
    if element.gtin_error or element.sscc_error or element.gln_error:
        raise Unreadable("check digit")
    if element.ai.ai in (PROVIDER, PATIENT) and gs1_standard_check_digit(element.value[:-1]) != int(element.value[-1]):
        raise Unreadable("check digit")


def _once(found: list[Element]) -> list[Element]:
    values: dict[str, Element] = {}
    for element in found:
        if values.setdefault(element.ai, element).value != element.value:
            raise Unreadable(f"two values of ({element.ai})")
    return list(values.values())


def _message(elements: Iterable[tuple[str, str]]) -> GS1Message:
    try:
        parts = GS1ElementStrings(GS1ElementString.parse(f"{ai}{value}") for ai, value in elements)
        return GS1Message.from_element_strings(parts)
    except BiipException as wrong:
        raise Unreadable("no GS1 element strings") from wrong


def element_string(elements: Iterable[tuple[str, str]]) -> str:
    """Return (application identifier, value) pairs as a scanner would deliver them, separated where GS1 asks for it."""
    text = _message(elements).value
    parse(text)
    return text


def written_out(elements: Iterable[tuple[str, str]]) -> str:
    """Return the pairs with the identifiers in parentheses, as they are printed beneath a symbol."""
    return _message(elements).as_hri()


def digital_link(elements: Iterable[tuple[str, str]], domain: str = "id.gs1.org") -> str:
    """Return the pairs as a GS1 Digital Link; Unreadable without exactly one primary key (GTIN, SSCC, GLN …)."""
    message = _message(elements)
    try:
        text = message.as_gs1_digital_link_uri().as_uri(domain=domain)
    except BiipException as wrong:
        raise Unreadable("a link needs exactly one primary key") from wrong
    parse(text)
    return text
