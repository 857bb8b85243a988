"""A network as the file of ``plan_network``: what both files say alike, with demand spread evenly and costs of 0."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from scheduling.simulation.network import LaneRun, Network

DAYS = 365
CAP = 10  # days of waiting on the longest way, for the cap from vein to vein


def design_of(network: Network) -> str:
    """Return the JSON text: whole days, lanes both ways (back as there, where none leads back), a patient per order of
    a year. Costs are not known here: they are 0, to be filled in."""
    process = network.process
    manufacture, release = process.manufacture_days, math.ceil(process.release_days)
    back = network.returns or network.lanes
    slowest = max((_days(lane) for lane in (*network.lanes, *back)), default=0)
    longest = 1 + slowest + manufacture + release + slowest + CAP
    content = {
        "title": network.title,
        "plants": [{"id": plant.id, "lines": plant.lines, "cost_per_day": 0} for plant in network.plants],
        "sites": [{"id": center.id} for center in network.centers],
        "lanes": [
            *(_lane(lane, lane.center, lane.plant) for lane in network.lanes),
            *(_lane(lane, lane.plant, lane.center) for lane in back),
        ],
        "patients": list(_patients(network)),
        "process": {"collection_days": 1, "manufacture_days": manufacture, "qc_days": release},
        "cost_per_therapy": 0,
        "vein_to_vein_cap_days": longest,
        "horizon_days": DAYS + longest,
        "max_plants": None,
    }
    return json.dumps(content, indent=1) + "\n"


def _days(lane: LaneRun) -> int:
    return math.ceil(lane.hours / 24)


def _lane(lane: LaneRun, start: str, end: str) -> dict[str, Any]:
    return {"from": start, "to": end, "mode": "courier", "days": _days(lane), "cost": 0}


def _patients(network: Network) -> Iterator[dict[str, Any]]:
    for center in network.centers:
        number = round(center.orders_per_year)
        for nth in range(number):
            place = {"collected_at": center.id, "treated_at": center.id}
            yield {"id": f"{center.id}-{nth + 1}", **place, "ready_day": nth * DAYS // number}
