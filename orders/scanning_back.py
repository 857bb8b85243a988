"""Labels are scanned back on what they were put on: each once, by everybody who answers for it (DOMAIN 6.4, AN2)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from custody import scans
from ledger.refusals import InvalidInput

BETWEEN_CODES = re.compile(r"[,;\r\n]+")


def codes_in(scan: str) -> list[str]:
    """Return the codes that one person scanned one after the other; commas or line ends stand between them."""
    return [code.strip() for code in BETWEEN_CODES.split(scan) if code.strip()]


def each_once(stream_id: UUID, scanned: Sequence[str], waiting: Collection[Any], field: str) -> list[Any]:
    """Return the waiting containers in the order in which their labels were scanned: each once, none left out.

    ``field`` names where a scan was typed; with ``{}`` for its place in a list. Raises InvalidInput, or Mismatch for
    another chain of identity.
    """
    found = [
        scans.expect(stream_id, code, waiting, field.format(position), label_unproven=True)
        for position, code in enumerate(scanned)
    ]
    if {bag.pk for bag in found} != {bag.pk for bag in waiting} or len(found) != len(waiting):
        text = f"Scan each of the {len(waiting)} labels once."
        raise InvalidInput(text, fields={field.partition("[")[0]: [text]})
    return found
