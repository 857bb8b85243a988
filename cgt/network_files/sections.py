"""The sheets of a network file and their columns, in the order in which they are loaded. The template says the same."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from cgt.network_files import cells
from cgt.network_files.calendar_sections import CLOSURES, NEXT_MONDAY, RULES, TEAMS
from cgt.network_files.columns import Column, Section
from ledger.states import Role
from network.states import Direction, LegMode, Milestone, Modality
from scheduling.states import ResourceKind

TESTS = [{"key": "viability", "label": "Viability", "unit": "%", "minimum": 70, "required": True}]
LIMITS = {
    "bags": 1,
    "dose_bags": 1,
    "max_age_hours": 72,
    "age_buffer_hours": 4,
    "collection_hours": 5,
    "pack_minutes": 60,
    "receipt_min_c": 2,
    "receipt_max_c": 8,
    "manufacture_days": 10,
    "release_days": 7,
    "storage_max_c": -130,
    "thaw_minutes": 60,
}

ORGANIZATIONS = Section(
    "organizations",
    "Who takes part. Each organization gets the shipped personas of its role.",
    (
        Column("code", cells.code, "example-hospital", "unique in the network; never changes"),
        Column("name", cells.text(), "Example Hospital (fictional)", "as partners see it"),
        Column("role", cells.one_of(Role.values), "treatment_center", ", ".join(Role.values)),
        Column("country", cells.country, "DE", "two capital letters"),
        Column("synthetic", cells.yes_no, "yes", "yes for training and trials; marks every record", needed=False),
    ),
    more_examples=(
        {
            "code": "example-cells",
            "name": "Example Cells (fictional)",
            "role": "manufacturer",
            "country": "DE",
            "synthetic": "yes",
        },
        {
            "code": "example-courier",
            "name": "Example Courier (fictional)",
            "role": "courier",
            "country": "DE",
            "synthetic": "yes",
        },
    ),
)
FACILITIES = Section(
    "facilities",
    "Facility identification numbers of ISBT 128, as registered with ICCBBA: only their owner numbers under them.",
    (
        Column("organization", cells.code, "example-hospital", "code of the organization"),
        Column("facility", cells.text(5), "A9990", "five characters; each belongs to one organization for ever"),
        Column("reference", cells.text(120), "fictional; in truth: certificate and date", "where the registration is"),
    ),
    key=("facility",),
)
SITES = Section(
    "sites",
    "Places of an organization, with their time zone.",
    (
        Column("code", cells.code, "example-campus", "unique in the network"),
        Column("organization", cells.code, "example-hospital", "code of the organization"),
        Column("name", cells.text(), "Example Campus", "as partners see it"),
        Column("country", cells.country, "DE", "two capital letters"),
        Column("zone", cells.zone, "Europe/Berlin", "IANA time zone"),
        Column("address", cells.text(300), "1 Example Street", "for couriers", needed=False),
        Column("phone", cells.text(40), "+49 000 000", "for couriers", needed=False),
        Column("door", cells.text(), "Gate B", "where a courier is let in", needed=False),
    ),
    more_examples=(
        {
            "code": "example-plant",
            "organization": "example-cells",
            "name": "Example Plant",
            "country": "DE",
            "zone": "Europe/Berlin",
        },
    ),
)
PEOPLE = Section(
    "people",
    "Accounts and their personas; a person with two personas has two rows. Passwords are set by each person.",
    (
        Column("username", cells.email, "coordinator@hospital.example", "the person's e-mail address"),
        Column("name", cells.text(), "Alex Example", "as it is printed beside signatures"),
        Column("organization", cells.code, "example-hospital", "code of the organization"),
        Column("persona", cells.text(64), "coordinator", "key of a persona of the organization"),
        Column("site", cells.code, "", "code of a site, if the persona holds there only", needed=False),
        Column("phone", cells.text(40), "", "", needed=False),
        Column("prescriber", cells.yes_no, "no", "yes: credentialed to prescribe every therapy", needed=False),
    ),
    key=("username", "organization", "persona", "site"),
    more_examples=(
        {
            "username": "physician@hospital.example",
            "name": "Robin Example",
            "organization": "example-hospital",
            "persona": "treating_physician",
            "prescriber": "yes",
        },
        {
            "username": "approver@cells.example",
            "name": "Kim Example",
            "organization": "example-cells",
            "persona": "flow_approver",
        },
    ),
)
PARTNERSHIPS = Section(
    "partnerships",
    "Who may see whom in the directory.",
    (
        Column("organization", cells.code, "example-hospital", "code"),
        Column("partner", cells.code, "example-cells", "code"),
    ),
    key=("organization", "partner"),
    more_examples=(
        {"organization": "example-hospital", "partner": "example-courier"},
        {"organization": "example-cells", "partner": "example-courier"},
    ),
)
THERAPIES = Section(
    "therapies",
    "Products with their specification. The flow is proposed; a person must approve it before the first order.",
    (
        Column("code", cells.code, "example-cel", "unique in the network"),
        Column("name", cells.text(), "Examplecel (fictional)", ""),
        Column("manufacturer", cells.code, "example-cells", "code of the organization"),
        Column("modality", cells.one_of(Modality.values), "autologous_fresh", ", ".join(Modality.values)),
        Column("tests", cells.json_value(list), json.dumps(TESTS), "JSON list: key, label, unit, minimum, maximum …"),
        Column("limits", cells.json_value(dict), json.dumps(LIMITS), "JSON object: ages, temperatures, bags …"),
        Column("flow", cells.text(64), "autologous_car_t", "name of a shipped flow, or empty", needed=False),
        Column("trainings", cells.listed(cells.text(64)), "", "kinds without which nobody acts", needed=False),
    ),
)
PLANTS = Section(
    "plants",
    "Which site makes which therapy for which countries.",
    (
        Column("therapy", cells.code, "example-cel", "code"),
        Column("site", cells.code, "example-plant", "code"),
        Column(
            "markets", cells.listed(cells.country), "DE", "countries, separated by commas; empty: all", needed=False
        ),
    ),
    key=("therapy", "site"),
)
AUTHORIZATIONS = Section(
    "authorizations",
    "Which site of a treatment center may order which therapy.",
    (
        Column("therapy", cells.code, "example-cel", "code"),
        Column("site", cells.code, "example-campus", "code"),
        Column("reason", cells.text(), "Initial qualification", "", needed=False),
        Column(
            "ld_on_release",
            cells.yes_no,
            "no",
            "may lymphodepletion begin on release, before the product arrives; empty: as it is, else no",
            needed=False,
        ),
    ),
    key=("therapy", "site"),
)
LANE = ("manufacturer", "courier", "origin", "destination", "direction")


def _leg(route: str, start: str, end: str, mode: str, after: int, hours: int) -> dict[str, Any]:
    ends = ("example-cells", "example-courier", "example-campus", "example-plant", "inbound")
    lane = dict(zip(LANE, ends, strict=True))
    return lane | {"route": route, "from": start, "to": end, "mode": mode, "starts_after": after, "hours": hours}


LANES = Section(
    "lanes",
    "Qualified ways of a courier between a center and a plant, in one direction.",
    (
        Column("manufacturer", cells.code, "example-cells", "who answers for the qualification"),
        Column("courier", cells.code, "example-courier", "code"),
        Column("origin", cells.code, "example-campus", "code of a site"),
        Column("destination", cells.code, "example-plant", "code of a site"),
        Column(
            "direction", cells.one_of(Direction.values), "inbound", "inbound: to the plant; outbound: to the center"
        ),
        Column("transit_hours", cells.hours, 14, "hours on the way"),
        Column("qualified_hours", cells.hours, 96, "hours for which the shipper holds its temperature"),
        Column("cutoff", cells.clock_time, "18:00", "latest pickup, local time at the origin"),
        Column("weekdays", cells.weekdays, "Mon-Fri", "days of pickup"),
        Column("temperature", cells.text(60), "2-8 °C", "", needed=False),
        Column(
            "papers",
            cells.listed(cells.text(120), ";"),
            "Commercial invoice; Declaration of contents",
            "what customs need, separated by semicolons; no patient's name ever stands on one",
            needed=False,
        ),
        Column(
            "alerts",
            cells.lead_minutes,
            "delivered=120, leg_arrived=30",
            "minutes before milestones that people are told (" + ", ".join(Milestone.values) + ");"
            " what is missing is as the manufacturer set it for all lanes",
            needed=False,
        ),
    ),
    key=LANE,
    more_examples=(
        {
            "manufacturer": "example-cells",
            "courier": "example-courier",
            "origin": "example-plant",
            "destination": "example-campus",
            "direction": "outbound",
            "transit_hours": 14,
            "qualified_hours": 240,
            "cutoff": "18:00",
            "weekdays": "Mon-Sat",
        },
    ),
)
LEGS = Section(
    "legs",
    "Routes of lanes, leg by leg: the planned one, and those that were agreed for contingency.",
    (
        Column("manufacturer", cells.code, "example-cells", "as in lanes"),
        Column("courier", cells.code, "example-courier", "as in lanes"),
        Column("origin", cells.code, "example-campus", "as in lanes: code of a site"),
        Column("destination", cells.code, "example-plant", "as in lanes: code of a site"),
        Column("direction", cells.one_of(Direction.values), "inbound", "as in lanes"),
        Column("route", cells.text(60), "", "name of a route for contingency; empty: the planned one", needed=False),
        Column("from", cells.text(80), "Example Hospital", "where the leg begins: where the one before ends"),
        Column("to", cells.text(80), "Frankfurt (FRA)", "where it ends; a customs office is a place too"),
        Column("mode", cells.one_of(LegMode.values), "road", "how it travels"),
        Column("starts_after", cells.hours, 0, "hours after the pick-up"),
        Column("hours", cells.hours, 2, "how long it takes"),
    ),
    key=(*LANE, "route", "from"),
    more_examples=(
        _leg("", "Frankfurt (FRA)", "Newark (EWR)", "air", 3, 8),
        _leg("", "Newark (EWR)", "Example Plant", "road", 12, 2),
        _leg("By way of Amsterdam", "Example Hospital", "Amsterdam (AMS)", "road", 0, 6),
        _leg("By way of Amsterdam", "Amsterdam (AMS)", "Example Plant", "air", 8, 12),
    ),
)
RESOURCES = Section(
    "resources",
    "What has capacity: chairs, courier runs, docks, lines.",
    (
        Column("organization", cells.code, "example-hospital", "code of the organization"),
        Column("code", cells.code, "example-chair", "unique in the organization"),
        Column("name", cells.text(), "Apheresis chair 1", ""),
        Column("kind", cells.one_of(ResourceKind.values), "apheresis_chair", ", ".join(ResourceKind.values)),
        Column("site", cells.code, "example-campus", "code of a site; empty for a courier lane", needed=False),
        Column("therapies", cells.listed(cells.code), "", "codes, if it serves only some", needed=False),
        Column("origin", cells.code, "", "courier lanes: code of a site", needed=False),
        Column("destination", cells.code, "", "courier lanes: code of a site", needed=False),
        Column("transit_hours", cells.hours, "", "courier lanes", needed=False),
        Column("cutoff", cells.clock_time, "", "courier lanes: latest pickup", needed=False),
        Column("weekdays", cells.weekdays, "", "courier lanes: days of pickup", needed=False),
    ),
    key=("organization", "code"),
    more_examples=(
        {
            "organization": "example-courier",
            "code": "example-run",
            "name": "Campus to plant",
            "kind": "courier_lane",
            "origin": "example-campus",
            "destination": "example-plant",
            "transit_hours": 14,
            "cutoff": "18:00",
            "weekdays": "Mon-Fri",
        },
        {
            "organization": "example-cells",
            "code": "example-dock",
            "name": "Dock",
            "kind": "receiving",
            "site": "example-plant",
        },
        {
            "organization": "example-cells",
            "code": "example-line",
            "name": "Line 1",
            "kind": "manufacturing_line",
            "site": "example-plant",
        },
    ),
)


def _window(organization: str, resource: str, start: str, end: str, places: int) -> dict[str, Any]:
    last = NEXT_MONDAY + dt.timedelta(days=4)
    return {
        "organization": organization,
        "resource": resource,
        "first_date": NEXT_MONDAY,
        "last_date": last,
        "weekdays": "Mon-Fri",
        "start": start,
        "end": end,
        "places": places,
    }


CAPACITY = Section(
    "capacity",
    "Windows with places, each day from the first date to the last, in the local time of the place.",
    (
        Column("organization", cells.code, "example-hospital", "code of the organization"),
        Column("resource", cells.code, "example-chair", "code of its resource"),
        Column("first_date", cells.date, NEXT_MONDAY, "YYYY-MM-DD"),
        Column("last_date", cells.date, NEXT_MONDAY + dt.timedelta(days=4), "empty: one day only", needed=False),
        Column("weekdays", cells.weekdays, "Mon-Fri", "empty: every day", needed=False),
        Column("start", cells.clock_time, "07:00", "HH:MM"),
        Column("end", cells.clock_time, "13:00", "HH:MM; not after the start: on the next day"),
        Column("places", cells.whole_number, 1, "how many at the same time"),
    ),
    key=("organization", "resource", "first_date", "start"),
    more_examples=(
        _window("example-courier", "example-run", "14:00", "18:00", 4),
        _window("example-cells", "example-dock", "06:00", "20:00", 6),
        _window("example-cells", "example-line", "06:00", "22:00", 2),
    ),
)
SECTIONS = (
    ORGANIZATIONS,
    SITES,
    PEOPLE,
    FACILITIES,
    PARTNERSHIPS,
    THERAPIES,
    PLANTS,
    AUTHORIZATIONS,
    LANES,
    LEGS,
    RESOURCES,
    TEAMS,
    RULES,
    CLOSURES,
    CAPACITY,
)
BY_NAME = {section.name: section for section in SECTIONS}
