"""EPCIS documents, written piece by piece: what is in memory does not grow with how much there is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils import timezone

from orders.epcis.vocabulary import CONTEXT, SCHEMA_VERSION
from orders.epcis.writing import utc

MEDIA_TYPE = "application/ld+json"


def header(kind: str = "EPCISDocument") -> dict[str, Any]:
    """Return what stands before the body of a document made now."""
    return {
        "@context": CONTEXT,
        "type": kind,
        "schemaVersion": SCHEMA_VERSION,
        "creationDate": utc(timezone.now()),
    }


def document(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a whole document of a few events."""
    return header() | {"epcisBody": {"eventList": events}}


def query_document(events: list[dict[str, Any]], name: str = "", subscription: str = "") -> dict[str, Any]:
    """Return the results of a query as a document. ``name``: of a named query; ``subscription``: its id."""
    results: dict[str, Any] = {"queryName": name or "SimpleEventQuery"}
    if subscription:
        results["subscriptionID"] = subscription
    results["resultsBody"] = {"eventList": events}
    return header("EPCISQueryDocument") | {"epcisBody": {"queryResults": results}}


def alone(event: dict[str, Any]) -> dict[str, Any]:
    """Return one event as a document of its own: with the context that explains its words."""
    return {"@context": CONTEXT} | event


def pieces(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the text of a document, event by event."""
    start = json.dumps(header(), ensure_ascii=False)
    yield start[:-1] + ', "epcisBody": {"eventList": ['
    for number, event in enumerate(events):
        yield (",\n" if number else "\n") + json.dumps(event, ensure_ascii=False)
    yield "\n]}}\n"
