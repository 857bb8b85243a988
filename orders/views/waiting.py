"""The waiting list of a treatment center: who waits, by which criteria, in which order, and the offers to answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, NotFound, Refusal, Unauthenticated
from network.queries import therapies
from orders import queries
from orders.actions.waiting_list import add_to_waiting_list
from orders.views import frame
from orders.views.requests import asked, day, see_other, typed
from personas.states import Capability as C
from personas.views import desk
from scheduling import waiting_board, waiting_offers
from scheduling.actions import committee, waiting
from scheduling.states import CriterionKind
from scheduling.waiting import entries, is_concerned

Words = tuple[str, str]


def chosen_therapy(request: HttpRequest, actor: Actor) -> tuple[Any, list[Any]]:
    """Return the therapy that the address names (else the first that somebody waits for, else the first) and all that
    there are; None when there is none."""
    known = list(therapies(actor))
    code = asked(request, "therapy") or typed(request, "therapy")
    if named := next((one for one in known if one.code == code), None):
        return named, known
    awaited = set(entries(actor).values_list("therapy_id", flat=True))
    return next((one for one in known if one.pk in awaited), known[0] if known else None), known


@require_safe
@never_cache
@desk(C.VIEW_ORDERS)
def waiting_list(request: HttpRequest) -> HttpResponseBase:
    """The list of one therapy."""
    return page(request, request.actor)  # type: ignore[attr-defined]


def page(request: HttpRequest, actor: Actor, refusal: Refusal | None = None, at: str = "") -> TemplateResponse:
    """Return the list, with a refusal beside the form that was sent, which keeps what was typed."""
    if not is_concerned(actor):
        raise NotFound()
    therapy, known = chosen_therapy(request, actor)
    board = waiting_board.board(actor, therapy.pk) if therapy else None
    context = {
        "therapy": therapy,
        "therapies": known,
        "board": board,
        "offers": offers_shown(actor),
        "may_answer": actor.can(C.MANAGE_WAITING),
        "rows": [{"row": row, "n": str(n), "key": str(row.entry.pk)} for n, row in enumerate(board.rows)]
        if board
        else [],
        "may": {name: actor.can(capability) for name, capability in _RIGHTS.items()},
        "by_hand": _by_hand(board),
        "add": _add_fields(request, actor, board, refusal if at == "add" else None),
        "refusal": refusal,
        "words": _words(refusal),
        "at": at,
        "typed": request.POST,
        "once": uuid4(),
    }
    return TemplateResponse(request, "orders/waiting.html", context, status=refusal.status if refusal else 200)


def offers_shown(actor: Actor) -> list[dict[str, Any]]:
    """Return the offers that wait for an answer or for their booking, as the page and the desk show them."""
    found = waiting_offers.offers_to_answer(actor)
    names = dict(therapies(actor, active=False).values_list("pk", "name")) if found else {}
    codes = {offer.entry.order_code for offer in found}
    orders = {order.code: order for order in queries.open_orders(actor).filter(code__in=codes)} if codes else {}
    patients = frame.names_of(actor, orders.values())
    whose = {code: patients.get(order.patient_id) for code, order in orders.items()}
    return [
        {
            "offer": offer,
            "name": names.get(offer.entry.therapy_id, ""),
            "patient": whose.get(offer.entry.order_code),
            "collection": parse_datetime(offer.place.offer["collection_start"]),
            "zone": offer.place.offer["links"][0]["zone"],
            "n": str(n),
            "at": f"offer-{offer.pk}",
        }
        for n, offer in enumerate(found)
    ]


_RIGHTS = {"manage": C.MANAGE_WAITING, "score": C.SCORE_WAITING, "decide": C.DECIDE_RANK, "write": C.WRITE_CRITERIA}


def _words(refusal: Refusal | None) -> list[str]:
    return [word for words in refusal.fields.values() for word in words] if refusal else []


def _by_hand(board: waiting_board.Board | None) -> list[dict[str, Any]]:
    criteria = board.criteria.criteria if board and board.criteria else []
    return [one for one in criteria if one["kind"] != CriterionKind.WAITING_TIME]


def _add_fields(
    request: HttpRequest, actor: Actor, board: waiting_board.Board | None, refusal: Refusal | None
) -> list[dict[str, Any]]:
    if board is None or not actor.can(C.MANAGE_WAITING):
        return []
    wait = {row.entry.order_code for row in board.rows}
    own = queries.open_orders(actor).filter(therapy_id=board.therapy_id, center_id=actor.organization_id)
    codes = [code for code in own.order_by("code").values_list("code", flat=True)[:200] if code not in wait]
    errors = refusal.fields if refusal else {}
    return [
        {
            "name": "order",
            "label": "Order",
            "type": "select",
            "required": True,
            "choices": [(code, code) for code in codes],
            "value": request.POST.get("order", "") if refusal else "",
            "errors": errors.get("order", []),
            "help": "An open order of this therapy that has no dates.",
        },
        {
            "name": "earliest",
            "label": "No collection before",
            "type": "date",
            "value": request.POST.get("earliest", "") if refusal else "",
            "errors": errors.get("earliest", []),
        },
    ]


@require_POST
@desk(C.VIEW_ORDERS)
def add(request: HttpRequest) -> HttpResponseBase:
    """Put an order on the list."""

    def act(actor: Actor) -> Words:
        code = typed(request, "order")
        if not code:
            raise InvalidInput(fields={"order": ["Choose an order."]})
        entry = add_to_waiting_list(actor, code, _day(request, "earliest"))
        return f"{entry.order_code} waits now. A physician scores it; then the committee decides.", ""

    return done(request, "add", act)


@require_POST
@desk(C.VIEW_ORDERS)
def score(request: HttpRequest, entry: UUID) -> HttpResponseBase:
    """Give an entry its points."""

    def act(actor: Actor) -> Words:
        sent = {name[7:]: typed(request, name) for name in request.POST if name.startswith("points.")}
        points = {key: int(text) if text.isascii() and text.isdigit() else -1 for key, text in sent.items()}
        made = waiting.score_entry(actor, entry, points)
        return f"{made.entry.order_code} is scored. The rank changes with the committee's next decision.", ""

    return done(request, f"score-{entry}", act)


@require_POST
@desk(C.VIEW_ORDERS)
def withdraw(request: HttpRequest, entry: UUID) -> HttpResponseBase:
    """Take an order off the list."""

    def act(actor: Actor) -> Words:
        return f"{waiting.withdraw_entry(actor, entry, typed(request, 'reason')).order_code} waits no more.", ""

    return done(request, f"withdraw-{entry}", act)


@require_POST
@desk(C.VIEW_ORDERS)
def appeal(request: HttpRequest, entry: UUID) -> HttpResponseBase:
    """Object to a rank."""

    def act(actor: Actor) -> Words:
        filed = committee.appeal(actor, entry, typed(request, "reason"))
        return f"Decision {filed.decision.number} is reopened: the committee answers the appeal with the next one.", ""

    return done(request, f"appeal-{entry}", act)


@require_POST
@desk(C.VIEW_ORDERS)
def answer(request: HttpRequest, offer: UUID) -> HttpResponseBase:
    """Accept an offered place, and go on to its booking; or refuse it, with a reason."""

    def act(actor: Actor) -> Words:
        if typed(request, "answer") == "accept":
            taken = waiting.accept_offer(actor, offer)
            return "The place is kept. Book it now.", reverse("orders:station", args=[taken.entry.order_code])
        if typed(request, "answer") != "refuse":
            raise InvalidInput(fields={"answer": ["Accept or refuse."]})
        waiting.refuse_offer(actor, offer, typed(request, "reason"), _day(request, "not_before"))
        return "The place goes to the next in rank.", ""

    return done(request, f"offer-{offer}", act)


def done(request: HttpRequest, at: str, act: Callable[[Actor], Words]) -> HttpResponseBase:
    """Act, and show the list again: with what was done, or with what stands against it and what was typed."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        said, where = act(actor)
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return page(request, actor, refusal, at)
    messages.success(request, said)
    code = typed(request, "therapy")
    return see_other(where or reverse("orders:waiting") + (f"?therapy={code}" if code else ""))


def _day(request: HttpRequest, name: str) -> Any:
    text = typed(request, name)
    found = day(text) if text else None
    if text and found is None:
        raise InvalidInput(fields={name: ["Give a day."]})
    return found
