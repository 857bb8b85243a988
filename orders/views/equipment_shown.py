"""What the pages of shippers and loggers share: who opens them, badges, forms."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from django.utils import timezone

from custody import equipment_register as pieces
from custody.actions.equipment import KEEPERS
from ledger.context import Actor
from ledger.refusals import NotFound, Refusal
from orders.forms import Filling, described, unplaced

BADGES = {  # tone, icon, words
    "fit": ("good", "circle-check", "Fit"),
    "ends_soon": ("warn", "alert-triangle", "Ends within 30 days"),
    "uncharged": ("warn", "alert-triangle", "Not charged, or not cleaned"),
    "expired": ("bad", "ban", "Expired"),
    "retired": ("neutral", "ban", "Out of service"),
}
NOT_BACK = ("warn", "package", "Empty, not back")


def keeper(request: HttpRequest) -> Actor:
    """Return who acts; NotFound for whoever neither keeps equipment nor packs into it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.organization_role not in KEEPERS or not pieces.concerns(actor):
        raise NotFound()
    return actor


def shown(row: Any, *, not_back: bool = False) -> dict[str, Any]:
    """Return a piece with its state now and the badge of it; ``not_back``: a shipper that stands empty elsewhere."""
    judged = pieces.judged(row, timezone.now())
    tone, icon, text = NOT_BACK if not_back and judged.state not in ("expired", "retired") else BADGES[judged.state]
    return {"piece": judged, "row": row, "badge": {"tone": tone, "icon": icon, "text": text}}


def fields_of(
    request: HttpRequest, actor: Actor, inputs: Any, errors: Any, initial: Any = None, posted: bool = True
) -> list[dict[str, Any]]:
    """Return the fields of a form, with what was typed where it was this one that was sent."""
    sent = request.POST if request.method == "POST" and posted else None
    return described(inputs, Filling(actor.zone, initial or {"valid_until": ""}, posted=sent, errors=errors))


def answer(request: HttpRequest, refusal: Refusal | None, errors: Any, fields: list[Any]) -> dict[str, Any]:
    """Return what a page says of a refusal, and the key of its next form."""
    once = request.POST.get("once") or uuid4()
    return {"refusal": refusal, "unplaced": unplaced(errors, fields), "once": once}
