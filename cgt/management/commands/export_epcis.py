"""`manage.py export_epcis --order CODE | --all [--out DIR]`: the custody record as EPCIS 2.0 documents (JSON-LD).

Without ``--out`` one document goes to standard output; with it, one file per order. Written piece by piece: what is in
memory does not grow with how much there is. No identity of a patient is in any of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.refusals import NotFound
from orders.epcis import documents, exports


class Command(BaseCommand):
    help = "Writes the custody record as EPCIS 2.0 documents."

    def add_arguments(self, parser: CommandParser) -> None:
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--order", metavar="CODE", help="one order")
        scope.add_argument("--all", action="store_true", help="every order, and stock that no order has yet")
        parser.add_argument("--out", type=Path, metavar="DIR", help="write one file per order here")

    def handle(self, *, order: str | None, out: Path | None, **options: Any) -> None:
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
        if order is None:
            self._all(out)
            return
        try:
            with exports.order_events(order) as events:
                self._write(events, out / f"{order.upper()}.jsonld" if out else None)
        except NotFound as refusal:
            raise CommandError(refusal.detail) from refusal

    def _all(self, out: Path | None) -> None:
        if out is None:
            self._write(exports.all_events(), None)
            return
        for center_id, code in exports.order_codes():
            with exports.center_events(center_id, code) as events:
                self._write(events, out / f"{code}.jsonld")

    def _write(self, events: Iterable[dict[str, Any]], path: Path | None) -> None:
        counted = Counted(events)
        if path is None:
            for piece in documents.pieces(counted):
                self.stdout.write(piece, ending="")
        else:
            with path.open("w", encoding="utf-8") as target:
                target.writelines(documents.pieces(counted))
        self.stderr.write(f"{path or 'standard output'}: {counted.number} events")


class Counted:
    """Counts what passes through."""

    def __init__(self, events: Iterable[dict[str, Any]]) -> None:
        self.events, self.number = events, 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for event in self.events:
            self.number += 1
            yield event
