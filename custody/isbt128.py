"""ISBT 128 data structures as scanners deliver them: single ones and compound messages (ST-001, DOMAIN 6.2).

Structures are cut here and their shape is checked; what their contents mean says ``custody.isbt_contents``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from custody.check_characters import ALPHABET, check_character

FACILITY = r"[A-NP-Z1-9][A-NP-Z0-9]{2}\d{2}"  # no letter O: facility identification numbers exclude it
COI = re.compile(rf"CH{FACILITY}\d{{2}}[A-Z0-9]{{6}}", re.ASCII)
DIN = re.compile(rf"{FACILITY}\d{{2}}\d{{6}}", re.ASCII)

# Data identifiers with name, length and shape of their content. Longer identifiers first: ``=,`` and ``&,1`` share
# characters. A donation number has no identifier of its own: its first character is data.
FIXED: dict[str, tuple[str, int, str]] = {
    "&,1": ("lot", 18, r"[A-Z0-9]{18}"),
    "&,2": ("supplementary", 18, r"[A-Z0-9]{18}"),
    "&,4": ("sec", 40, r"[A-Z]{2}[A-Z0-9]{19}[ABE][A-Z0-9]{10}\d{8}"),
    "&/": ("coi", 15, COI.pattern),
    "&>": ("expires", 10, r"\d{10}"),
    "&*": ("collected", 10, r"\d{10}"),
    "&}": ("produced", 10, r"\d{10}"),
    "=>": ("expires_on", 6, r"\d{6}"),
    "=*": ("collected_on", 6, r"\d{6}"),
    "=}": ("produced_on", 6, r"\d{6}"),
    "&+": ("facility_product", 11, rf"{FACILITY}[A-Z0-9]{{6}}"),
    "&:": ("grid", 19, r"[A-Z0-9]{17}\d{2}"),
    "=<": ("product", 8, r"[A-Z][A-Z0-9]{5}[A-Z0-9][a-z0-9]"),
    "=(": ("date", 16, r"[12]\d{15}"),
    "=,": ("division", 6, r"[A-Z0-9]{6}"),
    "=%": ("blood_group", 4, r"[A-Z0-9]{4}"),
    "=#": ("birth_date", 10, r"[A-Z0-9]{2}\d{8}"),
}
_SHAPES = {name: re.compile(shape, re.ASCII) for name, _, shape in FIXED.values()}
_IDENTIFIERS = {name: identifier for identifier, (name, _, _) in FIXED.items()}
COMPOUND = "=+"
PATIENT_ID = "&#"
_PATIENT_ID = re.compile(r"&#[A-Z0-9]{2}(\d{2})", re.ASCII)
_LOCAL = re.compile(r"&[a-z]")
_MOST = 99  # a compound message counts with two digits


class Unreadable(ValueError):
    """The text is not well-formed ISBT 128."""


@dataclass(frozen=True)
class Structure:
    """One data structure: what it is, and its content without the data identifier."""

    name: str
    content: str


def looks_like_isbt(text: str) -> bool:
    """Whether the text starts with an ISBT 128 data identifier character."""
    return text[:1] in ("=", "&")


def parse(text: str) -> list[Structure]:
    """Return the structures of a scanned text; Unreadable if any part, or a compound message's count, is wrong.

    The structures of a compound message come in any order. None is used before all of them were cut and counted, and
    none may be there twice. A facility's own identifier (``&a``–``&z``) is opaque, and stands alone.
    """
    if text.startswith(COMPOUND):
        return _compound(text[len(COMPOUND) :])
    if _LOCAL.match(text):
        return [Structure("local", text)]
    structure, rest = _next(text)
    if rest:
        raise Unreadable("several structures without a compound message around them")
    return [structure]


def _compound(text: str) -> list[Structure]:
    header, rest = text[:5], text[5:]
    if not (len(header) == 5 and header.isascii() and header.isdigit()):
        raise Unreadable("a compound message without its count")
    found: list[Structure] = []
    while rest:
        if rest.startswith(COMPOUND) or _LOCAL.match(rest):
            raise Unreadable("a compound message may not hold another one, nor a facility's own identifier")
        structure, rest = _next(rest)
        found.append(structure)
    if not found or int(header[:2]) != len(found):
        raise Unreadable("the compound message is not complete")
    if len({structure.name for structure in found}) != len(found):
        raise Unreadable("the compound message says one thing twice")
    return found


def _next(rest: str) -> tuple[Structure, str]:
    for identifier, (name, length, _) in FIXED.items():
        if rest.startswith(identifier):
            start = len(identifier)
            return _cut(rest, start, start + length, name)
    if rest.startswith(PATIENT_ID):
        head = _PATIENT_ID.match(rest)
        if head is None or head[1] == "00":
            raise Unreadable("patient number without a length")
        return _cut(rest, 2, 6 + int(head[1]), "patient_id")
    if rest[:1] == "=" and DIN.match(rest[1:14]):
        return _cut(rest, 1, 16, "din")
    raise Unreadable("unknown data identifier")


def _cut(rest: str, start: int, end: int, name: str) -> tuple[Structure, str]:
    if len(rest) < end:
        raise Unreadable(f"{name} is cut short")
    content = rest[start:end]
    if name == "din":
        require_flags(content[:13], content[13:])
    elif name in _SHAPES and not _SHAPES[name].fullmatch(content):
        raise Unreadable(f"malformed {name}")
    return Structure(name, content), rest[end:]


def require_flags(din: str, flags: str) -> None:
    """Raise Unreadable unless the flags are two digits and, from 60 on, 60 plus the value of the check character."""
    if not (flags.isascii() and flags.isdigit()):
        raise Unreadable("malformed flags of a donation number")
    if int(flags) >= 60 and int(flags) - 60 != ALPHABET.index(check_character(din)):
        raise Unreadable("the flags do not fit the donation number")


def coi_symbol(code: str) -> str:
    """Return data structure 040 for a chain-of-identity code (its check character is print only)."""
    return f"&/{code}"


def write(structure: Structure) -> str:
    """Return a structure as it is printed into a symbol; Unreadable if it would not be read as what it is."""
    if structure.name == "din":
        text = f"={structure.content}"
    elif structure.name == "patient_id":
        text = f"{PATIENT_ID}{structure.content}"
    else:
        text = f"{_IDENTIFIERS.get(structure.name, '')}{structure.content}"
    if parse(text) != [structure]:
        raise Unreadable(f"malformed {structure.name}")
    return text


def compound(structures: Iterable[Structure]) -> str:
    """Return a compound message (undefined order, reference 000) of one to 99 structures."""
    parts = [write(structure) for structure in structures]
    if not 1 <= len(parts) <= _MOST:
        raise Unreadable("a compound message holds one to 99 structures")
    text = f"{COMPOUND}{len(parts):02d}000{''.join(parts)}"
    parse(text)
    return text
