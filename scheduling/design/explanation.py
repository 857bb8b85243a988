"""Why a network cannot serve everybody: a set of patients and limits of which nothing can be left out.

Found by a deletion filter. Patients are narrowed first to those ready within the shortest days that already conflict,
then each patient and each limit is left out in turn: when the rest still conflicts, it stays out. What remains
conflicts, and would not without any one of its parts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from scheduling.design import exact
from scheduling.design.network import Network, Patient
from scheduling.design.options import groups_of
from scheduling.design.pricing import fewest_lines, relax

FAR = 1_000_000  # days: beyond every cap and horizon
NAMED = 12  # so many patients are named in words; all stand in the answer


@dataclass(frozen=True)
class Limit:
    """A number of the file that may be to blame; ``lift`` takes it away."""

    path: str
    text: str
    lift: Callable[[Network], Network]


class OutOfTime(Exception):
    """The question could not be answered in time."""


def explain(network: Network, *, seconds: float, seed: int) -> dict[str, object]:
    """Return ``patients`` and ``limits`` that conflict, ``is_smallest`` (nothing can be left out) and ``text``."""
    return _Filter(network, time.monotonic() + seconds, seed).run()


def limits_of(network: Network) -> list[Limit]:
    """Return the limits of a network, in the order in which they are excused first."""

    def lines(plant_id: str) -> Callable[[Network], Network]:
        def lift(of: Network) -> Network:
            size = max(1, len(of.patients))
            return replace(of, plants=tuple(replace(p, lines=size) if p.id == plant_id else p for p in of.plants))

        return lift

    cap, horizon = network.vein_to_vein_cap_days, network.horizon_days
    found = [
        Limit("horizon_days", f"returns by day {horizon}", lambda of: replace(of, horizon_days=FAR)),
        Limit(
            "vein_to_vein_cap_days",
            f"at most {cap} days from collection to return",
            lambda of: replace(of, vein_to_vein_cap_days=FAR),
        ),
        Limit("waiting_allowed", f"at most {network.waiting_allowed} days of waiting", _without_waiting_limit),
    ]
    if network.max_plants is not None:
        text = f"at most {network.max_plants} plants opened"
        found.append(Limit("max_plants", text, lambda of: replace(of, max_plants=None)))
    for position, plant in enumerate(network.plants):
        text = f"{plant.lines} lines at {plant.id}"
        found.append(Limit(f"plants[{position}].lines", text, lines(plant.id)))
    return found


def _without_waiting_limit(network: Network) -> Network:
    """Long enough for everybody to be made one after the other."""
    fewest = min((plant.lines for plant in network.plants if plant.lines), default=1)
    turns = math.ceil(len(network.patients) / fewest) * network.manufacture_days
    return replace(network, waiting_allowed=network.waiting_allowed + turns)


class _Filter:
    def __init__(self, network: Network, deadline: float, seed: int) -> None:
        self.network, self.deadline, self.seed = network, deadline, seed
        self.lifted: list[Limit] = []
        self.is_smallest = True

    def run(self) -> dict[str, object]:
        patients = list(self.network.patients)
        alone = next((group.patients[0] for group in groups_of(self.network) if not group.ways), None)
        kept: list[Limit] = limits_of(self.network)
        try:
            patients = [alone] if alone else self._narrow(patients)
            for limit in list(kept):
                if self._conflicts(patients, [*self.lifted, limit]):
                    self.lifted.append(limit)
                    kept.remove(limit)
        except OutOfTime as stopped:
            patients, self.is_smallest = (stopped.args[0] if stopped.args else patients), False
        return {
            "patients": [patient.id for patient in patients],
            "limits": [limit.path for limit in kept],
            "is_smallest": self.is_smallest,
            "text": self._words(patients, kept),
        }

    def _narrow(self, patients: list[Patient]) -> list[Patient]:
        try:
            days = sorted({patient.ready_day for patient in patients})
            last = days[self._first_true(lambda n: self._conflicts(_between(patients, days[0], days[n])), len(days))]
            days = [day for day in days if day <= last]
            turned = days[::-1]
            since = self._first_true(lambda n: self._conflicts(_between(patients, turned[n], last)), len(days))
            patients = _between(patients, turned[since], last)
            size = len(patients)
            while size:
                size = size // 2 if size > 1 else 0
                for part in list(_parts(patients, size)) if size else []:
                    rest = [patient for patient in patients if patient not in part]
                    if rest and self._conflicts(rest):
                        patients = rest
        except OutOfTime:
            raise OutOfTime(patients) from None
        return patients

    def _first_true(self, is_true: Callable[[int], bool], length: int) -> int:
        """Return the first position that is true, by halving: true stays true, the last one is."""
        low, high = 0, length - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if is_true(middle) else (middle + 1, high)
        return low

    def _conflicts(self, patients: Sequence[Patient], lifted: Sequence[Limit] = ()) -> bool:
        """Whether these patients cannot all be served when these limits are lifted."""
        network = replace(self.network, patients=tuple(patients))
        for limit in lifted:
            network = limit.lift(network)
        groups = groups_of(network)
        if any(not group.ways for group in groups):
            return True
        lines = sorted((plant.lines for plant in network.plants), reverse=True)
        needed = fewest_lines(network, groups)
        if needed > sum(lines[: network.max_plants]):
            return True
        most = sorted(network.plants, key=lambda plant: -plant.lines)[: network.max_plants]
        relaxed = relax(network, groups, [plant.id for plant in most if plant.lines], self._left())
        if relaxed.counts is not None:
            return False
        if relaxed.is_done and not relaxed.is_feasible and len(most) == len(network.plants):
            return True
        free = [dict.fromkeys(group.ways, 0) for group in groups]
        chosen = None if network.max_plants is not None else [plant.id for plant in network.plants]
        found = exact.solve(
            network, groups, free, seconds=self._left(), seed=self.seed, fixed=chosen, lines_needed=needed,
            any_plan=True,
        )  # fmt: skip
        if found.counts is None and not found.is_proven:
            raise OutOfTime
        return found.counts is None

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime
        return left

    def _words(self, patients: Sequence[Patient], limits: Sequence[Limit]) -> str:
        names = ", ".join(patient.id for patient in patients[:NAMED])
        more = f" and {len(patients) - NAMED} more" if len(patients) > NAMED else ""
        first, last = (pick(patient.ready_day for patient in patients) for pick in (min, max))
        when = f"ready on day {first}" if first == last else f"ready from day {first} to {last}"
        who = f"patient {names}" if len(patients) == 1 else f"these {len(patients)} patients together ({names}{more})"
        text = f"The network cannot serve {who}, {when}"
        text += f", with {_listed([limit.text for limit in limits])}." if limits else "."
        if len(patients) == 1:
            text += "".join(f" {sentence}" for sentence in self._missing_lanes(patients[0]))
        if not self.is_smallest:
            return f"{text} Time ran out before every part was tried: some of them may not matter."
        if limits:
            return f"{text} Without any one of these patients or limits the others would fit."
        return text

    def _missing_lanes(self, patient: Patient) -> Iterator[str]:
        plants = {plant.id for plant in self.network.plants}
        there = {lane.destination for lane in self.network.lanes if lane.origin == patient.collected_at} & plants
        back = {lane.origin for lane in self.network.lanes if lane.destination == patient.treated_at} & plants
        if not there:
            yield f"No lane leads from {patient.collected_at} to a plant: add one."
        if not back:
            yield f"No lane leads from a plant to {patient.treated_at}: add one."
        if there and back and not there & back:
            yield f"Lanes from {patient.collected_at} lead to {_listed(sorted(there))},"
            yield f"lanes to {patient.treated_at} come from {_listed(sorted(back))}:"
            yield "add a lane so that one plant has both."


def _between(patients: Sequence[Patient], first: int, last: int) -> list[Patient]:
    return [patient for patient in patients if first <= patient.ready_day <= last]


def _parts(patients: Sequence[Patient], size: int) -> Iterator[set[Patient]]:
    for start in range(0, len(patients), size):
        yield set(patients[start : start + size])


def _listed(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
