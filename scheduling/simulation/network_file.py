"""Reads and writes the network file of a simulation: every fault has its path and a remedy."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from scheduling.design.network_file import MOST_FAULTS, Fault, FaultyNetwork, parse, schema_faults
from scheduling.simulation.network import Center, LaneRun, Network, Override, Plant, Process, QuotaRule, ShareOf

SCHEMA = Path(__file__).with_name("network_file.schema.json")
FIRST_DAY = "2026-01-05"


def load(path: Path) -> Network:
    """Return the network of a file; raise FaultyNetwork with every fault."""
    return read(parse(path))


def read(content: Any) -> Network:
    """Return the network of a parsed file; raise FaultyNetwork with every fault."""
    faults = schema_faults(content, SCHEMA) or list(_contradictions(content))
    if faults:
        raise FaultyNetwork(faults[:MOST_FAULTS])
    process: dict[str, Any] = {
        key: value if isinstance(value, int) else float(value) for key, value in content["process"].items()
    }
    centers = {center["id"] for center in content["centers"]}
    there = [lane for lane in content["lanes"] if lane["from"] in centers]
    back = [lane for lane in content["lanes"] if lane["from"] not in centers]
    return Network(
        plants=tuple(
            Plant(p["id"], p["zone"], p["lines"], **_days(p, "receives", "starts")) for p in content["plants"]
        ),
        centers=tuple(
            Center(
                c["id"], c["zone"], c["chairs"], float(c["orders_per_year"]), country=c.get("country", ""),
                beds=c.get("beds"), **_days(c, "collects", "infuses"),
            )
            for c in content["centers"]
        ),
        lanes=tuple(_lane(lane, lane["from"], lane["to"]) for lane in there),
        returns=tuple(_lane(lane, lane["to"], lane["from"]) for lane in back),
        lead_times=tuple(_override(row) for row in content.get("lead_times", ())),
        quotas=tuple(_quota(row) for row in content.get("quotas", ())),
        process=Process(**process),
        first_day=dt.date.fromisoformat(content.get("first_day", FIRST_DAY)),
        title=content.get("title", ""),
    )  # fmt: skip


def _lane(row: dict[str, Any], center: str, plant: str) -> LaneRun:
    cutoff, places = dt.time.fromisoformat(row.get("cutoff", "20:00")), row.get("places", 50)
    return LaneRun(center, plant, float(row["hours"]), cutoff, places=places, **_days(row, "runs"))


def _override(row: dict[str, Any]) -> Override:
    bounds: dict[str, Any] = {key: float(row[key]) for key in ("at_least", "at_most") if key in row}
    dates: dict[str, Any] = {key: dt.date.fromisoformat(row[key]) for key in ("since", "until") if key in row}
    plain = {key: row[key] for key in ("priority", "market", "site", "reason", "registered") if key in row}
    return Override(row["step"], **bounds, **dates, **plain)


def _quota(row: dict[str, Any]) -> QuotaRule:
    shares = tuple(
        ShareOf(share["places"], share.get("center", ""), tuple(share.get("countries", ()))) for share in row["shares"]
    )
    plain = {key: row[key] for key in ("period", "zone", "release_days", "reserve_percent") if key in row}
    return QuotaRule(row["stage"], shares, **plain)


def _days(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: frozenset(row[key]) for key in keys if key in row}


def _contradictions(content: dict[str, Any]) -> Iterator[Fault]:
    used: dict[str, str] = {}
    for kind in ("plants", "centers"):
        for position, row in enumerate(content[kind]):
            path = f"{kind}[{position}]"
            yield from _zone_faults(path, row)
            if row["id"] in used:
                yield Fault(f"{path}.id", f"{row['id']!r} is also the id of {used[row['id']]}.", "Give each its own.")
            used.setdefault(row["id"], path)
    plants, centers = ({row["id"] for row in content[kind]} for kind in ("plants", "centers"))
    yield from _lane_faults(content["lanes"], plants, centers)
    yield from _date_faults("", content, "first_day")
    for position, row in enumerate(content.get("lead_times", ())):
        yield from _override_faults(f"lead_times[{position}]", row, plants | centers)
    for position, row in enumerate(content.get("quotas", ())):
        yield from _quota_faults(f"quotas[{position}]", row, centers)
    stages = [row["stage"] for row in content.get("quotas", ())]
    for position, stage in enumerate(stages):
        if stage in stages[:position]:
            yield Fault(f"quotas[{position}].stage", f"There is a quota of {stage} already.", "Keep one of the two.")


def _zone_faults(path: str, row: dict[str, Any]) -> Iterator[Fault]:
    if "zone" in row and row["zone"] not in available_timezones():
        yield Fault(f"{path}.zone", f"{row['zone']!r} is no time zone.", "Give an IANA name: Europe/Berlin.")


def _date_faults(path: str, row: dict[str, Any], *keys: str) -> Iterator[Fault]:
    for key in keys:
        try:
            dt.date.fromisoformat(row.get(key, FIRST_DAY))
        except ValueError:
            yield Fault(f"{path}.{key}".strip("."), f"{row[key]} is no date.", "Give one as YYYY-MM-DD.")


def _lane_faults(lanes: list[dict[str, Any]], plants: set[str], centers: set[str]) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for position, lane in enumerate(lanes):
        path, ends = f"lanes[{position}]", (lane["from"], lane["to"])
        for key in ("from", "to"):
            if lane[key] not in plants | centers:
                yield Fault(f"{path}.{key}", f"There is no center or plant {lane[key]!r}.", "Name one of the file.")
        if all(end in plants for end in ends) or all(end in centers for end in ends):
            text = "It leads from a plant to a plant." if ends[0] in plants else "It leads from a center to a center."
            yield Fault(path, text, "Lead it from a center to a plant, or back.")
        if ends in seen:
            yield Fault(path, "The lane is there already.", "Keep one of the two.")
        seen.add(ends)
    if any(start in plants for start, _ in seen):
        for position, lane in enumerate(lanes):
            if lane["from"] in centers and (lane["to"], lane["from"]) not in seen:
                text = f"No lane leads back from {lane['to']!r} to {lane['from']!r}, though others lead back."
                yield Fault(f"lanes[{position}]", text, "Add it, or leave every lane back out: then none is needed.")


def _override_faults(path: str, row: dict[str, Any], sites: set[str]) -> Iterator[Fault]:
    if "at_least" not in row and "at_most" not in row:
        yield Fault(path, "It says neither at_least nor at_most.", "Give one of them, or both alike: exactly so long.")
    elif row.get("at_least", 0) > row.get("at_most", row.get("at_least", 0)):
        yield Fault(path, "at_least is more than at_most.", "Give the smaller one first.")
    if row.get("site") and row["site"] not in sites:
        yield Fault(f"{path}.site", f"There is no center or plant {row['site']!r}.", "Name one of the file.")
    if row["step"] == "manufacture_days" and 0 in (row.get("at_least"), row.get("at_most")):
        yield Fault(path, "A batch keeps its line for a day at least.", "Give 1 day or more.")
    faults = list(_date_faults(path, row, "since", "until"))
    yield from faults
    if not faults and "since" in row and "until" in row and row["until"] <= row["since"]:
        yield Fault(f"{path}.until", f"{row['until']} is not after {row['since']}.", "Give the first day after it.")


def _quota_faults(path: str, row: dict[str, Any], centers: set[str]) -> Iterator[Fault]:
    yield from _zone_faults(path, row)
    seen: set[Any] = set()
    for position, share in enumerate(row["shares"]):
        center, countries = share.get("center", ""), share.get("countries", [])
        where = f"{path}.shares[{position}]"
        if center and countries:
            yield Fault(where, "It names a center and countries.", "Name one of them; neither for the pool.")
        if center and center not in centers:
            yield Fault(f"{where}.center", f"There is no center {center!r}.", "Name one of the file.")
        for one in [center] if center else countries or ["the pool"]:
            if one in seen:
                yield Fault(where, f"There is a share of {one} already.", "Keep one of the two.")
            seen.add(one)
    if "the pool" not in seen:
        yield Fault(f"{path}.shares", "There is no pool.", "Add a share without center and countries; it may have 0.")


def as_json(network: Network) -> str:
    """Return a network as the file that ``load`` reads."""
    content = {
        "title": network.title,
        "first_day": network.first_day.isoformat(),
        "plants": [{**vars(p), "receives": sorted(p.receives), "starts": sorted(p.starts)} for p in network.plants],
        "centers": [_center_row(center) for center in network.centers],
        "lanes": [
            *(_lane_row(lane, lane.center, lane.plant) for lane in network.lanes),
            *(_lane_row(lane, lane.plant, lane.center) for lane in network.returns),
        ],
        "process": vars(network.process),
        "lead_times": [_override_row(one) for one in network.lead_times],
        "quotas": [_quota_row(rule) for rule in network.quotas],
    }
    return json.dumps(content, indent=1) + "\n"


def _center_row(center: Center) -> dict[str, Any]:
    row = {**vars(center), "collects": sorted(center.collects), "infuses": sorted(center.infuses)}
    return {key: value for key, value in row.items() if value not in (None, "")}


def _lane_row(lane: LaneRun, start: str, end: str) -> dict[str, Any]:
    plain = {"hours": lane.hours, "cutoff": f"{lane.cutoff:%H:%M}", "runs": sorted(lane.runs), "places": lane.places}
    return {"from": start, "to": end, **plain}


def _override_row(one: Override) -> dict[str, Any]:
    plain = {key: value for key, value in vars(one).items() if value not in (None, "", dt.date.min)}
    return {key: value.isoformat() if isinstance(value, dt.date) else value for key, value in plain.items()}


def _quota_row(rule: QuotaRule) -> dict[str, Any]:
    shares = []
    for share in rule.shares:
        whose: dict[str, Any] = {"center": share.center} if share.center else {}
        shares.append(
            {**whose, **({"countries": list(share.countries)} if share.countries else {}), "places": share.places}
        )
    plain = {key: value for key, value in vars(rule).items() if value is not None}
    return {**plain, "shares": shares}
