"""Chooses one chain per order, or none, at the least harm: CP-SAT over the candidates that can be part of a best plan.

The solver library is imported when it is used: it is large, and no web process needs it. The same problem with the
same seed and the same limit gives the same answer: a fixed number of workers, time counted in the solver's own work. A
plan is always found, because leaving an order without a place is one; what time did not prove, the gap says.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import gcd
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from scheduling.repair.objective import COMPONENTS, Group, group_of, grouped, harm_of_none
from scheduling.repair.prices import Columns, priced
from scheduling.repair.snapshot import Problem, rank

FEW = 12  # of each order so many columns go into the first search


@dataclass(frozen=True)
class Limits:
    """``work``: the solver's deterministic seconds. ``clock``: real seconds after which it ends anyway (then the answer
    may differ from run to run, and says so)."""

    seed: int = 1
    work: float = 60.0
    clock: float = 240.0
    workers: int = 2


@dataclass(frozen=True)
class Component:
    """One part of the objective: its value, and the least that any plan could have (None: not known)."""

    name: str
    value: int
    bound: int | None

    @property
    def is_proven(self) -> bool:
        return self.bound == self.value


@dataclass(frozen=True)
class Outcome:
    """``chosen``: by order, the index of its candidate, or None. ``gap``: of the first component that is not proven.

    ``stopped``: what ended the search before the proof ("", "cancelled", "clock" or "work").
    """

    chosen: dict[str, int | None]
    components: tuple[Component, ...]
    gap: float
    seconds: float
    stopped: str = ""

    @property
    def is_optimal(self) -> bool:
        return all(component.is_proven for component in self.components)


@dataclass
class Control:
    """How a run is watched (``tell`` gets words) and ended from another thread, with the best plan found so far."""

    tell: Callable[[str], None] = lambda words: None
    cancelled: bool = False
    solver: Any = field(default=None, repr=False)

    def stop(self) -> None:
        self.cancelled = True
        solver = self.solver
        if solver is not None:
            solver.stop_search()


def solve(problem: Problem, limits: Limits | None = None, control: Control | None = None) -> Outcome:
    """Return the least harmful plan that was found, with what is proven of it."""
    return _Run(problem, limits or Limits(), control or Control()).outcome()


def first_come(problem: Problem) -> dict[str, int | None]:
    """Serve the orders by rank, each with its least harmful chain that is left: the plan to begin with.

    What an order has now is left to it until it has something else.
    """
    left: dict[UUID, int] = dict(problem.left)
    for places in problem.kept.values():
        for place in places:
            left[place] -= 1
    chosen: dict[str, int | None] = {}
    for order in sorted(problem.affected, key=rank):
        chosen[order.key] = None
        kept = problem.kept.get(order.key, frozenset())
        for place in kept:
            left[place] += 1
        for index, candidate in enumerate(problem.candidates[order.key]):
            short = [place for place in candidate.takes if place in left]
            if all(left[place] > 0 for place in short):
                for place in short:
                    left[place] -= 1
                chosen[order.key] = index
                break
        else:
            for place in kept:
                left[place] -= 1
    return chosen


def harm_in(problem: Problem, chosen: dict[str, int | None]) -> tuple[int, ...]:
    """Return the plan's harm by component."""
    total = [0] * len(COMPONENTS)
    for order in problem.affected:
        index = chosen[order.key]
        harm = harm_of_none(order) if index is None else problem.candidates[order.key][index].harm
        for place, value in enumerate(harm.as_tuple()):
            total[place] += value
    return tuple(total)


class _Column(NamedTuple):
    """One choice: which candidate of an order, or none; ``rows`` are its short places."""

    order: int
    key: str
    choice: int | None
    harm: tuple[int, ...]
    rows: tuple[int, ...]


