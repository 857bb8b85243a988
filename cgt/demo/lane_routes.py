"""How the demonstration's lanes are run: legs, customs between continents, another route for contingency."""

from __future__ import annotations

from typing import Any

from network.states import LegMode
from personas.queries import Site

PAPERS = (
    "Commercial invoice",
    "Statement of contents: human cells for autologous use, do not X-ray",
    "Import notice of the receiving site",
)


def _leg(
    origin: str, destination: str, mode: str, starts_after: float, hours: float, route: str = ""
) -> dict[str, Any]:
    ends = {"origin": origin, "destination": destination, "mode": mode}
    return ends | {"route": route, "starts_after": starts_after, "hours": hours}


def plan_of(origin: Site, destination: Site, hours: int, *, abroad: bool) -> dict[str, Any]:
    """Return how a lane of ``hours`` is run: between continents through customs, with another route for contingency."""
    start, end = origin.name, destination.name
    depart, arrive = f"Airport near {start}", f"Airport near {end}"
    if not abroad:
        legs = [_leg(start, arrive, LegMode.ROAD, 0, 4), _leg(arrive, end, LegMode.ROAD, hours - 4, 4)]
        return {"legs": legs, "leg_arrived": 60}
    customs, detour = f"Customs at the {arrive.lower()}", "By way of Reykjavík"
    legs = [
        _leg(start, depart, LegMode.ROAD, 0, 3),
        _leg(depart, arrive, LegMode.AIR, 8, 12),
        _leg(arrive, customs, LegMode.HAND, 21, 1),
        _leg(customs, end, LegMode.ROAD, 28, hours - 28),
        _leg(start, "Keflavík", LegMode.AIR, 6, 8, detour),
        _leg("Keflavík", end, LegMode.HAND, 18, 30, detour),
    ]
    return {"legs": legs, "papers": "\n".join(PAPERS), "delivered": 120, "leg_arrived": 60}
