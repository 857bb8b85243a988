"""A small fictional network with capacity: a center in Berlin, a plant in Amsterdam, a courier between them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from ledger.context import Actor, reading
from ledger.identifiers import new_id
from ledger.models import Party, Stream
from ledger.recording import OpenEvent, acting
from ledger.states import Role, StreamKind
from personas.models import Organization, Site
from scheduling.actions.capacity import CapacityRow, add_resource, publish_capacity
from scheduling.models import Resource, Slot, SlotChain
from scheduling.offers import ChainOffer, ChainRequest
from scheduling.slot_chains import hold, search
from tests.factories import connect, make_actor, make_organization, make_site, operator, unique

BERLIN, AMSTERDAM = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Amsterdam")
STEP = "scheduling.resource_added"  # stands in for the order's own kind of event


@dataclass
class World:
    """One center, one plant, one courier, and who acts for them."""

    center: Organization
    maker: Organization
    courier: Organization
    clinic: Site
    plant: Site
    coordinator: Actor
    planner: Actor
    therapy_id: UUID = field(default_factory=new_id)

    def request(self, **changes: object) -> ChainRequest:
        """Collect for 4 h, pack for 1 h, start within 48 h, from ten days ahead, over five days."""
        wanted: dict[str, object] = {
            "therapy_id": self.therapy_id,
            "center_site_id": self.clinic.pk,
            "plant_site_ids": (self.plant.pk,),
            "earliest": first_day(),
            "horizon_days": 5,
            "collection_hours": 4,
            "pack_minutes": 60,
            "max_age_hours": 48,
            "age_buffer_hours": 6,
        }
        return ChainRequest(**{**wanted, **changes})  # type: ignore[arg-type]

    def offers(self, **changes: object) -> list[ChainOffer]:
        return search(self.coordinator, self.request(**changes)).offers

    def stream(self) -> UUID:
        """Open an order's stream with the center and the manufacturer on it."""
        stream = Stream(id=new_id(), kind=StreamKind.ORDER, organization_id=self.center.pk, party_ids=[self.center.pk])
        with acting(self.coordinator, STEP, new_stream=stream):
            Party.objects.create(stream=stream, organization_id=self.center.pk, role=Role.TREATMENT_CENTER)
            Party.objects.create(stream=stream, organization_id=self.maker.pk, role=Role.MANUFACTURER)
        return stream.pk

    def held(self, stream_id: UUID | None = None, offer: ChainOffer | None = None, hours: float = 48) -> SlotChain:
        """Hold the earliest offer for an order."""
        stream_id = stream_id or self.stream()
        offer = offer or self.offers()[0]
        with stepping(self.coordinator, stream_id):
            return hold(self.coordinator, stream_id, self.request(), offer.token, hours)

    def slots(self, kind: str = "") -> list[Slot]:
        with reading(self.coordinator):
            found = Slot.unwalled.order_by("starts_at")
            return list(found.filter(kind=kind) if kind else found)

    def taken(self) -> int:
        return sum(slot.taken for slot in self.slots())


@contextmanager
def stepping(actor: Actor, stream_id: UUID, *also: UUID) -> Iterator[OpenEvent]:
    """An order's step under way: its stream locked, its event open; ``also``: further orders in the same act."""
    with acting(actor, STEP, stream_id=stream_id, also=also) as event:
        yield event


def first_day() -> dt.date:
    return dt.datetime.now(BERLIN).date() + dt.timedelta(days=10)


def at(date: dt.date, clock: str, zone: ZoneInfo = BERLIN) -> dt.datetime:
    return dt.datetime.combine(date, dt.time.fromisoformat(clock), zone)


def daily(
    resource: Resource, start: str, end: str, capacity: int, zone: ZoneInfo = BERLIN, days: int = 8
) -> list[CapacityRow]:
    """The same window on each of ``days`` days from the first day on."""
    dates = [first_day() + dt.timedelta(days=n) for n in range(days)]
    return [CapacityRow(resource.code, at(d, start, zone), at(d, end, zone), capacity) for d in dates]


def make_resource(organization: Organization, kind: str, site: Site | None = None, **fields: object) -> Resource:
    code = unique(kind.replace("_", "-"))
    resource = add_resource(
        operator(organization),
        code=code,
        name=f"Fictional {code}",
        kind=kind,
        site=site,
        **fields,  # type: ignore[arg-type]
    )
    resource.organization, resource.site = organization, site
    return resource


def make_lane(courier: Organization, origin: Site, destination: Site, **attributes: object) -> Resource:
    ends = {"origin_site_id": str(origin.pk), "destination_site_id": str(destination.pk)}
    return make_resource(
        courier, "courier_lane", attributes={**ends, "transit_hours": 20, "cutoff": "17:00", **attributes}
    )


def make_world(*, places: int = 1, days: int = 8) -> World:
    """Connect the parties and publish daily capacity: ``places`` chairs, and enough of the rest."""
    center = make_organization("treatment_center")
    maker, courier = make_organization("manufacturer", country="NL"), make_organization("courier", country="NL")
    for first, second in ((center, maker), (center, courier), (courier, maker)):
        connect(first, second)
    clinic, plant = make_site(center), make_site(maker, zone="Europe/Amsterdam")
    world = World(
        center, maker, courier, clinic, plant, make_actor(center, "coordinator"), make_actor(maker, "planner")
    )
    chair = make_resource(center, "apheresis_chair", clinic)
    publish_capacity(operator(center), daily(chair, "08:00", "16:00", places, BERLIN, days))
    lane = make_lane(courier, clinic, plant)
    publish_capacity(operator(courier), daily(lane, "09:00", "18:00", 20, BERLIN, days))
    bay, line = make_resource(maker, "receiving", plant), make_resource(maker, "manufacturing_line", plant)
    publish_capacity(operator(maker), daily(bay, "06:00", "18:00", 20, AMSTERDAM, days))
    publish_capacity(operator(maker), daily(line, "06:00", "20:00", 20, AMSTERDAM, days))
    return world
