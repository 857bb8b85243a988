"""What is asked of the search for a slot chain, and what it answers. Plain values; no flow, no order, no table.

Times are UTC; durations are hours, minutes or days as their names say; dates are local at the treatment center.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from scheduling.conditions import BarredPlant, LeadTime, ShipperHold, Washout
from scheduling.states import LinkKind

EVERY_DAY = frozenset(range(1, 8))
DEFAULT_NEEDS: tuple[str, ...] = (
    LinkKind.APHERESIS_CHAIR.value,
    LinkKind.COURIER_LANE.value,
    LinkKind.RECEIVING.value,
    LinkKind.MANUFACTURING_LINE.value,
)


@dataclass(frozen=True)
class LinkRequest:
    """Which places may serve one link: of a kind of resource, at one of the sites, of one of the organizations (None:
    any). Of a lane ``site_ids`` are where it begins, ``destination_ids`` where it leads (None: anywhere)."""

    kind: str
    site_ids: tuple[UUID, ...]
    since: dt.datetime
    until: dt.datetime
    organization_ids: tuple[UUID, ...] | None = None
    destination_ids: tuple[UUID, ...] | None = None


@dataclass(frozen=True)
class ChainRequest:
    """What a therapy, its flow and its network demand of a slot chain (DOMAIN 10.2).

    Age: ``max_age_hours`` counts from the end of collection to the start of manufacture (None: no limit); on arrival
    ``age_buffer_hours`` of it must be left. ``cryopreserved`` material has no such age: it may wait for its pickup and
    for its start, within ``storage_days`` from the end of collection (None: no limit).

    Collection: on ``collection_days`` consecutive days, the first on one of ``weekdays`` (ISO numbers), not before
    ``lead_days`` from today nor within a washout. ``pickup_days``: how many days after the packing the courier may
    come. ``contingency_days`` (0 or 1): the day after must be feasible too; ``reserves_contingency`` takes its chair.

    Return and infusion: quality release begins at the end of manufacture (at a place of its own when ``needs`` says
    so) and takes ``release_days`` (nine times out of ten ``release_days_p90``); the infusion follows after
    ``conditioning_days``, on one of ``infusion_weekdays``, within ``product_hold_days`` from arrival. A second dose
    comes ``second_dose_days`` later, give or take ``second_dose_tolerance_days``.

    ``same_courier``: who brought the material brings the product back.

    ``needs``: links by ``LinkKind``, of those that a plan chooses from. ``manufacturer_id``: who confirms; by default
    the organization whose line is taken. ``market``: country of the center, for overrides of lead times.
    ``priority``: the class whose reserved chairs the center gave who searches on its behalf (empty: the searching
    organization's own class for the therapy).
    ``own_slot_ids``: slots in which the order has a place already, so that it may stay there when other dates move;
    ``own_chain_id``: its chain, whose quota is free to it. ``line_slot_ids``: the only starts of manufacture that are
    looked at, where somebody asks for a line and a day (None: every one).
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
    lead_days: float = 0
    conditioning_days: float = 0
    needs: tuple[str, ...] = DEFAULT_NEEDS
    manufacturer_id: UUID | None = None
    own_slot_ids: frozenset[UUID] = frozenset()
    own_chain_id: UUID | None = None
    line_slot_ids: frozenset[UUID] | None = None
    market: str = ""
    priority: str = ""
    cryopreserved: bool = False
    storage_days: float | None = None
    pickup_days: int = 0
    collection_days: int = 1
    contingency_days: int = 0
    reserves_contingency: bool = False
    weekdays: frozenset[int] = EVERY_DAY
    washouts: tuple[Washout, ...] = ()
    authorized_until: dt.datetime | None = None
    shipper_holds: tuple[ShipperHold, ...] = ()
    shipper_buffer_hours: float = 0
    release_days_p90: float | None = None
    infusion_weekdays: frozenset[int] = EVERY_DAY
    product_hold_days: float | None = None
    same_courier: bool = False
    second_dose_days: int = 0
    second_dose_tolerance_days: int = 0
    barred_plants: tuple[BarredPlant, ...] = ()
    lead_times: tuple[LeadTime, ...] = ()


@dataclass(frozen=True)
class OfferLink:
    """One place of an offer; ``zone`` is the IANA zone of the place (a lane's: of its origin).

    ``starts_at`` to ``ends_at`` is what the chain uses of the window; ``slack_hours``: how much later this link could
    begin in its window.
    """

    kind: str
    slot_id: UUID
    organization_id: UUID
    starts_at: dt.datetime
    ends_at: dt.datetime
    site_id: UUID | None
    zone: str
    place_name: str
    resource_name: str
    window_starts_at: dt.datetime
    window_ends_at: dt.datetime
    slack_hours: float

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "slot_id": str(self.slot_id),
            "organization_id": str(self.organization_id),
            "starts_at": utc_text(self.starts_at),
            "ends_at": utc_text(self.ends_at),
            "site_id": str(self.site_id) if self.site_id else None,
            "zone": self.zone,
            "place_name": self.place_name,
            "resource_name": self.resource_name,
            "window_starts_at": utc_text(self.window_starts_at),
            "window_ends_at": utc_text(self.window_ends_at),
            "slack_hours": self.slack_hours,
        }


@dataclass(frozen=True)
class ChainOffer:
    """A feasible slot chain. ``token`` names its places, signed; ``slack_hours`` is what is left of the age limit on
    arrival, beyond the buffer (None without a limit). ``tentative_return_p90``: nine times out of ten by then, None if
    not worked out. ``lead_times``: overrides that were applied, in words. ``has_quota``: False when
    none was found that could bind it."""

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
    vein_to_vein_days: float = 0
    tentative_return_p90: dt.datetime | None = None
    second_dose: dt.datetime | None = None
    lead_times: tuple[str, ...] = ()
    has_quota: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return the offer in JSON types: times as ISO 8601 in UTC, ids as text."""
        p90, second = self.tentative_return_p90, self.second_dose
        return {
            "token": self.token,
            "collection_start": utc_text(self.collection_start),
            "collection_end": utc_text(self.collection_end),
            "pickup_at": utc_text(self.pickup_at),
            "arrival_at": utc_text(self.arrival_at),
            "manufacture_start": utc_text(self.manufacture_start),
            "tentative_return": utc_text(self.tentative_return),
            "tentative_return_p90": utc_text(p90) if p90 else None,
            "earliest_infusion": utc_text(self.earliest_infusion),
            "second_dose": utc_text(second) if second else None,
            "slack_hours": self.slack_hours,
            "vein_to_vein_days": self.vein_to_vein_days,
            "lead_times": list(self.lead_times),
            "links": [link.as_json() for link in self.links],
        }


@dataclass(frozen=True)
class RefusedDate:
    """A date without an offer and the first constraint that it violates, in words."""

    date: dt.date
    code: str
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"date": self.date.isoformat(), "code": self.code, "text": self.text}


@dataclass(frozen=True)
class SearchResult:
    """Feasible chains, best first, and every date of the horizon that has none."""

    offers: Sequence[ChainOffer] = field(default_factory=list)
    refused: list[RefusedDate] = field(default_factory=list)

    def as_json(self, limit: int | None = None) -> dict[str, Any]:
        """Return the result in JSON types; of the offers at most ``limit``, the best."""
        return {
            "found": len(self.offers),
            "offers": [offer.as_json() for offer in self.offers[:limit]],
            "refused": [day.as_json() for day in self.refused],
        }


def utc_text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
