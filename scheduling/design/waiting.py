"""Waiting costs nothing, so a solver leaves patients waiting for no reason: who can come earlier at no cost, does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scheduling.design.network import Network
from scheduling.design.options import Arrival, Group


def shorten(
    network: Network, groups: Sequence[Group], counts: Sequence[dict[Arrival, int]]
) -> list[dict[Arrival, int]]:
    """Return the counts with collections moved earlier, at the same plant and cost, where a line is free.

    Afterwards nobody waits who could come earlier with everybody else's days as they are.
    """
    lines = {plant.id: plant.lines for plant in network.plants}
    length = network.manufacture_days
    busy: Counter[Arrival] = Counter()
    for of_group in counts:
        for (plant, day), number in of_group.items():
            for busy_day in range(day, day + length):
                busy[plant, busy_day] += number
    moved = [dict(of_group) for of_group in counts]
    waiting = sorted(
        (group.ways[arrival].collect_day, position, arrival)
        for position, (group, of_group) in enumerate(zip(groups, moved, strict=True))
        for arrival in of_group
        if group.ways[arrival].collect_day > group.patients[0].ready_day
    )
    is_moving = True
    while is_moving:
        is_moving, still = False, []
        for _, position, arrival in waiting:
            group, of_group = groups[position], moved[position]
            while of_group.get(arrival):
                earlier = _earlier(group, arrival, busy, lines[arrival[0]], length)
                if earlier is None:
                    still.append((group.ways[arrival].collect_day, position, arrival))
                    break
                _shift(busy, arrival, earlier, length)
                of_group[arrival] -= 1
                of_group[earlier] = of_group.get(earlier, 0) + 1
                is_moving = True
                if group.ways[earlier].collect_day > group.patients[0].ready_day:
                    still.append((group.ways[earlier].collect_day, position, earlier))
        waiting = sorted(set(still))
    return [{arrival: number for arrival, number in of_group.items() if number} for of_group in moved]


def _earlier(group: Group, arrival: Arrival, busy: Counter[Arrival], lines: int, length: int) -> Arrival | None:
    """The way of the same plant, no dearer, with the earliest collection before this one, while a line is free."""
    now = group.ways[arrival]
    better = sorted(
        (way.collect_day, other)
        for other, way in group.ways.items()
        if other[0] == arrival[0] and way.cost <= now.cost and way.collect_day < now.collect_day
    )
    own = range(arrival[1], arrival[1] + length)
    for _, other in better:
        if all(busy[other[0], day] - (day in own) < lines for day in range(other[1], other[1] + length)):
            return other
    return None


def _shift(busy: Counter[Arrival], before: Arrival, after: Arrival, length: int) -> None:
    for offset in range(length):
        busy[before[0], before[1] + offset] -= 1
        busy[after[0], after[1] + offset] += 1
