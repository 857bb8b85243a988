"""The committee's pages: the order by score, changed with reasons and signed; and the criteria, versioned."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, NotFound, Refusal, Unauthenticated
from orders.views.requests import day, see_other, typed
from orders.views.waiting import chosen_therapy
from personas.queries import username_of
from personas.states import Capability as C
from personas.views import desk
from scheduling import waiting_board
from scheduling.actions.committee import (
    MEANING,
    CriteriaDraft,
    RankRow,
    decide_ranks,
    publish_criteria,
    write_criteria,
)
from scheduling.states import CriterionKind, OfferMode
from scheduling.waiting import is_concerned
from scheduling.waiting_board import Board, Row

CRITERIA_ROWS = 6
NUMBERS = ("ageing_days", "signers", "offer_hours", "parallel")
START = {"ageing_days": "90", "signers": "2", "offer_hours": "24", "parallel": "1", "offer_mode": "sequential"}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(C.VIEW_ORDERS)
def decide(request: HttpRequest) -> HttpResponseBase:
    """Show the order by score, or sign the order as it was typed."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _decision_page(request, actor)
    with reading(actor):
        therapy, _ = chosen_therapy(request, actor)
        if therapy is None or not is_concerned(actor):
            raise NotFound()
        board = waiting_board.board(actor, therapy.pk)
    typed_order = _typed_order(request, board)
    try:
        _require_each_rank_once(request, typed_order)
        ranks = [RankRow(row.entry.pk, typed(request, f"reason-{row.entry.pk}")) for row in typed_order]
        decision = decide_ranks(actor, therapy.pk, ranks, _signatures(request, board), answer=typed(request, "answer"))
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _decision_page(request, actor, refusal, typed_order)
    messages.success(request, f"Decision {decision.number} is signed. Free places are offered in this order.")
    return see_other(f"{reverse('orders:waiting')}?therapy={therapy.code}")


def _typed_order(request: HttpRequest, board: Board) -> list[Row]:
    """Return the rows by the rank that was typed; by score where it is missing or twice the same."""
    return sorted(board.by_score, key=lambda row: (_typed_rank(request, row) or 10_000, row.computed or 0))


def _typed_rank(request: HttpRequest, row: Row) -> int:
    text = typed(request, f"rank-{row.entry.pk}")
    return int(text) if text.isascii() and text.isdigit() else 0


def _require_each_rank_once(request: HttpRequest, rows: list[Row]) -> None:
    """Raise InvalidInput unless the ranks say one order: nobody signs an order that was not typed."""
    given = Counter(_typed_rank(request, row) for row in rows)
    faults = {
        f"ranks[{position}].reason": [f"Rank {rank} is given to {given[rank]} orders." if rank else "Give it a rank."]
        for position, rank in enumerate(_typed_rank(request, row) for row in rows)
        if not rank or given[rank] > 1
    }
    if faults:
        raise InvalidInput(fields=faults)


def _signatures(request: HttpRequest, board: Board) -> list[dict[str, str]]:
    found = [_credentials(request, "signature")]
    others = [_credentials(request, f"member{n}") for n in range(1, _signers(board))]
    return found + [one for one in others if one["username"] or one["password"]]


def _credentials(request: HttpRequest, prefix: str) -> dict[str, str]:
    return {part: request.POST.get(f"{prefix}.{part}", "").replace("\x00", "") for part in ("username", "password")}


def _signers(board: Board | None) -> int:
    return board.criteria.signers if board and board.criteria else 1


def _decision_page(
    request: HttpRequest, actor: Actor, refusal: Refusal | None = None, order: list[Row] | None = None
) -> TemplateResponse:
    if not is_concerned(actor):
        raise NotFound()
    therapy, known = chosen_therapy(request, actor)
    board = waiting_board.board(actor, therapy.pk) if therapy else None
    rows = order if order is not None else board.by_score if board else []
    errors = refusal.fields if refusal else {}
    context = {
        "therapy": therapy,
        "therapies": known,
        "board": board,
        "rows": [
            {
                "row": row,
                "key": str(row.entry.pk),
                "rank": position + 1,
                "reason": request.POST.get(f"reason-{row.entry.pk}", "") if refusal else "",
                "errors": errors.get(f"ranks[{position}].reason", []),
            }
            for position, row in enumerate(rows)
        ],
        "may_sign": actor.can(C.DECIDE_RANK),
        "meaning": MEANING,
        "username": username_of(actor),
        "own_errors": _errors_at(errors, 0),
        "others": [
            {
                "prefix": f"member{n}",
                "legend": f"Member {n + 1} of {_signers(board)}",
                "username": request.POST.get(f"member{n}.username", "") if refusal else "",
                "errors": _errors_at(errors, n),
            }
            for n in range(1, _signers(board))
        ],
        "answer": {
            "name": "answer",
            "label": "What the committee answers",
            "type": "textarea",
            "required": True,
            "maxlength": 500,
            "value": request.POST.get("answer", "") if refusal else "",
            "errors": errors.get("answer", []),
        },
        "refusal": refusal,
        "once": uuid4(),
    }
    return TemplateResponse(request, "orders/committee.html", context, status=refusal.status if refusal else 200)


