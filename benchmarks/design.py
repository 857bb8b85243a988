"""`manage.py bench design`: how long `plan_network` and `simulate_network` take, in memory, from the seed.

Designs: 750 patients and 7 plants over 130 days (target: optimal in 5 s) and 2 000 patients on 10 plants whose lines
are almost full (60 s). Each plan is checked from the raw file. Simulations: a year after 60 days of warming up, per
policy. CPU seconds are steadier than the clock on a shared machine; both programs use one thread.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.design_networks import network
from scheduling.design import network_file, output
from scheduling.design.checking import faults_of
from scheduling.design.explanation import explain
from scheduling.design.planning import plan
from scheduling.simulation import rates
from scheduling.simulation.booking import POLICIES
from scheduling.simulation.fictional import fictional
from scheduling.simulation.world import World

RESULTS = Path(__file__).with_name("design_results.json")
DESIGNS: dict[str, tuple[float, dict[str, Any]]] = {  # limit in seconds, instance
    "750 patients, 7 plants": (5, {"patients": 750, "plants": 7, "seed": 1, "last_day": 100}),
    "750, fuller lines": (5, {"patients": 750, "plants": 7, "seed": 2, "last_day": 90}),
    "750, waiting 2 days, cap 19": (
        5,
        {"patients": 750, "plants": 7, "seed": 3, "last_day": 110, "cap": 19, "waiting": 2},
    ),
    "750, every line needed": (5, {"patients": 750, "plants": 7, "seed": 7, "last_day": 50}),
    "2000 patients, 10 plants": (60, {"patients": 2000, "plants": 10, "seed": 4, "last_day": 100}),
    "2000, waiting 2 days, cap 19": (
        60,
        {"patients": 2000, "plants": 10, "seed": 5, "last_day": 100, "cap": 19, "waiting": 2},
    ),
}
IMPOSSIBLE = {"patients": 750, "plants": 7, "seed": 6, "last_day": 90, "most": 2}


def main() -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench design", description=__doc__)
    parser.add_argument("--time-limit", type=float, default=300, help="seconds for each design (300)")
    parser.add_argument("--orders", type=int, default=10_000, help="a year, of the simulated network (10000; 0: none)")
    parser.add_argument("--policies", default=",".join(POLICIES), help="which policies are simulated")
    chosen = parser.parse_args()
    found: dict[str, Any] = {"command": " ".join(["python3 manage.py bench design", *sys.argv[1:]])}
    print(f"{'design':30} {'status':>10} {'clock s':>8} {'CPU s':>7} {'limit':>6} {'gap %':>8}  {'bound':>14}")
    found["designs"] = [design(name, *entry, chosen.time_limit) for name, entry in DESIGNS.items()]
    found["explanation"] = explanation()
    if chosen.orders:
        found["simulations"] = simulations(chosen.orders, chosen.policies.split(","))
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    slow = [row for row in found["designs"] if row["status"] != "optimal" or row["cpu_seconds"] > row["limit"]]
    return 1 if slow else 0


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what the work returns, and its seconds by the clock and of CPU."""
    clock, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, round(time.perf_counter() - clock, 2), round(time.process_time() - cpu, 2)


def design(name: str, limit: float, given: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Plan one instance, check the plan and print its row."""
    content = network(**given)
    answer, clock, cpu = timed(lambda: plan(network_file.read(content), seconds=seconds))
    faults = faults_of(content, json.loads(output.json_text(answer)))
    if faults:
        raise SystemExit(f"{name}: {'; '.join(faults[:5])}")
    gap = "" if answer.gap is None else f"{100 * answer.gap:.4f}"
    bound = "" if answer.bound is None else f"{answer.bound:,.2f}"
    over = " over" if cpu > limit else ""
    print(f"{name:30} {answer.status:>10} {clock:8.2f} {cpu:7.2f} {limit:6} {gap:>8}  {bound:>14}{over}", flush=True)
    told = {key: value for key, value in output.as_json(answer).items() if key != "assignments"}
    return {"design": name, "clock_seconds": clock, "cpu_seconds": cpu, "limit": limit, **told}


def explanation() -> dict[str, Any]:
    """Print how long it takes to say why 750 patients cannot be served."""
    asked = network_file.read(network(**IMPOSSIBLE))
    found, clock, cpu = timed(lambda: explain(asked, seconds=120, seed=1))
    sizes = f"{len(found['patients'])} patients and {len(found['limits'])} limits"
    word = "smallest" if found["is_smallest"] else "not the smallest"
    print(f"why 750 patients cannot be served by 2 plants: {sizes} ({word}), {clock:.1f} s, {cpu:.1f} s of CPU")
    return {"clock_seconds": clock, "cpu_seconds": cpu, **{key: found[key] for key in ("limits", "is_smallest")}}


def simulations(orders: int, names: list[str]) -> list[dict[str, Any]]:
    """Print what a year of so many orders takes under each policy, and the most memory so far."""
    made, rows = fictional(orders, seed=1), []
    print(made.title)
    heads = ("policy", "orders", "clock s", "CPU s", "dates asked", "MB", "v2v P50", "P90")
    print("{:12} {:>7} {:>8} {:>7} {:>12} {:>5} {:>8} {:>6}".format(*heads))
    for name in names:
        world = World(made, POLICIES[name], rates.load(), days=365, warmup=60, seed=1)
        figures, clock, cpu = timed(world.run)
        told, megabytes = figures.summary(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        p50, p90 = told["vein_to_vein_days"].values()
        row = (name, told["orders"], clock, cpu, world.desk.searches, megabytes, p50, p90)
        print("{:12} {:7} {:8.1f} {:7.1f} {:12} {:5} {:8} {:6}".format(*row), flush=True)
        rows.append({"policy": name, "clock_seconds": clock, "cpu_seconds": cpu, "megabytes": megabytes, **told})
    return rows


if __name__ == "__main__":
    sys.exit(main())
