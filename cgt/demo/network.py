"""The fictional network: who takes part, what they make, which lanes and slots they offer. Made by the real actions.

Organizations, therapies, people and patients are invented; any likeness is accidental.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from cgt.demo import lane_routes
from cgt.demo.journey import Cast, Player
from cgt.demo.opening_hours import RULED, open_by_rule
from custody.actions.equipment import add_equipment
from custody.actions.stock import add_stock_unit
from custody.actions.store import add_unit
from custody.actions.store_alarms import set_limits
from ledger.context import Actor
from ledger.states import Channel
from network.actions.lane_plans import plan_lane
from network.actions.places import add_lane, add_plant, authorize_site
from network.actions.qualifications import add_credential
from network.actions.therapies import add_therapy, publish_specification
from network.queries import Therapy
from orders import flow_files
from orders.actions.flows import approve_flow, propose_flow
from personas.actions.organizations import add_organization, add_site, connect_partners
from personas.actions.people import add_member
from personas.queries import Organization, Site, User, actor_of_membership, system_actor
from personas.states import Capability
from scheduling.actions.capacity import CapacityRow, add_resource, publish_capacity

PAST_DAYS, FUTURE_DAYS = 60, 90
TWO_BAGS = ("boromyel",)  # therapies of which two bags are collected
TESTS: list[dict[str, Any]] = [
    {"key": "identity", "label": "Identity (CAR expression)", "unit": "%", "minimum": 15},
    {"key": "viability", "label": "Viability", "unit": "%", "minimum": 70},
    {"key": "cell_count", "label": "Viable cells", "unit": "× 10⁶", "minimum": 100, "maximum": 500},
    {"key": "endotoxin", "label": "Endotoxin", "unit": "EU/mL", "maximum": 5},
    {"key": "sterility", "label": "Sterility, rapid", "choices": ["no growth", "growth"], "expected": ["no growth"]},
]
KIT_TESTS: list[dict[str, Any]] = [
    {"key": "titer", "label": "Vector genomes", "unit": "× 10¹³/mL", "minimum": 1.5, "maximum": 2.5}
]
CAR_T_LIMITS = {
    "change_free_days": 14,
    "change_frozen_days": 2,
    "bags": 2,
    "dose_bags": 2,
    "max_age_hours": 72,
    "age_buffer_hours": 4,
    "thaw_minutes": 180,
    "manufacture_days": 9,
    "release_days": 7,
    "collection_hours": 5,
    "pack_minutes": 60,
    "receipt_min_c": 2,
    "receipt_max_c": 8,
    "storage_max_c": -130,
    "shelf_days": 365,
}
KIT_LIMITS = {
    **CAR_T_LIMITS,
    "bags": 1,
    "dose_bags": 1,
    "thaw_minutes": 480,
    "storage_max_c": 8,
    "shelf_days": 180,
}
FROZEN, COLD = {"maximum_c": -150, "minutes_allowed": 30}, {"minimum_c": 2, "maximum_c": 8, "minutes_allowed": 30}
NEAR = 18  # hours on the way within a continent
WEEKDAYS, MON_TO_SAT, EVERY_DAY = range(5), range(6), range(7)


CENTER_STAFF = {
    "coordinator": 2,
    "treating_physician": 1,
    "apheresis_nurse": 2,
    "apheresis_scheduler": 1,
    "cell_lab_technologist": 2,
    "pharmacist": 1,
    "infusion_nurse": 2,
    "site_quality": 1,
    "inspector": 1,
    "administrator": 1,
}
MAKER_STAFF = {
    "case_manager": 1,
    "planner": 1,
    "operator": 2,
    "qc_analyst": 1,
    "qa_reviewer": 1,
    "qualified_person": 1,
    "logistics_manager": 1,
    "site_network_manager": 1,
    "product_owner": 1,
    "flow_approver": 1,
    "inspector": 1,
    "administrator": 1,
}
CMO_STAFF = {"cmo_planner": 1, "cmo_operator": 2, "cmo_qc_analyst": 1, "cmo_quality": 1, "administrator": 1}
PIECES = 8  # shippers of a courier, and as many loggers
COURIER_STAFF = {"courier_driver": 2, "courier_dispatcher": 1, "administrator": 1}
PEOPLE = (
    "Ada Birkfeld",
    "Bruno Castell",
    "Carla Dornbusch",
    "Davit Elsner",
    "Edda Farrow",
    "Femi Grothe",
    "Greta Holm",
    "Hugo Imhof",
    "Ines Jarosch",
    "Jonas Kaltwasser",
    "Kaya Lindqvist",
    "Lars Morgenthau",
    "Mira Nakano",
    "Nils Okonjo",
    "Olga Pellier",
    "Piet Quandt",
    "Quirin Rasmus",
    "Rosa Steinfurth",
    "Sami Tolvanen",
    "Tilda Umbach",
    "Udo Vestergaard",
    "Vera Wolkenstein",
    "Wanda Xylander",
    "Xaver Ybarra",
    "Yara Zimmerling",
    "Zeno Achterberg",
)
CENTERS = (
    ("linden", "Linden University Hospital (fictional)", "DE", ("linden-main", "Linden Campus", "Europe/Berlin")),
    ("isar", "Isar Clinic (fictional)", "DE", ("isar-main", "Isar Clinic South", "Europe/Berlin")),
    ("harbor", "Harbor Medical Center (fictional)", "US", ("harbor-main", "Harbor East", "America/New_York")),
)
MAKERS = (
    ("aurora", "Aurora Cell Therapies (fictional)", "US", ("aurora-plant", "Aurora Plant One", "America/New_York")),
    ("borealis", "Borealis Genetics (fictional)", "DE", ("borealis-plant", "Borealis Works", "Europe/Berlin")),
)
CMOS = (
    (
        "meridian",
        "Meridian Biomanufacturing (fictional)",
        "NL",
        ("meridian-plant", "Meridian Suites", "Europe/Amsterdam"),
    ),
)
COURIERS = (
    ("swift", "Swift Cold Chain (fictional)", "DE", ("swift-hub", "Swift Hub", "Europe/Berlin")),
    ("northline", "Northline Couriers (fictional)", "US", ("northline-hub", "Northline Hub", "America/New_York")),
)
# therapy code, name, manufacturer, modality, shipped flow, plants with the markets they serve
THERAPIES = (
    (
        "auralcel",
        "Auralcel (fictional)",
        "aurora",
        "autologous_fresh",
        "autologous_car_t",
        (("aurora-plant", ("US",)), ("meridian-plant", ("DE",))),
    ),
    ("auravec", "Auravec (fictional)", "aurora", "in_vivo", "in_vivo", (("aurora-plant", ("US", "DE")),)),
    (
        "borocel",
        "Borocel (fictional)",
        "borealis",
        "autologous_fresh",
        "autologous_car_t",
        (("borealis-plant", ("DE",)), ("meridian-plant", ("US",))),
    ),
    (
        "boromyel",
        "Boromyel (fictional)",
        "borealis",
        "autologous_fresh",
        "autologous_car_t",
        (("meridian-plant", ("DE", "US")),),
    ),
)


@dataclass
class DemoNetwork:
    """What was made, by code."""

    organizations: dict[str, Organization] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    therapies: dict[str, Therapy] = field(default_factory=dict)
    cast: Cast = field(default_factory=Cast)

    def operator(self, code: str) -> Actor:
        """The network's operator acting inside one organization."""
        organization = self.organizations[code]
        return system_actor(
            organization.pk,
            "network-operator",
            name=organization.name,
            role=organization.role,
            synthetic=True,
            channel=Channel.COMMAND,
        )

    def maker_of(self, therapy: str) -> str:
        """Return the code of the manufacturer of a therapy."""
        return next(maker for code, _, maker, *_ in THERAPIES if code == therapy)

    def owner_of(self, site: str) -> Organization:
        by_id = {organization.pk: organization for organization in self.organizations.values()}
        return by_id[self.sites[site].organization_id]


