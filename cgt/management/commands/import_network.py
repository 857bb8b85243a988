"""`manage.py import_network FILE`: loads organizations, sites, people, therapies and capacity from a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cgt.network_files.loading import Faulty, load
from cgt.network_files.template import write_template
from orders.tables import UnusableFile


class Command(BaseCommand):
    help = "Loads a network from an .xlsx workbook or a .csv file: everything or nothing, every fault named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help=".xlsx workbook, or .csv file of one sheet")
        parser.add_argument("--sheet", default="", metavar="NAME", help="read only this sheet (needed for .csv)")
        parser.add_argument("--check", action="store_true", help="try everything, keep nothing")
        parser.add_argument("--template", type=Path, metavar="OUT.xlsx", help="write the template and stop")

    def handle(self, *args: Any, file: Path | None, sheet: str, check: bool, template: Path | None, **_: Any) -> None:
        if template is not None:
            self._write_template(template)
        elif file is None:
            raise CommandError("Name the file to import, or ask for the template with --template OUT.xlsx.")
        else:
            self._load(file, sheet.strip().lower(), check)

    def _write_template(self, path: Path) -> None:
        if path.suffix.lower() != ".xlsx":
            raise CommandError("The template is an .xlsx workbook: give it such a name.")
        if path.exists():
            raise CommandError(f"{path} is there already. Choose another name.")
        try:
            write_template(path)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
        self.stdout.write(f"Template written to {path}.")

    def _load(self, file: Path, sheet: str, check: bool) -> None:
        try:
            counted = load(file, only=sheet, check=check)
        except UnusableFile as reason:
            raise CommandError(str(reason)) from None
        except Faulty as faulty:
            for fault in faulty.faults:
                self.stderr.write(str(fault))
            raise CommandError(f"{len(faulty.faults)} entries need attention. Nothing was imported.") from None
        flows = counted.pop("flows", 0)
        rows = ", ".join(f"{number} {name}" for name, number in counted.items() if number)
        self.stdout.write(f"{'In order' if check else 'Imported'}: {rows}.")
        if check:
            self.stdout.write("Nothing was stored: this was a check.")
        if flows and not check:
            self.stdout.write(
                f"{flows} flow(s) are proposed, not live. A flow approver of the manufacturer has to approve them"
                " before the first order: sign in, open “Flows”, compare and approve."
            )
