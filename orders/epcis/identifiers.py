"""Things, places and parties as URIs, and back: which shape they have is a setting, so that a firm brings its own.

No company prefix is shipped: without settings every URI begins with a host that can belong to nobody (RFC 2606).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Protocol
from urllib.parse import quote, unquote

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

CONTAINER, BOX, UNIT, SITE, PARTY = "container", "box", "unit", "site", "party"
ORDER, BATCH, CERTIFICATE, DEVICE = "order", "batch", "certificate", "device"
KINDS = (CONTAINER, BOX, UNIT, SITE, PARTY, ORDER, BATCH, CERTIFICATE, DEVICE)


class Identifiers(Protocol):
    """How codes of this product are written as URIs."""

    def uri(self, kind: str, code: str) -> str:
        """Return the URI of a thing, place, party or document."""

    def read(self, uri: str) -> tuple[str, str] | None:
        """Return (kind, code) of a URI that this scheme wrote; None for any other."""


@dataclass(frozen=True)
class WebIdentifiers:
    """``<base>/<kind>/<code>``: addresses of one's own, as CBV 2.0 allows for any identifier."""

    base: str

    def uri(self, kind: str, code: str) -> str:
        return f"{self.base}/{kind}/{quote(code, safe='')}"

    def read(self, uri: str) -> tuple[str, str] | None:
        kind, separator, code = uri.removeprefix(f"{self.base}/").partition("/")
        known = uri.startswith(f"{self.base}/") and kind in KINDS and code and "/" not in code
        return (kind, unquote(code)) if separator and known else None


@dataclass(frozen=True)
class DigitalLinks:
    """GS1 Digital Links under the firm's own company prefix: bags, boxes and units as individual assets (GIAI, 8004).

    Whatever has no GS1 key of its own here (places, parties, documents) stays a plain address under the same base.
    """

    base: str
    prefix: str

    def uri(self, kind: str, code: str) -> str:
        if kind not in _ASSETS:
            return WebIdentifiers(self.base).uri(kind, code)
        return f"{self.base}/8004/{self.prefix}{quote(_ASSETS[kind] + code, safe='')}"

    def read(self, uri: str) -> tuple[str, str] | None:
        start = f"{self.base}/8004/{self.prefix}"
        if not uri.startswith(start):
            return WebIdentifiers(self.base).read(uri)
        asset = unquote(uri.removeprefix(start).partition("?")[0])
        kind = next((kind for kind, mark in _ASSETS.items() if asset.startswith(mark)), None)
        return (kind, asset[1:]) if kind else None


_ASSETS = {CONTAINER: "C", BOX: "B", UNIT: "U"}


@cache
def _made(scheme: str, base: str, prefix: str) -> Identifiers:
    base = base.rstrip("/")
    if not re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]+)?|urn:[a-z0-9][a-z0-9-]{1,31}:\S+", base):
        raise ImproperlyConfigured("CGT_EPCIS_BASE must be a web address or a URN.")
    if scheme == "web":
        return WebIdentifiers(base)
    if scheme == "digital_link" and re.fullmatch(r"\d{4,12}", prefix):
        return DigitalLinks(base, prefix)
    raise ImproperlyConfigured(
        "CGT_EPCIS_IDENTIFIERS must be web, or digital_link with your GS1 company prefix in CGT_EPCIS_COMPANY_PREFIX."
    )


def identifiers() -> Identifiers:
    """Return the scheme of this installation."""
    return _made(settings.EPCIS_IDENTIFIERS, settings.EPCIS_BASE, settings.EPCIS_COMPANY_PREFIX)


def uri(kind: str, code: str) -> str:
    return identifiers().uri(kind, code)


def read(text: str) -> tuple[str, str] | None:
    """Return (kind, code) of one of this installation's URIs; None for any other text."""
    return identifiers().read(text)
