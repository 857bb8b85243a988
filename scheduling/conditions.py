"""What may bind the search besides calendars: washouts, shippers, licenses. Plain values, compiled above."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Washout:
    """No collection before ``days`` have passed since ``since`` (local at the center): of what, ``name`` says."""

    name: str
    since: dt.date
    days: int

    @property
    def over(self) -> dt.date:
        """The first date on which one may collect."""
        return self.since + dt.timedelta(days=self.days)


@dataclass(frozen=True)
class ShipperHold:
    """How long the shippers of a way hold their temperature; of any courier's when ``courier_id`` is None."""

    origin_id: UUID
    destination_id: UUID
    hours: float
    courier_id: UUID | None = None


@dataclass(frozen=True)
class BarredPlant:
    """A plant that makes the product, but not for this market; ``why`` goes on after its name."""

    site_id: UUID
    why: str


@dataclass(frozen=True)
class LeadTime:
    """A duration of the request that is another one in a market, at a site, for a therapy (None: whichever).

    ``step``: a field of the request (see ``lead_times.STEPS``). It takes ``at_least`` and ``at_most`` so long, in the
    step's unit: both the same is exactly that, one of them bounds what would hold otherwise. ``since`` and ``until``
    (exclusive) are dates of collection. Of those that fit, the highest ``priority`` counts, then the most specific,
    then the latest ``since``. What stands in the manufacturer's register (``is_registered``) is laid over what the
    flow says.
    """

    step: str
    at_least: float | None = None
    at_most: float | None = None
    priority: int = 0
    market: str = ""
    site_id: UUID | None = None
    therapy_id: UUID | None = None
    since: dt.date = dt.date.min
    until: dt.date | None = None
    reason: str = ""
    is_registered: bool = False

    @classmethod
    def exactly(cls, step: str, value: float, **scope: Any) -> LeadTime:
        """A step that takes ``value``, whatever would hold otherwise."""
        return cls(step, value, value, **scope)

    def applied_to(self, value: float | None) -> float | None:
        """Return what holds instead of ``value``; what is not known (None) stays so unless there is a least."""
        if self.at_least is not None and (value is None or value < self.at_least):
            return self.at_least
        if self.at_most is not None and value is not None and value > self.at_most:
            return self.at_most
        return value
