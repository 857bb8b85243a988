"""A contract manufacturer that makes for two sponsors, and a manufacturer with a plant of its own: who sees whom.

``one`` and ``two`` are sponsors of the same CMO; ``one`` makes a third therapy in its own plant. One center treats.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
import uuid
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.test import Client
from django.utils import timezone

from cgt.demo.journey import Cast, Journey, Player
from network.actions.places import add_lane, add_plant, authorize_site
from network.actions.qualifications import add_credential
from network.actions.therapies import add_therapy, publish_specification
from network.models import Therapy
from orders import flow_files
from orders.actions.flows import approve_flow, propose_flow
from personas.models import Membership, Organization, Site
from personas.queries import actor_of_membership
from scheduling.actions.capacity import CapacityRow, add_resource, publish_capacity
from tests.factories import PASSWORD, connect, make_member, make_organization, make_site, operator, unique
from tests.journeys.world import CENTER_STAFF, LIMITS, TESTS
from tests.personas.conftest import signed_in

MAKER_STAFF = {
    "planner": 2,
    "operator": 2,
    "qc_analyst": 1,
    "qa_reviewer": 1,
    "qualified_person": 1,
    "product_owner": 1,
    "flow_approver": 1,
}
CMO_STAFF = {"cmo_planner": 1, "cmo_operator": 2, "cmo_qc_analyst": 1, "cmo_quality": 1}
COURIER_STAFF = {"courier_driver": 2, "courier_dispatcher": 1}
_BIRTHS = itertools.count()


@dataclass
class PlantWorld:
    """Who there is; ``therapies``: ``own`` (one, own plant), ``one`` and ``two`` (both at the CMO)."""

    organizations: dict[str, Organization]
    clinic: Site
    sites: dict[str, Site] = field(default_factory=dict)
    therapies: dict[str, Therapy] = field(default_factory=dict)
    cast: Cast = field(default_factory=Cast)
    members: dict[tuple[str, str, int], Membership] = field(default_factory=dict)
    players: dict[tuple[str, str, int], Player] = field(default_factory=dict)

    def player(self, organization: str, persona: str, number: int = 1) -> Player:
        return self.players[organization, persona, number]

    def browse(self, organization: str, persona: str, number: int = 1) -> Client:
        """Return a browser in which the person is signed in."""
        return signed_in(self.members[organization, persona, number])

    def journey(self, therapy: str, before: str = "") -> Journey:
        """Return a new order that has run to a step of its flow, this one not done."""
        journey = Journey(self.cast, random.Random(7))
        identity = {
            "family_name": f"Fictional {uuid.uuid4().hex}",
            "given_name": uuid.uuid4().hex,
            "birth_date": f"19{next(_BIRTHS) % 60 + 30}-04-05",
            "mrn": unique("MRN"),
        }
        coordinator = self.player("center", "coordinator")
        journey.enrol(coordinator, self.therapies[therapy].code, self.clinic.code, identity)
        if before:
            assert journey.run(before=before) == before
        return journey


def make_plant_world() -> PlantWorld:
    """Make everything for real, with the house's own actions."""
    roles = {"center": "treatment_center", "one": "manufacturer", "two": "manufacturer", "cmo": "cmo"}
    organizations = {name: make_organization(role) for name, role in {**roles, "courier": "courier"}.items()}
    organizations["stranger"] = make_organization("manufacturer")
    world = PlantWorld(organizations, make_site(organizations["center"]))
    pairs = [("center", other) for other in ("one", "two", "cmo", "courier")]
    pairs += [(sponsor, other) for sponsor in ("one", "two") for other in ("cmo", "courier")]
    for one, other in [*pairs, ("cmo", "courier"), ("center", "stranger")]:
        connect(organizations[one], organizations[other])
    world.sites = {name: make_site(organizations[name], zone="America/New_York") for name in ("one", "cmo")}
    _people(world)
    for name, sponsor, plant in (("own", "one", "one"), ("one", "one", "cmo"), ("two", "two", "cmo")):
        world.therapies[name] = therapy_of(world, name, sponsor, plant)
    for plant in world.sites:
        _capacity(world, plant)
    return world


