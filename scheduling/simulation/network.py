"""The network of a simulation: read from a file, or made up for so many orders a year."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo, available_timezones

from scheduling.design.network_file import Fault, FaultyNetwork, parse, schema_faults

SCHEMA = Path(__file__).with_name("network_file.schema.json")
EVERY_DAY = frozenset(range(1, 8))
WORKDAYS = frozenset(range(1, 6))


@dataclass(frozen=True)
class Plant:
    id: str
    zone: str
    lines: int
    receives: frozenset[int] = EVERY_DAY
    starts: frozenset[int] = EVERY_DAY


@dataclass(frozen=True)
class Center:
    id: str
    zone: str
    chairs: int
    orders_per_year: float
    collects: frozenset[int] = WORKDAYS


@dataclass(frozen=True)
class LaneRun:
    center: str
    plant: str
    hours: float
    cutoff: dt.time = dt.time(20)
    runs: frozenset[int] = EVERY_DAY
    places: int = 50


@dataclass(frozen=True)
class Process:
    """The therapy's durations; see the schema."""

    collection_hours: float = 5
    pack_minutes: float = 60
    max_age_hours: float = 72
    age_buffer_hours: float = 6
    manufacture_days: int = 9
    release_days: float = 7
    conditioning_days: float = 5
    lead_days: int = 3
    patience_days: int = 90


@dataclass(frozen=True)
class Network:
    plants: tuple[Plant, ...]
    centers: tuple[Center, ...]
    lanes: tuple[LaneRun, ...]
    process: Process = field(default_factory=Process)
    first_day: dt.date = dt.date(2026, 1, 5)
    title: str = ""

    @property
    def orders_per_year(self) -> float:
        return sum(center.orders_per_year for center in self.centers)

    def with_lines(self, factor: float) -> Network:
        """Return the network with so many times the lines, at least one where there were any."""
        return replace(
            self,
            plants=tuple(replace(p, lines=max(1, round(p.lines * factor)) if p.lines else 0) for p in self.plants),
        )


def site_id(name: str) -> UUID:
    """Return the id under which a place of the file stands in the calendar."""
    return uuid5(NAMESPACE_URL, f"simulation:{name}")


def load(path: Path) -> Network:
    """Return the network of a file; raise FaultyNetwork with every fault."""
    return read(parse(path))


def read(content: Any) -> Network:
    faults = schema_faults(content, SCHEMA) or list(_contradictions(content))
    if faults:
        raise FaultyNetwork(faults)
    process: dict[str, Any] = {
        key: value if isinstance(value, int) else float(value) for key, value in content["process"].items()
    }
    return Network(
        plants=tuple(
            Plant(p["id"], p["zone"], p["lines"], **_days(p, "receives", "starts")) for p in content["plants"]
        ),
        centers=tuple(
            Center(c["id"], c["zone"], c["chairs"], float(c["orders_per_year"]), **_days(c, "collects"))
            for c in content["centers"]
        ),
        lanes=tuple(
            LaneRun(
                lane["from"], lane["to"], float(lane["hours"]), dt.time.fromisoformat(lane.get("cutoff", "20:00")),
                places=lane.get("places", 50), **_days(lane, "runs"),
            )
            for lane in content["lanes"]
        ),
        process=Process(**process),
        first_day=dt.date.fromisoformat(content.get("first_day", "2026-01-05")),
        title=content.get("title", ""),
    )  # fmt: skip


def _days(row: dict[str, Any], *keys: str) -> dict[str, frozenset[int]]:
    return {key: frozenset(row[key]) for key in keys if key in row}


