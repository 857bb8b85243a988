"""EPCIS events that a partner sends, read: which act each stands for, and about which things (EPCIS 2.0, capture)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.dateparse import parse_datetime

from ledger.recording import Once, fingerprint
from ledger.refusals import InvalidInput, Refusal
from orders.epcis.hashing import event_id
from orders.epcis.vocabulary import ADD, AGGREGATION, DELETE, NAMESPACE, OBJECT, OBSERVE, PREFIX, TRANSFORMATION, bare
from orders.states import CapturedAct, ErrorReason

MOST_EVENTS = 100
MOST_THINGS = 50
LONGEST_ID = 160
SECRETS = (f"{PREFIX}:signature", f"{PREFIX}:verifiers")  # never kept, not even as part of a hash
ACTS = {
    (OBJECT, "void_shipping"): CapturedAct.PICKUP_FAILED,
    (OBJECT, "transporting"): CapturedAct.DELAYED,
    (OBJECT, "shipping"): CapturedAct.PICKED_UP,
    (OBJECT, "departing"): CapturedAct.LEG_DEPARTED,
    (OBJECT, "receiving"): CapturedAct.DELIVERED,
    (OBJECT, "arriving"): CapturedAct.LEG_ARRIVED,
    (OBJECT, "storing"): CapturedAct.STORED,
    (OBJECT, "accepting"): CapturedAct.RECEIVED,
    (OBJECT, "inspecting"): CapturedAct.QUARANTINE_DECIDED,
    (OBJECT, "holding"): CapturedAct.CUSTOMS_HELD,  # a bag is put aside by it
    (OBJECT, "other"): CapturedAct.THAWED,  # the standard has no word for it; it is told with this one here, too
    (OBJECT, "dispensing"): CapturedAct.INFUSED,
    (TRANSFORMATION, "commissioning"): CapturedAct.MANUFACTURE_BEGUN,
    (AGGREGATION, "packing"): CapturedAct.PACKED,
}
# A box that goes on says by ``cgt:report`` that customs have cleared it: the standard has no step for that.
CLEARED = (CapturedAct.CUSTOMS_CLEARED, CapturedAct.CUSTOMS_CLEARED.label)
GOES_ON = (CapturedAct.LEG_DEPARTED, CapturedAct.DELAYED)
# What stands for no act by capture, but has one of its own: by business step, for any type of event.
_CONVERT = "report it by POST /api/v1/orders/{code}/lineage, which balances the volumes and gives what is made its code"
INSTEAD = {
    "entering_exiting": "Customs that hold a box are told by holding, and that they cleared it by departing with "
    'cgt:report "customs_cleared".',
    "sampling": f"A sample is drawn by an act of its own: {_CONVERT}.",
    "replacing": f"Replacing material is an act of its own: {_CONVERT}.",
    "repackaging": f"Packing again is an act of its own: bags, {_CONVERT}; a box's new shipper, "
    "by POST /api/v1/orders/{code}/shipments/{box}/swaps.",
}
ENDS = (CapturedAct.INFUSED,)  # the bag ceases to exist: action DELETE
NOT_CONTENT = (*SECRETS, "@context", "recordTime", "eventID", "errorDeclaration")  # an event keeps its content without
LONGEST_NOTE = 300
_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")


class TooManyEvents(Refusal):
    """A document holds more events than are captured at once."""

    code, status, title = "capture_limit", 413, "The document holds too many events"
    remedy = f"Send at most {MOST_EVENTS} events in a document."


@dataclass(frozen=True)
class Captured:
    """One event as a partner sent it. ``things``: URIs or codes; ``own``: the house's extensions without their prefix.

    ``once``: what it is known by when it comes again; another content under the same ``eventID`` is a conflict.
    """

    number: int
    act: CapturedAct
    listed: str  # the field that lists the things
    things: tuple[str, ...]
    at: dt.datetime
    damaged: bool
    disposition: str
    celsius: Any  # the first temperature of its sensor elements; None without any
    own: Mapping[str, Any]
    once: Once
    name: str = ""  # eventID as it was sent
    content: str = ""  # hash of what it says
    parent: str = ""  # what things were put into


@dataclass(frozen=True)
class DeclaredWrong:
    """An event that a partner sends once more, declared wrong. ``name``: its eventID, given by either side.

    ``proves_itself``: that the id is the hash of what it says, so that nothing else can be meant by it.
    """

    number: int
    name: str
    content: str
    proves_itself: bool
    reason: ErrorReason
    at: dt.datetime
    corrected_by: tuple[str, ...]  # eventIDs
    note: str


def events_of(document: Mapping[str, Any]) -> list[Any]:
    """Return the events of an EPCIS document; raise InvalidInput for anything else, TooManyEvents beyond a hundred."""
    if document.get("type") != "EPCISDocument":
        raise InvalidInput(fields={"type": ["Send an EPCISDocument."]})
    body = document.get("epcisBody")
    events = body.get("eventList") if isinstance(body, Mapping) else None
    if not isinstance(events, list) or not events:
        raise InvalidInput(fields={"epcisBody": ["Give the events as a list in epcisBody.eventList."]})
    if len(events) > MOST_EVENTS:
        raise TooManyEvents(f"The document holds {len(events)} events.")
    return events


def captured(number: int, event: Any) -> Captured:
    """Read one event; raise InvalidInput that names each field which cannot be read or does not stand for an act."""
    if not isinstance(event, Mapping):
        raise InvalidInput(fields={"eventList": ["Each event is a JSON object."]})
    faults: dict[str, list[str]] = {}
    act = _act(event, faults)
    things = _things(event, act, faults)
    at = _moment(event, faults)
    own = {name.partition(":")[2]: value for name, value in event.items() if name.startswith(f"{PREFIX}:")}
    name = _name(event, faults)
    parent = _parent(event, act, faults)
    if faults or act is None or at is None:
        raise InvalidInput("The event cannot be captured.", fields=faults)
    content = fingerprint({key: value for key, value in event.items() if key not in SECRETS})
    once = Once(f"epcis:{name or content}", content)
    word = bare(str(event.get("disposition", "")))
    damaged, temperature = word == "damaged", _celsius(event)
    said, listed = said_by(event), _list_of(act)
    return Captured(number, act, listed, things, at, damaged, word, temperature, own, once, name, said, parent)


def declares_wrong(event: Any) -> bool:
    """Whether an event is sent once more, declared wrong."""
    return isinstance(event, Mapping) and "errorDeclaration" in event


def declared_wrong(number: int, event: Mapping[str, Any]) -> DeclaredWrong:
    """Read an error declaration; raise InvalidInput that names each field which cannot be read."""
    faults: dict[str, list[str]] = {}
    name = _name(event, faults)
    if not name:
        faults.setdefault("eventID", ["Give the eventID of the event that is wrong."])
    given, wrong = event["errorDeclaration"], []
    given = given if isinstance(given, Mapping) else {}
    at = _time(given.get("declarationTime"))
    if at is None:
        wrong.append("Give declarationTime with date, time and offset as in 2030-01-31T14:05:00Z.")
    reason = bare(str(given.get("reason", "")))
    if reason not in ErrorReason.values:
        wrong.append(f"Give reason: {' or '.join(ErrorReason.values)}.")
    ids, note = given.get("correctiveEventIDs", []), given.get(f"{PREFIX}:note", "")
    if not isinstance(ids, list) or len(ids) > MOST_THINGS or not all(isinstance(one, str) and one for one in ids):
        wrong.append(f"Give correctiveEventIDs as a list of at most {MOST_THINGS} eventIDs.")
    if not isinstance(note, str) or len(note) > LONGEST_NOTE:
        wrong.append(f"Give {PREFIX}:note in at most {LONGEST_NOTE} characters. No patient data.")
    if wrong:
        faults["errorDeclaration"] = wrong
    if faults or at is None:
        raise InvalidInput("The error declaration cannot be read.", fields=faults)
    corrected_by, same = tuple(dict.fromkeys(ids)), _is_hash_of(name, event)
    return DeclaredWrong(number, name, said_by(event), same, ErrorReason(reason), at, corrected_by, note.strip())


def said_by(event: Mapping[str, Any]) -> str:
    """Return the hash of what an event says: the same when it comes again with another id, or declared wrong."""
    return fingerprint({key: value for key, value in event.items() if key not in NOT_CONTENT})


def _is_hash_of(name: str, event: Mapping[str, Any]) -> bool:
    try:
        return name == event_id(event, {PREFIX: NAMESPACE})
    except (ArithmeticError, AttributeError, KeyError, LookupError, TypeError, ValueError):
        return False  # what cannot be laid out has no hash


def _name(event: Mapping[str, Any], faults: dict[str, list[str]]) -> str:
    name = event.get("eventID", "")
    if isinstance(name, str) and len(name) <= LONGEST_ID:
        return name
    faults["eventID"] = [f"Give a URI of at most {LONGEST_ID} characters, or none."]
    return ""


def _celsius(event: Mapping[str, Any]) -> Any:
    """Return the first temperature that an event's sensors tell, in degrees Celsius as it was sent."""
    for element in event.get("sensorElementList") or ():
        for report in element.get("sensorReport") or () if isinstance(element, Mapping) else ():
            if isinstance(report, Mapping) and bare(str(report.get("type", ""))) == "Temperature":
                return report.get("value") if report.get("uom", "CEL") == "CEL" else None
    return None


