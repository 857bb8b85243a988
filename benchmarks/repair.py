"""`python -m benchmarks.repair`: the repair of 300 orders that a closed plant hits, over 60 days, on two cores.

40 centers, 6 plants of 6 lines, three couriers from each center to each plant; all in memory, from the seed. Two
figures: what working out the candidates takes, and what the solver takes to a plan that is proven best (or its gap).
CPU seconds are steadier than the clock on a shared machine. Run it with the project's own Python (`.venv/bin/python`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.repair_network import NOW, Network
from scheduling.repair.candidates import problem
from scheduling.repair.solver import Limits, solve

RESULTS = Path(__file__).with_name("repair_results.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.repair", description=__doc__)
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    affected, closed, calendar = Network(chosen.seed).closed_plant(chosen.orders, priced=True)
    clock, cpu = time.perf_counter(), time.process_time()
    asked = problem(affected, calendar, NOW, chosen.days)
    prepared = time.perf_counter() - clock, time.process_time() - cpu
    import ortools.linear_solver.python.model_builder  # noqa: F401  (a worker has it loaded)
    import ortools.sat.python.cp_model  # noqa: F401

    clock, cpu = time.perf_counter(), time.process_time()
    outcome = solve(asked, Limits(seed=chosen.seed, workers=chosen.workers))
    solved = time.perf_counter() - clock, time.process_time() - cpu
    found = {
        "command": " ".join(["python -m benchmarks.repair", *sys.argv[1:]]),
        "orders": len(affected),
        "closed_windows": len(closed),
        "candidates": sum(map(len, asked.candidates.values())),
        "short_places": len(asked.left),
        "candidates_seconds": {"clock": round(prepared[0], 2), "cpu": round(prepared[1], 2)},
        "solver_seconds": {"clock": round(solved[0], 2), "cpu": round(solved[1], 2)},
        "optimal": outcome.is_optimal,
        "gap": round(outcome.gap, 5),
        "stopped": outcome.stopped,
        "components": {one.name: {"value": one.value, "bound": one.bound} for one in outcome.components},
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    return 0 if outcome.gap <= 0.01 else 1


if __name__ == "__main__":
    sys.exit(main())
