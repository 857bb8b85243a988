"""Tampered copies for a demonstration: what a forger might do to a dossier, so that one can see it found out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.db import models

from ledger.canonical import canonical_text, digest


class Forgery(models.TextChoices):
    """What is done to the copy."""

    VALUE = "value", "One value changed, in the text and beside it"
    REMOVED = "removed", "One event taken out"
    SWAPPED = "swapped", "Two events swapped"
    REWRITTEN = "rewritten", "One value changed, and every hash after it computed anew"


def tampered(files: dict[str, bytes], how: str) -> dict[str, bytes]:
    """Return a dossier's files with its record tampered with."""
    document = json.loads(files["dossier.json"])
    _FORGERS[Forgery(how)](document["events"])
    return {**files, "dossier.json": json.dumps(document, ensure_ascii=False, indent=1).encode()}


def _change_value(events: list[dict[str, Any]]) -> int:
    """Write another name into the event that most signatures stand on; return its place."""
    own = [place for place, event in enumerate(events) if "recorded" in event]
    place = max(own, key=lambda at: (len(events[at]["content"]["signatures"]), -at))
    event = events[place]
    for signature in event["content"]["signatures"][:1] or [event["content"]]:
        signature["person_name"] = "Somebody Else"
    event["recorded"] = canonical_text(event["content"])
    return place


def _remove(events: list[dict[str, Any]]) -> None:
    del events[len(events) // 2]


def _swap(events: list[dict[str, Any]]) -> None:
    middle = len(events) // 2
    events[middle - 1], events[middle] = events[middle], events[middle - 1]


def _rewrite(events: list[dict[str, Any]]) -> None:
    """The careful forger: the hash chain holds again, but the seal and the live record know better."""
    for place in range(_change_value(events), len(events)):
        event = events[place]
        if place:
            event["previous_hash"] = events[place - 1]["hash"]
        if "recorded" in event:
            event["content"]["previous_hash"] = event["previous_hash"]
            event["recorded"] = canonical_text(event["content"])
            event["hash"] = digest(event["recorded"])


_FORGERS: dict[Forgery, Callable[[list[dict[str, Any]]], Any]] = {
    Forgery.VALUE: _change_value,
    Forgery.REMOVED: _remove,
    Forgery.SWAPPED: _swap,
    Forgery.REWRITTEN: _rewrite,
}
