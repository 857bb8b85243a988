"""A second person scans for themselves: every bag, one after the other, and no other than the first person did."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from custody import scans
from ledger.refusals import InvalidInput
from orders.scanning_back import codes_in


def apart(codes: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the codes of chains of identity (wristbands), and all others."""
    wristbands: list[str] = []
    others: list[str] = []
    for code in codes:
        (wristbands if _is_identity(code) else others).append(code)
    return wristbands, others


def as_the_first(stream_id: UUID, scan: str, first: Sequence[Mapping[str, Any]], waiting: Collection[Any]) -> None:
    """Raise unless the second person scanned each bag that the first one did, once; ``first``: the rows they entered.

    InvalidInput for a slip, Mismatch for another chain of identity. What the first person scanned wrong is refused
    where they entered it, not here.
    """
    named = []
    for row in first:
        with suppress(InvalidInput):
            named.append(scans.expect(stream_id, row["scan"], waiting, label_unproven=True))
    seen = [scans.expect(stream_id, code, waiting, label_unproven=True) for code in codes_in(scan)]
    if len(named) < len(first):
        return
    if len(seen) != len({bag.pk for bag in seen}) or {bag.pk for bag in seen} != {bag.pk for bag in named}:
        text = f"Scan each of the {len(named)} bags once." if len(named) > 1 else f"Scan bag {named[0].code}."
        raise InvalidInput(text, fields={"scan": [text]})


def _is_identity(code: str) -> bool:
    try:
        found = scans.read(code)
    except InvalidInput:
        return False
    return bool(found.coi) and not found.container and not found.donation