def _errors_at(errors: Any, number: int) -> dict[str, list[str]]:
    return {part: errors.get(f"signatures[{number}].{part}", []) for part in ("username", "password")}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(C.VIEW_ORDERS)
def criteria(request: HttpRequest) -> HttpResponseBase:
    """Show every version of the criteria, or write a new one."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _criteria_page(request, actor)
    try:
        written = write_criteria(actor, _draft(request))
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _criteria_page(request, actor, refusal)
    messages.success(request, f"Version {written.version} is a draft. It counts once somebody else has published it.")
    return see_other(f"{reverse('orders:waiting_criteria')}?therapy={typed(request, 'therapy')}")


@require_POST
@desk(C.VIEW_ORDERS)
def publish(request: HttpRequest, criteria: UUID) -> HttpResponseBase:
    """Publish a version, as the second person."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        published = publish_criteria(actor, criteria)
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _criteria_page(request, actor, refusal)
    messages.success(request, f"Version {published.version} is published.")
    return see_other(f"{reverse('orders:waiting_criteria')}?therapy={typed(request, 'therapy')}")


def _draft(request: HttpRequest) -> CriteriaDraft:
    first = day(typed(request, "effective_from"))
    numbers = {name: _number(typed(request, name)) for name in NUMBERS}
    rows = [
        {
            "key": _key(typed(request, f"title-{i}")),
            "title": typed(request, f"title-{i}"),
            "kind": typed(request, f"kind-{i}"),
            "weight": _number(typed(request, f"weight-{i}")),
            "most": _number(typed(request, f"most-{i}")),
        }
        for i in range(CRITERIA_ROWS)
        if typed(request, f"title-{i}")
    ]
    if first is None:
        raise InvalidInput(fields={"effective_from": ["Give a day."]})
    return CriteriaDraft(
        therapy=typed(request, "therapy"),
        title=typed(request, "title"),
        criteria=rows,
        effective_from=first,
        offer_mode=typed(request, "offer_mode"),
        **numbers,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1


def _key(title: str) -> str:
    """Return a key of a title: its words in small letters."""
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:40] or "x"


def _criteria_page(request: HttpRequest, actor: Actor, refusal: Refusal | None = None) -> TemplateResponse:
    if not is_concerned(actor):
        raise NotFound()
    therapy, known = chosen_therapy(request, actor)
    kept = request.POST if refusal else {}
    context = {
        "therapy": therapy,
        "therapies": known,
        "versions": list(waiting_board.criteria_versions(actor, therapy.pk)) if therapy else [],
        "may_write": actor.can(C.WRITE_CRITERIA),
        "may_publish": actor.can(C.PUBLISH_CRITERIA),
        "kinds": dict(CriterionKind.choices),
        "fields": _fields(kept, refusal.fields if refusal else {}),
        "entries": _entries(kept, refusal.fields if refusal else {}),
        "refusal": refusal,
    }
    return TemplateResponse(request, "orders/criteria.html", context, status=refusal.status if refusal else 200)


def _fields(kept: Any, errors: Any) -> list[dict[str, Any]]:
    day_one = (timezone.now() + dt.timedelta(days=1)).date().isoformat()
    shown = [
        ("title", "Title of this version", "text", ""),
        ("effective_from", "In force from", "date", day_one),
        ("ageing_days", "Ageing guard after (days)", "number", ""),
        ("signers", "Members who sign", "number", ""),
        ("offer_mode", "A free place is offered to", "select", ""),
        ("parallel", "How many at once", "number", ""),
        ("offer_hours", "Hours to answer", "number", ""),
    ]
    found = []
    for name, label, kind, start in shown:
        value = kept.get(name, START.get(name, start))
        field = {"name": name, "label": label, "type": kind, "required": True, "value": value}
        field["errors"] = errors.get(name, [])
        if kind == "select":
            field["choices"] = OfferMode.choices
        if kind == "number":
            field |= {"min": 1, "step": 1}
        found.append(field)
    return found


def _entries(kept: Any, errors: Any) -> list[dict[str, Any]]:
    """Return the rows of the criteria; blank ones are left out when the form is sent."""
    entries, position = [], 0
    for i in range(CRITERIA_ROWS):
        filled = bool(str(kept.get(f"title-{i}", "")).strip())
        at = f"criteria[{position}]" if filled else ""
        position += filled
        own = {
            name: errors.get(f"{at}.{name}", []) if at else [] for name in ("key", "title", "kind", "weight", "most")
        }
        fields = [
            {
                "name": f"title-{i}",
                "label": "Criterion",
                "type": "text",
                "maxlength": 80,
                "errors": own["title"] or own["key"],
            },
            {
                "name": f"kind-{i}",
                "label": "Kind",
                "type": "select",
                "choices": CriterionKind.choices,
                "errors": own["kind"],
            },
            {
                "name": f"weight-{i}",
                "label": "Weight",
                "type": "number",
                "min": 1,
                "max": 100,
                "step": 1,
                "errors": own["weight"],
            },
            {
                "name": f"most-{i}",
                "label": "Most points",
                "type": "number",
                "min": 1,
                "max": 100,
                "step": 1,
                "errors": own["most"],
            },
        ]
        for field in fields:
            field["value"] = kept.get(field["name"], "")
            field["needed"] = i == 0
        entries.append({"legend": f"Criterion {i + 1}", "fields": fields})
    return entries
