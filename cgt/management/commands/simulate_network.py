"""`manage.py simulate_network [FILE]`: lives a network through for a year or more, and compares policies and sizes."""

from __future__ import annotations

import json
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scheduling.design.network_file import FaultyNetwork
from scheduling.simulation import network_file, rates, telling
from scheduling.simulation.booking import POLICIES, Policy
from scheduling.simulation.fictional import fictional
from scheduling.simulation.network import Network


class Command(BaseCommand):
    help = "Simulates a whole network with slips, failures and outages, under several policies and numbers of lines."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        whole = _whole
        parser.add_argument("file", nargs="?", type=Path, help="network file (JSON); without it a fictional network")
        parser.add_argument(
            "--orders", type=whole(1, 200_000), default=5000, help="a year, of the fictional network (5000)"
        )
        parser.add_argument("--centers", type=whole(1, 2000), default=0, help="of the fictional network")
        parser.add_argument("--plants", type=whole(1, 100), default=0, help="of the fictional network")
        parser.add_argument("--days", type=whole(1, 3660), default=365, help="days that are measured (365)")
        parser.add_argument("--warmup", type=whole(0, 3660), default=60, help="days before that (60)")
        parser.add_argument("--policies", type=_policies, default=list(POLICIES.values()), metavar="A,B", help="which")
        parser.add_argument("--lines", type=_factors, default=[1.0], metavar="F,…", help="times the lines: 0.9,1,1.1")
        parser.add_argument("--rates", type=Path, metavar="NAME|FILE", help="a published set, or a JSON file")
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same figures (1)")
        parser.add_argument(
            "--out", type=Path, metavar="DIR", help="write figures.json, figures.csv, network.json there"
        )
        parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of the table")
        parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the file and stop")
        parser.add_argument("--show-rates", action="store_true", help="print the shipped rates and their sources; stop")

    def handle(self, *args: Any, **given: Any) -> None:
        if given["schema"] or given["show_rates"]:
            self.stdout.write(network_file.SCHEMA.read_text() if given["schema"] else _shown_rates())
            return
        network, found = self._network(given), self._rates(given["rates"])
        outcomes = []
        for factor in given["lines"]:
            for policy in given["policies"]:
                outcomes.append(self._simulate(network, policy, factor, found, given))
        self._tell(network, outcomes, given["out"], given["json"])

    def _network(self, given: dict[str, Any]) -> Network:
        if given["file"] is None:
            return fictional(given["orders"], seed=given["seed"], centers=given["centers"], plants=given["plants"])
        try:
            return network_file.load(given["file"])
        except FaultyNetwork as faulty:
            for fault in faulty.faults:
                self.stderr.write(str(fault))
            raise CommandError(f"Entries that need attention: {len(faulty.faults)}. Nothing was simulated.") from None

    def _rates(self, file: Path | None) -> rates.Rates:
        try:
            return rates.load(file)
        except rates.FaultyRates as faulty:
            raise CommandError(str(faulty)) from None

    def _simulate(
        self, network: Network, policy: Policy, factor: float, found: rates.Rates, given: dict[str, Any]
    ) -> telling.Outcome:
        """SimPy is imported here: neither web nor other commands need it."""
        from scheduling.simulation.world import simulate

        sized, began = network.with_lines(factor), time.monotonic()
        days, warmup, seed = given["days"], given["warmup"], given["seed"]
        figures = simulate(sized, policy, found, days=days, warmup=warmup, seed=seed).summary()
        self.stderr.write(f"{policy.name}, {factor:g} times the lines: {time.monotonic() - began:.1f} s")
        return telling.Outcome(policy, factor, sized, figures)

    def _tell(self, network: Network, outcomes: list[telling.Outcome], out: Path | None, as_json: bool) -> None:
        content = json.dumps(telling.as_json(outcomes), indent=2) + "\n"
        files = {"figures.json": content, "figures.csv": telling.csv_text(outcomes)}
        files["network.json"] = network_file.as_json(network)
        if out is not None:
            try:
                out.mkdir(parents=True, exist_ok=True)
                for name, text in files.items():
                    (out / name).write_text(text, encoding="utf-8")
            except OSError as error:
                raise CommandError(f"{out} cannot be written: {error.strerror}. Name another folder.") from None
        if as_json:
            self.stdout.write(content)
            return
        self.stdout.write(network.title)
        self.stdout.write(telling.table(outcomes))
        if out is not None:
            self.stdout.write(f"Written to {out}: {', '.join(files)}.")


def _shown_rates() -> str:
    return json.dumps({**json.loads(rates.FILE.read_text()), "published": rates.published()}, indent=2) + "\n"


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdigit() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text}: give a whole number from {least} to {most}.")
        return int(text)

    return read


def _policies(text: str) -> list[Policy]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in POLICIES]
    if unknown or not names:
        raise ArgumentTypeError(f"{', '.join(unknown) or 'nothing'}: known policies are {', '.join(POLICIES)}.")
    return [POLICIES[name] for name in names]


def _factors(text: str) -> list[float]:
    try:
        factors = [float(part) for part in text.split(",")]
    except ValueError:
        factors = []
    if not factors or not all(0.01 <= factor <= 100 for factor in factors):
        raise ArgumentTypeError(f"{text}: give factors from 0.01 to 100, separated by commas.")
    return factors
