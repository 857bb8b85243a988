"""Empty shippers that go back: one list for who keeps, holds and carries them, and what is recorded of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from custody import job_register
from custody import return_register as register
from custody.actions import jobs
from custody.actions import returns as action
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import NotFound, Refusal
from orders.forms import Filling, described, flat, unplaced
from orders.views.frame import pages, select
from orders.views.jobs import UNKNOWN, shown
from orders.views.requests import acted, asked
from personas.states import Capability
from personas.views import desk

SHOWN = 25


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def returns(request: HttpRequest) -> HttpResponseBase:
    """List the empty shippers that the organization waits for, holds or carries."""
    actor = _concerned(request)
    chosen = {"show": asked(request, "show")}
    rows = register.returns(actor, closed=chosen["show"] == "closed", overdue=chosen["show"] == "overdue")
    page = Paginator(rows, SHOWN).get_page(asked(request, "page"))
    booked = job_register.open_of_returns(actor, [row.pk for row in page])
    context = {
        "rows": [{**_shown(row), "job": booked.get(row.pk)} for row in page],
        "pages": pages(page, chosen),
        "filters": [select("show", "Show", [("overdue", "Overdue"), ("closed", "Closed")], chosen)],
        "filtered": any(chosen.values()),
    }
    return TemplateResponse(request, "orders/returns.html", context)


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def one(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Show one return, and what may be recorded of it."""
    return _page(request, key)


@require_POST
@desk(Capability.VIEW_ORDERS)
def hand_over(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Record that it left."""
    return _done(request, key, "hand_over", action.hand_over_empty, "Recorded: it is on its way back.")


@require_POST
@desk(Capability.VIEW_ORDERS)
def book(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Book the courier that fetches it."""
    return _done(request, key, "book", jobs.book_return, "The courier is booked; everybody on its way is told.")


@require_POST
@desk(Capability.VIEW_ORDERS)
def receive(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Record that it is back, or lost."""
    said = "Recorded. A shipper that is back is cleaned and charged before it is packed again."
    return _done(request, key, "receive", action.receive_empty, said)


@require_POST
@desk(Capability.VIEW_ORDERS)
def expect(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Set another date."""
    return _done(request, key, "expect", action.expect_empty, "The new date is recorded.")


def _concerned(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not register.concerns(actor):
        raise NotFound()
    return actor


def _done(request: HttpRequest, key: UUID, what: str, do: Callable[..., Any], said: str) -> HttpResponseBase:
    def act(actor: Actor, once: Once | None) -> str:
        do(actor, key, request.POST, once=once)
        return said

    place = reverse("orders:returns")
    return acted(request, (what, str(key)), act, lambda refusal: _page(request, key, refusal, what), place)


def _shown(row: Any) -> dict[str, Any]:
    if row.received_at is not None:
        badge = {"tone": "neutral", "icon": "circle-check", "text": row.get_outcome_display()}
    elif row.expected_at < timezone.now():
        badge = {"tone": "bad", "icon": "alert-triangle", "text": "Overdue"}
    elif row.handed_over_at is not None:
        badge = {"tone": "info", "icon": "truck", "text": "On its way back"}
    else:
        badge = {"tone": "warn", "icon": "circle", "text": "To be handed over"}
    return {"row": row, "badge": badge}


def _page(request: HttpRequest, key: UUID, refusal: Refusal | None = None, what: str = "") -> TemplateResponse:
    actor = _concerned(request)
    row = register.one(actor, key)
    errors = flat(refusal.fields) if refusal else {}
    forms = {}
    booked = job_register.of_return(actor, row.pk)
    for name, inputs in _forms(actor, row, booked).items():
        posted = request.POST if request.method == "POST" and name == what else None
        filling = Filling(actor.zone, UNKNOWN, posted, errors if name == what else {})
        forms[name] = described(inputs, filling)
    context = {
        **_shown(row),
        "forms": forms,
        "jobs": [shown(one) for one in booked],
        "refusal": refusal,
        "unplaced": unplaced(errors, [field for fields in forms.values() for field in fields]),
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [{"label": "Empty shippers", "url": reverse("orders:returns")}, {"label": row.serial, "url": ""}],
    }
    return TemplateResponse(request, "orders/return.html", context, status=refusal.status if refusal else 200)


def _forms(actor: Actor, row: Any, booked: list[Any]) -> dict[str, Any]:
    """Return the forms that this actor is offered."""
    if row.received_at is not None:
        return {}
    found: dict[str, Any] = {}
    holds = row.holder_id == actor.organization_id and any(actor.can(one) for one in action.HANDS_OVER)
    carries = row.courier_id == actor.organization_id and any(actor.can(one) for one in action.CARRIES)
    if row.handed_over_at is None and (holds or carries):
        found["hand_over"] = action.HandOverEmptyInputs()
    waits = row.handed_over_at is None and not any(one.state == "booked" for one in booked)
    if waits and jobs.may_book_return(actor, row):
        found["book"] = jobs.BookInputs()
    if row.owner_id == actor.organization_id and actor.can(Capability.KEEP_EQUIPMENT):
        found |= {"receive": action.ReceiveEmptyInputs(), "expect": action.ExpectEmptyInputs()}
    return found
