"""Small networks for tests, as the file holds them, and a planner that tries everything."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

Content = dict[str, Any]


def network(**changes: Any) -> Content:
    """Two plants, two sites, two modes each way: fictional."""
    lanes = [
        {"from": a, "to": b, "mode": mode, "days": days, "cost": cost}
        for site, plant in itertools.product(("north", "south"), ("alpha", "beta"))
        for a, b in ((site, plant), (plant, site))
        for mode, days, cost in (("air", 1, 900), ("road", 2, 300))
    ]
    content: Content = {
        "plants": [
            {"id": "alpha", "lines": 1, "cost_per_day": 100},
            {"id": "beta", "lines": 2, "cost_per_day": Decimal("250.5")},
        ],
        "sites": [{"id": "north"}, {"id": "south"}],
        "lanes": lanes,
        "patients": [patient("p1", 0), patient("p2", 0, "south"), patient("p3", 9)],
        "process": {"collection_days": 1, "manufacture_days": 7, "qc_days": 2},
        "cost_per_therapy": 1000,
        "vein_to_vein_cap_days": 13,
        "horizon_days": 40,
        "max_plants": None,
        "waiting_allowed": 0,
    }
    return {**content, **changes}


def patient(name: str, ready_day: int, site: str = "north", treated_at: str = "") -> Content:
    return {"id": name, "collected_at": site, "treated_at": treated_at or site, "ready_day": ready_day}


def ways(content: Content, row: Content) -> Iterator[tuple[str, int, int, Decimal]]:
    """Every plant, first and last day on its line, and transport cost of a patient: straight from the file."""
    process = content["process"]
    for plant, there, back in itertools.product(content["plants"], content["lanes"], content["lanes"]):
        if (there["from"], there["to"]) != (row["collected_at"], plant["id"]):
            continue
        if (back["from"], back["to"]) != (plant["id"], row["treated_at"]):
            continue
        for waits in range(content["waiting_allowed"] + 1):
            collected = row["ready_day"] + waits
            arrived = collected + process["collection_days"] + there["days"]
            made = arrived + process["manufacture_days"]
            returned = made + process["qc_days"] + back["days"]
            if returned <= content["horizon_days"] and returned - collected <= content["vein_to_vein_cap_days"]:
                yield plant["id"], arrived, made, Decimal(there["cost"]) + Decimal(back["cost"])


def least_cost(content: Content) -> Decimal | None:
    """The cheapest plan's cost by trying every combination; None when there is none."""
    lines = {plant["id"]: plant["lines"] for plant in content["plants"]}
    daily = {plant["id"]: Decimal(plant["cost_per_day"]) for plant in content["plants"]}
    best = None
    for chosen in itertools.product(*(list(ways(content, row)) for row in content["patients"])):
        opened = {way[0] for way in chosen}
        busy = Counter((plant, day) for plant, first, end, _ in chosen for day in range(first, end))
        if any(number > lines[plant] for (plant, _), number in busy.items()):
            continue
        if content["max_plants"] is not None and len(opened) > content["max_plants"]:
            continue
        cost = sum((daily[plant] for plant in opened), Decimal(0)) * content["horizon_days"]
        cost += sum((way[3] for way in chosen), Decimal(0))
        cost += Decimal(content["cost_per_therapy"]) * len(content["patients"])
        best = cost if best is None else min(best, cost)
    return best


@st.composite
def networks(draw: st.DrawFn) -> Content:
    """Up to three plants, two sites and four patients: scarce enough that about a third has no plan."""
    plants = [
        {
            "id": f"m{n}",
            "lines": draw(st.integers(0, 2)),
            "cost_per_day": draw(st.decimals(0, 60, places=draw(st.sampled_from([0, 2])))),
        }
        for n in range(draw(st.integers(1, 3)))
    ]
    lanes = []
    for site, plant in itertools.product(("a", "b"), plants):
        for origin, destination in ((site, plant["id"]), (plant["id"], site)):
            for mode in draw(st.lists(st.sampled_from(["air", "road"]), max_size=2, unique=True)):
                days, cost = draw(st.integers(0, 2)), draw(st.integers(0, 40))
                lanes.append({"from": origin, "to": destination, "mode": mode, "days": days, "cost": cost})
    sites = st.sampled_from(["a", "b"])
    patients = [
        patient(f"p{n}", draw(st.integers(0, 4)), draw(sites), draw(sites)) for n in range(draw(st.integers(0, 4)))
    ]
    return network(
        plants=plants,
        sites=[{"id": "a"}, {"id": "b"}],
        lanes=lanes,
        patients=patients,
        process={"collection_days": draw(st.integers(0, 1)), "manufacture_days": draw(st.integers(1, 3)), "qc_days": 1},
        cost_per_therapy=draw(st.integers(0, 5)),
        vein_to_vein_cap_days=draw(st.integers(4, 9)),
        horizon_days=draw(st.integers(7, 16)),
        max_plants=draw(st.sampled_from([None, 1, 2])),
        waiting_allowed=draw(st.integers(0, 2)),
    )
