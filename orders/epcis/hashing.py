"""The EPCIS event hash: the same id for the same event, whoever writes it down, and in which order (CBV 2.0).

A pre-hash string is laid out by fixed rules from what the event says, and its SHA-256 goes into a `ni:` URI (RFC 6920).
Neither `recordTime` nor `eventID` nor `errorDeclaration` take part: an event that is declared wrong keeps its id.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from orders.epcis import gs1_uris
from orders.epcis.vocabulary import CURIES, EVENT_HASH, NAMESPACE, PREFIX, URNS, WORD_PREFIX

Event = Mapping[str, Any]
LEFT_OUT = frozenset({"recordTime", "eventID", "errorDeclaration", "@context", "type", "isA"})
ORDER = (
    "eventTime",
    "eventTimeZoneOffset",
    "certificationInfo",
    "epcList",
    "parentID",
    "inputEPCList",
    "childEPCs",
    "quantityList",
    "childQuantityList",
    "inputQuantityList",
    "outputEPCList",
    "outputQuantityList",
    "action",
    "transformationID",
    "bizStep",
    "disposition",
    "persistentDisposition",
    "readPoint",
    "bizLocation",
    "bizTransactionList",
    "sourceList",
    "destinationList",
    "sensorElementList",
    "ilmd",
)
EPCS = ("epcList", "inputEPCList", "childEPCs", "outputEPCList")
QUANTITIES = ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList")
TYPED = {"bizTransactionList": "bizTransaction", "sourceList": "source", "destinationList": "destination"}
QUANTITY = ("epcClass", "quantity", "uom")
METADATA = (
    "time",
    "startTime",
    "endTime",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "bizRules",
)
REPORT = (
    "type",
    "exception",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "time",
    "microorganism",
    "chemicalSubstance",
    "value",
    "component",
    "stringValue",
    "booleanValue",
    "hexBinaryValue",
    "uriValue",
    "minValue",
    "maxValue",
    "meanValue",
    "sDev",
    "percRank",
    "percValue",
    "uom",
    "coordinateReferenceSystem",
)


def event_id(event: Event, namespaces: Mapping[str, str] | None = None) -> str:
    """Return the event's id, `ni:///sha-256;…?ver=CBV2.0`."""
    digest = hashlib.sha256(prehash(event, namespaces).encode()).hexdigest()
    return EVENT_HASH.format(digest=digest)


def prehash(event: Event, namespaces: Mapping[str, str] | None = None) -> str:
    """Return the canonical pre-hash string. ``namespaces``: prefix -> URI of the extensions, the house's if absent."""
    spaces = {PREFIX: NAMESPACE} if namespaces is None else namespaces
    parts = [f"eventType={event.get('type') or event.get('isA')}"]
    parts += [_field(name, event[name], spaces) for name in ORDER if name in event]
    own = {name: value for name, value in event.items() if name not in ORDER and name not in LEFT_OUT}
    return "".join(parts) + _extensions(own, spaces)


def _field(name: str, value: Any, spaces: Mapping[str, str]) -> str:
    if name in EPCS:
        return _listed(name, (f"epc={_value('epc', epc)}" for epc in value))
    if name in QUANTITIES:
        return _listed(name, ("quantityElement" + _fields(one, QUANTITY, spaces) for one in value))
    if name in TYPED:
        key = TYPED[name]
        return _listed(name, (_typed(key, one) for one in value))
    if name == "sensorElementList":
        return _listed(name, (_sensor(one, spaces) for one in value))
    if name == "persistentDisposition":
        return name + "".join(
            "".join(sorted(f"{way}={_word(way, one)}" for one in value[way]))
            for way in ("set", "unset")
            if way in value
        )
    if name in ("readPoint", "bizLocation"):
        return name + _fields(value, ("id",), spaces)
    if name == "ilmd":
        return name + _extensions(value, spaces)
    return f"{name}={_word(name, value)}"


def _listed(name: str, items: Iterable[str]) -> str:
    found = sorted(items)
    return name + "".join(found) if found else ""


def _typed(key: str, one: Mapping[str, Any]) -> str:
    kind = f"type={_word(key, one['type'])}" if "type" in one else ""
    return f"{key}={_value(key, one[key])}{kind}"


def _sensor(element: Mapping[str, Any], spaces: Mapping[str, str]) -> str:
    parts = ["sensorElement"]
    if "sensorMetadata" in element:
        parts.append("sensorMetadata" + _fields(element["sensorMetadata"], METADATA, spaces))
    parts += sorted("sensorReport" + _fields(report, REPORT, spaces) for report in element.get("sensorReport", ()))
    own = {name: value for name, value in element.items() if name not in ("sensorMetadata", "sensorReport")}
    return "".join(parts) + _extensions(own, spaces)


def _fields(value: Mapping[str, Any], order: tuple[str, ...], spaces: Mapping[str, str]) -> str:
    known = [f"{name}={_in_report(name, value[name])}" for name in order if name in value]
    return "".join(known) + _extensions({name: one for name, one in value.items() if name not in order}, spaces)


def _in_report(name: str, value: Any) -> str:
    return _word("sensorReport", value) if name == "type" else _word(name, value)


def _extensions(values: Mapping[str, Any], spaces: Mapping[str, str]) -> str:
    """Names with their namespace in braces, values after an equal sign, sorted by their bytes; comments say nothing."""
    found: list[str] = []
    for name, value in values.items():
        if name not in ("rdfs:comment", "comment") and not name.startswith("@"):
            found += [_extension(name, one, spaces) for one in (value if isinstance(value, list) else [value])]
    return "".join(sorted(found))


def _extension(name: str, value: Any, spaces: Mapping[str, str]) -> str:
    prefix, separator, local = name.partition(":")
    key = f"{{{spaces[prefix]}}}{local}" if separator and prefix in spaces else name
    if isinstance(value, Mapping):
        return key + _extensions(value, spaces)
    return f"{key}={_value(name, value)}"


def _word(name: str, value: Any) -> str:
    """A vocabulary word as its Web URI; whatever is no bare word of this field stays a value."""
    text = str(value).strip()
    if name in WORD_PREFIX and ":" not in text:
        return WORD_PREFIX[name] + text
    return _value(name, value)


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).strip()
    if "time" in name.lower() and "offset" not in name.lower():
        return _moment(text)
    for urn, web in URNS.items():
        text = text.replace(urn, web)
    prefix, separator, rest = text.partition(":")
    if separator and prefix in CURIES and not rest.startswith("//"):
        return CURIES[prefix] + rest
    return _number(text) or gs1_uris.canonical(text)


def _number(text: str) -> str:
    """A quantity without trailing zeros; empty for what is no number."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return ""
    if not number.is_finite():
        return ""
    plain = format(number, "f")
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"


def _moment(text: str) -> str:
    """UTC to the millisecond; what is no time stays as it is."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    moment = moment.astimezone(dt.UTC)
    moment += dt.timedelta(microseconds=500 if moment.microsecond % 1000 >= 500 else 0)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
