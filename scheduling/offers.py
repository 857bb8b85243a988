"""What is asked of the search for a slot chain, and what it answers. Plain values; no flow, no order, no table.

Times are UTC; durations are hours, minutes or days as their names say; dates are local at the treatment center.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from scheduling.states import ResourceKind

DEFAULT_NEEDS: tuple[str, ...] = (
    ResourceKind.APHERESIS_CHAIR.value,
    ResourceKind.COURIER_LANE.value,
    ResourceKind.RECEIVING.value,
    ResourceKind.MANUFACTURING_LINE.value,
)


@dataclass(frozen=True)
class LinkRequest:
    """Which places may serve one link: of a kind, at one of the sites, of one of the organizations (None: any)."""

    kind: str
    site_ids: tuple[UUID, ...]
    since: dt.datetime
    until: dt.datetime
    organization_ids: tuple[UUID, ...] | None = None


@dataclass(frozen=True)
class ChainRequest:
    """What a therapy and its flow demand of a slot chain (DOMAIN 10.2, fresh material).

    ``max_age_hours`` counts from the end of collection to the start of manufacture (None: no limit); on arrival
    ``age_buffer_hours`` of it must be left. ``lead_days``: days from today before a collection can be prepared.
    ``manufacturer_id``: who confirms; by default the organization whose line is taken. ``own_slot_ids``: slots in which
    the order has a place already, so that it may stay there when its other dates move; ``own_chain_id``: its chain,
    whose quota is free to it.
    """

    therapy_id: UUID
    center_site_id: UUID
    plant_site_ids: tuple[UUID, ...]
    earliest: dt.date
    courier_organization_ids: tuple[UUID, ...] | None = None
    horizon_days: int = 42
    collection_hours: float = 6
    pack_minutes: float = 60
    max_age_hours: float | None = 48
    age_buffer_hours: float = 0
    manufacture_days: float = 10
    release_days: float = 7
    lead_days: int = 0
    conditioning_days: float = 0
    needs: tuple[str, ...] = DEFAULT_NEEDS
    manufacturer_id: UUID | None = None
    own_slot_ids: frozenset[UUID] = frozenset()
    own_chain_id: UUID | None = None


@dataclass(frozen=True)
class OfferLink:
    """One place of an offer; ``zone`` is the IANA zone of the place (a lane's: of its origin)."""

    kind: str
    slot_id: UUID
    organization_id: UUID
    starts_at: dt.datetime
    ends_at: dt.datetime
    site_id: UUID | None
    zone: str
    place_name: str
    resource_name: str


@dataclass(frozen=True)
class ChainOffer:
    """A feasible slot chain. ``token`` names its places, signed; ``slack_hours`` is what is left of the age limit on
    arrival, beyond the buffer (None without a limit)."""

    token: str
    collection_start: dt.datetime
    collection_end: dt.datetime
    pickup_at: dt.datetime
    arrival_at: dt.datetime
    manufacture_start: dt.datetime
    tentative_return: dt.datetime
    earliest_infusion: dt.datetime
    links: tuple[OfferLink, ...]
    slack_hours: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the offer in JSON types: times as ISO 8601 in UTC, ids as text."""
        return _plain(asdict(self))


@dataclass(frozen=True)
class RefusedDate:
    """A date without an offer and the first constraint that it violates, in words."""

    date: dt.date
    code: str
    text: str

    def as_json(self) -> dict[str, Any]:
        return _plain(asdict(self))


@dataclass(frozen=True)
class SearchResult:
    """Feasible chains, earliest infusion first, and every date of the horizon that has none."""

    offers: list[ChainOffer] = field(default_factory=list)
    refused: list[RefusedDate] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {"offers": [o.as_json() for o in self.offers], "refused": [r.as_json() for r in self.refused]}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
