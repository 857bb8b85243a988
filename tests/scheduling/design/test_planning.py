"""Plans are proven by trying everything on small networks, and checked from the raw file on larger ones."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from scheduling.design import exact, network_file, output, planning
from scheduling.design.checking import faults_of
from scheduling.design.network import Plan
from scheduling.design.planning import plan
from tests.scheduling.design.networks import Content, least_cost, network, networks, patient

LIGHT = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def solved(content: Content, seed: int = 1) -> Plan:
    found = plan(network_file.read(content), seconds=60, seed=seed)
    assert faults_of(content, json.loads(output.json_text(found))) == []
    return found


@given(networks())
@LIGHT
def test_the_cheapest_plan_is_found_or_there_is_none(content: Content) -> None:
    found, best = solved(content), least_cost(content)
    assert (found.status, found.objective, found.bound) == ("infeasible" if best is None else "optimal", best, best)


@given(networks())
@settings(LIGHT, max_examples=40)
def test_choosing_plants_inside_the_solver_finds_the_same(content: Content) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "MOST_SETS", 0)
        assert solved(content).objective == least_cost(content)


@given(networks())
@settings(LIGHT, max_examples=40)
def test_without_whole_numbers_from_the_linear_program_the_exact_one_decides(content: Content) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scheduling.design.pricing._whole", lambda shares: None)
        assert solved(content).objective == least_cost(content)


def test_a_line_is_busy_from_the_day_of_arrival() -> None:
    """Seven days: who arrives on day 9 does not meet who came on day 2; a day earlier they would."""
    plants = [{"id": "alpha", "lines": 1, "cost_per_day": 100}]
    lanes = [row for row in network()["lanes"] if row["mode"] == "air"]
    apart = network(plants=plants, patients=[patient("p1", 0), patient("p2", 7)], lanes=_of("alpha", lanes))
    close = {**apart, "patients": [patient("p1", 0), patient("p2", 6)]}
    assert [row.arrive_day for row in solved(apart).assignments] == [2, 9]
    assert solved(close).status == "infeasible"
    waiting = solved({**close, "waiting_allowed": 1})
    assert [(row.collect_day, row.arrive_day) for row in waiting.assignments] == [(0, 2), (7, 9)]


def _of(plant: str, lanes: list[Content]) -> list[Content]:
    return [row for row in lanes if plant in (row["from"], row["to"])]


def test_the_slow_lane_is_taken_where_the_cap_allows() -> None:
    one = [patient("p1", 0)]
    modes = {}
    for cap in (12, 13, 14):
        (row,) = solved(network(patients=one, vein_to_vein_cap_days=cap)).assignments
        modes[cap] = sorted((row.inbound_mode, row.outbound_mode))
    assert modes == {12: ["air", "air"], 13: ["air", "road"], 14: ["road", "road"]}


def test_the_cost_is_that_of_the_issue() -> None:
    found = solved(network(patients=[patient("p1", 0)]))
    assert found.plants == ("alpha",)
    assert found.objective == 100 * 40 + (900 + 300) + 1000


def test_most_plants_is_kept() -> None:
    many = [patient(f"p{n}", 0) for n in range(3)]
    assert solved(network(patients=many)).plants == ("alpha", "beta")
    assert solved(network(patients=many, max_plants=1)).status == "infeasible"
    assert solved(network(patients=many[:2], max_plants=1)).plants == ("beta",)
    assert solved(network(patients=many[:1], max_plants=0)).status == "infeasible"


def test_nobody_to_treat_costs_nothing() -> None:
    found = solved(network(patients=[]))
    assert (found.status, found.objective, found.plants) == ("optimal", 0, ())


def test_the_same_seed_gives_the_same_answer() -> None:
    content = network(patients=[patient(f"p{n}", n, "south") for n in range(0, 24, 4)], waiting_allowed=3)
    assert output.json_text(solved(content, seed=7)) == output.json_text(solved(content, seed=7))


def test_time_that_runs_out_is_never_silence() -> None:
    content = network_file.read(network())
    found = plan(content, seconds=0)
    assert found.status == "unknown"
    assert found.bound is not None
    assert 0 < found.bound <= solved(network()).objective  # type: ignore[operator]


def test_a_plan_without_proof_has_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact program finds a plan and then runs out of time: the plan is told with the gap."""
    content = network(patients=[patient("p1", 0), patient("p2", 0, "south")])
    real = exact.solve

    def stopped(*args: object, **named: object) -> exact.Exact:
        found = real(*args, **named)  # type: ignore[arg-type]
        return exact.Exact(False, found.counts, found.plants, found.bound)

    monkeypatch.setattr("scheduling.design.pricing._whole", lambda shares: None)
    monkeypatch.setattr(exact, "solve", stopped)
    monkeypatch.setattr(planning.Search, "bound", lambda self, opened, since=0: 1_000_000)
    found = solved(content)
    assert found.status == "feasible"
    assert found.bound == 100  # a million thousandths of the file's smallest amount, 0.1
    assert found.gap is not None and 0 < found.gap < 1


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"arrive_day": 5}, "arrives on day"),
        ({"collect_day": -1}, "waits -1 days"),
        ({"return_day": 99}, "returns after the horizon"),
        ({"plant": "gamma"}, "no lane"),
        ({"patient": "nobody"}, "nobody is served"),
        ({"inbound_mode": "rail"}, "no lane"),
    ],
)
def test_the_check_sees_a_wrong_answer(change: Content, fault: str) -> None:
    answer = output.as_json(solved(network()))
    answer["assignments"][0] |= change
    assert any(fault in text for text in faults_of(network(), answer))


def test_the_check_sees_crowded_lines_and_wrong_costs() -> None:
    content = network(patients=[patient("p1", 0), patient("p2", 0)])
    answer = output.as_json(solved(content))
    fewer = {**content, "plants": [{**row, "lines": 1} for row in content["plants"]]}
    assert any("2 batches on 1 lines" in text for text in faults_of(fewer, answer))
    assert any("it costs" in text for text in faults_of(content, {**answer, "objective": answer["objective"] + 1}))
    assert any("bound" in text for text in faults_of(content, {**answer, "bound": answer["objective"] - 1}))
    assert any("opened" in text for text in faults_of({**content, "max_plants": 0}, answer))


def test_amounts_are_exact() -> None:
    plants = [{"id": "alpha", "lines": 1, "cost_per_day": Decimal("0.1001")}]
    lanes = _of("alpha", network()["lanes"])
    found = solved(network(plants=plants, patients=[patient("p1", 0)], lanes=lanes, cost_per_therapy=Decimal("0.3")))
    assert found.objective == Decimal("0.1001") * 40 + 1200 + Decimal("0.3")


@given(networks())
@LIGHT
def test_nobody_waits_who_could_come_earlier_at_no_cost(content: Content) -> None:
    found = solved(content)
    answer = output.as_json(found)
    for position, row in enumerate(answer["assignments"]):
        for days in range(1, row["collect_day"] + 1):
            earlier = {**row, **{key: row[key] - days for key in ("collect_day", "arrive_day", "return_day")}}
            rows = [*answer["assignments"][:position], earlier, *answer["assignments"][position + 1 :]]
            assert faults_of(content, json.loads(json.dumps({**answer, "assignments": rows}))) != []
