"""The figures of several simulations side by side: table, JSON, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scheduling.simulation.booking import Policy
from scheduling.simulation.network import Network
from scheduling.states import QuotaStage


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

    def mean_used(self, kind: str) -> float | None:
        """Return the mean share used of ``beds`` or ``return_lanes``, weighed by their places; None without any."""
        network, used = self.network, self.figures["used"][kind]
        if kind == "beds":
            weights = {one.id: (one.beds or 0) * len(one.infuses) for one in network.centers if one.beds is not None}
        else:
            weights = {f"{one.plant} > {one.center}": one.places * len(one.runs) for one in network.returns}
        total = sum(weights.values())
        return round(sum(used[name] * weight for name, weight in weights.items()) / total, 4) if total else None

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
            "beds": self.mean_used("beds"),
            "return_lanes": self.mean_used("return_lanes"),
            "gini": figures["fairness"]["gini"],
            "p90_ratio": figures["fairness"]["p90_ratio"],
        }


HEADS = {
    "policy": "policy", "lines": "lines", "orders": "orders", "infused": "infused", "unplaced": "unplaced",
    "withdrawn": "withdrawn", "vein_to_vein_p50": "v2v P50", "vein_to_vein_p90": "v2v P90", "slot_p50": "slot P50",
    "slot_p90": "slot P90", "remake_slot_p90": "remake P90", "urgent_slot_p90": "urgent P90", "used": "used",
    "beds": "beds", "return_lanes": "returns",
    "gini": "Gini", "p90_ratio": "P90 ratio",
}  # fmt: skip
SHARES = {"infused", "used", "beds", "return_lanes"}
FULLEST = 3  # places of a kind that are named


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
    for outcome in outcomes:
        lines += _details(outcome)
    seen = {outcome.policy.name: outcome.policy.title for outcome in outcomes}
    lines += ["", *(f"{name}: {title}" for name, title in seen.items())]
    return "\n".join(lines)


def _details(outcome: Outcome) -> list[str]:
    """Return why orders had no date, how full beds and ways back were, and what quotas gave."""
    figures, found = outcome.figures, []
    for title, key in (("no date", "unplaced_by_reason"), ("no date to make again", "remakes_unplaced_by_reason")):
        if figures[key]:
            found.append(f"{title}: " + ", ".join(f"{code} {number}" for code, number in figures[key].items()))
    for title, kind in (("fullest beds", "beds"), ("fullest lanes back", "return_lanes")):
        fullest = sorted(figures["used"][kind].items(), key=lambda one: (-one[1], one[0]))[:FULLEST]
        if fullest:
            found.append(f"{title}: " + ", ".join(f"{name} {100 * share:.0f} %" for name, share in fullest))
    for stage, shares in figures["quotas"].items():
        each = ", ".join(
            f"{name} {one['used'] + one['remade']} of {one['places']}"
            + (f" ({one['released']} released)" if one["released"] else "")
            for name, one in shares.items()
        )
        found.append(f"quota of {QuotaStage(stage).label}: {each}")
    return ["", f"{outcome.policy.name}, {outcome.lines} lines", *(f"  {line}" for line in found)] if found else []


def _words(key: str, value: Any) -> str:
    if value is None:
        return "-"
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