def _act(event: Mapping[str, Any], faults: dict[str, list[str]]) -> CapturedAct | None:
    kind, step = str(event.get("type", "")), bare(str(event.get("bizStep", "")))
    act = ACTS.get((kind, step))
    if act in GOES_ON and event.get(f"{PREFIX}:report") in CLEARED:
        act = CapturedAct.CUSTOMS_CLEARED
    if act is None:
        known = ", ".join(f"{one} with {word}" for one, word in ACTS)
        instead = f" {INSTEAD[step]}" if step in INSTEAD else ""
        what = f"{kind or 'no type'} with {step or 'no bizStep'}"
        faults["bizStep"] = [f"No act stands behind {what}.{instead} Known: {known}."]
    elif act in ENDS and event.get("action") != DELETE:
        faults["action"] = [f"Use {DELETE}: the bag ceases to exist by this act."]
    elif kind == AGGREGATION and event.get("action") != ADD:
        faults["action"] = [f"Use {ADD}: the bags go into the shipper by this act."]
    elif act not in ENDS and kind == OBJECT and event.get("action") != OBSERVE:
        faults["action"] = [f"Use {OBSERVE}: nothing begins or ceases to exist by this act."]
    return act


def _things(event: Mapping[str, Any], act: CapturedAct | None, faults: dict[str, list[str]]) -> tuple[str, ...]:
    name = _list_of(act)
    given = event.get(name)
    if not isinstance(given, list) or not given or not all(isinstance(one, str) and one for one in given):
        faults[name] = ["List what the act was about."]
        return ()
    if len(given) > MOST_THINGS or len(set(given)) != len(given):
        faults[name] = [f"List each thing once, at most {MOST_THINGS}."]
    if act == CapturedAct.MANUFACTURE_BEGUN and event.get("outputEPCList"):
        faults["outputEPCList"] = [
            "What is made gets its code here: begin the manufacture without outputs and finish its step by POST; "
            f"for another conversion, {_CONVERT}."
        ]
    return tuple(given)


