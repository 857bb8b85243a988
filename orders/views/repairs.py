"""A planner's repair: how far the worker is, the plan with its reasons and its proof, other choices, the signature."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import Refusal
from ledger.states import Role
from orders.actions import repairs as action
from orders.actions import what_ifs
from orders.forms import flat
from orders.views.requests import acted, asked, typed
from personas.queries import username_of
from personas.states import Capability
from personas.views import desk
from scheduling import disrupted, kept_moves
from scheduling.costs import Cost, CostLine
from scheduling.repair import runs
from scheduling.repair.snapshot import Material
from scheduling.states import RunState

MOST_OTHERS = 10
SENTENCE_END = re.compile(r"(?<=[\w)]{4}\.)\s+(?=[A-Z])")
Act = Callable[[Actor, "Once | None"], str]


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def repair(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """The plan, or how far the worker is. ``with``: another repair to compare it with."""
    return _page(request, run_id)


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def progress(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """What the page asks for every other second while a worker is busy."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    context = _state(action.run_seen(actor, run_id)) | {"polled": True}
    return TemplateResponse(request, "orders/_repair_progress.html", context)


def _state(run: Any) -> dict[str, Any]:
    busy = run.state in (RunState.QUEUED, RunState.RUNNING)
    return {"run": run, "busy": busy, "said": runs.progress_of(run.pk) if busy else ""}


def _page(request: HttpRequest, run_id: UUID, refusal: Refusal | None = None) -> TemplateResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    run = action.run_seen(actor, run_id)
    alike = disrupted.repair_runs(actor).filter(disruption=run.disruption, state=RunState.PROPOSED).exclude(pk=run.pk)
    others = list(alike[:MOST_OTHERS]) if run.plan else []
    other = next((one for one in others if str(one.pk) == asked(request, "with")), None)
    moves = action.moves_of(actor, run) if run.state == RunState.SIGNED else {}
    kept = kept_moves.of_moves(moves.values())
    errors = flat(refusal.fields) if refusal else {}
    hands_over = actor.organization_role == Role.CMO
    context = _state(run) | {
        "rows": [_row(row, other, moves, kept) for row in run.plan],
        "components": _components(run, other),
        "proof": _proof(run),
        "not_weighed": run.result.get("not_weighed", []),
        "others": others,
        "other": other,
        "may_work": action.may_repair(actor),
        "may_sign": action.may_repair(actor) and run.state == RunState.PROPOSED and run.disruption_id is not None,
        "may_delete": what_ifs.is_deletable(actor, run),
        "kept_until": None if run.disruption_id else runs.kept_until(run.pk),
        "chosen": sum(1 for row in run.plan if row["chosen"] is not None),
        "zone": actor.zone,
        "meaning": action.SIGNS[hands_over][1],
        "hands_over": hands_over,
        "username": username_of(actor),
        "errors": {part: errors.get(f"signature.{part}", []) for part in ("username", "password")},
        "refusal": refusal,
        "once": request.POST.get("once") or uuid4(),
        "crumbs": [
            {"label": "Disruptions", "url": reverse("orders:disruptions")},
            *_of_disruption(run),
            {"label": "Repair", "url": ""},
        ],
    }
    return TemplateResponse(request, "orders/repair.html", context, status=refusal.status if refusal else 200)


def _of_disruption(run: Any) -> list[dict[str, str]]:
    if run.disruption is None:
        return []
    return [{"label": run.disruption.get_kind_display(), "url": reverse("orders:disruption", args=[run.disruption_id])}]


# What moves: in words, and where it stood before.
MOVED = {
    "collection": ("Collection", "before"),
    "manufacture": ("Start of manufacture", "start_before"),
    "infusion": ("Earliest infusion", "infusion_before"),
}


def _row(row: dict[str, Any], other: Any, moves: dict[str, Any], kept: dict[UUID, Any]) -> dict[str, Any]:
    """Return one order of the plan: now, then, why, what else there is, and what the other repair would do.

    What moves is the collection; where it stands or took place, the start of manufacture; after that, the infusion.
    """
    choice = row["choices"][row["chosen"]] if row["chosen"] is not None else None
    theirs = next((one for one in other.plan if one["order"] == row["order"]), None) if other else None
    their_choice = theirs["choices"][theirs["chosen"]] if theirs and theirs["chosen"] is not None else None
    stands = row["material"] != Material.NOT_COLLECTED
    stands = stands or (choice is not None and choice["collection"] == row["before"])
    moved, zone = ("manufacture", row["plant_zone"]) if stands else ("collection", row["zone"])
    if row["material"] >= Material.IN_MANUFACTURE:
        moved, zone = "infusion", row["zone"]
    what, before = MOVED[moved]
    first, more = _folded(row["text"])
    move = moves.get(row["order"])
    return {
        "order": row["order"],
        "what": what,
        "zone": zone,
        "first": first,
        "more": more,
        "before": parse_datetime(row[before]),
        "after": parse_datetime(choice[moved]) if choice else None,
        "other_after": parse_datetime(their_choice[moved]) if their_choice else None,
        "costs": _costs(row),
        "other_costs": _costs(theirs) if theirs else [],
        "costs_known": "costs" in row,
        "other_costs_known": theirs is None or "costs" in theirs,
        "move": move,
        "kept": kept.get(move.pk) if move else None,
        "choice": {
            "name": "choice",
            "label": "Instead",
            "type": "select",
            "value": "" if row["chosen"] is None else str(row["chosen"]),
            "blank": "Leave it out",
            "choices": _told_apart(row),
        },
    }


