"""What each patient could be given: patients of equal places and ready day are one group, ways of equal cost are one.

Nothing but the plant and the day of arrival matters to capacity. So of all ways of a group to a plant on a day (how
long to wait, which lanes) only the cheapest is kept: the outbound lane is the cheapest that keeps cap and horizon.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from scheduling.design.network import Assignment, Lane, Network, Patient


class Way(NamedTuple):
    """The cheapest way of a group to a plant on a day; ``cost`` in the network's whole units. Ties: least waiting,
    earliest return, modes by name, so that an answer repeats."""

    cost: int
    collect_day: int
    return_day: int
    inbound_mode: str
    outbound_mode: str


Arrival = tuple[str, int]  # plant, day of arrival


@dataclass(frozen=True)
class Group:
    """Patients who can stand in for each other, and their ways. Their transport is all that differs in cost."""

    patients: tuple[Patient, ...]
    ways: dict[Arrival, Way]

    @property
    def size(self) -> int:
        return len(self.patients)

    def assignment(self, patient: Patient, arrival: Arrival) -> Assignment:
        way = self.ways[arrival]
        return Assignment(
            patient.id, arrival[0], way.inbound_mode, way.outbound_mode, way.collect_day, arrival[1], way.return_day
        )


def groups_of(network: Network) -> list[Group]:
    """Return the groups in the order of their first patient in the file."""
    alike: dict[tuple[str, str, int], list[Patient]] = defaultdict(list)
    for patient in network.patients:
        alike[patient.collected_at, patient.treated_at, patient.ready_day].append(patient)
    lanes: dict[tuple[str, str], list[Lane]] = defaultdict(list)
    for lane in network.lanes:
        lanes[lane.origin, lane.destination].append(lane)
    return [Group(tuple(patients), _ways(network, lanes, *key)) for key, patients in alike.items()]


def _ways(
    network: Network, lanes: dict[tuple[str, str], list[Lane]], collected_at: str, treated_at: str, ready_day: int
) -> dict[Arrival, Way]:
    scale, ways = network.scale, dict[Arrival, Way]()
    at_plant = network.manufacture_days + network.qc_days
    for plant in network.plants:
        if not plant.lines:
            continue
        for inbound in lanes[collected_at, plant.id]:
            to_plant = network.collection_days + inbound.days
            for outbound in lanes[plant.id, treated_at]:
                length = to_plant + at_plant + outbound.days
                if length > network.vein_to_vein_cap_days:
                    continue
                cost = int((inbound.cost + outbound.cost) * scale)
                last = min(ready_day + network.waiting_allowed, network.horizon_days - length)
                for day in range(ready_day, last + 1):
                    arrival = (plant.id, day + to_plant)
                    way = Way(cost, day, day + length, inbound.mode, outbound.mode)
                    if arrival not in ways or way < ways[arrival]:
                        ways[arrival] = way
    return ways