def _parent(event: Mapping[str, Any], act: CapturedAct | None, faults: dict[str, list[str]]) -> str:
    """Return what bags were put into; an act of another kind has no such thing."""
    parent = event.get("parentID", "")
    if act == CapturedAct.PACKED and not (isinstance(parent, str) and parent.strip()):
        faults["parentID"] = ["Give the number of the shipper that the bags were put into."]
    return parent if isinstance(parent, str) else ""


def _list_of(act: CapturedAct | None) -> str:
    lists = {CapturedAct.MANUFACTURE_BEGUN: "inputEPCList", CapturedAct.PACKED: "childEPCs"}
    return lists.get(act, "epcList") if act else "epcList"


def _moment(event: Mapping[str, Any], faults: dict[str, list[str]]) -> dt.datetime | None:
    """Return when it happened; EPCIS asks for the offset of the place beside it."""
    offset = event.get("eventTimeZoneOffset")
    if not isinstance(offset, str) or not _OFFSET.fullmatch(offset):
        faults["eventTimeZoneOffset"] = ["Give the offset of the place as in +01:00."]
    moment = _time(event.get("eventTime"))
    if moment is None:
        faults["eventTime"] = ["Give date, time and offset as in 2030-01-31T14:05:00Z."]
    return moment


def _time(given: Any) -> dt.datetime | None:
    try:
        moment = parse_datetime(str(given or ""))
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
