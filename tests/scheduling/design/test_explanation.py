"""Why there is no plan: what is named conflicts, and nothing of it can be left out (by trying everything)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from scheduling.design import network_file
from scheduling.design.explanation import explain, limits_of
from scheduling.design.planning import plan
from tests.scheduling.design.networks import Content, least_cost, network, networks, patient


def explained(content: Content) -> dict[str, Any]:
    return explain(network_file.read(content), seconds=60, seed=1)


@given(networks())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_nothing_of_an_explanation_can_be_left_out(content: Content) -> None:
    assume(least_cost(content) is None)
    found = explained(content)
    assert found["is_smallest"]
    whole = network_file.read(content)
    named = [row for row in whole.patients if row.id in found["patients"]]
    conflict = replace(whole, patients=tuple(named))
    limits = limits_of(whole)
    for limit in limits:
        if limit.path not in found["limits"]:
            conflict = limit.lift(conflict)
    assert plan(conflict).status == "infeasible"
    for row in named:
        assert plan(replace(conflict, patients=tuple(other for other in named if other != row))).status == "optimal"
    for limit in limits:
        if limit.path in found["limits"]:
            assert plan(limit.lift(conflict)).status == "optimal"


def test_a_lane_that_is_missing_one_way_is_named() -> None:
    lanes = [row for row in network()["lanes"] if row["to"] != "south"]
    found = explained(network(lanes=lanes))
    assert found["patients"] == ["p2"]
    assert found["limits"] == []
    assert "No lane leads from a plant to south: add one." in found["text"]


def test_lanes_that_never_meet_at_a_plant_are_named() -> None:
    lanes = [
        row for row in network()["lanes"] if (row["from"], row["to"]) not in (("north", "beta"), ("alpha", "north"))
    ]
    found = explained(network(lanes=lanes))
    assert found["patients"] == ["p1"]
    assert "Lanes from north lead to alpha, lanes to north come from beta" in found["text"]


def test_a_closed_horizon_is_named() -> None:
    found = explained(network(patients=[patient("p1", 0), patient("late", 39)]))
    assert (found["patients"], found["limits"]) == (["late"], ["horizon_days"])
    assert "returns by day 40" in found["text"]


def test_a_cap_that_nobody_keeps_is_named() -> None:
    found = explained(network(vein_to_vein_cap_days=11))
    assert found["limits"] == ["vein_to_vein_cap_days"]
    assert len(found["patients"]) == 1


def test_too_few_lines_are_named_with_who_needs_them() -> None:
    crowd = [patient(f"p{n}", 10) for n in range(5)]
    found = explained(network(patients=[patient("early", 0), *crowd, patient("late", 20)]))
    assert len(found["patients"]) == 4
    assert "early" not in found["patients"]
    assert found["limits"] == ["waiting_allowed", "plants[0].lines", "plants[1].lines"]
    assert "2 lines at beta" in found["text"]
    assert "the others would fit" in found["text"]


def test_without_time_the_answer_says_that_it_is_not_the_smallest() -> None:
    crowd = [patient(f"p{n}", 10) for n in range(5)]
    found = explain(network_file.read(network(patients=crowd)), seconds=0, seed=1)
    assert not found["is_smallest"]
    assert "Time ran out" in str(found["text"])