def build(password: str, now: dt.datetime) -> DemoNetwork:
    """Make the whole network in an empty demo database. ``now``: slots are published around this moment (aware)."""
    network = DemoNetwork()
    for plans, role, staff in (
        (CENTERS, "treatment_center", CENTER_STAFF),
        (MAKERS, "manufacturer", MAKER_STAFF),
        (CMOS, "cmo", CMO_STAFF),
        (COURIERS, "courier", COURIER_STAFF),
    ):
        for code, name, country, site in plans:
            _organization(network, code, name, role, country, site, staff, password)
    _special_people(network, password)
    _committee(network, password)
    _partners(network)
    for therapy in THERAPIES:
        _therapy(network, *therapy)
    _lanes(network)
    _capacity(network, now)
    _stock(network, now)
    _equipment(network, now)
    return network


def add_stores(network: DemoNetwork) -> None:
    """Enter the tanks and refrigerators of every site that keeps material, so that places are chosen, not typed."""
    for code, _, _, site in (*CENTERS, *MAKERS, *CMOS):
        keeper = network.cast.of(network.organizations[code].pk, Capability.KEEP_STORE)[0]
        for name, kind, racks in (("Tank 1", "nitrogen", 6), ("Tank 2", "nitrogen", 6), ("Cold 1", "refrigerator", 2)):
            unit = {"site": site[0], "name": name, "kind": kind, "racks": racks, "places": 12}
            key = add_unit(keeper.actor, unit)
            set_limits(keeper.actor, key, COLD if kind == "refrigerator" else FROZEN)