class _Run:
    def __init__(self, problem: Problem, limits: Limits, control: Control) -> None:
        self.problem, self.limits, self.control = problem, limits, control
        self.began, self.worked, self.stopped = time.monotonic(), 0.0, ""
        self.chosen = first_come(problem)
        self.bounds: dict[int, int] = {}
        self.settled: list[tuple[Group, int]] = []  # groups that orders compete for: no plan may weigh more any more
        self.columns = _columns(problem)
        self.without = [column for column in self.columns if column.choice is None]

    def outcome(self) -> Outcome:
        most, units = _most(self.columns), _units(self.columns)
        fought: tuple[int, ...] = ()  # what orders compete for, so far
        for group in grouped(most, units):
            if self.control.cancelled:
                self.stopped = "cancelled"
                break
            joined = group_of((*fought, *group.components), most, units)
            if fought and joined.is_exact:  # one sum is proven sooner than the least of what another sum leaves open
                self.settled.clear()
                group = joined
            if self._settle(group) or fought:
                fought = joined.components
            if self.stopped:
                break
        values = harm_in(self.problem, self.chosen)
        found = tuple(Component(name, values[i], self._bound(i, values)) for i, name in enumerate(COMPONENTS))
        return Outcome(self.chosen, found, _gap(found), time.monotonic() - self.began, self.stopped)

    def _bound(self, index: int, values: Sequence[int]) -> int | None:
        """A bound counts only while every weightier component is proven; nothing harms less than not at all."""
        if any(self.bounds.get(before, 0) != values[before] for before in range(index)):
            return None
        return self.bounds.get(index, 0 if values[index] == 0 else None)

    def _settle(self, group: Group) -> bool:
        """Find the least sum of the group among the plans that are best in what was settled before.

        Return whether orders compete for it (not each has its own least).
        """
        self.control.tell("Weighing " + group.words)
        weights = [group.weigh(column.harm) for column in self.columns]
        least = _least(self.columns, weights)
        easiest = sum(least.values())
        if self._weight(group) == easiest:
            self.bounds |= group.unweigh(easiest)
            self.columns = [c for c, w in zip(self.columns, weights, strict=True) if w == least[c.order]]
            return False
        rows = [(c.order, w, c.rows) for c, w in zip(self.columns, weights, strict=True)]
        limits = [([one.weigh(c.harm) for c in self.columns], most) for one, most in self.settled]
        answer = priced(Columns.of(rows, list(self.problem.left.values()), len(self.problem.affected), limits))
        bound, within = max(answer.bound, easiest), answer.within
        self._round(group, answer.share, within)
        chosen = self._few(within) | answer.share.keys()
        while self._weight(group) > bound:
            proven = self._search(group, weights, sorted(chosen), bound)
            value = self._weight(group)
            missing = {number for number, with_it in enumerate(within) if with_it < value} - chosen
            if not missing:
                bound = max(bound, min(proven, value))
            if not missing or self.stopped:
                break
            chosen |= missing
        value = self._weight(group)
        if value > bound:
            self.stopped = self.stopped or self._why()
        self.bounds |= group.unweigh(bound)
        self.columns = [c for c, with_it in zip(self.columns, within, strict=True) if with_it <= value]
        self.settled.append((group, value))
        return True

    def _weight(self, group: Group) -> int:
        return group.weigh(harm_in(self.problem, self.chosen))

    def _round(self, group: Group, share: dict[int, float], within: Sequence[int]) -> None:
        """Make a plan of what the relaxation takes most of, place by place; keep it when it is whole and better."""
        left, rounded = list(self.problem.left.values()), dict.fromkeys(self.chosen)
        kept = {column.order: column.rows for column in self.without}
        for rows in kept.values():
            for row in rows:
                left[row] -= 1
        done: set[int] = set()
        for number in sorted(range(len(self.columns)), key=lambda n: (-share.get(n, 0.0), within[n], n)):
            column = self.columns[number]
            own = kept[column.order]
            if column.order not in done and all(left[row] + (row in own) > 0 for row in column.rows):
                done.add(column.order)
                rounded[column.key] = column.choice
                for row in own:
                    left[row] += 1
                for row in column.rows:
                    left[row] -= 1
        # An order left over has no column: that it may go without a place was ruled out with a weightier group.
        if len(done) < len(rounded):
            return
        harm = harm_in(self.problem, rounded)
        as_good = all(one.weigh(harm) <= most for one, most in self.settled)
        if as_good and group.weigh(harm) < self._weight(group):
            self.chosen = rounded

    def _few(self, within: Sequence[int]) -> set[int]:
        """The most promising columns of each order, its lack of a place, and the plan at hand."""
        by_order: dict[int, list[tuple[int, int]]] = defaultdict(list)
        found = set()
        for number, column in enumerate(self.columns):
            by_order[column.order].append((within[number], number))
            if column.choice is None or self.chosen[column.key] == column.choice:
                found.add(number)
        for row in by_order.values():
            found.update(number for _, number in sorted(row)[:FEW])
        return found

    def _search(self, group: Group, weights: Sequence[int], numbers: Sequence[int], bound: int) -> int:
        """Improve the plan within these columns; return what no plan within them falls below."""
        from ortools.sat.python import cp_model

        model = cp_model.CpModel()
        literals = {number: model.new_bool_var(str(number)) for number in numbers}
        by_order: dict[int, list[Any]] = defaultdict(list)
        by_row: dict[int, list[Any]] = defaultdict(list)
        for number, literal in literals.items():
            column = self.columns[number]
            by_order[column.order].append(literal)
            for row in column.rows:
                by_row[row].append(literal)
            model.add_hint(literal, self.chosen[column.key] == column.choice)
        for choices in by_order.values():
            model.add_exactly_one(choices)
        places = list(self.problem.left.values())
        for place, users in by_row.items():
            if len(users) > places[place]:
                model.add(sum(users) <= places[place])
        for one, most in self.settled:
            spent = [one.weigh(self.columns[number].harm) for number in numbers]
            model.add(cp_model.LinearExpr.weighted_sum(list(literals.values()), spent) <= most)
        total = cp_model.LinearExpr.weighted_sum(list(literals.values()), [weights[n] for n in numbers])
        model.add(total >= bound)
        model.minimize(total)
        solver = self._solver(cp_model)
        status = solver.solve(model)
        self.control.solver = None
        self.worked += solver.response_proto.deterministic_time
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            self.stopped = self._why()
            return bound
        for number, literal in literals.items():
            if solver.boolean_value(literal):
                self.chosen[self.columns[number].key] = self.columns[number].choice
        if status != cp_model.OPTIMAL:
            self.stopped = self._why()
        return max(bound, round(solver.best_objective_bound))

    def _solver(self, cp_model: Any) -> Any:
        solver = cp_model.CpSolver()
        asked = solver.parameters
        asked.random_seed = self.limits.seed
        asked.num_workers = self.limits.workers
        asked.interleave_search = self.limits.workers > 1  # else the answer depends on which worker is faster
        asked.max_deterministic_time = max(0.001, self.limits.work - self.worked)
        asked.max_time_in_seconds = max(0.1, self.limits.clock - (time.monotonic() - self.began))
        self.control.solver = solver
        if self.control.cancelled:
            asked.max_deterministic_time = 0.001
        return solver

    def _why(self) -> str:
        if self.control.cancelled:
            return "cancelled"
        return "clock" if time.monotonic() - self.began >= self.limits.clock - 0.2 else "work"