def _contradictions(content: dict[str, Any]) -> Iterator[Fault]:
    zones = available_timezones()
    used: dict[str, str] = {}
    for kind in ("plants", "centers"):
        for position, row in enumerate(content[kind]):
            path = f"{kind}[{position}]"
            if row["zone"] not in zones:
                yield Fault(f"{path}.zone", f"{row['zone']!r} is no time zone.", "Give an IANA name: Europe/Berlin.")
            if row["id"] in used:
                yield Fault(f"{path}.id", f"{row['id']!r} is also the id of {used[row['id']]}.", "Give each its own.")
            used.setdefault(row["id"], path)
    kinds = {key: {row["id"] for row in content[kind]} for key, kind in (("from", "centers"), ("to", "plants"))}
    seen: set[tuple[str, str]] = set()
    for position, lane in enumerate(content["lanes"]):
        for key, noun in (("from", "center"), ("to", "plant")):
            if lane[key] not in kinds[key]:
                yield Fault(f"lanes[{position}].{key}", f"There is no {noun} {lane[key]!r}.", "Name one of the file.")
        if (lane["from"], lane["to"]) in seen:
            yield Fault(f"lanes[{position}]", "The lane is there already.", "Keep one of the two.")
        seen.add((lane["from"], lane["to"]))
    try:
        dt.date.fromisoformat(content.get("first_day", "2026-01-05"))
    except ValueError:
        yield Fault("first_day", f"{content['first_day']} is no date.", "Give one as YYYY-MM-DD.")


PLANT_ZONES = ("Europe/Amsterdam", "America/New_York", "America/Los_Angeles", "Europe/Dublin", "Asia/Tokyo")
CENTER_ZONES = {
    "Europe/Amsterdam": ("Europe/Berlin", "Europe/Paris", "Europe/Madrid"),
    "Europe/Dublin": ("Europe/London", "Europe/Lisbon", "Europe/Paris"),
    "America/New_York": ("America/New_York", "America/Chicago", "America/Toronto"),
    "America/Los_Angeles": ("America/Los_Angeles", "America/Denver", "America/Vancouver"),
    "Asia/Tokyo": ("Asia/Tokyo", "Asia/Seoul", "Australia/Sydney"),
}
LINES_USED = 0.85  # of the fictional network, by planned batches alone
PLANTS_NEAR = 3  # plants to which a center has a lane


def fictional(orders: int, *, seed: int, centers: int = 0, plants: int = 0) -> Network:
    """Return an invented network for so many orders a year: uneven centers, a few plants, lines 85 % used."""
    chance, process = random.Random(seed), Process()  # noqa: S311  (a network that repeats for a seed)
    plants = plants or max(1, min(12, round(orders / 6000) + 1))
    centers = centers or max(2, min(400, round(orders / 250)))
    lines = math.ceil(orders * process.manufacture_days / 365 / LINES_USED)
    shares = [chance.uniform(0.6, 1.6) for _ in range(plants)]
    made = tuple(
        Plant(f"plant-{n + 1}", PLANT_ZONES[n % len(PLANT_ZONES)], max(1, round(lines * share / sum(shares))))
        for n, share in enumerate(shares)
    )
    weights = [chance.lognormvariate(0, 0.6) for _ in range(centers)]
    places, lanes = [], []
    for n, weight in enumerate(weights):
        demand = orders * weight / sum(weights)
        home = n % plants
        zone = chance.choice(CENTER_ZONES[made[home].zone])
        name = f"center-{n + 1:03}"
        places.append(Center(name, zone, max(1, math.ceil(demand / 260 * 1.3)), round(demand, 1)))
        others = [p for p in range(plants) if p != home]
        near = [home, *chance.sample(others, min(PLANTS_NEAR - 1, len(others)))]
        for rank, plant in enumerate(near):
            base = chance.uniform(6, 14) if rank == 0 else chance.uniform(14, 34)
            lanes.append(LaneRun(name, made[plant].id, round(base, 1)))
    title = f"Fictional network: {orders} orders a year, {centers} centers, {plants} plants"
    return Network(made, tuple(places), tuple(lanes), process, title=title)


def as_json(network: Network) -> str:
    """Return a network as the file that ``load`` reads."""
    content = {
        "title": network.title,
        "first_day": network.first_day.isoformat(),
        "plants": [{**vars(p), "receives": sorted(p.receives), "starts": sorted(p.starts)} for p in network.plants],
        "centers": [{**vars(c), "collects": sorted(c.collects)} for c in network.centers],
        "lanes": [
            {
                "from": lane.center, "to": lane.plant, "hours": lane.hours, "cutoff": f"{lane.cutoff:%H:%M}",
                "runs": sorted(lane.runs), "places": lane.places,
            }
            for lane in network.lanes
        ],
        "process": vars(network.process),
    }  # fmt: skip
    return json.dumps(content, indent=1) + "\n"


def zone_of(name: str) -> ZoneInfo:
    return ZoneInfo(name)
