"""The chosen plan is the best one: brute force on small instances; what a limit or a cancellation leaves is a plan."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from itertools import product
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.calendars import Window
from scheduling.drafts import Draft, Pick
from scheduling.offers import ChainRequest
from scheduling.repair.snapshot import Affected, Candidate, Harm, Material, Problem
from scheduling.repair.solver import Control, Limits, first_come, harm_in, solve

START = dt.datetime(2030, 3, 4, 8, tzinfo=dt.UTC)
REQUEST = ChainRequest(UUID(int=1), UUID(int=2), (UUID(int=3),), START.date())
ONE = Limits(workers=1, work=20)


def draft(*slots: int) -> Draft:
    hour = dt.timedelta(hours=1)
    picks = tuple(
        Pick(
            Window(UUID(int=slot), "manufacturing_line", UUID(int=9), UUID(int=3), START, START + hour, 1, "Line"),
            START,
            START + hour,
            "manufacturing_line",
            hour,
        )
        for slot in slots
    )
    return Draft(picks, UUID(int=3), START, START, START, START, START, START, START)


harms = st.builds(
    Harm,
    expired=st.integers(0, 1),
    moved=st.integers(0, 2),
    days=st.integers(0, 9),
    fees=st.integers(0, 3),
    changes=st.integers(0, 4),
)
candidates = st.builds(
    lambda slots, harm: Candidate(draft(*slots), harm), st.sets(st.integers(1, 4), max_size=2), harms
)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    orders = draw(st.integers(1, 5))
    affected, offered, kept = [], {}, {}
    for number in range(orders):
        key = f"order-{number}"
        material = draw(st.sampled_from(Material))
        affected.append(Affected(key, REQUEST, draft(), material, urgency=draw(st.integers(1, 3))))
        offered[key] = tuple(draw(st.lists(candidates, max_size=4)))
        kept[key] = frozenset(UUID(int=slot) for slot in draw(st.sets(st.integers(1, 4), max_size=2)))
    held = Counter(place for places in kept.values() for place in places)
    left = {UUID(int=slot): draw(st.integers(0, 2)) + held[UUID(int=slot)] for slot in range(1, 5)}
    return Problem(tuple(affected), offered, left, kept=kept)


def fits(problem: Problem, chosen: dict[str, int | None]) -> bool:
    used: Counter[UUID] = Counter()
    for key, index in chosen.items():
        if index is not None:
            used.update(problem.candidates[key][index].slot_ids)
        else:  # who gets no other place keeps what it has
            used.update(problem.kept.get(key, ()))
    return all(used[slot_id] <= places for slot_id, places in problem.left.items())


def best(problem: Problem) -> tuple[int, ...]:
    """Try every plan."""
    keys = [order.key for order in problem.affected]
    ways = product(*([None, *range(len(problem.candidates[key]))] for key in keys))
    plans = (dict(zip(keys, way, strict=True)) for way in ways)
    return min(harm_in(problem, plan) for plan in plans if fits(problem, plan))


@settings(max_examples=150, deadline=None)
@given(problems())
def test_no_plan_is_better_and_no_place_is_given_twice(problem: Problem) -> None:
    outcome = solve(problem, ONE)
    assert fits(problem, outcome.chosen)
    values = tuple(component.value for component in outcome.components)
    assert values == harm_in(problem, outcome.chosen) == best(problem)
    assert outcome.is_optimal and outcome.gap == 0 and not outcome.stopped


def test_a_lesser_harm_never_costs_an_order_its_place() -> None:
    """One order has to leave its place before another can take it; only how it leaves is left to choose."""
    affected = (Affected("waits", REQUEST, draft()), Affected("leaves", REQUEST, draft()))
    offered = {
        "waits": (Candidate(draft(1), Harm()),),
        "leaves": (Candidate(draft(), Harm(changes=1)), Candidate(draft(), Harm())),
    }
    problem = Problem(affected, offered, {UUID(int=1): 1}, kept={"leaves": frozenset({UUID(int=1)})})
    outcome = solve(problem, ONE)
    assert outcome.chosen == {"waits": 0, "leaves": 1} and outcome.is_optimal


def test_the_cheaper_plan_is_taken_only_where_nobody_waits_longer() -> None:
    """Days outweigh money, money outweighs how many bookings change."""
    affected = (Affected("one", REQUEST, draft()), Affected("two", REQUEST, draft()))
    offered = {
        "one": (Candidate(draft(1), Harm(days=2, fees=900)), Candidate(draft(2), Harm(days=3))),
        "two": (Candidate(draft(3), Harm(days=1, fees=900)), Candidate(draft(4), Harm(days=1, fees=100, changes=7))),
    }
    problem = Problem(affected, offered, {UUID(int=slot): 1 for slot in range(1, 5)})
    assert solve(problem, ONE).chosen == {"one": 0, "two": 1}


def test_what_orders_compete_for_stays_settled_when_money_is_weighed() -> None:
    """Only one of two may have the early place; who gets it is decided by money, that one gets it is not."""
    early, late = Harm(days=1, fees=50), Harm(days=4)
    affected = tuple(Affected(key, REQUEST, draft()) for key in ("cheap", "dear"))
    offered = {
        "cheap": (Candidate(draft(1), early), Candidate(draft(2), late)),
        "dear": (Candidate(draft(1), Harm(days=1, fees=70)), Candidate(draft(3), late)),
    }
    outcome = solve(Problem(affected, offered, {UUID(int=1): 1, UUID(int=2): 1, UUID(int=3): 1}), ONE)
    assert outcome.chosen == {"cheap": 0, "dear": 1} and outcome.is_optimal


@settings(max_examples=40, deadline=None)
@given(problems())
def test_what_is_left_when_the_time_is_up_is_a_plan_with_an_honest_bound(problem: Problem) -> None:
    outcome = solve(problem, Limits(workers=1, work=0.0))
    assert fits(problem, outcome.chosen)
    truth = best(problem)
    assert harm_in(problem, outcome.chosen) >= truth
    for component, least in zip(outcome.components, truth, strict=True):
        if not component.is_proven:
            assert component.bound is None or component.bound <= least
            break
        assert component.value == least


def test_the_first_to_expire_is_served_first() -> None:
    soon, late = START + dt.timedelta(hours=5), START + dt.timedelta(hours=9)
    only = (Candidate(draft(1), Harm(days=3)),)
    affected = (
        Affected("late", REQUEST, draft(), Material.AT_PLANT, late, urgency=3),
        Affected("soon", REQUEST, draft(), Material.AT_PLANT, soon, urgency=1),
    )
    problem = Problem(affected, {"late": only, "soon": only}, {UUID(int=1): 1})
    assert first_come(problem) == {"soon": 0, "late": None}


def test_a_cancelled_run_ends_with_the_plan_at_hand() -> None:
    only = (Candidate(draft(1), Harm(days=3)), Candidate(draft(2), Harm(days=1)))
    affected = tuple(Affected(f"order-{n}", REQUEST, draft()) for n in range(3))
    problem = Problem(affected, {one.key: only for one in affected}, {UUID(int=1): 1, UUID(int=2): 1})
    control = Control()
    control.stop()
    outcome = solve(problem, ONE, control)
    assert outcome.stopped == "cancelled" and fits(problem, outcome.chosen)


def test_the_same_seed_gives_the_same_plan() -> None:
    every = tuple(Candidate(draft(slot), Harm(days=slot % 3)) for slot in range(1, 13))
    affected = tuple(Affected(f"order-{n}", REQUEST, draft(), urgency=1 + n % 3) for n in range(10))
    problem = Problem(affected, {one.key: every for one in affected}, {UUID(int=slot): 1 for slot in range(1, 13)})
    first, second = solve(problem, Limits(seed=7)), solve(problem, Limits(seed=7))
    assert first.chosen == second.chosen and first.components == second.components