def _folded(text: str) -> tuple[str, str]:
    """Return the first sentence, and the others that the page folds away; a short word with a dot ends none (“St.”)."""
    first, *more = SENTENCE_END.split(text, maxsplit=1)
    return first, " ".join(more)


def _told_apart(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the choices with their words; of those that read alike only one, the chosen or the first."""
    words = [_words(choice, row["zone"]) for choice in row["choices"]]
    kept = {said: n for n, said in reversed(list(enumerate(words)))}
    if row["chosen"] is not None:
        kept[words[row["chosen"]]] = row["chosen"]
    return [(str(n), words[n]) for n in sorted(kept.values())]


def _words(choice: dict[str, Any], zone: str) -> str:
    collection, start, infusion = (
        dt.datetime.fromisoformat(choice[name]).astimezone(ZoneInfo(place))
        for name, place in (("collection", zone), ("manufacture", choice["plant_zone"] or zone), ("infusion", zone))
    )
    made = f"start {start:%a %d %b %H:%M} at {choice['plant']}" if choice["plant"] else f"start {start:%a %d %b %H:%M}"
    return f"Collect {collection:%a %d %b %H:%M}, {made}, infuse from {infusion:%a %d %b}"


ENDED_BY = {
    "clock": "The search ended at its time limit.",
    "work": "The search ended at its limit of work.",
    "cancelled": "The search was cancelled.",
}


def _proof(run: Any) -> str:
    """Say how good the plan is known to be: never silence."""
    if run.result.get("optimal"):
        return "Proven: no plan does less harm."
    why = ENDED_BY.get(run.result.get("stopped", ""), "")
    gap = f"{run.result.get('gap', 0):.1%}"
    return f"The best that was found. {why} At most {gap} of the first harm that is not proven could be saved."


def _components(run: Any, other: Any) -> list[dict[str, Any]]:
    """Return the objective by component, with the proven bound, and the other repair's beside it."""
    theirs = {one["name"]: _amount(one, "value") for one in other.result.get("components", [])} if other else {}
    return [
        one | {"value": _amount(one, "value"), "bound": _amount(one, "bound"), "other": theirs.get(one["name"])}
        for one in run.result.get("components", [])
    ]


def _amount(component: dict[str, Any], name: str) -> Any:
    """Return a harm's number as it is read: of money, hundredths as an amount of their currency."""
    value, currency = component[name], component.get("currency")
    return f"{value / 100:,.2f} {currency}" if currency and value is not None else value


def _costs(row: dict[str, Any]) -> list[CostLine]:
    """Return what the price list charges for the row's move, summed by who pays."""
    lines = (
        CostLine(one["what"], Decimal(one["amount"]), one["currency"], one["charged_to"])
        for one in row.get("costs", [])
    )
    return Cost(tuple(lines)).sums


@require_POST
@desk(Capability.VIEW_ORDERS)
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """End a repair that waits or is at work."""

    def act(actor: Actor, once: Once | None) -> str:
        action.cancel_repair(actor, run_id)
        return "The repair is cancelled; what it found is dropped."

    return _done(request, run_id, "cancel", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def delete(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """Delete an own what-if."""

    def act(actor: Actor, once: Once | None) -> str:
        what_ifs.delete_what_if(actor, run_id, once=once)
        return "The what-if is deleted."

    return acted(
        request,
        ("delete", str(run_id)),
        act,
        lambda refusal: _page(request, run_id, refusal),
        reverse("orders:disruptions"),
    )


@require_POST
@desk(Capability.VIEW_ORDERS)
def edit(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """Take another choice for an order, or leave it out."""
    choice = typed(request, "choice")

    def act(actor: Actor, once: Once | None) -> str:
        action.edit_repair(actor, run_id, {"order": typed(request, "order"), "choice": choice or None})
        return f"{typed(request, 'order')}: the plan is changed. Sign the new version."

    return _done(request, run_id, "edit", act)


@require_POST
@desk(Capability.VIEW_ORDERS)
def sign(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """Sign the plan that was shown, and ask the centers."""

    def act(actor: Actor, once: Once | None) -> str:
        count = action.sign_repair(actor, run_id, request.POST, once=once)
        if actor.organization_role == Role.CMO:
            return f"{count} move{'' if count == 1 else 's'} handed over: each sponsor signs its own part."
        many = "" if count == 1 else "s"
        return f"{count} move{many} offered to the centers. The places are kept; nothing moves before they accept."

    return _done(request, run_id, "sign", act)


def _done(request: HttpRequest, run_id: UUID, at: str, act: Act) -> HttpResponseBase:
    place = reverse("orders:repair", args=[run_id])
    return acted(request, (at, str(run_id)), act, lambda refusal: _page(request, run_id, refusal), place)
