"""Disruptions: what cannot be used and from when to when, whom it hits, a repair asked for, a move answered (MP6)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ledger.context import Actor, reading
from ledger.recording import Replayed
from ledger.refusals import InvalidInput, NotFound, Refusal, Unauthenticated
from ledger.states import Role
from orders import queries
from orders.actions import repair_answers, repairs, what_ifs
from orders.forms import flat
from orders.views import frame
from orders.views.requests import asked, once_of, see_other, typed
from personas.states import Capability
from personas.views import desk
from scheduling import disrupted, kept_moves
from scheduling import queries as scheduling
from scheduling.actions.disruptions import close_disruption, open_disruption
from scheduling.costs import Cost
from scheduling.repair.runs import RepairMove
from scheduling.states import DisruptionKind

MOST_RUNS, MOST_ROWS = 20, 50
ACCEPTED = "Accepted: the order has its new dates."
REFUSED = "Refused: the order keeps its dates, and the planner reads why."


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def register(request: HttpRequest) -> HttpResponseBase:
    """What is disrupted, what waits for the center's answer, and the organization's own repairs."""
    return _register(request)


def _register(request: HttpRequest, refusal: Refusal | None = None, at: str = "") -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not queries.may_see_therapy(actor):
        raise NotFound()
    may_open, may_repair = actor.can(Capability.PUBLISH_CAPACITY), repairs.may_repair(actor)
    errors = flat(refusal.fields) if refusal else {}
    context = {
        "disruptions": list(disrupted.disruptions(actor).select_related("organization")[:MOST_ROWS]),
        "moves": _moves(actor) if actor.can(Capability.BOOK_SLOTS) else [],
        "runs": list(disrupted.repair_runs(actor).select_related("disruption")[:MOST_RUNS]) if may_repair else [],
        "may_open": may_open,
        "may_repair": may_repair,
        "open_fields": _fields(request, actor, "open", errors if at == "open" else {}, own=True) if may_open else [],
        "if_fields": _fields(
            request, actor, "if", errors if at == "if" else {}, own=actor.organization_role == Role.CMO
        )
        if may_repair
        else [],
        "zone": actor.zone,
        "at": at,
        "typed": request.POST,
        "errors": errors,
        "refusal": refusal,
        "once": request.POST.get("once") or uuid4(),
    }
    return TemplateResponse(request, "orders/disruptions.html", context, status=refusal.status if refusal else 200)


def _moves(actor: Actor) -> list[tuple[Any, Any, RepairMove, Cost, Any]]:
    """Return each order whose move is to be answered, its patient (None: not for these eyes), the move, its cost, and
    what is kept for it (None: signed before places were kept)."""
    waiting = repair_answers.waiting_moves(actor)
    charged = repair_answers.costs_of(actor, waiting)
    names = frame.names_of(actor, [order for order, _ in waiting])
    kept = kept_moves.of_moves(move for _, move in waiting)
    return [
        (order, names.get(order.patient_id), move, charged.get(move.pk, Cost()), kept.get(move.pk))
        for order, move in waiting
    ]


def _fields(
    request: HttpRequest, actor: Actor, at: str, errors: dict[str, list[str]], *, own: bool
) -> list[dict[str, Any]]:
    """Return the fields of a disruption, real or supposed; what was typed stays, or stands in the address."""
    posted = request.POST if request.POST.get("form") == at else {}
    named = at == "open" and request.method != "POST"
    resources = [(row.code, row.name) for row in scheduling.resources(actor, own=own)]
    chosen = request.POST.getlist("resources") if posted else request.GET.getlist("resources") if named else []
    if named:
        posted = {name: _local(request, actor, name) for name in ("starts_at", "ends_at")}
    fields: list[dict[str, Any]] = [
        {
            "name": "resources",
            "label": "What cannot be used",
            "type": "checkboxes",
            "required": True,
            "choices": resources,
            "value": chosen,
        },
        {"name": "starts_at", "label": "From", "type": "datetime", "zone": actor.zone, "required": True},
        {"name": "ends_at", "label": "Until", "type": "datetime", "zone": actor.zone, "required": True},
    ]
    if at == "open":
        kinds = {"name": "kind", "label": "What happened", "type": "select", "choices": DisruptionKind.choices}
        why = {"name": "reason", "label": "Why (partners read it)", "type": "textarea", "rows": 2, "maxlength": 300}
        fields = [kinds | {"required": True}, *fields, why | {"required": True}]
    for field in fields:
        field["errors"] = errors.get(field["name"], [])
        field["value"] = field.get("value") or posted.get(field["name"], "")
    return fields


@require_POST
@desk(Capability.VIEW_ORDERS)
def open_one(request: HttpRequest) -> HttpResponseBase:
    """Take own resources out of every search for a while."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        disruption = open_disruption(
            actor,
            kind=typed(request, "kind"),
            resources=request.POST.getlist("resources"),
            starts_at=_moment(request, actor, "starts_at"),
            ends_at=_moment(request, actor, "ends_at"),
            reason=typed(request, "reason"),
            once=once_of(request, "disruption"),
        )
        place = reverse("orders:disruption", args=[disruption.pk])
    except Replayed as replayed:
        place = reverse("orders:disruption", args=[replayed.result["disruption"]])
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _register(request, refusal, "open")
    messages.success(
        request, "The disruption is open: these windows are not offered. What is booked stays until it moves."
    )
    return see_other(place)


