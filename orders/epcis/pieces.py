"""Shippers and loggers as partners name them: the number in a register, a GS1 key of the piece, a registered code.

A box gets its outer code here when it is closed; what a partner names is the piece of equipment. Whatever form it has,
it becomes the number in the register, so that the same rules judge it. Nothing is guessed: a key that nobody
registered is refused, never cut down to a part of it.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from custody import equipment_register
from custody import queries as custody
from custody.states import AliasSystem, EquipmentKind
from ledger.context import Actor
from ledger.refusals import InvalidInput
from orders.epcis import identifiers
from orders.epcis.gs1_uris import CANONICAL, canonical, check_digit

OF_THE_PIECE = (AliasSystem.SSCC, AliasSystem.GTIN_SERIAL, AliasSystem.OTHER)  # a waybill names one journey
REMEDY = "Compare the number with the register, or give the number as the register has it."
_KEY = re.compile(r"/(8003|8004|00)/([^/]+)|/01/(\d{14})/21/([^/]+)")
_ELEMENTS = re.compile(
    r"(?:\]C1|\]d2|\]Q3)?"
    r"(?:\(8003\)|8003(?=0\d{13}))(?P<grai>.+)|\(8004\)(?P<giai>.+)|(?:\(00\)|00(?=\d{18}$))(?P<sscc>\d{18})"
    r"|\(01\)(?P<gtin>\d{14})\(21\)(?P<serial>.+)"
)
_WRITTEN = re.compile(r"[a-z][a-z0-9+.-]*://|urn:|\(\d{2,4}\)", re.IGNORECASE)  # no bare number


def number_of(actor: Actor, kind: EquipmentKind, text: str, field: str) -> str:
    """Return the number under which a named shipper or logger is kept; a bare number that is in no register unchanged.

    Raises InvalidInput ``unknown_identifier`` for an address or a GS1 key that names no such piece here and for what
    names something else, ``ambiguous_code`` for several. Call inside ``reading(actor)``.
    """
    text = text.strip()
    read = identifiers.read(text)
    if read is not None and read[0] != identifiers.DEVICE:
        raise _unknown(field, f"{text} names no {kind.label.lower()}.")
    bare = read[1] if read else text
    known = equipment_register.numbers(actor, kind, spellings(bare))
    if len(known) > 1:
        words = f"{text} is in the registers as {' and '.join(known)}."
        raise InvalidInput(words, code="ambiguous_code", fields={field: [words]}, remedy=REMEDY)
    if known:
        return known[0]
    of_box = _by_code(actor, bare, field) if kind == EquipmentKind.SHIPPER and bare else ""
    if not of_box and (read or _key_of(bare) or _WRITTEN.match(bare)):
        raise _unknown(field, f"Not known here: {text}. Nothing is created by a capture.")
    return of_box or bare


def spellings(text: str) -> list[str]:
    """Return how the number of a piece may stand in a register: as it is given; a GS1 key in its other forms too."""
    key = _key_of(text)
    if key is None:
        return [text]
    found = [text, canonical(text)]
    if "/" in key[1]:
        gtin, _, serial = key[1].partition("/")
        return [*found, key[1], f"(01){gtin}(21){serial}", f"01{gtin}21{serial}"]
    return [*found, key[1], f"({key[0]}){key[1]}", f"{key[0]}{key[1]}", f"{CANONICAL}/{key[0]}/{key[1]}"]


def _key_of(text: str) -> tuple[str, str] | None:
    """Return the application identifier and the value of a GS1 key that names one piece; None for any other text."""
    address = canonical(text)
    link = _KEY.fullmatch(address.removeprefix(CANONICAL)) if address.startswith(CANONICAL) else None
    if link:
        ai, value = (link[1], unquote(link[2])) if link[1] else ("01", f"{link[3]}/{unquote(link[4])}")
        return (ai, value) if _is_sound(ai, value) else None
    written = _ELEMENTS.fullmatch(text)
    if written is None:
        return None
    given = written.groupdict()
    if given["gtin"]:
        return ("01", f"{given['gtin']}/{given['serial']}") if _is_sound("01", given["gtin"]) else None
    ai = {"grai": "8003", "giai": "8004", "sscc": "00"}
    name = next(name for name in ai if given[name])
    return (ai[name], given[name]) if _is_sound(ai[name], given[name]) else None


def _is_sound(ai: str, value: str) -> bool:
    """Whether the check digit fits, where a key has one; a GRAI begins with a zero that fills it up."""
    digits = value[:14] if ai in ("8003", "01") else value
    return ai == "8004" or (digits.isdecimal() and check_digit(digits[:-1]) == digits[-1])


def _by_code(actor: Actor, text: str, field: str) -> str:
    """Return the shipper of the box that a code registered for it leads to; empty where it leads nowhere.

    Our own codes and waybills name a box on one journey, and bags: none of them is a shipper.
    """
    try:
        found = custody.lookup(actor, _written_out(text))
    except InvalidInput as refusal:
        if refusal.code == "ambiguous_code":
            raise InvalidInput(refusal.detail, code=refusal.code, fields={field: [refusal.detail]}) from None
        return ""
    if found is None:
        return ""
    box = found.shipment
    if found.alias is None or box is None or found.alias.system not in OF_THE_PIECE or not box.shipper_code:
        what = f"box {box.code}" if box is not None else "something of an order"
        raise _unknown(field, f"{text} names {what}, not a shipper.")
    return str(box.shipper_code)


def _written_out(text: str) -> str:
    """Return a GS1 key as it is printed beneath a symbol, which is how codes are looked up; any other text as it is."""
    ai, value = _key_of(text) or ("", text)
    gtin, _, serial = value.partition("/")
    return f"(01){gtin}(21){serial}" if ai == "01" else f"({ai}){value}" if ai else text


def _unknown(field: str, text: str) -> InvalidInput:
    return InvalidInput(text, code="unknown_identifier", fields={field: [text]}, remedy=REMEDY)
