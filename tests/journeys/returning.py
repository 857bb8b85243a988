"""Two people of a journey return an issued bag to the store."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from orders.actions.material_returns import return_material
from tests.journeys.world import PASSWORD, Player


def returned(player: Player, saw: Player, code: str, **changes: Any) -> dict[str, Any]:
    """Return what a page or a partner's system sends of a return, with both people's credentials."""
    sent: dict[str, Any] = {
        "scan": code,
        "condition": "kept",
        "place": "Tank 1, rack 2",
        "reason": "The infusion was put off.",
        "at": timezone.now().isoformat(),
        "signature": {"username": player.username, "password": PASSWORD},
        "witness": {"username": saw.username, "password": PASSWORD, "scan": code},
    }
    return sent | changes


def take_back(player: Player, saw: Player, code: str, container: str, **changes: Any) -> Any:
    """Record a return as ``player``, seen by ``saw``; return the container."""
    return return_material(player.actor, code, container, returned(player, saw, container, **changes))