def _equipment(network: DemoNetwork, now: dt.datetime) -> None:
    """Enter each courier's shippers and loggers: units of one model hold differently long, as qualified."""
    for number, (code, *_) in enumerate(COURIERS, 1):
        for unit in range(1, PIECES + 1):
            valid = (now + dt.timedelta(days=120 + 20 * unit)).isoformat()
            shipper = {"kind": "shipper", "serial": f"DS{number}-{unit:03d}", "model": "Fictional Vapor 10"}
            logger = {"kind": "logger", "serial": f"TL{number}-{unit:03d}", "model": "Fictional Log 2"}
            hold = {"hold_hours": 240 - 8 * unit}
            add_equipment(network.operator(code), shipper | hold | {"valid_until": valid})
            add_equipment(network.operator(code), logger | {"valid_until": valid})


def _organization(
    network: DemoNetwork,
    code: str,
    name: str,
    role: str,
    country: str,
    site: tuple[str, str, str],
    staff: dict[str, int],
    password: str,
) -> None:
    network.organizations[code] = add_organization(code=code, name=name, role=role, country=country, synthetic=True)
    operator = network.operator(code)
    site_code, site_name, zone = site
    network.sites[site_code] = add_site(
        operator,
        code=site_code,
        name=site_name,
        country=country,
        zone=zone,
        address=f"1 Example Street, {site_name}",
        phone="+00 000 0000",
        door="Ring at gate B",
    )
    for persona, number in staff.items():
        for nth in range(1, number + 1):
            suffix = f".{nth}" if number > 1 else ""
            username = f"{persona.replace('_', '.')}{suffix}@{code}.example"
            _member(network, code, username, _name(len(network.cast.players)), persona, password)


