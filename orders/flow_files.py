"""Flows as files: YAML in, YAML out, with a checksum (PC6)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ledger.canonical import canonical_text, digest
from ledger.refusals import InvalidInput
from orders.models import Flow, FlowStep

SHIPPED = Path(__file__).parent / "flows"
STEP_FIELDS = (
    "key",
    "kind",
    "title",
    "actor",
    "capability",
    "phase",
    "after",
    "condition",
    "sooner",
    "may_repeat",
    "due",
    "planned",
    "signatures",
    "market_signatures",
    "meaning",
    "parameters",
)


def shipped(name: str) -> dict[str, Any]:
    """Return a flow that ships with the product, by name (``autologous_car_t``, ``in_vivo``)."""
    return read((SHIPPED / f"{name}.yaml").read_text())


def read(text: str) -> dict[str, Any]:
    """Return the flow definition in a YAML text; raise InvalidInput when it is not one."""
    try:
        definition = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput("The file is not valid YAML.", fields={"file": [str(error)]}) from error
    if not isinstance(definition, dict) or not isinstance(definition.get("steps"), list):
        raise InvalidInput("The file is not a flow.", fields={"file": ["A flow has “name”, “title” and “steps”."]})
    return definition


def write(flow: Flow) -> dict[str, Any]:
    """Return a stored flow as a definition, to be exported or compared."""
    steps = [
        {name: getattr(step, name) for name in STEP_FIELDS if getattr(step, name) not in ("", [], {}, 0, False)}
        for step in FlowStep.unwalled.filter(flow=flow)
    ]
    return {"name": flow.name, "title": flow.title, "steps": steps}


def checksum(definition: dict[str, Any]) -> str:
    return digest(canonical_text(definition))


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return in words what changed between two definitions (PC3)."""
    before = {step["key"]: step for step in old["steps"]}
    after = {step["key"]: step for step in new["steps"]}
    found = [f"step “{key}” was added" for key in after if key not in before]
    found += [f"step “{key}” was removed" for key in before if key not in after]
    for key in (key for key in after if key in before):
        for name in STEP_FIELDS:
            was, now = before[key].get(name), after[key].get(name)
            if was != now:
                found.append(f"step “{key}”: {name} was {was!r}, is {now!r}")
    return found
