"""The whole-number program (CP-SAT): for one set of plants over the ways worth looking at, or with the plants open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scheduling.design.network import Network
from scheduling.design.options import Arrival, Group

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

Counts = list[dict[Arrival, int]]


@dataclass
class Exact:
    """``is_proven``: the cost is the least, or, without counts, there is no plan. Costs in the network's units."""

    is_proven: bool
    counts: Counts | None
    plants: tuple[str, ...] = ()
    bound: int = 0


def solve(
    network: Network,
    groups: Sequence[Group],
    ways: Sequence[Mapping[Arrival, int]],
    *,
    seconds: float,
    seed: int,
    fixed: Sequence[str] | None = None,
    lines_needed: int = 0,
    below: int | None = None,
    any_plan: bool = False,
) -> Exact:
    """Find the cheapest counts over ``ways`` (by group: arrival → cost). ``fixed`` plants are opened and paid for
    elsewhere; without it the plants are chosen and paid for here. Only a cost less than ``below`` is looked for.
    ``any_plan``: whether there is one is all that is asked.

    One worker: the answer repeats for a seed unless time runs out.
    """
    from ortools.sat.python import cp_model  # slow to import, and mostly not needed

    model = cp_model.CpModel()
    scale = network.scale
    opened: dict[str, cp_model.IntVar] = {}
    terms: list[tuple[cp_model.IntVar, int]] = []
    if fixed is None:
        for plant in network.plants:
            opened[plant.id] = model.new_bool_var("")
            terms.append((opened[plant.id], int(plant.cost_per_day * scale) * network.horizon_days))
        model.add(sum(plant.lines * opened[plant.id] for plant in network.plants) >= lines_needed)
        if network.max_plants is not None:
            model.add(sum(opened.values()) <= network.max_plants)
    shares: list[dict[Arrival, cp_model.IntVar]] = []
    arrivals: dict[str, dict[int, list[cp_model.IntVar]]] = defaultdict(lambda: defaultdict(list))
    for group, costs in zip(groups, ways, strict=True):
        own = {arrival: model.new_int_var(0, group.size, "") for arrival in costs}
        model.add(cp_model.LinearExpr.sum(list(own.values())) == group.size)
        shares.append(own)
        for plant_id, variable in opened.items():
            there = [share for arrival, share in own.items() if arrival[0] == plant_id]
            if there:
                model.add(cp_model.LinearExpr.sum(there) <= group.size * variable)
        for arrival, share in own.items():
            arrivals[arrival[0]][arrival[1]].append(share)
            terms.append((share, costs[arrival]))
    for plant in network.plants:
        _limit(model, arrivals.get(plant.id, {}), network.manufacture_days, plant.lines, opened.get(plant.id))
    total = cp_model.LinearExpr.weighted_sum([t[0] for t in terms], [t[1] for t in terms])
    if below is not None:
        model.add(total <= below - 1)
    if not any_plan:
        model.minimize(total)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.linearization_level = 2
    solver.parameters.max_time_in_seconds = max(0.01, seconds)
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Exact(status == cp_model.INFEASIBLE, None, bound=int(max(0, solver.best_objective_bound)))
    counts = [{arrival: solver.value(share) for arrival, share in own.items() if solver.value(share)} for own in shares]
    chosen = tuple(plant_id for plant_id, variable in opened.items() if solver.value(variable))
    return Exact(status == cp_model.OPTIMAL, counts, chosen, int(solver.best_objective_bound))


def _limit(
    model: cp_model.CpModel,
    arrivals: Mapping[int, list[cp_model.IntVar]],
    length: int,
    lines: int,
    opened: cp_model.IntVar | None,
) -> None:
    """Never more batches than lines: busy today = busy yesterday + who arrives − who arrived ``length`` days ago."""
    if not arrivals:
        return
    from ortools.sat.python import cp_model

    come: dict[int, cp_model.IntVar] = {}
    for day, shares in arrivals.items():
        come[day] = model.new_int_var(0, lines, "")
        model.add(cp_model.LinearExpr.sum(shares) == come[day])
    before: Any = 0
    for day in range(min(arrivals), max(arrivals) + 1):
        busy = model.new_int_var(0, lines, "")
        came: Any = come.get(day, 0)
        gone: Any = come.get(day - length, 0)
        model.add(busy == before + came - gone)
        if opened is not None:
            model.add(busy <= lines * opened)
        before = busy
