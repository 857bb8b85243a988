"""Capacity that is taken and was about to be withdrawn: who would be hit, as far as the acting organization may know.

The names of orders belong to a floor above; it registers how to say them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from ledger.context import Actor
from ledger.refusals import Conflict, MissingFact
from ledger.walls import visible
from scheduling.models import ChainLink, Resource, Slot
from scheduling.offers import utc_text
from scheduling.states import LIVE

Names = Callable[[Actor, Collection[UUID]], Mapping[UUID, str]]
MOST_FACTS = 50
_names: list[Names] = []


def register(names: Names) -> None:
    """Register how orders are named: ``names(actor, stream_ids)`` returns words by stream, for those it may see."""
    _names.append(names)


class CapacityInUse(Conflict):
    """Places that are taken cannot be withdrawn. ``facts`` lists the bookings that would be hit.

    ``disruption``: what to open one with instead, the fields of ``open_disruption`` as far as they are known.
    """

    code, title = "capacity_in_use", "Places are taken"
    remedy = "Keep the places, or open a disruption: it finds other places for those who are hit."
    disruption: dict[str, Any] = {}

    @property
    def query(self) -> str:
        """The disruption's fields as they stand in the address of its page."""
        return urlencode(self.disruption, doseq=True)

    def as_problem(self) -> dict[str, Any]:
        problem = super().as_problem()
        if self.disruption:
            problem["open_disruption"] = {"href": "/api/v1/disruptions", "method": "POST", "body": self.disruption}
        return problem


@dataclass(frozen=True)
class Hit:
    """A window that was about to lose taken places."""

    slot: Slot
    name: str
    zone: str

    @property
    def words(self) -> str:
        at = self.slot.starts_at.astimezone(ZoneInfo(self.zone))
        return f"{self.name}, {at:%a %d %b %Y %H:%M} ({self.zone})"


def refuse(actor: Actor, hits: Iterable[Hit], fields: Mapping[str, Any] | None = None) -> None:
    """Raise CapacityInUse when there is a hit; orders that the organization does not see are only counted."""
    found = list(hits)
    if not found:
        return
    streams = _streams(actor, [hit.slot.pk for hit in found])
    named = names_of(actor, {stream for those in streams.values() for stream in those})
    facts = []
    for hit in found:
        known = [named[stream] for stream in streams.get(hit.slot.pk, ()) if stream in named]
        facts += [MissingFact("place_taken", f"{name}: {hit.words}") for name in sorted(known)]
        if others := hit.slot.taken - len(known):
            word = "place is" if others == 1 else "places are"
            facts.append(MissingFact("place_taken", f"{others} {word} taken by orders not named here: {hit.words}"))
    taken = sum(hit.slot.taken for hit in found)
    more = f" The first {MOST_FACTS} stand below." if len(facts) > MOST_FACTS else ""
    word = "1 place is" if taken == 1 else f"{taken} places are"
    text = f"{word} taken in what would be closed or cut.{more}"
    refusal = CapacityInUse(text, fields=fields, facts=facts[:MOST_FACTS])
    refusal.disruption = _disruption(found)
    raise refusal


def _disruption(hits: Sequence[Hit]) -> dict[str, Any]:
    """Return whose windows would be closed, and from the first one's beginning to the last one's end (UTC)."""
    codes = Resource.unwalled.filter(pk__in={hit.slot.resource_id for hit in hits}).values_list("code", flat=True)
    return {
        "resources": sorted(codes),
        "starts_at": utc_text(min(hit.slot.starts_at for hit in hits)),
        "ends_at": utc_text(max(hit.slot.ends_at for hit in hits)),
    }


def names_of(actor: Actor, stream_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the orders' names that the actor may see, by stream."""
    found: dict[UUID, str] = {}
    for names in _names if stream_ids else ():
        found |= names(actor, stream_ids)
    return found


def _streams(actor: Actor, slot_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    links = visible(ChainLink, actor).filter(slot_id__in=slot_ids, chain__state__in=LIVE)
    found: dict[UUID, list[UUID]] = {}
    for slot_id, stream_id in links.order_by("pk").values_list("slot_id", "stream_id"):
        found.setdefault(slot_id, []).append(stream_id)
    return found
