"""`manage.py plan_network FILE`: which plants to open, and each patient's plant, lanes and days, at least cost."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentTypeError
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scheduling.design import network_file
from scheduling.design.checking import faults_of
from scheduling.design.network import Network, Plan

EXIT = {"optimal": 0, "feasible": 0, "infeasible": 3, "unknown": 4}
EXPLAINING = 60.0  # seconds at least, as proving that there is none may have taken all the time there was


class Command(BaseCommand):
    help = (
        "Designs a network at least cost, proven or with the gap: exit status 0 with a plan, 3 when there is none,"
        " 4 when time ran out before one was found, 1 for a file with faults."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="network file (JSON); --schema prints what it holds")
        parser.add_argument(
            "--out", type=Path, metavar="DIR", help="write plan.json, assignments.csv, summary.txt there"
        )
        parser.add_argument("--time-limit", type=_seconds, default=60.0, metavar="S", help="seconds to search (60)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same answer (1)")
        parser.add_argument("--json", action="store_true", help="print the answer as JSON instead of the summary")
        parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the file and stop")

    def handle(
        self, *args: Any, file: Path | None, out: Path | None, time_limit: float, seed: int, json: bool, schema: bool,
        **_: Any,
    ) -> None:  # fmt: skip
        if schema:
            self.stdout.write(network_file.SCHEMA.read_text())
            return
        if file is None:
            raise CommandError("Name the network file to plan, or ask for its schema with --schema.")
        content, network = self._load(file)
        if out is not None:
            _make(out)
        began = time.monotonic()
        plan = _solve(network, time_limit, seed % 2**31)
        self._tell(content, network, plan, time.monotonic() - began, out, json)
        if EXIT[plan.status]:
            sys.exit(EXIT[plan.status])

    def _load(self, file: Path) -> tuple[dict[str, Any], Network]:
        try:
            return network_file.load(file)
        except network_file.FaultyNetwork as faulty:
            for fault in faulty.faults:
                self.stderr.write(str(fault))
            number = len(faulty.faults)
            entries = "entry needs" if number == 1 else "entries need"
            raise CommandError(f"{number} {entries} attention. Nothing was planned.") from None

    def _tell(
        self, content: dict[str, Any], network: Network, plan: Plan, seconds: float, out: Path | None, as_json: bool
    ) -> None:
        """Check the answer against the file as it was read, then print and write it."""
        from scheduling.design import output

        wrong = faults_of(content, json.loads(output.json_text(plan)))
        if wrong:
            raise CommandError(f"The plan failed its own check and is not told: {'; '.join(wrong[:5])}.")
        text = output.summary(network, plan, seconds)
        if out is not None:
            files = {"plan.json": output.json_text(plan), "assignments.csv": output.csv_text(plan)}
            files["summary.txt"] = text + "\n"
            for name, content_ in files.items():
                (out / name).write_text(content_, encoding="utf-8")
        self.stdout.write(output.json_text(plan) if as_json else text)
        if out is not None and not as_json:
            self.stdout.write(f"Written to {out}: {', '.join(files)}.")


def _solve(network: Network, seconds: float, seed: int) -> Plan:
    """The solver is imported here: it is big, and neither web nor other commands need it."""
    from scheduling.design.explanation import explain
    from scheduling.design.planning import plan

    began = time.monotonic()
    found = plan(network, seconds=seconds, seed=seed)
    if found.status != "infeasible":
        return found
    left = max(EXPLAINING, seconds - (time.monotonic() - began))
    return replace(found, explanation=explain(network, seconds=left, seed=seed))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{folder} cannot be made: {error.strerror}. Name another folder.") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= 86_400:
        raise ArgumentTypeError(f"{text} is not a number of seconds: give more than 0 and at most 86400.")
    return seconds
