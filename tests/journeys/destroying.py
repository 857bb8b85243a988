"""Two people of a journey destroy a container."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from orders.actions.destruction import destroy_material
from tests.journeys.world import PASSWORD, Player


def destruction(player: Player, saw: Player, code: str, **changes: Any) -> dict[str, Any]:
    """Return what a page or a partner's system sends of a destruction, with both people's credentials."""
    sent: dict[str, Any] = {
        "scan": code,
        "how": "Incinerated.",
        "reason": "Not to be used any more.",
        "at": timezone.now().isoformat(),
        "signature": {"username": player.username, "password": PASSWORD},
        "witness": {"username": saw.username, "password": PASSWORD, "scan": code},
    }
    return sent | changes


def destroy(player: Player, saw: Player, code: str, container: str, **changes: Any) -> Any:
    """Record a destruction as ``player``, seen by ``saw``; return the container."""
    return destroy_material(player.actor, code, container, destruction(player, saw, container, **changes))
