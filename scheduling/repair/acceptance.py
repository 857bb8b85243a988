"""A signed move of collected material, worked out anew when its center accepts: exactly these places or a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from ledger.refusals import NotAllowed
from scheduling.availability import load_slots, places_of, refuse_bad_request
from scheduling.capacity import OfferGone, SlotFull
from scheduling.chain_search import offer_of_draft
from scheduling.constraints import Constraint
from scheduling.not_to_be_had import because, because_full
from scheduling.offers import ChainOffer
from scheduling.repair.collected import furthest, not_held, onward
from scheduling.repair.snapshot import Affected

REMEDY = "Call the planner: the order stays on the list of the disruption, and another repair finds other places."


def offer_of_move(actor: Actor, order: Affected, slot_ids: Sequence[UUID]) -> ChainOffer:
    """Return the chain of these places as it is now, for material that is where ``order`` says.

    ``order.request`` counts the order's own places as free (``changes.staying``). Raises NotAllowed for another
    center's order, SlotFull for a place taken meanwhile, OfferGone when the material has moved on or
    would be too old.
    """
    request, now = order.request, timezone.now()
    refuse_bad_request(request, now.date())
    places = places_of(actor, request)
    if places[request.center_site_id].organization_id != actor.organization_id:
        raise NotAllowed("Only the treatment center itself moves its orders.")
    calendar = load_slots(actor, request, slot_ids, places)
    draft = next((draft for draft in onward(order, calendar, now) if draft.slot_ids == tuple(slot_ids)), None)
    if draft is not None:
        return offer_of_draft(draft, calendar, request)
    free = {window.slot_id for window in calendar.windows if not window.is_full}
    wanted = [slot_id for slot_id in slot_ids if slot_id not in order.current.slot_ids]
    if any(slot_id not in free for slot_id in wanted):
        refusal = SlotFull("A place of this move was taken, or is not offered any more.")
        refusal.remedy = REMEDY
        raise because_full(refusal, wanted)
    held = not_held(order, calendar, now)
    gone = OfferGone(f"This move is not feasible any more. {held or 'The material has moved on.'}", remedy=REMEDY)
    miss = None if held else furthest(order, calendar, now)
    if held:
        because(gone, Constraint.SHIPPER_TOO_SHORT, held)
    elif miss:
        because(gone, miss.code, miss.text())
    raise gone
