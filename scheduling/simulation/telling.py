"""The figures of several simulations side by side: table, JSON, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scheduling.simulation.booking import Policy
from scheduling.simulation.network import Network


@dataclass(frozen=True)
class Outcome:
    """One simulation: the policy, how many times the file's lines, and its figures."""

    policy: Policy
    lines_factor: float
    network: Network
    figures: dict[str, Any]

    @property
    def lines(self) -> int:
        return sum(plant.lines for plant in self.network.plants)

    @property
    def used(self) -> float:
        """Busy line days as a share of all, over every plant."""
        used = self.figures["utilization"]
        return sum(used[plant.id] * plant.lines for plant in self.network.plants) / max(1, self.lines)

    def row(self) -> dict[str, Any]:
        """Return what is compared, by its name."""
        figures = self.figures
        return {
            "policy": self.policy.name,
            "lines": self.lines,
            "orders": figures["orders"],
            "infused": figures["infused_share"],
            "unplaced": figures["ends"]["unplaced"],
            "withdrawn": figures["ends"]["withdrawn or died before collection"],
            "vein_to_vein_p50": figures["vein_to_vein_days"]["p50"],
            "vein_to_vein_p90": figures["vein_to_vein_days"]["p90"],
            "slot_p50": figures["time_to_slot_days"]["p50"],
            "slot_p90": figures["time_to_slot_days"]["p90"],
            "remake_slot_p90": figures["remake_slot_days"]["p90"],
            "urgent_slot_p90": figures["urgent_slot_days"]["p90"],
            "used": round(self.used, 4),
            "gini": figures["fairness"]["gini"],
            "p90_ratio": figures["fairness"]["p90_ratio"],
        }


HEADS = {
    "policy": "policy", "lines": "lines", "orders": "orders", "infused": "infused", "unplaced": "unplaced",
    "withdrawn": "withdrawn", "vein_to_vein_p50": "v2v P50", "vein_to_vein_p90": "v2v P90", "slot_p50": "slot P50",
    "slot_p90": "slot P90", "remake_slot_p90": "remake P90", "urgent_slot_p90": "urgent P90", "used": "used",
    "gini": "Gini", "p90_ratio": "P90 ratio",
}  # fmt: skip
SHARES = {"infused", "used"}


def table(outcomes: Sequence[Outcome]) -> str:
    """Return one line per simulation under its heads, then how much of each plant's lines was used."""
    rows = [{key: _words(key, value) for key, value in outcome.row().items()} for outcome in outcomes]
    widths = {key: max(len(head), *(len(row[key]) for row in rows)) for key, head in HEADS.items()}
    lines = ["  ".join(head.rjust(widths[key]) for key, head in HEADS.items())]
    lines += ["  ".join(row[key].rjust(widths[key]) for key in HEADS) for row in rows]
    lines += ["", "Lines used by plant"]
    for outcome in outcomes:
        used = outcome.figures["utilization"]
        each = ", ".join(
            f"{plant.id} {100 * used[plant.id]:.0f} % of {plant.lines}" for plant in outcome.network.plants
        )
        lines.append(f"  {outcome.policy.name}, {outcome.lines} lines: {each}")
    seen = {outcome.policy.name: outcome.policy.title for outcome in outcomes}
    lines += ["", *(f"{name}: {title}" for name, title in seen.items())]
    return "\n".join(lines)


def _words(key: str, value: Any) -> str:
    if key in SHARES:
        return f"{100 * value:.1f}%"
    return f"{value:g}" if isinstance(value, float) else str(value)


def as_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    return [
        {"policy": one.policy.name, "lines_factor": one.lines_factor, "lines": one.lines, **one.figures}
        for one in outcomes
    ]


def csv_text(outcomes: Sequence[Outcome]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(HEADS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(outcome.row() for outcome in outcomes)
    return stream.getvalue()