def _columns(problem: Problem) -> list[_Column]:
    row_of = {place: row for row, place in enumerate(problem.left)}
    known: dict[frozenset[UUID] | None, tuple[int, ...]] = {}  # orders that may have the same chain share its rows
    found = []
    for number, order in enumerate(problem.affected):
        for index, candidate in enumerate(problem.candidates[order.key]):
            rows = known.get(candidate.needs)
            if rows is None:
                rows = tuple(row_of[place] for place in candidate.takes if place in row_of)
                if candidate.needs is not None:
                    known[candidate.needs] = rows
            found.append(_Column(number, order.key, index, candidate.harm.as_tuple(), rows))
        kept = tuple(sorted(row_of[place] for place in problem.kept.get(order.key, ())))
        found.append(_Column(number, order.key, None, harm_of_none(order).as_tuple(), kept))
    return found


def _most(columns: Sequence[_Column]) -> list[int]:
    """The largest sum that each component can have."""
    by_order = groupby(columns, key=attrgetter("order"))
    worst = [[max(values) for values in zip(*(one.harm for one in own), strict=True)] for _, own in by_order]
    return [sum(values) for values in zip(*worst, strict=True)] or [0] * len(COMPONENTS)


def _units(columns: Sequence[_Column]) -> list[int]:
    """Of each component the largest number of which all its values are multiples."""
    harms = {column.harm for column in columns}
    return [max(1, gcd(*values)) for values in zip(*harms, strict=True)] or [1] * len(COMPONENTS)


def _least(columns: Sequence[_Column], weights: Sequence[int]) -> dict[int, int]:
    """The least weight of each order."""
    least: dict[int, int] = {}
    for column, weight in zip(columns, weights, strict=True):
        least[column.order] = min(weight, least.get(column.order, weight))
    return least


def _gap(components: Sequence[Component]) -> float:
    """How far the first component that is not proven may be from the best, as a part of its value."""
    for component in components:
        if not component.is_proven:
            return (component.value - (component.bound or 0)) / max(1, component.value)
    return 0.0
