"""Reads a network file: its shape by JSON Schema, then what no schema says. Every fault has its path and a remedy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from scheduling.design.network import Lane, Network, Patient, Plant, decimals

SCHEMA = Path(__file__).with_name("network_file.schema.json")
MOST_DECIMALS = 4
MOST_FAULTS = 50  # of a file that is wrong everywhere, so many are named


@dataclass(frozen=True)
class Fault:
    """What is wrong at a path of the file (``patients[3].ready_day``), and what to do."""

    path: str
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text} {self.remedy}"


class FaultyNetwork(ValueError):
    """The file cannot be planned as it is."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults


def load(path: Path) -> tuple[dict[str, Any], Network]:
    """Return the file's content and the network that it says; raise FaultyNetwork with every fault that was found."""
    content = parse(path)
    return content, read(content)


def parse(path: Path) -> Any:
    """Return the content of a JSON file, fractions as exact decimals; raise FaultyNetwork with the place."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text in UTF-8"
        raise _faulty(str(path), f"The file cannot be read: {reason}.", "Name a JSON file.") from None
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_pairs)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _faulty(place, f"This is not JSON: {error.msg}.", "Correct it there.") from None
    except RecursionError:
        raise _faulty("file", "It is nested too deeply.", "Write it as the schema says.") from None


def read(content: Any) -> Network:
    """Return the network of a parsed file; raise FaultyNetwork."""
    faults = schema_faults(content, SCHEMA) or list(_contradictions(content))
    if faults:
        raise FaultyNetwork(faults[:MOST_FAULTS])
    process = content["process"]
    return Network(
        plants=tuple(Plant(p["id"], p["lines"], Decimal(p["cost_per_day"])) for p in content["plants"]),
        lanes=tuple(
            Lane(lane["from"], lane["to"], lane["mode"], lane["days"], Decimal(lane["cost"]))
            for lane in content["lanes"]
        ),
        patients=tuple(
            Patient(p["id"], p["collected_at"], p["treated_at"], p["ready_day"]) for p in content["patients"]
        ),
        collection_days=process["collection_days"],
        manufacture_days=process["manufacture_days"],
        qc_days=process["qc_days"],
        cost_per_therapy=Decimal(content["cost_per_therapy"]),
        vein_to_vein_cap_days=content["vein_to_vein_cap_days"],
        horizon_days=content["horizon_days"],
        max_plants=content.get("max_plants"),
        waiting_allowed=content.get("waiting_allowed", 0),
        title=content.get("title", ""),
    )


@cache
def _validator(schema: Path) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema.read_text()))


def schema_faults(content: Any, schema: Path) -> list[Fault]:
    """Return where the content departs from a JSON Schema, at most the first fifty places."""
    errors = _validator(schema).iter_errors(content)
    ordered = sorted(errors, key=lambda error: [str(part) for part in error.absolute_path])
    return [_fault(error) for error in ordered[:MOST_FAULTS]]


def _fault(error: ValidationError) -> Fault:
    path, wanted = _path(error.absolute_path), error.validator_value
    shown = str(error.instance) if not isinstance(error.instance, dict | list) else "This"
    meaning = error.schema.get("description", "") if isinstance(error.schema, Mapping) else ""
    match error.validator:
        case "required":
            missing = ", ".join(name for name in wanted if name not in error.instance)
            return Fault(path, f"{missing} is missing.", "Add it.")
        case "additionalProperties":
            known = error.schema["properties"]
            extra = ", ".join(sorted(name for name in error.instance if name not in known))
            return Fault(path, f"{extra} is not known here.", f"Remove it; known are {', '.join(known)}.")
        case "type":
            kinds = " or ".join([wanted] if isinstance(wanted, str) else wanted)
            return Fault(path, f"{shown!r} is not of the type {kinds}.", f"Give {kinds}. {meaning}".strip())
        case "minimum" | "maximum":
            word = "less" if error.validator == "minimum" else "more"
            return Fault(path, f"{shown} is {word} than {wanted}.", f"Give at {_end(word)} {wanted}. {meaning}".strip())
        case "minItems" | "minLength":
            return Fault(path, "It is empty.", f"Give at least {wanted}. {meaning}".strip())
        case _:
            return Fault(path, f"{error.message}.", f"See the schema. {meaning}".strip())


def _end(word: str) -> str:
    return "least" if word == "less" else "most"


def _path(parts: Iterable[str | int]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "file"


def _contradictions(content: dict[str, Any]) -> Iterator[Fault]:
    plants, sites = ({row["id"] for row in content[kind]} for kind in ("plants", "sites"))
    yield from _repeated(content)
    for position, lane in enumerate(content["lanes"]):
        yield from _lane_faults(f"lanes[{position}]", lane, plants, sites)
    for position, patient in enumerate(content["patients"]):
        for key in ("collected_at", "treated_at"):
            if patient[key] not in sites:
                remedy = "Name a site of the file" + (", not a plant." if patient[key] in plants else ", or add it.")
                yield Fault(f"patients[{position}].{key}", f"There is no site {patient[key]!r}.", remedy)
    amounts = [("cost_per_therapy", content["cost_per_therapy"])]
    amounts += [(f"plants[{n}].cost_per_day", plant["cost_per_day"]) for n, plant in enumerate(content["plants"])]
    amounts += [(f"lanes[{n}].cost", lane["cost"]) for n, lane in enumerate(content["lanes"])]
    for path, amount in amounts:
        if decimals(Decimal(amount)) > MOST_DECIMALS:
            yield Fault(path, f"{amount} has too many decimals.", f"Round it to {MOST_DECIMALS}.")


def _repeated(content: dict[str, Any]) -> Iterator[Fault]:
    used: dict[str, str] = {}
    for kind in ("plants", "sites"):
        for position, row in enumerate(content[kind]):
            path = f"{kind}[{position}].id"
            if row["id"] in used:
                yield Fault(path, f"{row['id']!r} is also the id of {used[row['id']]}.", "Give each its own id.")
            used.setdefault(row["id"], path)
    seen: dict[str, int] = {}
    for position, row in enumerate(content["patients"]):
        if row["id"] in seen:
            text = f"{row['id']!r} is also the id of patients[{seen[row['id']]}]."
            yield Fault(f"patients[{position}].id", text, "Give each patient an id of their own.")
        seen.setdefault(row["id"], position)
    lanes: dict[tuple[str, str, str], int] = {}
    for position, row in enumerate(content["lanes"]):
        key = (row["from"], row["to"], row["mode"])
        if key in lanes:
            text = f"From {key[0]} to {key[1]} by {key[2]} is already lanes[{lanes[key]}]."
            yield Fault(f"lanes[{position}]", text, "Keep one of the two, or give them different modes.")
        lanes.setdefault(key, position)


def _lane_faults(path: str, lane: dict[str, Any], plants: set[str], sites: set[str]) -> Iterator[Fault]:
    origin, destination = lane["from"], lane["to"]
    unknown = [(key, lane[key]) for key in ("from", "to") if lane[key] not in plants | sites]
    for key, name in unknown:
        yield Fault(f"{path}.{key}", f"There is no site or plant {name!r}.", "Name one of the file, or add it.")
    if unknown:
        return
    if origin == destination:
        yield Fault(path, f"The lane is circular: it leads from {origin} to itself.", "Name where it leads to.")
    elif (origin in plants) == (destination in plants):
        kind = "plants" if origin in plants else "sites"
        text = f"{origin} and {destination} are both {kind}."
        yield Fault(path, text, "A lane leads from a site to a plant or from a plant to a site.")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _faulty(key, "The key stands twice in the same object.", "Keep one of the two.")
        found[key] = value
    return found


def _refuse_constant(name: str) -> None:
    raise _faulty("file", f"{name} is not a number that can be planned with.", "Give a finite number.")


def _faulty(path: str, text: str, remedy: str) -> FaultyNetwork:
    return FaultyNetwork([Fault(path, text, remedy)])
