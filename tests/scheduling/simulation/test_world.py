"""A simulation keeps what cannot be broken, and moves the right way: every order ends once, no line is used twice."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from scheduling.clocks import DAY
from scheduling.simulation import rates
from scheduling.simulation.booking import POLICIES, Policy
from scheduling.simulation.fictional import fictional
from scheduling.simulation.figures import Figures, quantile
from scheduling.simulation.journey import Final
from scheduling.simulation.network import Network, Override, QuotaRule, ShareOf
from scheduling.simulation.world import simulate
from tests.scheduling.simulation.watching import Watched, check

RATES = rates.load()
CALM = replace(RATES, **{name: 0.0 for name in vars(RATES) if name.endswith(("slip", "show", "delay", "failure"))})
CALM = replace(CALM, out_of_specification=0, made_not_received=0, withdrawn_high=0, withdrawn_medium=0)
CALM = replace(CALM, withdrawn_low=0, outages_per_year=0, failed_but_infused=0)
NETWORK = fictional(500, seed=3, centers=4, plants=2)
FREE = replace(
    NETWORK, returns=(), lead_times=(), quotas=(), centers=tuple(replace(c, beds=None) for c in NETWORK.centers)
)


def lived(network: Network = NETWORK, policy: str = "first_date", **named: Any) -> Watched:
    chosen = {"days": 90, "warmup": 20, "seed": 5, **named}
    world = Watched(network, POLICIES[policy], chosen.pop("rates", RATES), **chosen)
    world.run()
    return world


def figures(network: Network, policy: Policy = POLICIES["first_date"], found: rates.Rates = RATES) -> Figures:
    return simulate(network, policy, found, days=90, warmup=20, seed=5)


@pytest.mark.parametrize("policy", list(POLICIES))
def test_every_order_ends_once_and_no_place_is_taken_twice(policy: str) -> None:
    network = NETWORK.with_lines(0.8)
    world = lived(network, policy)
    assert len(world.orders) > 100
    check(world)
    assert world.figures.summary()["busiest_day"] == {
        plant.id: max((n for (p, _), n in world.running.items() if p == plant.id), default=0)
        for plant in network.plants
    }
    assert {key.split("|")[0] for key in world.most} == {"apheresis_chair", "courier_lane", "infusion_bed"}
    assert any(key.startswith("courier_lane|plant") for key in world.most), (
        "products travel home in places of their own"
    )


@pytest.mark.parametrize("policy", ["reserve", "ageing"])
def test_the_same_seed_gives_the_same_figures(policy: str) -> None:
    first, again = (figures(NETWORK, POLICIES[policy]).summary() for _ in range(2))
    other = simulate(NETWORK, POLICIES[policy], RATES, days=90, warmup=20, seed=6).summary()
    assert first == again
    assert first != other


def test_without_misfortune_everybody_is_infused_after_the_planned_days() -> None:
    found = figures(FREE.with_lines(3), found=CALM).summary()
    assert found["ends"][Final.INFUSED.value] == found["orders"] > 80
    # Collection, carriage, manufacture 9, release 7, the way back and conditioning 5: no more than a day of waiting.
    assert 21 < found["vein_to_vein_days"]["p50"] <= found["vein_to_vein_days"]["p90"] < 25


def test_beds_ways_back_lead_times_and_quotas_each_leave_their_mark() -> None:
    """Of networks that differ in one thing only, that thing alone is told as the reason, and its figures are there."""
    free = replace(FREE.with_lines(3), process=replace(FREE.process, patience_days=20))
    plain = figures(free, found=CALM).summary()
    assert plain["unplaced_by_reason"] == {} == plain["quotas"]
    assert plain["used"]["beds"] == {} == plain["used"]["return_lanes"]

    one_bed = tuple(replace(c, beds=1, infuses=frozenset({3})) for c in free.centers)
    bedless = figures(replace(free, centers=one_bed), found=CALM).summary()
    assert bedless["vein_to_vein_days"]["p90"] > plain["vein_to_vein_days"]["p90"] + 3
    assert max(bedless["used"]["beds"].values()) > 0.9
    none = figures(replace(free, centers=tuple(replace(c, beds=0) for c in free.centers)), found=CALM).summary()
    assert set(none["unplaced_by_reason"]) == {"bed_full"}
    assert none["ends"][Final.UNPLACED.value] == none["orders"] == sum(none["unplaced_by_reason"].values())

    rare = tuple(replace(lane, runs=frozenset({2}), places=1) for lane in free.lanes)
    returned = figures(replace(free, returns=rare), found=CALM).summary()
    assert returned["vein_to_vein_days"]["p90"] > plain["vein_to_vein_days"]["p90"] + 2
    assert max(returned["used"]["return_lanes"].values()) > 0.3
    full = figures(replace(free, returns=tuple(replace(lane, places=0) for lane in free.lanes)), found=CALM).summary()
    assert set(full["unplaced_by_reason"]) <= {"lane_full", "after_cutoff"}
    assert sum(full["unplaced_by_reason"].values()) == full["orders"]

    longer = Override("release_days", at_least=free.process.release_days + 10)
    slower = figures(replace(free, lead_times=(longer,)), found=CALM).summary()
    assert round(slower["vein_to_vein_days"]["p50"] - plain["vein_to_vein_days"]["p50"]) == 10

    rule = QuotaRule("manufacturing_line", (ShareOf(1, center=free.centers[0].id), ShareOf(2)))
    shared = figures(replace(free, quotas=(rule,)), found=CALM).summary()
    assert set(shared["unplaced_by_reason"]) == {"quota_used_up"}
    used = shared["quotas"]["manufacturing_line"]
    assert used["pool"]["used"] == used["pool"]["places"] == 2 * 13
    assert set(used) == {free.centers[0].id, "pool"}


def test_an_override_holds_in_its_market_only() -> None:
    """A second test for release in one country lets its centers alone wait longer."""
    first, *others = FREE.centers
    centers = (replace(first, country="JP"), *(replace(one, country="DE") for one in others))
    network = replace(FREE.with_lines(3), centers=centers)
    longer = replace(network, lead_times=(Override("release_days", at_least=20, market="JP"),))
    lengths = []
    for one in (network, longer):
        world = lived(one, rates=CALM)
        lengths.append({name: max(found) for name, found in world.lengths.items()})
    plain, slower = lengths
    assert slower[first.id] > plain[first.id] + 12 * DAY
    assert all(slower[one.id] == plain[one.id] for one in others)


def test_what_a_share_does_not_use_goes_to_the_pool_in_time() -> None:
    idle, *_ = FREE.centers
    centers = tuple(replace(one, orders_per_year=0 if one == idle else one.orders_per_year) for one in FREE.centers)
    shares = (ShareOf(8, center=idle.id), ShareOf(2))
    kept = QuotaRule("manufacturing_line", shares)
    network = replace(FREE.with_lines(3), centers=centers, quotas=(kept,))
    released = replace(network, quotas=(replace(kept, release_days=14),))
    before, after = (figures(one, found=CALM).summary() for one in (network, released))
    assert before["quotas"]["manufacturing_line"][idle.id]["used"] == 0
    assert after["quotas"]["manufacturing_line"][idle.id]["released"] == 13 * 8
    assert (
        after["quotas"]["manufacturing_line"]["pool"]["used"] > before["quotas"]["manufacturing_line"]["pool"]["used"]
    )
    assert after["time_to_slot_days"]["p90"] < before["time_to_slot_days"]["p90"]


def test_a_reserve_of_a_quota_serves_what_is_made_again() -> None:
    rule = QuotaRule("manufacturing_line", (ShareOf(4),), reserve_percent=50)
    again = replace(CALM, manufacturing_failure=0.5, remade_after_failure=1.0, remake_not_infused=0)
    found = figures(replace(FREE.with_lines(3), quotas=(rule,)), found=again).summary()
    pool = found["quotas"]["manufacturing_line"]["pool"]
    assert pool["remade"] > 0
    assert pool["used"] <= pool["places"] / 2


def test_more_lines_leave_no_more_unplaced_and_use_less_of_each() -> None:
    network = replace(NETWORK, process=replace(NETWORK.process, patience_days=20))
    found = [figures(network.with_lines(lines)).summary() for lines in (0.2, 0.4, 0.8, 1.2)]
    unplaced = [one["ends"][Final.UNPLACED.value] for one in found]
    assert unplaced == sorted(unplaced, reverse=True)
    assert unplaced[0] > unplaced[-1] == 0
    assert all(sum(one["unplaced_by_reason"].values()) == one["ends"][Final.UNPLACED.value] for one in found)
    waits = [one["time_to_slot_days"]["p90"] for one in found]
    assert waits[0] > waits[-1]
    used = [max(one["utilization"].values()) for one in found]
    assert used[0] > used[-1]


def test_each_rate_leads_where_it_should() -> None:
    calm = figures(NETWORK, found=CALM).summary()
    failing = figures(NETWORK, found=replace(CALM, manufacturing_failure=0.5, remade_after_failure=0.0)).summary()
    slipping = figures(NETWORK, found=replace(CALM, slip=0.5)).summary()
    dying = figures(NETWORK, found=replace(CALM, withdrawn_high=0.9, withdrawn_medium=0.9, withdrawn_low=0.9)).summary()
    stopped = figures(NETWORK, found=replace(CALM, outages_per_year=20, outage_days=5)).summary()
    late = figures(NETWORK, found=replace(CALM, courier_delay=1.0, courier_delay_hours=40)).summary()
    assert failing["ends"][Final.FAILED.value] > 0.4 * failing["orders"]
    assert slipping["time_to_slot_days"]["p90"] > calm["time_to_slot_days"]["p90"]
    assert slipping["moves"]["dates given again"] > 0 == calm["moves"].get("dates given again", 0)
    assert dying["ends"][Final.WITHDRAWN.value] > 0 == calm["ends"][Final.WITHDRAWN.value]
    assert stopped["moves"]["starts moved"] > 0
    assert late["moves"]["starts moved"] > 0
    assert late["vein_to_vein_days"]["p90"] > calm["vein_to_vein_days"]["p90"]


def test_the_reserve_shortens_what_is_made_again_when_lines_are_scarce() -> None:
    scarce, often = NETWORK.with_lines(0.75), replace(CALM, manufacturing_failure=0.3, remade_after_failure=1.0)
    plain = figures(scarce, POLICIES["first_date"], often).summary()
    kept = figures(scarce, replace(POLICIES["reserve"], reserve=0.3), often).summary()
    assert kept["remake_slot_days"]["p50"] < plain["remake_slot_days"]["p50"]


def test_the_urgent_come_first_and_nobody_is_forgotten_under_ageing() -> None:
    scarce = NETWORK.with_lines(0.6)
    plain = figures(scarce, POLICIES["first_date"], CALM).summary()
    aged = figures(scarce, POLICIES["ageing"], CALM).summary()
    assert aged["urgent_slot_days"]["p90"] < plain["urgent_slot_days"]["p90"]
    assert aged["urgent_slot_days"]["p50"] < aged["time_to_slot_days"]["p50"]
    assert aged["ends"][Final.INFUSED.value] > 0.5 * aged["orders"]


def test_memory_does_not_grow_with_the_days() -> None:
    world = lived(days=400)
    early, late = world.sizes[80:200], world.sizes[280:400]
    assert 0 < max(late) < 1.3 * max(early)


def test_a_network_without_lanes_places_nobody() -> None:
    found = figures(replace(NETWORK, lanes=(), returns=())).summary()
    ends = found["ends"]
    assert ends[Final.UNPLACED.value] + ends[Final.WITHDRAWN.value] == found["orders"] > 0
    assert found["vein_to_vein_days"] == {"p50": 0.0, "p90": 0.0}
    assert set(found["utilization"].values()) == {0.0}


def test_nobody_asks_where_there_is_no_demand() -> None:
    silent = replace(NETWORK, centers=tuple(replace(center, orders_per_year=0) for center in NETWORK.centers))
    assert figures(silent).summary()["orders"] == 0


def test_clocks_that_change_do_not_move_the_days() -> None:
    """Through the changes of clock of both continents, a batch begins on the local day taken for it (asserted)."""
    network = replace(fictional(400, seed=9, centers=6, plants=3), first_day=dt.date(2026, 2, 20))
    world = lived(network, days=60)
    assert world.ended


def test_fairness_is_even_when_all_wait_alike() -> None:
    even, uneven = Figures({}, 0, 1), Figures({}, 0, 1)
    for name in ("a", "b", "c"):
        even.slots[name].extend([5.0, 7.0])
        uneven.slots[name].extend([1.0, 1.0] if name != "c" else [10.0, 10.0])
    assert even.summary()["fairness"] == {"centers": 3, "gini": 0.0, "p90_ratio": 1.0}
    assert uneven.summary()["fairness"] == {"centers": 3, "gini": 0.5, "p90_ratio": 10.0}


@pytest.mark.parametrize(("part", "value"), [(0.0, 1), (0.5, 3), (0.9, 5), (1.0, 5)])
def test_quantiles_are_of_the_nearest_rank(part: float, value: float) -> None:
    assert quantile([1, 2, 3, 4, 5], part) == value
    assert quantile([], part) == 0


def test_a_time_is_a_whole_number_of_ticks() -> None:
    world = lived(days=30)
    assert all(isinstance(order.asked, int) for order in world.orders)
    assert world.ends - world.measured == 30 * DAY
