"""Everything that a code says, in words: our own codes, ISBT 128, GS1. It decides nothing (see ``custody.scans``)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from custody import codes, gs1, isbt128, isbt_contents, scanned_text, schemes
from custody.check_characters import check_character
from custody.isbt128 import Structure, Unreadable
from custody.states import AliasSystem

LONGEST = 200


@dataclass(frozen=True)
class Reading:
    """What a scanned or typed text says of our own things. Empty strings where it says nothing."""

    coi: str = ""
    container: str = ""
    label: str = ""
    donation: str = ""
    box: str = ""


@dataclass(frozen=True)
class Part:
    """One thing that a code says. ``name`` is stable; no words repeat what identifies a patient."""

    name: str
    words: str


@dataclass(frozen=True)
class Decoded:
    """All that a text says. ``names``: what it may be registered as, by system; ``checked``: it proved itself."""

    reading: Reading
    parts: tuple[Part, ...]
    names: tuple[tuple[str, str], ...] = field(default=())
    checked: bool = False
    flags: str = ""  # of a donation number
    unproven: bool = False  # it came without its check character, and no symbol proves it: typed, most likely

    @property
    def is_identity(self) -> bool:
        """Whether it names a chain of identity, a container, a donation or a box by a code of its own."""
        return self.reading != Reading()

    @property
    def sentence(self) -> str:
        """Return all parts in one line."""
        return "; ".join(part.words for part in self.parts)


def decode(scanned: str) -> Decoded:
    """Return what a text says; Unreadable for a format that nobody knows, a wrong check, a damaged message."""
    text, symbology = scanned_text.stripped(scanned)
    if not text or len(text) > LONGEST:
        raise Unreadable("nothing, or too much, was read")
    try:
        found = _decode(text, symbology)
    except Unreadable:
        retyped = _retyped(text)
        if retyped is None:
            raise
        return retyped
    is_symbol = bool(symbology) or isbt128.looks_like_isbt(text)  # what a decoder read proved itself there
    names_itself = bool(found.reading.coi or found.reading.donation)
    return replace(found, unproven=names_itself and not found.checked and not is_symbol)


def _retyped(text: str) -> Decoded | None:
    """Read what came through the wrong keyboard layout, if the code then proves itself by its check."""
    sent = scanned_text.retyped(text)
    try:
        found = _decode(sent, "") if sent else None
    except Unreadable:
        return None
    return found if found and found.checked else None


def _decode(text: str, symbology: str) -> Decoded:
    if symbology in scanned_text.GS1_SYMBOLOGIES:
        return _marked_gs1(text)
    if isbt128.looks_like_isbt(text):
        return _isbt(text)
    own = _own(codes.compact(text))
    if own is not None:
        return own
    european = isbt_contents.printed_european_code(text)
    if european is not None:
        return _isbt(f"&,4{european.sequence}")
    if gs1.looks_like_gs1(text):
        return _gs1(text)
    raise Unreadable("unknown format")


def _marked_gs1(text: str) -> Decoded:
    """Read what a scanner marked as GS1; one of our codes that proves itself is no less ours for a wrong mark."""
    try:
        return _gs1(text)
    except Unreadable:
        own = _own(codes.compact(text))
        if own is None or not own.checked:
            raise
        return own


def _own(text: str) -> Decoded | None:
    """Read compact text as one of our codes or a typed donation number; None for another shape."""
    try:
        container, box = codes.read_container(text), codes.read_box(text)
    except ValueError:
        raise Unreadable("check character") from None
    if container is not None:
        coi, code, number = container
        label = codes.label_serial(code, int(number)) if number else ""
        words = f"Label {label} of container {code}" if label else f"Container {code}"
        return Decoded(Reading(coi=coi, container=code, label=label), (Part("container", words),), checked=True)
    if box is not None:
        return Decoded(Reading(box=box), (Part("box", f"Outer code {box} of a box"),), checked=True)
    if schemes.is_any_code(text):
        return _identity(text, checked=False)
    if schemes.is_any_code(text[:-1]):
        if text[-1] != schemes.check(text[:-1]):
            raise Unreadable("check character")
        return _identity(text[:-1], checked=True)
    return _typed_donation(text)


def _identity(code: str, *, checked: bool) -> Decoded:
    return Decoded(Reading(coi=code), (_coi(code),), checked=checked)


def _typed_donation(text: str) -> Decoded | None:
    """A donation number as it is typed: alone, with its boxed check character, or with its two flags."""
    din, rest = text[:13], text[13:]
    if not isbt128.DIN.fullmatch(din) or len(rest) > 2:
        return None
    if len(rest) == 1 and rest != check_character(din):
        raise Unreadable("check character")
    if len(rest) == 2:
        isbt128.require_flags(din, rest)
    flags = rest if len(rest) == 2 else "00"
    checked = len(rest) == 1 or int(flags) >= 60
    return Decoded(Reading(donation=din), (_din(din + flags),), ((AliasSystem.DONATION, din),), checked, flags)


def _isbt(text: str) -> Decoded:
    structures = isbt128.parse(text)
    isbt_contents.require_division(structures)
    contents = {structure.name: structure.content for structure in structures}
    donation = contents.get("din", "")[:13]
    names = [(AliasSystem.SEC, contents["sec"])] if "sec" in contents else []
    if donation and "product" in contents:
        division = contents.get("division", "")
        names.append((AliasSystem.DONATION_PRODUCT, f"{donation}/{contents['product']}{division}"))
    elif donation:
        names.append((AliasSystem.DONATION, donation))
    if "local" in contents:
        names.append((AliasSystem.OTHER, contents["local"].upper()))
    for name in ("lot", "supplementary"):
        if name in contents:
            names.append((AliasSystem.LOT, contents[name].lstrip("0")))
    return Decoded(
        Reading(coi=contents.get("coi", ""), donation=donation),
        tuple(_part(structure) for structure in structures),
        tuple((str(system), value) for system, value in names),
        checked=int(contents.get("din", "00")[13:] or 0) >= 60,
        flags=contents.get("din", "")[13:],
    )


def _part(structure: Structure) -> Part:
    name, content = structure.name, structure.content
    if name == "din":
        return _din(content)
    if name == "coi":
        return _coi(content)
    if name == "sec":
        return _sec(content)
    if name == "product":
        return _product(structure)
    if name in ("birth_date", "patient_id"):
        what = "birth date" if name == "birth_date" else "number"
        return Part(name, f"A patient's {what}, not shown here")
    if name == "date" or name.removesuffix("_on") in ("expires", "collected", "produced"):
        return _date(structure)
    return Part(name, f"{_PLAIN[name]} {content}")


_PLAIN = {
    "lot": "Lot number",
    "supplementary": "Supplementary number",
    "facility_product": "Code of the facility that assigned the product code, and its own product code:",
    "grid": "Donor's registration number (GRID)",
    "division": "Division",
    "blood_group": "Blood group code",
    "local": "A facility's own code, which only that facility can read:",
}
_DATES = {"expires": "Expiry", "collected": "Collected", "produced": "Produced", "": "A date"}


def _din(content: str) -> Part:
    din, flags = content[:13], isbt_contents.flag_words(content[13:])
    said = f"Donation number {din[:5]} {din[5:7]} {din[7:]}, check character {check_character(din)}"
    return Part("din", f"{said}, {flags}" if flags else said)


def _coi(code: str) -> Part:
    return Part("coi", f"Chain of identity {code}, check character {schemes.check(code)}")


def _sec(content: str) -> Part:
    code = isbt_contents.european_code(content)
    expiry = f", expiry {code.expires_on.isoformat()}" if code.expires_on else ""
    donation = f"donation {code.donation} of establishment {code.country} {code.establishment}"
    return Part("sec", f"Single European Code: {donation}, split {code.split}{expiry}")


def _product(structure: Structure) -> Part:
    found = isbt_contents.product(structure)
    kind = isbt_contents.PRODUCT_CLASSES.get(found.code[0])
    meant = isbt_contents.DONATION_TYPES.get(found.donation_type, "type of donation not known here")
    division = {"00": "undivided", "99": "divided"}.get(found.division, f"division {found.division}")
    said = f"Product code {found.code}: {kind}, {meant}, {division}" if kind else f"Product code {found.code}"
    return Part("product", said)


def _date(structure: Structure) -> Part:
    found = isbt_contents.moment(structure)
    zone = " UTC" if found.at.tzinfo else (" local time" if found.has_time else "")
    shown = f"{found.at:%Y-%m-%d %H:%M}" if found.has_time else f"{found.at:%Y-%m-%d}"
    return Part(found.meaning or "date", f"{_DATES[found.meaning]} {shown}{zone}")


def _gs1(text: str) -> Decoded:
    elements = gs1.parse(text)
    values = {element.ai: element.value for element in elements}
    names = []
    if gs1.SSCC in values:
        names.append((AliasSystem.SSCC, values[gs1.SSCC]))
    if gs1.GTIN in values and gs1.SERIAL in values:
        names.append((AliasSystem.GTIN_SERIAL, f"{values[gs1.GTIN]}/{values[gs1.SERIAL]}"))
    if gs1.PATIENT in values:
        names.append((AliasSystem.GSRN, values[gs1.PATIENT]))
    if gs1.LOT in values:
        names.append((AliasSystem.LOT, codes.compact(values[gs1.LOT])))
    return Decoded(
        _own_serial(values),
        tuple(_element(element) for element in elements),
        tuple((str(system), value) for system, value in names),
        checked=any(ai in values for ai in (gs1.SSCC, gs1.GTIN, gs1.PATIENT, gs1.PROVIDER)),
    )


def _own_serial(values: dict[str, str]) -> Reading:
    """A bag's product label carries the bag's own code as its serial number."""
    try:
        container = codes.read_container(codes.compact(values.get(gs1.SERIAL, ""))) if gs1.GTIN in values else None
    except ValueError:
        return Reading()
    return Reading(coi=container[0], container=container[1]) if container else Reading()


_ELEMENTS = {
    "00": "Number of a logistic unit (SSCC)",
    "01": "Article number (GTIN)",
    "10": "Lot",
    "21": "Serial number",
    "410": "Ship to (GLN)",
    "414": "Place (GLN)",
    "8017": "Service number of a provider (GSRN)",
}
_ELEMENT_DATES = {"11": "Produced", "17": "Expiry"}


def _element(element: gs1.Element) -> Part:
    if element.ai == gs1.PATIENT:
        return Part("ai8018", "A patient's service number (GSRN), not shown here")
    if element.ai in _ELEMENT_DATES and element.day is not None:
        return Part(f"ai{element.ai}", f"{_ELEMENT_DATES[element.ai]} {element.day.isoformat()}")
    title = _ELEMENTS.get(element.ai) or element.title or "Element"
    return Part(f"ai{element.ai}", f"{title} {element.value}")
