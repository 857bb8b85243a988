"""What other people's systems read from our labels: ISBT 128 on what was donated, GS1 on product (DOMAIN 6.2, 6.5)."""

from __future__ import annotations

from dataclasses import dataclass

from biip.checksums import gs1_standard_check_digit

from custody import codes, isbt128
from custody.isbt128 import Structure
from custody.models import Container

GTIN_LENGTHS = (8, 12, 13, 14)
NO_FLAGS = "00"


@dataclass(frozen=True)
class StandardSymbol:
    """A second DataMatrix. ``title`` names the standard; GS1 content is written with parentheses."""

    title: str
    content: str
    gs1: bool = False


def of_donation(container: Container) -> StandardSymbol | None:
    """Return donation number and chain of identity after ISBT 128; None until a donation number is recorded.

    A chain of identity that is numbered by another scheme has no structure there, and is left out.
    """
    if not isbt128.DIN.fullmatch(container.donation_number or ""):
        return None
    structures = [Structure("din", container.donation_number + NO_FLAGS)]
    if container.coi is not None and isbt128.COI.fullmatch(container.coi.code):
        structures.append(Structure("coi", container.coi.code))
    content = isbt128.compound(structures) if len(structures) > 1 else isbt128.write(structures[0])
    return StandardSymbol("ISBT 128", content)


def of_product(container: Container, product_code: str) -> StandardSymbol | None:
    """Return article, expiry, lot and serial number after GS1; None where the product code is no GTIN, or lot is none.

    The serial number of a bag is the bag's own code, by which it is found again.
    """
    article = gtin(product_code)
    if not article or not container.lot:
        return None
    parts = [f"(01){article}"]
    if container.expires_at is not None:
        parts.append(f"(17){container.expires_at:%y%m%d}")
    parts += [f"(10){container.lot[:20]}", f"(21){(container.serial or codes.compact(container.code))[:20]}"]
    return StandardSymbol("GS1", "".join(parts), gs1=True)


def gtin(text: str) -> str:
    """Return a GTIN in 14 digits; "" for a text that is none (a wrong check digit, an NDC)."""
    digits = "".join(text.split())
    if not digits.isascii() or not digits.isdecimal() or len(digits) not in GTIN_LENGTHS:
        return ""
    right = gs1_standard_check_digit(digits[:-1]) == int(digits[-1])
    return digits.zfill(14) if right else ""
