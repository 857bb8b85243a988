"""A fictional network in which whole journeys run, with a center and a manufacturer next door that see none of it."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from cgt.demo.journey import Cast, Journey, Player
from custody.actions.stock import add_stock_unit
from network.actions.places import add_lane, add_plant, authorize_site
from network.actions.qualifications import add_credential
from network.actions.therapies import add_therapy, publish_specification
from network.models import Therapy
from orders import flow_files
from orders.actions.flows import approve_flow, propose_flow
from personas.models import Organization, Person, Site, User
from personas.queries import actor_of_membership
from scheduling.actions.capacity import CapacityRow, add_resource, publish_capacity
from tests.factories import PASSWORD, connect, make_member, make_organization, make_site, operator, unique

TESTS: list[dict[str, Any]] = [
    {"key": "viability", "label": "Viability", "unit": "%", "minimum": 70, "required": True},
    {
        "key": "sterility",
        "label": "Sterility",
        "choices": ["no growth", "growth"],
        "expected": ["no growth"],
        "required": True,
    },
]
LIMITS: dict[str, Any] = {
    "bags": 2,
    "dose_bags": 2,
    "max_age_hours": 48,
    "age_buffer_hours": 2,
    "thaw_minutes": 180,
    "manufacture_days": 10,
    "release_days": 7,
    "collection_hours": 5,
    "pack_minutes": 60,
    "receipt_min_c": 2,
    "receipt_max_c": 8,
    "storage_max_c": -130,
    "shelf_days": 365,
}
CENTER_STAFF = {
    "coordinator": 2,
    "treating_physician": 1,
    "apheresis_nurse": 2,
    "cell_lab_technologist": 2,
    "infusion_nurse": 2,
    "site_quality": 2,
}
MAKER_STAFF = {
    "planner": 1,
    "operator": 2,
    "qc_analyst": 1,
    "qa_reviewer": 2,
    "qualified_person": 1,
    "product_owner": 1,
    "flow_approver": 1,
}
_BIRTHS = itertools.count()
COURIER_STAFF = {"courier_driver": 2, "courier_dispatcher": 1}


@dataclass
class World:
    """Who there is. ``center`` and ``maker`` work together; ``next_center`` and ``next_maker`` are their partners too,
    but a party of no order in these tests unless one says so."""

    center: Organization
    maker: Organization
    courier: Organization
    next_center: Organization
    next_maker: Organization
    clinic: Site
    next_clinic: Site
    plant: Site
    cast: Cast = field(default_factory=Cast)
    car_t: Therapy = None  # type: ignore[assignment]
    in_vivo: Therapy = None  # type: ignore[assignment]
    people: dict[tuple[str, str], list[Player]] = field(default_factory=lambda: defaultdict(list))

    def player(self, organization: str, persona: str, number: int = 1) -> Player:
        """Return the ``number``-th person with a persona at ``center``, ``maker``, ``courier``, ``next_center`` …"""
        return self.people[(organization, persona)][number - 1]

    def add(self, organization: str, persona: str, *, username: str = "", person: Person | None = None) -> Player:
        """Add somebody; ``person``: a second account of the same human being."""
        username = username or f"{unique(persona.replace('_', '.'))}@example.org"
        if person is not None:
            account = User(username=username, email=username, person=person)
            account.set_password(PASSWORD)
            account.save()
        membership = make_member(getattr(self, organization), persona, username=username)
        player = Player(actor_of_membership(membership, "browser"), username, PASSWORD)  # type: ignore[arg-type]
        self.people[(organization, persona)].append(player)
        return player

    def journey(self, therapy: str = "car_t", *, seed: int = 1, center: str = "center") -> Journey:
        """Enrol a fictional patient by the first coordinator; return the journey, at its first open step."""
        journey = Journey(self.cast, random.Random(seed))
        identity = {
            "family_name": f"Fictional {uuid.uuid4().hex}",
            "given_name": uuid.uuid4().hex,
            "birth_date": f"19{next(_BIRTHS) % 60 + 30}-04-05",
            "mrn": unique("MRN"),
        }
        clinic = self.clinic if center == "center" else self.next_clinic
        journey.enrol(self.player(center, "coordinator"), getattr(self, therapy).code, clinic.code, identity)
        return journey


def make_world() -> World:
    """Make organizations, people, two therapies on the two shipped flows, lanes, slots and stock."""
    center, next_center = (make_organization("treatment_center") for _ in range(2))
    maker, next_maker = (make_organization("manufacturer", country="US") for _ in range(2))
    courier = make_organization("courier")
    plant = make_site(maker, zone="America/New_York")
    world = World(center, maker, courier, next_center, next_maker, make_site(center), make_site(next_center), plant)
    for one, other in (
        (center, maker),
        (center, courier),
        (maker, courier),
        (next_center, maker),
        (next_center, courier),
        (center, next_maker),
    ):
        connect(one, other)
    _people(world)
    world.car_t = _therapy(world, "autologous_fresh", "autologous_car_t", LIMITS)
    world.in_vivo = _therapy(
        world, "in_vivo", "in_vivo", {**LIMITS, "storage_max_c": 8, "dose_bags": 1, "bags": 1, "thaw_minutes": 480}
    )
    _lanes(world)
    _capacity(world)
    _stock(world)
    return world


def _people(world: World) -> None:
    staffs = (
        ("center", CENTER_STAFF),
        ("maker", MAKER_STAFF),
        ("courier", COURIER_STAFF),
        ("next_center", {"coordinator": 1, "treating_physician": 1, "apheresis_nurse": 2}),
        ("next_maker", {"planner": 1, "operator": 2, "qa_reviewer": 1}),
    )
    for organization, staff in staffs:
        for persona, number in staff.items():
            for _ in range(number):
                player = world.add(organization, persona)
                if organization in ("center", "maker", "courier"):
                    world.cast.players.append(player)
    for name in ("center", "next_center"):
        physician = world.player(name, "treating_physician").actor
        add_credential(operator(getattr(world, name)), person_id=physician.person_id)  # type: ignore[arg-type]


def _therapy(world: World, modality: str, shipped: str, limits: dict[str, Any]) -> Therapy:
    maker = operator(world.maker)
    therapy = add_therapy(maker, code=unique("therapy"), name=f"Fictional {shipped}", modality=modality)
    publish_specification(maker, therapy, tests=TESTS, limits=limits)
    add_plant(maker, therapy, world.plant)
    for clinic in (world.clinic, world.next_clinic):
        authorize_site(maker, therapy, clinic)
    author, approver = world.player("maker", "product_owner"), world.player("maker", "flow_approver")
    approve_flow(approver.actor, propose_flow(author.actor, therapy, flow_files.shipped(shipped)).pk)
    return therapy


def _lanes(world: World) -> None:
    for direction, origin, destination in (
        ("inbound", world.clinic, world.plant),
        ("outbound", world.plant, world.clinic),
    ):
        add_lane(
            operator(world.maker),
            manufacturer=world.maker,
            courier=world.courier,
            origin=origin,
            destination=destination,
            direction=direction,
            transit_hours=20,
            qualified_hours=240,
            cutoff=dt.time(20),
            weekdays=range(7),
        )


def _capacity(world: World) -> None:
    kinds = (
        (world.center, "apheresis_chair", world.clinic, 7, 13, 2, {}),
        (
            world.courier,
            "courier_lane",
            None,
            15,
            17,
            3,
            {
                "origin_site_id": str(world.clinic.pk),
                "destination_site_id": str(world.plant.pk),
                "transit_hours": 20,
                "cutoff": "20:00",
            },
        ),
        (world.maker, "receiving", world.plant, 10, 22, 5, {}),
        (world.maker, "manufacturing_line", world.plant, 12, 20, 2, {}),
    )
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for organization, kind, site, first, last, places, attributes in kinds:
        code = unique(kind.replace("_", "-"))
        add_resource(operator(organization), code=code, name=code, kind=kind, site=site, attributes=attributes)
        days = [midnight + dt.timedelta(days=day) for day in range(20)]
        hours = [(day + dt.timedelta(hours=first), day + dt.timedelta(hours=last)) for day in days]
        publish_capacity(operator(organization), [CapacityRow(code, start, end, places) for start, end in hours])


def _stock(world: World) -> None:
    for number in range(4):
        add_stock_unit(
            operator(world.maker),
            therapy_id=world.in_vivo.pk,
            lot="FLOT1",
            serial=unique(f"S{number}"),
            expires_at=timezone.now() + dt.timedelta(days=300),
        )