def _name(number: int) -> str:
    """Return an invented name, another one for each of the first few hundred numbers."""
    given, family = (
        PEOPLE[number % len(PEOPLE)].split()[0],
        PEOPLE[(number * 5 + number // 26) % len(PEOPLE)].split()[1],
    )
    return f"{given} {family}"


def _member(network: DemoNetwork, code: str, username: str, name: str, persona: str, password: str) -> None:
    membership = add_member(
        network.operator(code), username=username, name=name, persona_key=persona, password=password
    )
    actor = actor_of_membership(membership, Channel.BROWSER)
    network.cast.players.append(Player(actor, username, password))
    if persona == "treating_physician" and actor.person_id is not None:
        add_credential(network.operator(code), person_id=actor.person_id)


def _special_people(network: DemoNetwork, password: str) -> None:
    """A physician who works at two centers, and a person with two accounts (who counts as one)."""
    physician = "treating.physician@linden.example"
    user = User.objects.select_related("person").get(username=physician)
    _member(network, "isar", physician, _name_of(user), "treating_physician", password)
    nurse = User.objects.get(username="apheresis.nurse.1@linden.example")
    twin = User(username="apheresis.nurse.1.second@linden.example", person=nurse.person, password=nurse.password)
    twin.email = twin.username
    twin.save()
    _member(network, "linden", twin.username, _name_of(nurse), "apheresis_nurse", password)


def _committee(network: DemoNetwork, password: str) -> None:
    """Each center's committee that decides who of those who wait comes first."""
    for code, *_ in CENTERS:
        for nth in (1, 2, 3):
            username = f"committee.member.{nth}@{code}.example"
            _member(network, code, username, _name(len(network.cast.players)), "committee_member", password)


def _name_of(user: User) -> str:
    return user.person.name if user.person else user.username


def _partners(network: DemoNetwork) -> None:
    centers, makers = [c[0] for c in CENTERS], [m[0] for m in MAKERS]
    others = [c[0] for c in CMOS] + [c[0] for c in COURIERS]
    pairs = [(center, other) for center in centers for other in makers + others]
    pairs += [(maker, other) for maker in makers for other in others]
    pairs += [(cmo[0], courier[0]) for cmo in CMOS for courier in COURIERS]
    for one, two in pairs:
        connect_partners(network.operator(one), network.organizations[two])


def _therapy(
    network: DemoNetwork,
    code: str,
    name: str,
    maker: str,
    modality: str,
    flow: str,
    plants: Iterable[tuple[str, tuple[str, ...]]],
) -> None:
    operator = network.operator(maker)
    therapy = add_therapy(operator, code=code, name=name, modality=modality)
    in_vivo = modality == "in_vivo"
    tests, limits = (KIT_TESTS, KIT_LIMITS) if in_vivo else (TESTS, CAR_T_LIMITS)
    publish_specification(operator, therapy, tests=tests, limits=limits)
    for site, markets in plants:
        add_plant(operator, therapy, network.sites[site], markets=markets)
    for _, _, _, center_site in CENTERS:
        authorize_site(operator, therapy, network.sites[center_site[0]])
    maker_id = network.organizations[maker].pk
    author, approver = (network.cast.of(maker_id, right)[0] for right in ("configure_therapy", "approve_flow"))
    proposed = propose_flow(author.actor, therapy, _definition(code, flow))
    approve_flow(approver.actor, proposed.pk)
    network.therapies[code] = therapy


def _definition(therapy: str, flow: str) -> dict[str, Any]:
    """Return the flow that is shipped; of one therapy two bags are collected, so that one may be kept as reserve."""
    definition = flow_files.shipped(flow)
    for step in definition["steps"]:
        if therapy in TWO_BAGS and step["key"] == "labels":
            step["parameters"]["containers"] = 2
    return definition


def _hours_between(origin: Site, destination: Site) -> int:
    return 38 if origin.zone.split("/")[0] != destination.zone.split("/")[0] else NEAR


def _routes() -> list[tuple[str, str, str]]:
    """Return (manufacturer, plant site, center site) of everything that the therapies' markets need."""
    country = {site[0]: land for _, _, land, site in CENTERS}
    found = {
        (maker, plant, center)
        for _, _, maker, _, _, plants in THERAPIES
        for plant, markets in plants
        for center, land in country.items()
        if land in markets
    }
    return sorted(found)


def _courier_between(origin: Site, destination: Site) -> str:
    return "northline" if origin.zone.split("/")[0] == destination.zone.split("/")[0] == "America" else "swift"


def _lanes(network: DemoNetwork) -> None:
    for maker, plant, center in _routes():
        for origin, destination, direction in ((center, plant, "inbound"), (plant, center, "outbound")):
            one, two = network.sites[origin], network.sites[destination]
            lane = add_lane(
                network.operator(maker),
                manufacturer=network.organizations[maker],
                courier=network.organizations[_courier_between(one, two)],
                origin=one,
                destination=two,
                direction=direction,
                transit_hours=_hours_between(one, two),
                qualified_hours=96 if direction == "inbound" else 240,
                cutoff=dt.time(18),
                weekdays=EVERY_DAY,
                temperature="2–8 °C" if direction == "inbound" else "≤ −150 °C",
            )
            hours = _hours_between(one, two)
            plan_lane(network.operator(maker), lane.pk, lane_routes.plan_of(one, two, hours, abroad=hours > NEAR))


def _capacity(network: DemoNetwork, now: dt.datetime) -> None:
    """Publish chairs, lane departures, receiving windows and manufacturing lines, past and to come."""
    for code, _, _, site in CENTERS:
        chair = f"{code}-chair"
        add_resource(
            network.operator(code),
            code=chair,
            name="Apheresis chair",
            kind="apheresis_chair",
            site=network.sites[site[0]],
        )
        _windows(network, code, chair, network.sites[site[0]], now, WEEKDAYS, 7, 13, 4)
    for code, _, _, site in (*MAKERS, *CMOS):
        place = network.sites[site[0]]
        for kind, name, first, last, places, days in (
            ("receiving", "Receiving dock", 6, 20, 6, MON_TO_SAT),
            ("manufacturing_line", "Suite line", 6, 22, 3, EVERY_DAY),
        ):
            resource = f"{code}-{kind.replace('_', '-')}"
            add_resource(network.operator(code), code=resource, name=name, kind=kind, site=place)
            _windows(network, code, resource, place, now, days, first, last, places)
    for plant, center in sorted({(plant, center) for _, plant, center in _routes()}):
        origin, destination = network.sites[center], network.sites[plant]
        courier = _courier_between(origin, destination)
        lane = f"{courier}-{center}-{plant}"
        add_resource(
            network.operator(courier),
            code=lane,
            name=f"{origin.name} → {destination.name}",
            kind="courier_lane",
            attributes={
                "origin_site_id": str(origin.pk),
                "destination_site_id": str(destination.pk),
                "transit_hours": _hours_between(origin, destination),
                "cutoff": "18:00",
            },
        )
        _windows(network, courier, lane, origin, now, EVERY_DAY, 14, 17, 4)


def _windows(
    network: DemoNetwork,
    code: str,
    resource: str,
    site: Site,
    now: dt.datetime,
    days: Iterable[int],
    first_hour: int,
    last_hour: int,
    places: int,
) -> None:
    zone, wanted = ZoneInfo(site.zone), set(days)
    today, rows = now.astimezone(zone).date(), []
    for offset in range(-PAST_DAYS, 1 if resource in RULED else FUTURE_DAYS):
        day = today + dt.timedelta(days=offset)  # days of the calendar: 24 hours earlier may be the same day
        if day.weekday() in wanted:
            starts, ends = (dt.datetime.combine(day, dt.time(hour), zone) for hour in (first_hour, last_hour))
            rows.append(CapacityRow(resource, starts, ends, places))
    publish_capacity(network.operator(code), rows)
    if resource in RULED:
        times = dt.time(first_hour), dt.time(last_hour)
        open_by_rule(network.operator(code), resource, today + dt.timedelta(days=1), wanted, times, places)


def _stock(network: DemoNetwork, now: dt.datetime) -> None:
    therapy = network.therapies["auravec"]
    for number in range(1, 25):
        add_stock_unit(
            network.operator("aurora"),
            therapy_id=therapy.pk,
            lot=f"AV{1 + number // 12:03d}",
            serial=f"{1000 + number}",
            expires_at=now + dt.timedelta(days=150 + number),
            storage_location=f"Freezer 2, shelf {1 + number % 6}",
        )
