"""Says in words what a plan does to each order: what moves, from when and where to when and where, why, what else.

No patient, no other order, no other organization's bookings: who reads it may be any party of the order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from scheduling.calendars import Place
from scheduling.drafts import Draft, Pick
from scheduling.repair.objective import harm_of_none, is_collected_again
from scheduling.repair.snapshot import Affected, Candidate, Material
from scheduling.states import LinkKind

TOLD = (LinkKind.APHERESIS_CHAIR, LinkKind.MANUFACTURING_LINE)
LATER = (LinkKind.QUALITY_RELEASE, LinkKind.RETURN_LANE, LinkKind.INFUSION_BED)  # told once manufacture has begun
VERBS = {LinkKind.APHERESIS_CHAIR: "The collection", LinkKind.MANUFACTURING_LINE: "The start of manufacture"} | {
    LinkKind.QUALITY_RELEASE: "The quality release",
    LinkKind.RETURN_LANE: "The way back",
    LinkKind.INFUSION_BED: "The bed",
}


def explain(
    order: Affected,
    draft: Draft | None,
    places: Mapping[UUID, Place],
    why: str,
    others: Sequence[Candidate] = (),
    ruled_out: str = "",
) -> str:
    """Return the sentences for one order. ``why``: what happened, a clause; ``others``: what else it could have had;
    ``ruled_out``: what leaves it no other choice, sentences (``reasons``)."""
    why = why.rstrip(". ")
    if draft is None:
        none = f"No feasible dates are left for this order because {why}."
        if others:
            none = f"This order loses its dates because {why}."
        return " ".join(filter(None, (none, ruled_out, _without_a_place(order, places))))
    said = [_told(order.current, draft, kind, places) for kind in (LATER if order.is_begun else TOLD)]
    moved = " ".join(words for words in said if words) or "Only the courier or the receiving window changes."
    again = ""
    if is_collected_again(order, draft):
        again = " The collected material would be too old: the collection is repeated."
    return f"{moved} Reason: {why}.{again} {_otherwise(order, draft, places, others, ruled_out)}"


def _told(was: Draft, draft: Draft, kind: str, places: Mapping[UUID, Place]) -> str:
    old, new = _pick(was, kind), _pick(draft, kind)
    if old is None or new is None or (old.window.slot_id == new.window.slot_id and old.starts_at == new.starts_at):
        return ""
    there = f"{_where(new, places)} on {_place(new, places).words(new.starts_at)}"
    return f"{VERBS[LinkKind(kind)]} moves from {_where(old, places)} on {_when(old, places)} to {there}."


def _otherwise(
    order: Affected, draft: Draft, places: Mapping[UUID, Place], others: Sequence[Candidate], ruled_out: str
) -> str:
    """What the next best chain of this order alone would do, or that there is none."""
    this = set(draft.slot_ids)
    other = next((c for c in others if set(c.slot_ids) != this and _differs(order, c.draft, draft)), None)
    if other is None:
        none = "Otherwise: there is no other feasible chain."
        return " ".join(filter(None, (none, ruled_out, _without_a_place(order, places))))
    days = round((other.draft.earliest_infusion - draft.earliest_infusion).total_seconds() / 86400)
    center = places[order.request.center_site_id]
    start = f"a collection on {center.words(other.draft.collection_start)}"
    if order.is_begun:
        start = f"the product back on {center.words(other.draft.tentative_return)}"
    elif order.material is not Material.NOT_COLLECTED and not is_collected_again(order, other.draft):
        start = f"a start of manufacture on {center.words(other.draft.manufacture_start)}"
    count = f"{abs(days)} day{'' if abs(days) == 1 else 's'}"
    mine = next((c for c in others if not _differs(order, c.draft, draft)), None)
    if days < 0 and (mine is None or other.harm.as_tuple() < mine.harm.as_tuple()):
        why = "is not possible for all: its places are needed more elsewhere"
        return f"An infusion {count} earlier, after {start}, {why}."
    later = f"{count} {'later' if days > 0 else 'earlier, but more harm otherwise'}" if days else "on the same day"
    lost = " and the collected material lost" if other.harm.expired and not is_collected_again(order, draft) else ""
    return f"Otherwise: {start}, with the infusion {later}{lost}."


def _differs(order: Affected, one: Draft, other: Draft) -> bool:
    if order.is_begun:
        return one.earliest_infusion != other.earliest_infusion
    return one.manufacture_start != other.manufacture_start


def _without_a_place(order: Affected, places: Mapping[UUID, Place]) -> str:
    if harm_of_none(order).expired:
        center = places.get(order.request.center_site_id)
        when = f" on {center.words(order.expires_at)}" if center and order.expires_at else ""
        return f"Without a place the collected material expires{when}; a second collection is a physician's decision."
    if order.is_begun:
        return "Without a place the product waits at the plant, and the patient without a date."
    return "Without a place the patient waits without a date."


def _pick(draft: Draft, kind: str) -> Pick | None:
    return next((pick for pick in draft.picks if pick.kind == kind), None)


def _place(pick: Pick, places: Mapping[UUID, Place]) -> Place:
    return places[pick.window.place_id]


def _where(pick: Pick, places: Mapping[UUID, Place]) -> str:
    place = places.get(pick.window.place_id)
    return f"{pick.window.resource_name}, {place.name}" if place else pick.window.resource_name


def _when(pick: Pick, places: Mapping[UUID, Place]) -> str:
    place = places.get(pick.window.place_id)
    return place.words(pick.starts_at) if place else f"{pick.starts_at:%a %d %b %Y %H:%M} (UTC)"


def stage_words(material: Material) -> str:
    """Return how far the material is, in words."""
    words = ("not collected", "collected, at the center", "on its way to the plant", "at the plant")
    return (*words, "in manufacture", "made and released")[material]
