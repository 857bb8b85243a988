"""A plan as JSON, CSV and words."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any

from scheduling.design.network import Assignment, Network, Plan

COLUMNS = tuple(field.name for field in fields(Assignment))
MEANING = {
    "optimal": "proven: no plan costs less",
    "feasible": "time ran out: the best plan found, with the gap that is not proven",
    "infeasible": "proven: not every patient can be served",
    "unknown": "time ran out before a plan was found or refuted: give more with --time-limit",
}


def as_json(plan: Plan) -> dict[str, Any]:
    """Return {status, objective, bound, gap, plants, assignments[, explanation]} in JSON types."""
    found: dict[str, Any] = {
        "status": plan.status,
        "objective": _number(plan.objective),
        "bound": _number(plan.bound),
        "gap": _number(plan.gap),
        "plants": list(plan.plants),
        "assignments": [asdict(assignment) for assignment in plan.assignments],
    }
    if plan.explanation:
        found["explanation"] = plan.explanation
    return found


def json_text(plan: Plan) -> str:
    return json.dumps(as_json(plan), indent=2, ensure_ascii=False) + "\n"


def csv_text(plan: Plan) -> str:
    """Return one line per patient, under a header. What a spreadsheet would run as a formula gets a ``'``."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for assignment in plan.assignments:
        writer.writerow([_plain(value) for value in asdict(assignment).values()])
    return stream.getvalue()


def summary(network: Network, plan: Plan, seconds: float) -> str:
    """Return what a person wants to know first: verdict, cost, plants, time from vein to vein."""
    rows = [network.title] if network.title else []
    rows += [f"Status      {plan.status} ({MEANING[plan.status]})", f"Time        {seconds:.1f} s"]
    if plan.objective is not None and plan.bound is not None and plan.gap is not None:
        rows += [f"Cost        {plan.objective:,.2f}"]
        rows += [f"Bound       {plan.bound:,.2f} (gap {100 * plan.gap:.4f} %)"]
        rows += [f"  {name:20} {amount:18,.2f}" for name, amount in _costs(network, plan)]
        rows += _plants(network, plan) + _days(network, plan.assignments)
    elif plan.bound is not None:
        rows.append(f"Bound       {plan.bound:,.2f}")
    if plan.explanation:
        rows.append(str(plan.explanation["text"]))
    return "\n".join(rows)


def _costs(network: Network, plan: Plan) -> list[tuple[str, Decimal]]:
    daily = {plant.id: plant.cost_per_day for plant in network.plants}
    opened = sum((daily[plant] for plant in plan.plants), Decimal(0)) * network.horizon_days
    therapies = network.cost_per_therapy * len(network.patients)
    transport = (plan.objective or Decimal(0)) - opened - therapies
    return [("plants", opened), ("transport", transport), ("therapies", therapies)]


def _plants(network: Network, plan: Plan) -> list[str]:
    lines = {plant.id: plant.lines for plant in network.plants}
    patients = Counter(assignment.plant for assignment in plan.assignments)
    busy: dict[str, Counter[int]] = defaultdict(Counter)
    for assignment in plan.assignments:
        for day in range(assignment.arrive_day, assignment.arrive_day + network.manufacture_days):
            busy[assignment.plant][day] += 1
    rows = [f"Plants      {len(plan.plants)} of {len(network.plants)} opened"]
    rows.append(f"  {'plant':20} {'lines':>6} {'patients':>9} {'used':>7} {'busiest day':>12}")
    for plant in plan.plants:
        used = busy[plant].total() / (lines[plant] * network.horizon_days)
        rows.append(
            f"  {plant:20} {lines[plant]:6} {patients[plant]:9} {100 * used:6.1f}% {max(busy[plant].values()):12}"
        )
    return rows


def _days(network: Network, assignments: Sequence[Assignment]) -> list[str]:
    if not assignments:
        return []
    ready = {patient.id: patient.ready_day for patient in network.patients}
    lengths = sorted(assignment.return_day - assignment.collect_day for assignment in assignments)
    waits = [assignment.collect_day - ready[assignment.patient] for assignment in assignments]
    middle = lengths[len(lengths) // 2]
    return [
        f"Vein to vein {lengths[0]} to {lengths[-1]} days, half of them within {middle}; the cap is"
        f" {network.vein_to_vein_cap_days}",
        f"Waiting     {sum(map(bool, waits))} of {len(waits)} patients wait, at most {max(waits)} days",
    ]


def _number(amount: Decimal | None) -> int | float | None:
    if amount is None:
        return None
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _plain(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value
