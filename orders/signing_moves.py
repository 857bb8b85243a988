"""What a planner signs stands when it is signed: each move is checked again, and its places are kept for its center.

Runs inside the signing action, on the locked streams of the orders.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from ledger.refusals import Conflict, FactsMissing, MissingFact
from orders import repairing
from orders.models import Order
from orders.repairing import Hit
from orders.states import LeftAlone
from scheduling import kept_moves
from scheduling.kept_moves import Keeping
from scheduling.repair import standing
from scheduling.repair.runs import RepairMove, RepairRun

Signed = Sequence[tuple[Order, Mapping[str, Any]]]
FITS_NO_MORE = "move_not_feasible"
REMEDY = "Look for a plan again from the disruption, take another choice for the order, or leave it out."
GIVEN = "given_elsewhere"  # of a sponsor's part: places by slot that the other parts of the plan give up


def checked(actor: Actor, run: RepairRun, signed: Signed) -> dict[str, Hit]:
    """Return how the orders of the signed rows stand, by code.

    Raises Conflict ``move_offered`` for one of which a move waits already, FactsMissing with a fact
    ``move_not_feasible`` for each move that does not fit any more: the same rule as the search, on today's places.
    """
    if not signed:
        return {}
    known = {hit.order.code: hit for hit in repairing.hits(actor, run.resource_ids, run.starts_at, run.ends_at)}
    why = {order.code: _why_left_alone(order.code, known.get(order.code)) for order, _ in signed}
    going = [known[order.code] for order, _ in signed if not why[order.code]]
    if going:
        found = repairing.snapshot(actor, run, going)
        slots = {order.code: slots_of(row) for order, row in signed}
        given = {UUID(slot_id): places for slot_id, places in run.result.get(GIVEN, {}).items()}
        chosen = [(order, slots[order.key]) for order in found.affected]
        why |= standing.fallen(chosen, found.offered, timezone.now(), given)
    facts = [MissingFact(FITS_NO_MORE, f"{code}: {text}", REMEDY) for code, text in why.items() if text]
    if facts:
        raise FactsMissing("Not every move of this plan is feasible any more. Nothing was signed.", facts=facts)
    return known


def _why_left_alone(code: str, hit: Hit | None) -> str:
    if hit is None:
        return "It is not hit any more: it has other dates, or none."
    if hit.left_alone == LeftAlone.ASKED:
        raise Conflict(
            f"A move of {code} waits for its center already.",
            code="move_offered",
            remedy="Leave this order out of the plan, or wait for the center's answer.",
        )
    return hit.why_not


def keep_places(moves: Sequence[tuple[RepairMove, Mapping[str, Any]]], stand: Mapping[UUID, Hit]) -> None:
    """Take what is free of the moves' places, until their centers answer. ``stand``: by the order's stream."""
    wanted = [_keeping(move, row, stand[move.stream_id]) for move, row in moves]
    kept_moves.keep(wanted, timezone.now())


def _keeping(move: RepairMove, row: Mapping[str, Any], hit: Hit) -> Keeping:
    starts: dict[str, dt.datetime] = {}
    for kind, begins in row["choices"][row["chosen"]].get("starts", []):
        start = dt.datetime.fromisoformat(begins)
        starts[kind] = min(starts.get(kind, start), start)
    fresh = Counter(move.slot_ids) - _places(hit)
    return Keeping(move, hit.chain, hit.order.center_site_id, tuple(fresh.elements()), starts)


def given_up(signed: Signed, stand: Mapping[str, Hit]) -> dict[str, Counter[UUID]]:
    """Return by order code the places that its move gives up."""
    return {order.code: _places(stand[order.code]) - Counter(slots_of(row)) for order, row in signed}


def _places(hit: Hit) -> Counter[UUID]:
    """The places of the order's chain, whose links were read with all others'."""
    return Counter(link.slot_id for link in hit.chain.links.all())


def slots_of(row: Mapping[str, Any]) -> tuple[UUID, ...]:
    """Return the places of the row's chosen chain."""
    return tuple(UUID(slot_id) for slot_id in row["choices"][row["chosen"]]["slot_ids"])
