"""From rows of the sheets lanes and legs to how a lane is run: routes, papers for customs, alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cgt.network_files.directory import operator_of
from cgt.network_files.faults import Fault
from cgt.network_files.rows import Row
from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, Refusal
from network import queries as network
from network.actions.lane_plans import plan_lane
from network.queries import Lane as Lane
from personas.queries import Organization, Site

LEG_COLUMNS = {"origin": "from", "destination": "to"}  # of a leg's fields, what the sheet calls otherwise
MOST_LEGS = 12


def lane_in_force(
    manufacturer: Organization, courier: Organization, origin: Site, destination: Site, direction: str
) -> Lane:
    """Return the lane that rows of legs name; InvalidInput where neither the file nor the system has it."""
    with reading(operator_of(manufacturer)):
        found = network.lane_between(manufacturer.pk, origin.pk, destination.pk, courier_id=courier.pk)
    if found is None or found.direction != direction:
        raise InvalidInput(
            fields={"origin": ["No lane of this courier leads this way."]}, remedy="Add it to the sheet lanes."
        )
    return found


def run_as(operator: Actor, lane: Lane, row: Row) -> None:
    """Write down papers and alerts of a lane that was just added; what was run otherwise before stays."""
    given = {name: row[name] for name in ("papers", "alerts") if row[name] is not None}
    plan = {"papers": given.get("papers", lane.papers), "alerts": given.get("alerts", lane.alert_minutes)}
    plan_lane(operator, lane.pk, _whole(lane, routes=_legs_of(lane), **plan))


def plan_legs(operator: Actor, lane: Lane, rows: Sequence[Row]) -> None:
    """Write down the routes of a lane; its papers, alerts and limits stay."""
    if len(rows) > MOST_LEGS:
        raise InvalidInput(fields={f"legs[{MOST_LEGS}].from": [f"A lane has at most {MOST_LEGS} legs on all routes."]})
    legs = [
        {"route": row["route"] or "", "origin": row["from"], "destination": row["to"]}
        | {name: row[name] for name in ("mode", "starts_after", "hours")}
        for row in rows
    ]
    plan_lane(operator, lane.pk, _whole(lane, routes=legs, papers=lane.papers, alerts=lane.alert_minutes))


def leg_faults(refusal: Refusal, rows: Sequence[Row]) -> list[Fault]:
    """Return what is wrong with the legs of a lane as faults of their cells."""
    found = []
    for place, row, name, messages in _placed(refusal.fields, rows):
        column = LEG_COLUMNS.get(name, name)
        known = column if row.section.column(column) else ""
        found.append(row.fault(known, "".join([place, " ".join(map(str, messages))])))
    return found or [rows[0].fault("", refusal.detail, refusal.remedy)]


def _placed(fields: Any, rows: Sequence[Row]) -> list[tuple[str, Row, str, Any]]:
    """Return each message with its row: ``legs[2].hours``, or a list of one dictionary per leg."""
    found: list[tuple[str, Row, str, Any]] = []
    for field, messages in fields.items():
        number, _, name = str(field).removeprefix("legs[").partition("].")
        nested = messages if isinstance(messages, Mapping) else dict(enumerate(messages))
        if number.isdigit() and int(number) < len(rows):
            found.append(("", rows[int(number)], name, messages))
        elif any(isinstance(one, Mapping) for one in nested.values()):
            legs = {int(place): one for place, one in nested.items() if isinstance(one, Mapping)}
            found += [("", rows[place], str(key), texts) for place, one in legs.items() for key, texts in one.items()]
        else:
            found.append(("", rows[0], "route" if field == "legs" else "", messages))
    return found


def _whole(lane: Lane, *, routes: Any, papers: Any, alerts: Any) -> dict[str, Any]:
    limits = {name: getattr(lane, name) for name in ("minimum_c", "maximum_c", "minutes_outside")}
    return {**alerts, **limits, "legs": routes, "papers": "\n".join(papers)}


def _legs_of(lane: Lane) -> list[dict[str, Any]]:
    return [{"route": route["name"], **leg} for route in lane.routes for leg in route["legs"]]
