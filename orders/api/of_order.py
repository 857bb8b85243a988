"""What the addresses of one order's acts have in common."""

from __future__ import annotations

from ledger.context import reading
from orders.flow import order_named
from personas.asking import ActorView


class OfOrder(ActorView):
    """An act on one order."""

    def find(self, code: str) -> None:
        """Raise NotFound for an order that is not the actor's to see, before anything else is said."""
        with reading(self.actor):
            order_named(self.actor, code)
