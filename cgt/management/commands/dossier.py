"""`manage.py dossier CODE --out DIR`: an order's dossier as files, as the order's own center reads it.

PDF, page, machine-readable document, certificate and the means to verify them. That it was taken is on the record.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.refusals import Refusal
from orders.actions.dossiers import take_by_operator


class Command(BaseCommand):
    help = "Writes the dossier of an order into a folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", metavar="CODE", help="of the order")
        parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="folder to write into")

    def handle(self, *, code: str, out: Path, **options: Any) -> None:
        try:
            dossier = take_by_operator(code)
        except Refusal as refusal:
            raise CommandError(refusal.detail) from refusal
        out.mkdir(parents=True, exist_ok=True)
        for name, content in {**dossier.files, f"{dossier.code}.zip": dossier.content}.items():
            (out / name).write_bytes(content)
            self.stderr.write(f"{out / name}: {len(content)} bytes")
