"""The standard's query parameters: which events of the record can answer at all (in SQL), and which then do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from custody import queries as custody
from ledger.context import Actor
from ledger.models import Event
from ledger.refusals import InvalidInput
from orders.epcis import identifiers
from orders.epcis.declarations import Declaration, declarations
from orders.epcis.events import sources
from orders.epcis.identifiers import BOX, CONTAINER, SITE, UNIT
from orders.epcis.vocabulary import ACTIONS, EVENT_TYPES, bare

MOST = 200
USUAL = 30
TIMES = {
    "GE_eventTime": "occurred_at__gte",
    "LT_eventTime": "occurred_at__lt",
    "GE_recordTime": "recorded_at__gte",
    "LT_recordTime": "recorded_at__lt",
}
EVENT_TIMES = ("GE_eventTime", "LT_eventTime")
ORDERINGS = {"eventTime": "occurred_at", "recordTime": "recorded_at"}
DECLARING = ("quality.release_revoked", "orders.error_declared")  # they repeat an event of another time and place
PLACED = ("pack", "hand_over")  # steps that are at the box's place, whatever site they belong to
EPC_FIELDS = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
LISTS = (
    "eventType",
    "EQ_action",
    "EQ_bizStep",
    "EQ_disposition",
    "EQ_readPoint",
    "EQ_bizLocation",
    "EQ_transformationID",
    "EQ_bizTransaction",
    "EQ_eventID",
    "EQ_errorReason",
    "EQ_correctiveEventID",
    "MATCH_epc",
    "MATCH_parentID",
    "MATCH_inputEPC",
    "MATCH_outputEPC",
    "MATCH_anyEPC",
)
NAMES = (*LISTS, *TIMES, "EXISTS_errorDeclaration", "GE_errorDeclarationTime", "LT_errorDeclarationTime")
ORDERING = ("orderBy", "orderDirection", "eventCountLimit", "maxEventCount")

Written = Mapping[str, Any]
Test = Callable[[Written], bool]


@dataclass(frozen=True)
class Criteria:
    """What is asked for, read and checked."""

    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    times: Mapping[str, dt.datetime] = field(default_factory=dict)
    declared_wrong: bool = False
    order_by: str = "recordTime"
    descending: bool = False
    most: int | None = None  # eventCountLimit: the first so many
    too_many: int | None = None  # maxEventCount: refused beyond


def criteria(given: Mapping[str, Any]) -> Criteria:
    """Read the parameters of a query; raise InvalidInput that names each one which is unknown or cannot be read."""
    faults = {name: ["This parameter is not known here."] for name in given if name not in (*NAMES, *ORDERING)}
    lists = {name: _values(given[name]) for name in LISTS if name in given}
    times: dict[str, dt.datetime] = {}
    for name in (*TIMES, "GE_errorDeclarationTime", "LT_errorDeclarationTime"):
        if name in given:
            moment = _moment(given[name])
            if moment is None:
                faults[name] = ["Give date, time and offset as in 2030-01-31T14:05:00Z."]
            else:
                times[name] = moment
    for name, known in (("eventType", EVENT_TYPES), ("EQ_action", ACTIONS)):
        if unknown := sorted(set(lists.get(name, ())) - set(known)):
            faults[name] = [f"Unknown: {', '.join(unknown)}. Use {', '.join(known)}."]
    numbers = {name: _number(given, name, faults) for name in ("eventCountLimit", "maxEventCount")}
    if all(numbers.values()):
        faults["maxEventCount"] = ["Give eventCountLimit or maxEventCount, not both."]
    order_by, direction = str(given.get("orderBy", "recordTime")), str(given.get("orderDirection", "ASC")).upper()
    if order_by not in ORDERINGS:
        faults["orderBy"] = [f"Use {' or '.join(ORDERINGS)}."]
    if direction not in ("ASC", "DESC"):
        faults["orderDirection"] = ["Use ASC or DESC."]
    if faults:
        raise InvalidInput("The query cannot be read.", code="query_parameter", fields=faults)
    wrong = "EXISTS_errorDeclaration" in given and str(given["EXISTS_errorDeclaration"]).lower() != "false"
    return Criteria(
        lists, times, wrong, order_by, direction == "DESC", numbers["eventCountLimit"], numbers["maxEventCount"]
    )


def _values(given: Any) -> tuple[str, ...]:
    texts = given if isinstance(given, list | tuple) else [given]
    return tuple(part.strip() for text in texts for part in str(text).split(",") if part.strip())


def _moment(given: Any) -> dt.datetime | None:
    text = given[0] if isinstance(given, list) and given else given
    try:
        moment = parse_datetime(str(text).replace(" ", "+"))
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _number(given: Mapping[str, Any], name: str, faults: dict[str, list[str]]) -> int | None:
    if name not in given:
        return None
    text = str(given[name])
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        faults[name] = ["Give a number from 1."]
        return None
    return int(text)


def candidates(actor: Actor, asked: Criteria, issued: Sequence[Any] | None = None) -> QuerySet[Event]:
    """Return the events of the record that may answer. ``issued``: those that the wanted event ids belong to."""
    rows = sources(actor, [one for one in declarations().values() if _may_say(one, asked)])
    for name, moment in asked.times.items():
        if name in TIMES:
            then = Q(**{TIMES[name]: moment})
            rows = rows.filter(then | Q(kind__in=DECLARING) if name in EVENT_TIMES else then)
    if issued is not None:
        rows = rows.filter(pk__in=issued)
    epcs = [uri for name, uris in asked.lists.items() if name.startswith("MATCH_") for uri in uris]
    if epcs:
        rows = rows.filter(_about(actor, epcs))
    for name in ("EQ_readPoint", "EQ_bizLocation"):
        if name in asked.lists:
            codes = [read[1] for uri in asked.lists[name] if (read := identifiers.read(uri)) and read[0] == SITE]
            here = Q(payload__site__in=codes) | Q(payload__kind__in=PLACED)
            rows = rows.filter(here | Q(kind__in=DECLARING))
    return rows


def _may_say(declared: Declaration, asked: Criteria) -> bool:
    wanted = asked.lists
    return any(
        _among(shape[0], wanted.get("eventType"))
        and _among(shape[1], wanted.get("EQ_action"))
        and _among(shape[2], _words(wanted.get("EQ_bizStep")))
        and _among(shape[3], _words(wanted.get("EQ_disposition")))
        for shape in declared.shapes
    )


def _among(value: str, wanted: Sequence[str] | None) -> bool:
    return wanted is None or value in wanted


def _words(wanted: Sequence[str] | None) -> list[str] | None:
    return None if wanted is None else [bare(word) for word in wanted]


def _about(actor: Actor, epcs: Sequence[str]) -> Q:
    """Events on the streams of these things; nothing for what nobody knows."""
    read = [found for uri in epcs if (found := identifiers.read(uri)) is not None]
    codes = {kind: [code for one, code in read if one == kind] for kind in (CONTAINER, BOX, UNIT)}
    streams = custody.streams_of(actor, codes[CONTAINER], codes[BOX], codes[UNIT])
    return Q(stream_id__in=streams) | Q(kind="custody.stock_added", subject_id__in=codes[UNIT])


def conditions(asked: Criteria) -> list[Test]:
    """Return what an event, once written, must pass."""
    found: list[Test] = [_TESTS[name](values) for name, values in asked.lists.items()]
    if asked.declared_wrong:
        found.append(lambda event: "errorDeclaration" in event)
    for name, later in zip(EVENT_TIMES, (True, False), strict=True):
        if name in asked.times:
            found.append(_happened(asked.times[name], later))
    for name, later in (("GE_errorDeclarationTime", True), ("LT_errorDeclarationTime", False)):
        if name in asked.times:
            found.append(_declared(asked.times[name], later))
    return found


def _happened(moment: dt.datetime, later: bool) -> Test:
    """Of an event that is repeated: its row is as old as the declaration."""

    def passes(event: Written) -> bool:
        at = dt.datetime.fromisoformat(event["eventTime"])
        return "errorDeclaration" not in event or (at >= moment) is later

    return passes


def _declared(moment: dt.datetime, later: bool) -> Test:
    def passes(event: Written) -> bool:
        declared = event.get("errorDeclaration")
        return declared is not None and (dt.datetime.fromisoformat(declared["declarationTime"]) >= moment) is later

    return passes


def _equal(name: str, of: Callable[[str], str] = str) -> Callable[[Sequence[str]], Test]:
    return lambda values: lambda event: event.get(name) in {of(value) for value in values}


def _place(name: str) -> Callable[[Sequence[str]], Test]:
    return lambda values: lambda event: event.get(name, {}).get("id") in values


def _any(*names: str) -> Callable[[Sequence[str]], Test]:
    return lambda values: lambda event: bool(_things(event, names) & set(values))


def _things(event: Written, names: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        value = event.get(name, ())
        found |= {value} if isinstance(value, str) else set(value)
    return found


def _paper(values: Sequence[str]) -> Test:
    return lambda event: any(one["bizTransaction"] in values for one in event.get("bizTransactionList", ()))


def _in_error(name: str) -> Callable[[Sequence[str]], Test]:
    return lambda values: lambda event: bool(_things(event.get("errorDeclaration", {}), [name]) & set(values))


_TESTS: Mapping[str, Callable[[Sequence[str]], Test]] = {
    "eventType": _equal("type"),
    "EQ_action": _equal("action"),
    "EQ_bizStep": _equal("bizStep", bare),
    "EQ_disposition": _equal("disposition", bare),
    "EQ_readPoint": _place("readPoint"),
    "EQ_bizLocation": _place("bizLocation"),
    "EQ_transformationID": _equal("transformationID"),
    "EQ_bizTransaction": _paper,
    "EQ_eventID": _equal("eventID"),
    "EQ_errorReason": _in_error("reason"),
    "EQ_correctiveEventID": _in_error("correctiveEventIDs"),
    "MATCH_epc": _any("epcList", "childEPCs"),
    "MATCH_parentID": _any("parentID"),
    "MATCH_inputEPC": _any("inputEPCList", "epcList"),
    "MATCH_outputEPC": _any("outputEPCList", "epcList"),
    "MATCH_anyEPC": _any("parentID", *EPC_FIELDS),
}
