"""GS1 identifiers as URIs: EPC URNs become GS1 Digital Links, and Digital Links are cut down to their canonical form.

What the event hash compares (CBV 2.0, "EPCIS event hash ID", rules 17 and 18). Other URIs stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable

CANONICAL = "https://id.gs1.org"
# The finest level of identification only: key, or key with the one qualifier that narrows it.
KEYS = "00|253|255|401|402|417|8003|8004|8017|8018"
QUALIFIED = {"01": "21|10|235", "414": "254", "8006": "21|10", "8010": "8011"}
_PLAIN = re.compile(rf"^https?://[^/?#]+(?:/[^?#]*)?/({KEYS})/([^/?#]+)(?:[/?#].*)?$")
_WITH_QUALIFIER = [
    re.compile(rf"^https?://[^/?#]+(?:/[^?#]*?)?/({key})/([^/?#]+)((?:/\d{{2,4}}/[^/?#]+)*)(?:[?#].*)?$")
    for key in QUALIFIED
]
_PAIR = re.compile(r"/(\d{2,4})/([^/?#]+)")
_URN = re.compile(r"^urn:epc:(id|class|idpat):(\w+):(.+)$")
UNSAFE = {"!": "%21", "(": "%28", ")": "%29", "*": "%2A", "+": "%2B", ",": "%2C", ":": "%3A"}


def check_digit(digits: str) -> str:
    """Return the GS1 check digit (modulo 10, weights 3 and 1 from the right)."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def canonical(uri: str) -> str:
    """Return the constrained canonical Digital Link of an EPC URN or a Digital Link; any other text unchanged."""
    urn = _URN.match(uri)
    if urn is not None:
        convert = _URNS.get(urn[2])
        found = convert(urn[3].split(".")) if convert else None
        return CANONICAL + found if found else uri
    return _cut(uri)


def _cut(uri: str) -> str:
    for pattern in _WITH_QUALIFIER:
        found = pattern.match(uri)
        if found is not None and (found[1] != "01" or re.fullmatch(r"\d{8,14}", found[2])):
            return CANONICAL + _narrowed(found[1], found[2], found[3])
    plain = _PLAIN.match(uri)
    return f"{CANONICAL}/{plain[1]}/{plain[2]}" if plain else uri


def _narrowed(key: str, value: str, rest: str) -> str:
    given = dict(_PAIR.findall(rest))
    finest = next((name for name in QUALIFIED[key].split("|") if name in given), None)
    return f"/{key}/{value}" + (f"/{finest}/{given[finest]}" if finest else "")


def _escaped(text: str) -> str:
    return "".join(UNSAFE.get(character, character) for character in text)


def _gtin(prefix: str, reference: str) -> str:
    digits = reference[:1] + prefix + reference[1:]
    return digits + check_digit(digits)


def _sgtin(parts: list[str]) -> str | None:
    if len(parts) < 3:
        return None
    serial = ".".join(parts[2:])
    return f"/01/{_gtin(parts[0], parts[1])}" + ("" if serial == "*" else f"/21/{_escaped(serial)}")


def _lgtin(parts: list[str]) -> str | None:
    return f"/01/{_gtin(parts[0], parts[1])}/10/{_escaped('.'.join(parts[2:]))}" if len(parts) >= 3 else None


def _sscc(parts: list[str]) -> str | None:
    if len(parts) != 2:
        return None
    digits = parts[1][:1] + parts[0] + parts[1][1:]
    return f"/00/{digits}{check_digit(digits)}"


def _sgln(parts: list[str]) -> str | None:
    if len(parts) < 3:
        return None
    digits, extension = parts[0] + parts[1], ".".join(parts[2:])
    return f"/414/{digits}{check_digit(digits)}" + ("" if extension == "0" else f"/254/{_escaped(extension)}")


def _pgln(parts: list[str]) -> str | None:
    digits = "".join(parts)
    return f"/417/{digits}{check_digit(digits)}" if len(parts) == 2 else None


def _grai(parts: list[str]) -> str | None:
    if len(parts) < 3:
        return None
    digits = parts[0] + parts[1]
    return f"/8003/0{digits}{check_digit(digits)}{_escaped('.'.join(parts[2:]))}"


def _gdti(parts: list[str]) -> str | None:
    if len(parts) < 3:
        return None
    digits = parts[0] + parts[1]
    return f"/253/{digits}{check_digit(digits)}{_escaped('.'.join(parts[2:]))}"


def _giai(parts: list[str]) -> str | None:
    return f"/8004/{parts[0]}{_escaped('.'.join(parts[1:]))}" if len(parts) >= 2 else None


_URNS: dict[str, Callable[[list[str]], str | None]] = {
    "sgtin": _sgtin,
    "lgtin": _lgtin,
    "sscc": _sscc,
    "sgln": _sgln,
    "pgln": _pgln,
    "grai": _grai,
    "gdti": _gdti,
    "giai": _giai,
}
