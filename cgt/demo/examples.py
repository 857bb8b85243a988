"""What a person would plausibly type into a step's form, for whoever only plays; never a scan, never a password."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from cgt.demo import patients
from cgt.demo.journey import CannotGoOn, Cast, Journey, Player
from ledger.context import Actor

SCANNED = ("scan", "wristband", "outer_code", "serial")
LEFT_TO_THE_PLAYER = ("signature", "verifiers", "offer")


def example_of(actor: Actor, order: Any, step: Any) -> dict[str, str]:
    """Return field name -> value as the form names its fields; empty for kinds that nobody wrote an example for."""
    player = Player(actor, "", "")
    chance = random.Random(f"{order.code}/{step.key}/{step.attempt}")  # noqa: S311 - fiction, not a secret
    journey = Journey(Cast([player]), chance, order.code)
    try:
        values = journey.example(step.flow_step.kind, order, step, player)
    except (LookupError, AttributeError, CannotGoOn):
        return {}
    kept = {name: value for name, value in values.items() if name not in LEFT_TO_THE_PLAYER}
    zone = step.site.zone if step.site else actor.zone
    return {name: _local(value, zone) for name, value in _flat(kept) if _last(name) not in SCANNED}


def example_of_patient() -> dict[str, str]:
    """Return somebody new for the form that opens an order, each time another."""
    invented = patients.invented(random.Random())  # noqa: S311 - fiction, not a secret
    return {"therapy": "borocel"} | {f"identity.{name}": value for name, value in invented.items()}


def _local(value: str, zone: str) -> str:
    """Return a time as a form's field takes it, at the place of the step; everything else as it is."""
    try:
        moment = parse_datetime(value)
    except ValueError:
        return value
    return timezone.localtime(moment, ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M") if moment and moment.tzinfo else value


def _last(name: str) -> str:
    return name.replace("]", ".").rpartition(".")[2]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            for place, row in enumerate(value):
                if isinstance(row, Mapping):
                    yield from _flat(row, f"{prefix}{name}[{place}]")
        elif isinstance(value, bool):
            yield f"{prefix}{name}", "true" if value else ""
        else:
            yield f"{prefix}{name}", str(value)
