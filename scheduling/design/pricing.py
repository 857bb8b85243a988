"""Prices of line days: a linear program for one set of plants, and the exact bounds that follow from its prices.

A price per plant and day turns capacity into cost: whoever is in manufacture on a day pays the day's price. Whatever
the prices, no plan of any set of plants costs less than

    plants' cost + Σ groups · size · cheapest way with its prices − Σ opened plants' days · lines · price

(weak duality). The prices come from a solver with floating point; the bound is then computed in whole numbers, so that
what is called proven does not rest on a tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ortools.linear_solver import pywraplp  # type: ignore[attr-defined]  # compiled, without a stub

from scheduling.design.network import Network
from scheduling.design.options import Arrival, Group

FINE = 1000  # a price is a whole number of thousandths of the network's unit
WHOLE = 1e-6
UNSERVED = 1.0


@dataclass
class Prices:
    """Prices of one linear program, in thousandths; ``way_prices`` of an arrival: what its days cost together."""

    way_prices: dict[Arrival, int]
    plant_rents: dict[str, int]  # Σ days · lines · price of the plant

    def cheapest(self, group: Group, costs_count: bool = True) -> dict[str, int]:
        """Return, by plant, the group's cheapest way with its prices."""
        found: dict[str, int] = {}
        for arrival, way in group.ways.items():
            value = way.cost * FINE * costs_count + self.way_prices.get(arrival, 0)
            if value < found.get(arrival[0], value + 1):
                found[arrival[0]] = value
        return found


@dataclass
class Relaxation:
    """The linear program's answer for a set of plants: counts of each group's arrivals, when they are whole."""

    is_feasible: bool
    is_done: bool
    counts: list[dict[Arrival, int]] | None
    prices: Prices


def fewest_lines(network: Network, groups: Sequence[Group]) -> int:
    """Return how many lines the opened plants must have together: every plant counted as one place."""
    solver = _solver()
    total = solver.NumVar(0, solver.infinity(), "")
    solver.Minimize(total)
    arrivals: dict[int, pywraplp.Constraint] = {}
    classes: dict[tuple[int, ...], int] = {}
    for group in groups:
        days = tuple(sorted({day for _, day in group.ways}))
        classes[days] = classes.get(days, 0) + group.size
    for days, size in classes.items():
        row = solver.Constraint(size, size)
        for day in days:
            share = solver.NumVar(0, solver.infinity(), "")
            row.SetCoefficient(share, 1)
            arrivals.setdefault(day, solver.Constraint(0, 0)).SetCoefficient(share, 1)
    if not arrivals:
        return 0
    occupied = _occupancy(solver, arrivals, network.manufacture_days, solver.infinity())
    for variable in occupied.values():
        row = solver.Constraint(0, solver.infinity())
        row.SetCoefficient(total, 1)
        row.SetCoefficient(variable, -1)
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return 0
    return math.ceil(total.solution_value() - WHOLE)


def relax(
    network: Network, groups: Sequence[Group], opened: Collection[str], seconds: float, *, elastic: bool = False
) -> Relaxation:
    """Solve the linear program of a set of plants. ``elastic``: nobody need be served, and only who is not counts."""
    solver = _solver()
    solver.SetTimeLimit(max(1, int(seconds * 1000)))
    objective = solver.Objective()
    objective.SetMinimization()
    lines = {plant.id: plant.lines for plant in network.plants}
    rows: dict[str, dict[int, pywraplp.Constraint]] = {plant: {} for plant in opened}
    shares: list[dict[Arrival, pywraplp.Variable]] = []
    for group in groups:
        row = solver.Constraint(group.size, group.size)
        if elastic:
            unserved = solver.NumVar(0, solver.infinity(), "")
            row.SetCoefficient(unserved, 1)
            objective.SetCoefficient(unserved, UNSERVED)
        shares.append({})
        for arrival, way in group.ways.items():
            plant, day = arrival
            if plant in rows:
                share = solver.NumVar(0, solver.infinity(), "")
                row.SetCoefficient(share, 1)
                objective.SetCoefficient(share, 0 if elastic else way.cost)
                rows[plant].setdefault(day, solver.Constraint(0, 0)).SetCoefficient(share, 1)
                shares[-1][arrival] = share
    occupied = {
        plant: _occupancy(solver, days, network.manufacture_days, lines[plant]) for plant, days in rows.items() if days
    }
    status = solver.Solve()
    is_done = status in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.INFEASIBLE)
    if status != pywraplp.Solver.OPTIMAL:
        return Relaxation(False, is_done, None, Prices({}, {}))
    prices = _prices(occupied, lines, network.manufacture_days, rows)
    return Relaxation(True, True, _whole(shares), prices)


def _solver() -> pywraplp.Solver:
    solver = pywraplp.Solver.CreateSolver("GLOP")
    solver.SetSolverSpecificParametersAsString("use_dual_simplex:true")
    return solver


def _occupancy(
    solver: pywraplp.Solver, arrivals: dict[int, pywraplp.Constraint], length: int, lines: float
) -> dict[int, pywraplp.Variable]:
    """Add busy lines per day: yesterday's + who arrives − who arrived ``length`` days ago. Two entries per arrival
    instead of ``length``: the program is solved many times faster than with one sum per window."""
    come = {}
    for day, row in arrivals.items():
        come[day] = solver.NumVar(0, solver.infinity(), "")
        row.SetCoefficient(come[day], -1)
    occupied: dict[int, pywraplp.Variable] = {}
    for day in range(min(arrivals), max(arrivals) + 1):
        occupied[day] = solver.NumVar(0, lines, "")
        balance = solver.Constraint(0, 0)
        balance.SetCoefficient(occupied[day], 1)
        for variable, sign in (
            (occupied.get(day - 1), -1), (come.get(day), -1), (come.get(day - length), 1)
        ):  # fmt: skip
            if variable is not None:
                balance.SetCoefficient(variable, sign)
    return occupied


def _prices(
    occupied: dict[str, dict[int, pywraplp.Variable]],
    lines: dict[str, int],
    length: int,
    rows: dict[str, dict[int, pywraplp.Constraint]],
) -> Prices:
    way_prices: dict[Arrival, int] = {}
    rents: dict[str, int] = {}
    for plant, days in occupied.items():
        daily = {day: max(0, round(-variable.reduced_cost() * FINE)) for day, variable in days.items()}
        rents[plant] = lines[plant] * sum(daily.values())
        for arrival in rows[plant]:
            price = sum(daily.get(day, 0) for day in range(arrival, arrival + length))
            if price:
                way_prices[plant, arrival] = price
    return Prices(way_prices, rents)


def _whole(shares: list[dict[Arrival, pywraplp.Variable]]) -> list[dict[Arrival, int]] | None:
    counts: list[dict[Arrival, int]] = []
    for of_group in shares:
        counts.append({})
        for arrival, share in of_group.items():
            value = share.solution_value()
            if abs(value - round(value)) > WHOLE:
                return None
            if round(value):
                counts[-1][arrival] = round(value)
    return counts
