"""The desk at ``/``, and the worklist: what waits for the acting persona, over all manufacturers (CO8)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from ledger.context import Actor, reading
from orders import queries
from orders.views import frame
from orders.views.approvals import to_approve
from orders.views.desks import desk_of
from personas.states import Capability
from personas.views import desk


@require_safe
@desk(Capability.VIEW_ORDERS)
def home(request: HttpRequest) -> HttpResponseBase:
    """The acting persona's own desk; the worklist for those who have none."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    show = desk_of(actor)
    return show(request, actor) if show else _worklist(request, actor)


@require_safe
@desk(Capability.VIEW_ORDERS)
def worklist(request: HttpRequest) -> HttpResponseBase:
    """Every step that the actor may do now, most urgent first; filters stand in the address."""
    return _worklist(request, request.actor)  # type: ignore[attr-defined]


def _worklist(request: HttpRequest, actor: Actor) -> TemplateResponse:
    context = frame.of(request, actor, queries.worklist(actor))
    context |= {"queried": queries.orders_under_query(actor), "cases": queries.open_cases(actor)}
    context["to_approve"] = to_approve(actor)
    return TemplateResponse(request, "orders/worklist.html", context)


def waiting_count(actor: Actor) -> int:
    """Return how much waits for the actor, for the navigation."""
    with reading(actor):
        return queries.worklist_size(actor)


def has_own_desk(actor: Actor) -> bool:
    """Whether the worklist is another page than what the persona opens in the morning."""
    return desk_of(actor) is not None


def count_at_home(actor: Actor) -> int:
    """Return the same where the worklist is the desk; a desk of its own says more than a number."""
    return 0 if has_own_desk(actor) else waiting_count(actor)
