"""Whatever the network and whatever goes wrong: nobody is served twice, nothing is oversold, everybody ends once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.simulation import rates
from scheduling.simulation.booking import POLICIES
from scheduling.simulation.fictional import fictional
from scheduling.simulation.network import Network, Override, QuotaRule, ShareOf
from tests.scheduling.simulation.watching import Watched, check

SHARES = st.sampled_from([0.0, 0.2, 0.6])
BASE = fictional(250, seed=8, centers=3, plants=2)
STEPS = {"lead_days": 8, "collection_hours": 9, "manufacture_days": 14, "release_days": 11, "conditioning_days": 9}


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Small networks in which any one thing may be short, or absent."""
    beds = draw(st.sampled_from([None, 0, 1, 2]))
    centers = tuple(
        replace(one, beds=beds, chairs=draw(st.integers(0, 2)), country=draw(st.sampled_from(["DE", "FR", "JP"])))
        for one in BASE.centers
    )
    plants = tuple(replace(one, lines=draw(st.integers(0, 4))) for one in BASE.plants)
    returns = draw(st.sampled_from([None, 0, 1, 3]))
    back = () if returns is None else tuple(replace(lane, places=returns) for lane in BASE.lanes)
    steps = draw(st.lists(st.sampled_from(sorted(STEPS)), unique=True, max_size=2))
    market, site = draw(st.sampled_from(["", "DE", "JP"])), draw(st.sampled_from(["", "plant-1", "center-002"]))
    overrides = tuple(Override(step, at_least=STEPS[step], market=market, site=site) for step in steps)
    return replace(
        BASE, centers=centers, plants=plants, returns=back, lead_times=overrides, quotas=draw(quotas()),
        process=replace(BASE.process, patience_days=25),
    )  # fmt: skip


@st.composite
def quotas(draw: st.DrawFn) -> tuple[QuotaRule, ...]:
    stages = draw(st.lists(st.sampled_from(["apheresis_chair", "manufacturing_line", "infusion_bed"]), unique=True))
    places = st.integers(0, 3)
    return tuple(
        QuotaRule(
            stage,
            (
                ShareOf(draw(places), center="center-001"),
                ShareOf(draw(places), countries=("DE",)),
                ShareOf(draw(places)),
            ),
            period=draw(st.sampled_from(["week", "month"])),
            zone=draw(st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo"])),
            release_days=draw(st.sampled_from([None, 0, 14])),
            reserve_percent=draw(st.sampled_from([0, 50, 100])),
        )
        for stage in stages
    )


@st.composite
def misfortunes(draw: st.DrawFn) -> rates.Rates:
    names = (
        "slip",
        "no_show",
        "courier_delay",
        "manufacturing_failure",
        "remade_after_failure",
        "out_of_specification",
    )
    shares: dict[str, Any] = {name: draw(SHARES) for name in (*names, "made_not_received", "withdrawn_high")}
    return replace(rates.load(), outages_per_year=draw(st.sampled_from([0.0, 12.0])), courier_delay_hours=30, **shares)


@given(networks(), misfortunes(), st.sampled_from(sorted(POLICIES)), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_conservation(network: Network, found: rates.Rates, policy: str, seed: int) -> None:
    world = Watched(network, POLICIES[policy], found, days=40, warmup=5, seed=seed)
    world.run()
    check(world)


@given(networks(), st.sampled_from(sorted(POLICIES)))
@settings(max_examples=5, deadline=None)
def test_a_seed_repeats_on_any_network(network: Network, policy: str) -> None:
    found = rates.load()
    first, again = (Watched(network, POLICIES[policy], found, days=30, warmup=5, seed=7).run() for _ in range(2))
    assert first.summary() == again.summary()
