"""An EPCIS event as JSON-LD: times, URIs, lists, and the id that follows from what it says."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from orders.epcis.declarations import Happening, Said
from orders.epcis.hashing import event_id
from orders.epcis.identifiers import BATCH, ORDER, PARTY, SITE, Identifiers, identifiers
from orders.epcis.vocabulary import AGGREGATION, NAMESPACE, PREFIX, TRANSFORMATION

SPACES = {PREFIX: NAMESPACE}


def written(said: Said, happening: Happening) -> dict[str, Any]:
    """Return the event as JSON-LD, without `@context`; everybody who reads it gets the same, id included."""
    ids = identifiers()
    kind, action, biz_step, disposition = said.shape
    at, zone = said.at or happening.occurred_at, said.zone or happening.zone
    site = happening.site if said.site is None else said.site
    event: dict[str, Any] = {
        "type": kind,
        "eventTime": utc(at),
        "eventTimeZoneOffset": offset(at, zone),
        "recordTime": utc(happening.recorded_at),
    }
    event |= _things(said, ids)
    if action:
        event["action"] = action
    if said.transformation:
        event["transformationID"] = ids.uri(BATCH, said.transformation)
    event |= {"bizStep": biz_step, "disposition": disposition}
    if site:
        event["readPoint"] = {"id": ids.uri(SITE, site)}
        event["bizLocation"] = {"id": ids.uri(SITE, site)}
    event |= _papers(said, happening, ids)
    if said.sensors:
        event["sensorElementList"] = [dict(sensor) for sensor in said.sensors]
    if said.ilmd:
        event["ilmd"] = dict(said.ilmd)
    event |= said.extensions
    event["eventID"] = event_id(event, SPACES)
    return event


def _things(said: Said, ids: Identifiers) -> dict[str, Any]:
    first = [ids.uri(*thing) for thing in said.things]
    if said.shape[0] == AGGREGATION and said.parent:
        return {"parentID": ids.uri(*said.parent), "childEPCs": first}
    if said.shape[0] == TRANSFORMATION:
        made = [ids.uri(*thing) for thing in said.made]
        return ({"inputEPCList": first} if first else {}) | ({"outputEPCList": made} if made else {})
    return {"epcList": first}


def _papers(said: Said, happening: Happening, ids: Identifiers) -> dict[str, Any]:
    """Business transactions, the order always among them, and who has it in hand before and after."""
    order = [{"type": "po", "bizTransaction": ids.uri(ORDER, happening.around.order)}] if happening.around.order else []
    papers = [{"type": kind, "bizTransaction": ids.uri(thing, code)} for kind, thing, code in said.transactions]
    found: dict[str, Any] = {"bizTransactionList": [*order, *papers]} if order or papers else {}
    if said.given_by:
        found["sourceList"] = [{"type": "possessing_party", "source": ids.uri(PARTY, said.given_by)}]
    if said.taken_by:
        found["destinationList"] = [{"type": "possessing_party", "destination": ids.uri(PARTY, said.taken_by)}]
    return found


def declared_wrong(event: dict[str, Any], said: Said, corrected_by: list[str]) -> dict[str, Any]:
    """Return an event with its error declaration; its id stays, as the hash leaves declarations out."""
    if said.error is None:
        return event
    reason, at = said.error
    declaration: dict[str, Any] = {"declarationTime": utc(at), "reason": reason}
    if corrected_by:
        declaration["correctiveEventIDs"] = corrected_by
    return event | {"errorDeclaration": declaration}


def utc(moment: dt.datetime) -> str:
    """Return a moment in UTC to the millisecond, as the event hash compares it."""
    moment = moment.astimezone(dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def offset(moment: dt.datetime, zone: str) -> str:
    """Return the offset of an IANA zone at a moment, as ``+02:00``; correct over daylight saving time."""
    text = f"{moment.astimezone(ZoneInfo(zone)):%z}"
    return f"{text[:3]}:{text[3:5]}"
