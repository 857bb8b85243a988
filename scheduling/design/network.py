"""A network to be designed, as plain values. Days are whole numbers from 0; amounts are exact decimals."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Plant:
    """``lines`` batches can be in manufacture at once; an opened plant costs ``cost_per_day``, busy or not."""

    id: str
    lines: int
    cost_per_day: Decimal


@dataclass(frozen=True, slots=True)
class Lane:
    """One direction and one mode between a site and a plant."""

    origin: str
    destination: str
    mode: str
    days: int
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Patient:
    """Collected from ``ready_day`` on, at one site; treated at another or the same."""

    id: str
    collected_at: str
    treated_at: str
    ready_day: int


@dataclass(frozen=True)
class Network:
    """What a network file says."""

    plants: tuple[Plant, ...]
    lanes: tuple[Lane, ...]
    patients: tuple[Patient, ...]
    collection_days: int
    manufacture_days: int
    qc_days: int
    cost_per_therapy: Decimal
    vein_to_vein_cap_days: int
    horizon_days: int
    max_plants: int | None = None
    waiting_allowed: int = 0
    title: str = ""

    @property
    def scale(self) -> int:
        """Whole units per unit of currency, so that every amount of the file is a whole number of them."""
        amounts = [plant.cost_per_day for plant in self.plants] + [lane.cost for lane in self.lanes]
        return int(10 ** max(decimals(amount) for amount in [*amounts, self.cost_per_therapy]))


@dataclass(frozen=True, slots=True)
class Assignment:
    """One patient's plant, lanes and days."""

    patient: str
    plant: str
    inbound_mode: str
    outbound_mode: str
    collect_day: int
    arrive_day: int
    return_day: int


@dataclass(frozen=True)
class Plan:
    """An answer. ``status`` is optimal, feasible (a gap is left), infeasible or unknown (time ran out without a plan).

    ``objective`` and ``bound`` are amounts; no plan costs less than ``bound``.
    """

    status: str
    objective: Decimal | None = None
    bound: Decimal | None = None
    plants: tuple[str, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    explanation: dict[str, object] = field(default_factory=dict)

    @property
    def gap(self) -> Decimal | None:
        """What is not proven, as a share of the objective."""
        if self.objective is None or self.bound is None:
            return None
        return (self.objective - self.bound) / self.objective if self.objective else Decimal(0)


def decimals(amount: Decimal) -> int:
    """Return how many digits after the point the amount needs."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
