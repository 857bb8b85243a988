"""How a lane is run: alerts before milestones, routes of legs with those agreed for contingency, papers, limits.

A route is ``{"name", "hours", "legs": [{"origin", "destination", "mode", "starts_after", "hours"}]}``: the planned one
has an empty ``name``; ``starts_after`` and ``hours`` count from the pick-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from network.models import AlertDefault, Lane
from network.states import LegMode, Milestone

LEADS = {
    Milestone.PACKED: 120,
    Milestone.PICKED_UP: 60,
    Milestone.DELIVERED: 60,
    Milestone.OPENED: 60,
    Milestone.LEG_DEPARTED: 30,
    Milestone.LEG_ARRIVED: 30,
    Milestone.KIT_CHECKED: 1440,
}
LONGEST_LEAD = 2880  # minutes: two days


@dataclass(frozen=True)
class Leg:
    """One part of a route; hours count from the pick-up."""

    origin: str
    destination: str
    mode: str
    starts_after: float
    hours: float

    @property
    def ends_after(self) -> float:
        return self.starts_after + self.hours

    @property
    def words(self) -> str:
        return f"{self.origin} to {self.destination}, {LegMode(self.mode).label.lower()}"


@dataclass(frozen=True)
class Route:
    """A planned route (``name`` empty), or one that was agreed for contingency, with its hours from door to door."""

    name: str
    hours: float
    legs: tuple[Leg, ...]


def routes_of(lane: Lane) -> list[Route]:
    """Return a lane's routes, the planned one first; none where nobody wrote one down."""
    return [
        Route(found["name"], found["hours"], tuple(Leg(**leg) for leg in found["legs"])) for found in lane.routes or []
    ]


def lead_minutes(manufacturer_id: UUID, lane: Lane | None) -> dict[str, int]:
    """Return how many minutes before each milestone people are told: the lane's, the sponsor's, else the built-in."""
    default = AlertDefault.unwalled.filter(manufacturer_id=manufacturer_id).first()
    return {**LEADS, **(default.minutes if default else {}), **(lane.alert_minutes if lane else {})}


def clean_routes(
    legs: Sequence[Mapping[str, Any]], transit_hours: float, qualified_hours: float
) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Return routes in stored form, and what is wrong, by ``legs[n].field``.

    The legs of a route follow one another in place and time; the planned route ends within the lane's hours, another
    within those for which the way is qualified.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    faults: dict[str, list[str]] = {}
    for number, raw in enumerate(legs):
        name = str(raw.get("route") or "").strip()
        leg = {key: raw[key].strip() for key in ("origin", "destination")} | {"mode": str(raw["mode"])}
        leg |= {key: float(raw[key]) for key in ("starts_after", "hours")}
        own = found.setdefault(name, [])
        column, fault = _gap(own[-1], leg) if own else ("starts_after", "")
        if not fault and leg["destination"] in {leg["origin"], *(passed["origin"] for passed in own)}:
            column, fault = "destination", f"The route has been at {leg['destination']} before: it never comes back."
        end, most = leg["starts_after"] + leg["hours"], qualified_hours if name else transit_hours
        if end > most:
            what = "for which the way is qualified" if name else "that the lane takes"
            fault = fault or f"Ends {end:g} h after the pick-up, later than the {most:g} h {what}."
        if fault:
            faults[f"legs[{number}].{column}"] = [fault]
        own.append(leg)
    if found and "" not in found:
        faults["legs"] = ["Enter the planned route first: its legs have no name of a route."]
    routes = [
        {"name": name, "hours": own[-1]["starts_after"] + own[-1]["hours"], "legs": own}
        for name, own in sorted(found.items(), key=lambda pair: bool(pair[0]))
    ]
    return routes, faults


def _gap(before: Mapping[str, Any], leg: Mapping[str, Any]) -> tuple[str, str]:
    """Return the field that does not follow from the leg before, and why; no words where it does."""
    if before["destination"] != leg["origin"]:
        return "origin", f"The leg before ends at {before['destination']}, this one begins at {leg['origin']}."
    begins_early = leg["starts_after"] < before["starts_after"] + before["hours"]
    return "starts_after", "Begins before the leg before it ends." if begins_early else ""
