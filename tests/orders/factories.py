"""A small fictional network in which a whole CAR-T order can run: a center, a manufacturer with a plant, a courier."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from ledger.context import Actor
from ledger.states import Channel
from network.actions.places import add_lane, add_plant, authorize_site
from network.actions.qualifications import add_credential
from network.actions.therapies import publish_specification
from network.models import Therapy
from orders import flow_files
from orders.actions.enrolment import enrol
from orders.actions.flows import approve_flow, propose_flow
from personas.models import Membership, Organization, Site, User
from personas.queries import actor_of_membership
from scheduling.actions.capacity import CapacityRow, publish_capacity
from tests.factories import connect, make_actor, make_member, make_organization, make_site, operator
from tests.network.factories import TESTS, make_therapy
from tests.scheduling.factories import make_lane as make_run
from tests.scheduling.factories import make_resource

LIMITS: dict[str, Any] = {
    "bags": 2,
    "dose_bags": 1,
    "collection_hours": 4,
    "pack_minutes": 60,
    "max_age_hours": 48,
    "age_buffer_hours": 6,
    "manufacture_days": 8,
    "release_days": 5,
    "receipt_min_c": 2,
    "receipt_max_c": 8,
    "storage_max_c": -130,
    "thaw_minutes": 60,
}
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


@dataclass
class World:
    """Who there is, by persona; ``people`` fills when somebody is first needed."""

    center: Organization
    maker: Organization
    courier: Organization
    clinic: Site
    plant: Site
    therapy: Therapy
    people: dict[tuple[str, str, int], Membership] = field(default_factory=dict)

    def member(self, organization: str, persona: str, number: int = 1) -> Membership:
        """Return the ``number``-th person with the persona at ``center``, ``maker`` or ``courier``."""
        key = (organization, persona, number)
        if key not in self.people:
            name = f"{persona.replace('_', ' ').title()} {'ABC'[number - 1]}"
            self.people[key] = make_member(getattr(self, organization), persona, name=name)
        return self.people[key]

    def actor(self, organization: str, persona: str, number: int = 1) -> Actor:
        return actor_of_membership(self.member(organization, persona, number), Channel.BROWSER)

    def username(self, organization: str, persona: str, number: int = 1) -> str:
        return User.objects.get(pk=self.member(organization, persona, number).user_id).username

    def enrol(self, **changes: Any) -> str:
        """Open an order by the coordinator; return its code."""
        return enrol(self.actor("center", "coordinator"), self.enrolment(**changes))

    def enrolment(self, **changes: Any) -> dict[str, Any]:
        identity = {
            "family_name": "Fictional",
            "given_name": "Patient",
            "birth_date": "1961-04-05",
            "mrn": "MRN-1001",
            **changes,
        }
        return {"therapy": self.therapy.code, "site": self.clinic.code, "identity": identity}


def make_world(*, days: int = 14) -> World:
    """Connect the parties, bring a therapy with its flow live, authorize the clinic and publish capacity."""
    center = make_organization("treatment_center", name="Fictional Clinic Berlin")
    maker = make_organization("manufacturer", country="US", name="Fictional Cell Works")
    courier = make_organization("courier", country="DE", name="Fictional Cryo Courier")
    for first, second in ((center, maker), (center, courier), (courier, maker)):
        connect(first, second)
    clinic, plant = make_site(center), make_site(maker, zone="America/New_York")
    therapy = make_therapy(maker, name="Fictional CAR-T One")
    world = World(center, maker, courier, clinic, plant, therapy)
    publish_specification(operator(maker), therapy, tests=TESTS, limits=LIMITS)
    add_plant(operator(maker), therapy, plant)
    authorize_site(operator(maker), therapy, clinic)
    for direction, origin, destination in (("inbound", clinic, plant), ("outbound", plant, clinic)):
        add_lane(
            operator(maker),
            manufacturer=maker,
            courier=courier,
            origin=origin,
            destination=destination,
            direction=direction,
            transit_hours=20,
            qualified_hours=72,
            cutoff=dt.time(19),
            weekdays=range(7),
            temperature="2–8 °C",
        )
    flow = propose_flow(make_actor(maker, "product_owner"), therapy, flow_files.shipped("autologous_car_t"))
    approve_flow(make_actor(maker, "flow_approver"), flow.pk)
    physician = world.actor("center", "treating_physician")
    add_credential(operator(center), person_id=physician.person_id, therapy=therapy)  # type: ignore[arg-type]
    _publish(world, days)
    return world


def second_therapy(world: World) -> World:
    """The same network with another therapy, made on the same line."""
    therapy = make_therapy(world.maker, name="Fictional CAR-T Two")
    publish_specification(operator(world.maker), therapy, tests=TESTS, limits=LIMITS)
    add_plant(operator(world.maker), therapy, world.plant)
    authorize_site(operator(world.maker), therapy, world.clinic)
    flow = propose_flow(make_actor(world.maker, "product_owner"), therapy, flow_files.shipped("autologous_car_t"))
    approve_flow(make_actor(world.maker, "flow_approver"), flow.pk)
    physician = world.actor("center", "treating_physician")
    add_credential(operator(world.center), person_id=physician.person_id, therapy=therapy)  # type: ignore[arg-type]
    return replace(world, therapy=therapy)


def _publish(world: World, days: int) -> None:
    chair = make_resource(world.center, "apheresis_chair", world.clinic)
    run = make_run(world.courier, world.clinic, world.plant, transit_hours=20, cutoff="19:00")
    bay = make_resource(world.maker, "receiving", world.plant)
    line = make_resource(world.maker, "manufacturing_line", world.plant)
    windows = (
        (world.center, chair, "08:00", "16:00", BERLIN),
        (world.courier, run, "09:00", "20:00", BERLIN),
        (world.maker, bay, "00:00", "23:59", NEW_YORK),
        (world.maker, line, "06:00", "22:00", NEW_YORK),
    )
    for organization, resource, start, end, zone in windows:
        publish_capacity(operator(organization), _rows(resource.code, start, end, zone, days))


def _rows(code: str, start: str, end: str, zone: ZoneInfo, days: int) -> list[CapacityRow]:
    first = dt.datetime.now(zone).date() + dt.timedelta(days=2)
    dates = [first + dt.timedelta(days=number) for number in range(days)]
    times = dt.time.fromisoformat(start), dt.time.fromisoformat(end)
    return [
        CapacityRow(code, dt.datetime.combine(d, times[0], zone), dt.datetime.combine(d, times[1], zone), 20)
        for d in dates
    ]
