"""ISBT 128 data structures as scanners deliver them: single ones and compound messages (ST-001, DOMAIN 6.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

COI = re.compile(r"CH[A-NP-Z1-9][A-NP-Z0-9]{2}\d{2}\d{2}[A-Z0-9]{6}")
DIN = re.compile(r"[A-NP-Z1-9][A-NP-Z0-9]{2}\d{2}\d{2}\d{6}")

# Data identifiers with the length of their content. Longer identifiers first: ``=,`` and ``&,1`` share characters.
FIXED = {
    "&,1": ("lot", 18),
    "&,2": ("supplementary", 18),
    "&,4": ("sec", 40),
    "&/": ("coi", 15),
    "&>": ("expires", 10),
    "&*": ("collected", 10),
    "&}": ("produced", 10),
    "&+": ("facility_product", 11),
    "&:": ("grid", 19),
    "=<": ("product", 8),
    "=(": ("date", 16),
    "=,": ("division", 6),
    "=#": ("birth_date", 10),
    "=+": ("compound", 5),
}
PATIENT_ID = "&#"


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
    """Return the structures of a scanned text; Unreadable if any part, or a compound message's count, is wrong."""
    found: list[Structure] = []
    rest = text
    while rest:
        structure, rest = _next(rest)
        found.append(structure)
    if not found:
        raise Unreadable("nothing was read")
    if found[0].name == "compound":
        _require_count(found[0].content, len(found) - 1)
        return found[1:]
    if len(found) > 1:
        raise Unreadable("several structures without a compound message around them")
    return found


def _next(rest: str) -> tuple[Structure, str]:
    for identifier, (name, length) in FIXED.items():
        if rest.startswith(identifier):
            start = len(identifier)
            return _cut(rest, start, start + length, name)
    if rest.startswith(PATIENT_ID):
        if not rest[4:6].isdigit():
            raise Unreadable("patient number without a length")
        return _cut(rest, 2, 6 + int(rest[4:6]), "patient_id")
    if DIN.match(rest[1:14]) and rest[0] == "=":
        return _cut(rest, 1, 16, "din")
    raise Unreadable("unknown data identifier")


def _cut(rest: str, start: int, end: int, name: str) -> tuple[Structure, str]:
    if len(rest) < end:
        raise Unreadable(f"{name} is cut short")
    content = rest[start:end]
    if name == "coi" and not COI.fullmatch(content):
        raise Unreadable("malformed chain-of-identity identifier")
    return Structure(name, content), rest[end:]


def _require_count(header: str, count: int) -> None:
    if not header.isdigit() or int(header[:2]) != count:
        raise Unreadable("the compound message is not complete")


def coi_symbol(code: str) -> str:
    """Return data structure 040 for a chain-of-identity code (its check character is print only)."""
    return f"&/{code}"
