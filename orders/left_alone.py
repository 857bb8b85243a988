"""Why a repair leaves an order alone that a disruption hits: a stable code, and words for its planner."""

from __future__ import annotations

from django.utils import timezone

from orders.models import Order
from orders.states import LeftAlone, OrderState
from orders.whereabouts import Whereabouts


def why(order: Order, where: Whereabouts, *, is_asked: bool, is_behind: bool) -> LeftAlone | None:
    """Return why a repair leaves the order alone, None where it does not.

    ``is_asked``: a move waits for its center; ``is_behind``: all that is hit was used.
    """
    too_old = where.expires_at is not None and where.expires_at <= timezone.now()
    found = (
        (where.has_started and where.is_lost, LeftAlone.BATCH_LOST),
        (where.is_shipped, LeftAlone.SHIPPED),
        (is_behind, LeftAlone.BEGUN),
        (where.is_lost, LeftAlone.NO_MATERIAL),
        (too_old, LeftAlone.TOO_OLD),
        (order.state != OrderState.OPEN, LeftAlone.ENDED),
        (order.on_hold, LeftAlone.ON_HOLD),
        (is_asked, LeftAlone.ASKED),
    )
    return next((one for applies, one in found if applies), None)
