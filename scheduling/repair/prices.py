"""Which candidates can still be part of a best plan: prices for the short places, and what they prove.

At prices ``p`` no plan costs less than ``sum over orders of the cheapest candidate, its places paid for - sum of p x
places`` (Lagrangian bound: true for any prices >= 0, whole numbers keep it exact). A candidate that raises this beyond
the best plan known cannot be in a better one. Good prices are the duals of the linear relaxation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SCALE = 64  # prices are kept in 64ths
EXACT = "dual_feasibility_tolerance: 1e-11 primal_feasibility_tolerance: 1e-9 use_scaling: true"
MUCH = 10.0  # what lacking a column costs, in the heaviest weight: so the relaxation always has a solution


@dataclass
class Columns:
    """The choices of a group as arrays: the order of each, its weight, its short places (rows of the table)."""

    order: Any  # int array, one per column
    weight: Any  # int array
    places: Any  # int array (column, at most MOST places), padded with the row that costs nothing
    capacity: Any  # int array, one per place; the last one is the padding
    orders: int
    limits: Sequence[tuple[Any, int]] = ()  # int array, what each column spends of something; how much there is

    @classmethod
    def of(
        cls,
        rows: Sequence[tuple[int, int, Sequence[int]]],
        capacity: Sequence[int],
        orders: int,
        limits: Sequence[tuple[Sequence[int], int]] = (),
    ) -> Columns:
        """``rows``: (order, weight, short places) of each column; ``limits``: see the attribute."""
        import numpy as np

        most = max((len(places) for _, _, places in rows), default=0)
        padding = len(capacity)
        table = np.full((len(rows), max(1, most)), padding, dtype=np.int64)
        for number, (_, _, places) in enumerate(rows):
            table[number, : len(places)] = places
        return cls(
            np.array([row[0] for row in rows], dtype=np.int64),
            np.array([row[1] for row in rows], dtype=np.int64),
            table,
            np.array([*capacity, 0], dtype=np.int64),
            orders,
            [(np.array(spent, dtype=np.int64), most) for spent, most in limits],
        )


@dataclass
class Priced:
    """``bound``: no plan weighs less; ``within``: by column, no plan with it weighs less (whole numbers).

    ``share``: how much of each column the relaxation takes (0 to 1), of those that it looked at.
    """

    bound: int
    within: list[int]
    share: dict[int, float]


def priced(columns: Columns) -> Priced:
    """Return the best bound that the relaxation gives, and each column's at the same prices."""
    import numpy as np

    duals, rates, share = _duals(columns)
    prices = np.append(np.rint(duals * SCALE).astype(np.int64).clip(min=0), 0)
    paid = columns.weight * SCALE + prices[columns.places].sum(axis=1)
    spent = 0
    for rate, (each, most) in zip(rates, columns.limits, strict=True):
        price = max(0, round(rate * SCALE))
        paid += price * each
        spent += price * most
    cheapest = np.full(columns.orders, np.iinfo(np.int64).max)
    np.minimum.at(cheapest, columns.order, paid)
    all_paid = int(cheapest.sum()) - int((prices * columns.capacity).sum()) - spent
    within = -(-(all_paid + paid - cheapest[columns.order]) // SCALE)
    return Priced(-(-all_paid // SCALE), within.tolist(), share)


def _duals(columns: Columns) -> tuple[Any, list[float], dict[int, float]]:
    """Solve the linear relaxation in rounds: begin with each order's lightest columns, add those that the prices miss.

    Return the prices of places and of what is limited, and the share of each column that was looked at.
    """
    import numpy as np

    chosen = _lightest(columns, 12)
    for each, _ in columns.limits:
        chosen |= _lightest(columns, 12, each)
    for _ in range(30):
        duals, rates, dues, share = _relaxed(columns, np.flatnonzero(chosen))
        paid = columns.weight + np.append(duals, 0)[columns.places].sum(axis=1) - dues[columns.order]
        for rate, (each, _most) in zip(rates, columns.limits, strict=True):
            paid = paid + rate * each
        missing = (paid < -0.5) & ~chosen
        if not missing.any():
            break
        chosen |= _lightest(columns, 12, paid, missing)
    return duals, rates, share


def _lightest(columns: Columns, most: int, key: Any = None, among: Any = None) -> Any:
    """Mark the ``most`` columns of each order that come first by ``key`` (their weight), of those ``among``."""
    import numpy as np

    key = columns.weight if key is None else key
    index = np.arange(len(key)) if among is None else np.flatnonzero(among)
    ordered = index[np.lexsort((index, key[index], columns.order[index]))]
    owner = columns.order[ordered]
    first = np.searchsorted(owner, owner)
    marked = np.zeros(len(key), dtype=bool)
    marked[ordered[np.arange(len(ordered)) - first < most]] = True
    return marked


def _relaxed(columns: Columns, index: Any) -> tuple[Any, list[float], Any, dict[int, float]]:
    """Return prices of places and of what is limited (>= 0), dues of orders and the columns' shares at the optimum over
    these columns."""
    import numpy as np
    from ortools.linear_solver.python import model_builder

    model = model_builder.Model()
    count, places = len(index), len(columns.capacity) - 1
    variables = [model.new_num_var(0, math.inf, "") for _ in range(count)]
    lacking = [model.new_num_var(0, math.inf, "") for _ in range(columns.orders)]
    heaviest = max(1.0, float(columns.weight.max()))
    by_order: list[list[Any]] = [[] for _ in range(columns.orders)]
    by_place: list[list[Any]] = [[] for _ in range(places)]
    for variable, column in zip(variables, index.tolist(), strict=True):
        by_order[columns.order[column]].append(variable)
        for place in columns.places[column].tolist():
            if place < places:
                by_place[place].append(variable)
    total = model_builder.LinearExpr.sum
    one = [model.add(total([*row, lack]) == 1) for row, lack in zip(by_order, lacking, strict=True)]
    full = [model.add(total(row) <= int(columns.capacity[n])) if row else None for n, row in enumerate(by_place)]
    sizes = [max(1.0, float(each[index].max())) for each, _ in columns.limits]
    within = [
        model.add(model_builder.LinearExpr.weighted_sum(variables, (each[index] / size).tolist()) <= most / size)
        for size, (each, most) in zip(sizes, columns.limits, strict=True)
    ]
    costs = [*(columns.weight[index] / heaviest).tolist(), *[MUCH] * columns.orders]
    model.minimize(model_builder.LinearExpr.weighted_sum([*variables, *lacking], costs))
    solver = model_builder.Solver("glop")
    solver.set_solver_specific_parameters(EXACT)
    if solver.solve(model) != model_builder.SolveStatus.OPTIMAL:
        return np.zeros(places), [0.0] * len(sizes), np.zeros(columns.orders), dict.fromkeys(index.tolist(), 0.0)
    duals = np.array([0.0 if c is None else max(0.0, -solver.dual_value(c)) for c in full])
    share: dict[int, float] = dict(zip(index.tolist(), map(solver.value, variables), strict=True))
    rates = [max(0.0, -solver.dual_value(c)) * heaviest / size for size, c in zip(sizes, within, strict=True)]
    return duals * heaviest, rates, np.array([solver.dual_value(c) for c in one]) * heaviest, share