def _people(world: PlantWorld) -> None:
    staffs: dict[str, dict[str, int]] = {
        "center": CENTER_STAFF,
        "one": MAKER_STAFF,
        "two": MAKER_STAFF,
        "cmo": CMO_STAFF,
        "courier": COURIER_STAFF,
        "stranger": MAKER_STAFF,
    }
    for organization, staff in staffs.items():
        for persona, count in staff.items():
            for number in range(1, count + 1):
                username = f"{unique(persona.replace('_', '.'))}@example.org"
                membership = make_member(world.organizations[organization], persona, username=username)
                player = Player(actor_of_membership(membership, "browser"), username, PASSWORD)  # type: ignore[arg-type]
                world.members[organization, persona, number] = membership
                world.players[organization, persona, number] = player
                if organization != "stranger":
                    world.cast.players.append(player)
    physician = world.player("center", "treating_physician").actor
    add_credential(operator(world.organizations["center"]), person_id=physician.person_id)  # type: ignore[arg-type]


def therapy_of(world: PlantWorld, name: str, sponsor: str, plant: str) -> Therapy:
    """Make a sponsor's therapy with one plant, its lanes and its flow; the center is authorized for it."""
    maker, site = operator(world.organizations[sponsor]), world.sites[plant]
    therapy = add_therapy(maker, code=unique(f"therapy-{name}"), name=f"Fictional {name}", modality="autologous_fresh")
    publish_specification(maker, therapy, tests=TESTS, limits=LIMITS)
    add_plant(maker, therapy, site)
    authorize_site(maker, therapy, world.clinic)
    author, approver = world.player(sponsor, "product_owner"), world.player(sponsor, "flow_approver")
    approve_flow(approver.actor, propose_flow(author.actor, therapy, flow_files.shipped("autologous_car_t")).pk)
    for direction, origin, destination in (("inbound", world.clinic, site), ("outbound", site, world.clinic)):
        add_lane(
            maker,
            manufacturer=world.organizations[sponsor],
            courier=world.organizations["courier"],
            origin=origin,
            destination=destination,
            direction=direction,
            transit_hours=20,
            qualified_hours=240,
            cutoff=dt.time(20),
            weekdays=range(7),
        )
    return therapy


def _capacity(world: PlantWorld, plant: str) -> None:
    site, owner = world.sites[plant], world.organizations[plant]
    lane = {
        "origin_site_id": str(world.clinic.pk),
        "destination_site_id": str(site.pk),
        "transit_hours": 20,
        "cutoff": "20:00",
    }
    kinds: list[tuple[Organization, str, Site | None, int, int, int, dict[str, Any]]] = [
        (world.organizations["courier"], "courier_lane", None, 14, 20, 40, lane),
        (owner, "receiving", site, 1, 23, 40, {}),
        (owner, "manufacturing_line", site, 6, 22, 40, {}),
    ]
    if plant == "one":
        kinds.append((world.organizations["center"], "apheresis_chair", world.clinic, 7, 13, 40, {}))
    today = timezone.now().astimezone(ZoneInfo("Europe/Berlin")).date()
    for organization, kind, place, first, last, places, attributes in kinds:
        code = unique(kind.replace("_", "-"))
        add_resource(operator(organization), code=code, name=code, kind=kind, site=place, attributes=attributes)
        zone = ZoneInfo(place.zone if place else world.clinic.zone)
        days = [today + dt.timedelta(days=offset) for offset in range(-5, 21)]
        hours = [
            (dt.datetime.combine(d, dt.time(first), zone), dt.datetime.combine(d, dt.time(last), zone)) for d in days
        ]
        publish_capacity(operator(organization), [CapacityRow(code, start, end, places) for start, end in hours])
