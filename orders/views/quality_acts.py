"""What quality does on an order's page: a deviation opened by hand, a result declared invalid."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST

from ledger.context import Actor, reading
from ledger.recording import Once
from ledger.refusals import InvalidInput
from orders import queries
from orders.flow import order_named
from orders.views.order import done
from orders.views.requests import typed
from personas.states import Capability
from personas.views import desk
from quality import queries as quality
from quality.actions import deviations


@require_POST
@desk(Capability.VIEW_ORDERS)
def open_by_hand(request: HttpRequest, code: str) -> HttpResponseBase:
    """Open a deviation on the order (QC6 and whatever no step records)."""

    def act(actor: Actor, once: Once | None) -> str:
        with reading(actor):
            stream_id = order_named(actor, code).stream_id
        given = {name: typed(request, name) for name in ("kind", "severity", "text")}
        row = deviations.open_deviation(actor, stream_id, once=once, **given)
        return f"Deviation {row.number} is open."

    return done(request, code, "open-deviation", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def invalidate(request: HttpRequest, code: str, result: UUID) -> HttpResponseBase:
    """Declare a QC result invalid on the conclusion of a closed deviation (QC3)."""

    def act(actor: Actor, once: Once | None) -> str:
        with reading(actor):
            order = order_named(actor, code)
            row = queries.result_of(actor, order, result)
            found: Any = quality.deviations_of(actor, order.stream_id).filter(number=typed(request, "deviation"))
            deviation = found.first()
        if deviation is None:
            raise InvalidInput(fields={"deviation": ["Choose the closed deviation that found the result invalid."]})
        deviations.invalidate_result(actor, result, deviation_id=deviation.pk, once=once)
        return f"The result of {row.test_key} does not count any more; the test may be repeated."

    return done(request, code, f"result-{result}", act)