@require_POST
@desk(Capability.VIEW_ORDERS)
def what_if(request: HttpRequest) -> HttpResponseBase:
    """Ask what a disruption would do; nothing is closed and nobody is told."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        raw = {
            "resources": request.POST.getlist("resources"),
            "starts_at": _moment(request, actor, "starts_at"),
            "ends_at": _moment(request, actor, "ends_at"),
        }
        run_id = what_ifs.start_what_if(actor, raw, once=once_of(request, "what-if")).pk
    except Replayed as replayed:
        run_id = replayed.result["run"]
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _register(request, refusal, "if")
    return see_other(reverse("orders:repair", args=[run_id]))


def _local(request: HttpRequest, actor: Actor, name: str) -> str:
    """Return a moment of the address as the page's clock says it; nothing for words that name none."""
    try:
        moment = parse_datetime(asked(request, name))
    except ValueError:
        moment = None
    if moment is None or not moment.tzinfo:
        return ""
    return moment.astimezone(ZoneInfo(actor.zone)).strftime("%Y-%m-%dT%H:%M")


def _moment(request: HttpRequest, actor: Actor, name: str) -> dt.datetime:
    try:
        moment = parse_datetime(typed(request, name))
    except ValueError:
        moment = None
    if moment is None:
        raise InvalidInput(fields={name: ["Give a date and a time."]})
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(actor.zone))


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def one(request: HttpRequest, disruption_id: UUID) -> HttpResponseBase:
    """One disruption and the reader's own orders that it hits."""
    return _one(request, disruption_id)


def _one(request: HttpRequest, disruption_id: UUID, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not queries.may_see_therapy(actor):
        raise NotFound()
    found = repairs.disruption_seen(actor, disruption_id)
    mine = found.organization_id == actor.organization_id and actor.can(Capability.PUBLISH_CAPACITY)
    context = {
        "disruption": found,
        "hits": repairs.affected(actor, found),
        "may_end": mine and found.closed_at is None,
        "may_repair": repairs.may_repair(actor, found) and found.closed_at is None,
        "runs": list(disrupted.repair_runs(actor).filter(disruption=found)[:MOST_RUNS]),
        "zone": actor.zone,
        "refusal": refusal,
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": "Disruptions", "url": reverse("orders:disruptions")},
            {"label": found.get_kind_display(), "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/disruption.html", context, status=refusal.status if refusal else 200)


@require_POST
@desk(Capability.VIEW_ORDERS)
def end(request: HttpRequest, disruption_id: UUID) -> HttpResponseBase:
    """Offer the windows again."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        close_disruption(actor, disruption_id)
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _one(request, disruption_id, refusal)
    messages.success(request, "The disruption has ended: the windows are offered again.")
    return see_other(reverse("orders:disruption", args=[disruption_id]))


@require_POST
@desk(Capability.VIEW_ORDERS)
def start(request: HttpRequest, disruption_id: UUID) -> HttpResponseBase:
    """Ask for the least harmful plan; a worker looks for it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        run_id = repairs.start_repair(actor, disruption_id, {}, once=once_of(request, "repair", str(disruption_id))).pk
    except Replayed as replayed:
        run_id = replayed.result["run"]
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _one(request, disruption_id, refusal)
    return see_other(reverse("orders:repair", args=[run_id]))


@require_POST
@desk(Capability.VIEW_ORDERS)
def answer(request: HttpRequest, move_id: UUID) -> HttpResponseBase:
    """The center accepts the move of its order, or refuses it with a reason."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        repair_answers.answer_move(actor, move_id, request.POST, once=once_of(request, "move", str(move_id)))
        accepted = typed(request, "decision") == "accept"
        said = ACCEPTED if accepted else REFUSED
    except Replayed:
        said = "This was done already; nothing was done twice."
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _register(request, refusal, str(move_id))
    messages.success(request, said)
    return see_other(reverse("orders:disruptions"))
