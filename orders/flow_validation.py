"""Names every fault of a flow before anybody can propose it: all at once, in words."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import Any

from orders.facts import condition_faults
from orders.flow_files import STEP_FIELDS
from orders.states import FLOW_ACTORS, PHASES
from orders.step_kinds import StepKind, all_kinds
from personas.states import Capability

PLAN_TIMES = (
    "collection_start",
    "collection_end",
    "pickup",
    "arrival",
    "manufacture_start",
    "tentative_return",
    "earliest_infusion",
)
FIRST_KIND = "enrol"


def faults(definition: dict[str, Any]) -> list[str]:
    """Return every fault of a flow definition; an empty list means it may be proposed."""
    found: list[str] = []
    for name in ("name", "title"):
        if not isinstance(definition.get(name), str) or not definition[name]:
            found.append(f"the flow has no {name}")
    steps = [step for step in definition.get("steps", []) if isinstance(step, dict)]
    if len(steps) != len(definition.get("steps", [])) or not steps:
        found.append("“steps” must be a list of at least one step")
    keys = [step.get("key") for step in steps]
    found += [f"step key {key!r} is used twice" for key in sorted({k for k in keys if keys.count(k) > 1}, key=str)]
    for position, step in enumerate(steps):
        name = f"step {step.get('key') or position + 1!r}"
        found += [f"{name}: {fault}" for fault in _step_faults(step, keys)]
    found += _graph_faults(steps)
    return found


def _step_faults(step: dict[str, Any], keys: list[Any]) -> list[str]:
    found = [f"unknown property {name!r}" for name in sorted(set(step) - set(STEP_FIELDS))]
    for name in ("key", "kind", "title", "actor", "phase"):
        if not isinstance(step.get(name), str) or not step[name]:
            found.append(f"missing {name}")
    if step.get("actor") and step["actor"] not in FLOW_ACTORS:
        found.append(f"unknown actor {step['actor']!r}; use one of {', '.join(FLOW_ACTORS)}")
    if step.get("phase") and step["phase"] not in PHASES:
        found.append(f"unknown phase {step['phase']!r}; use one of {', '.join(PHASES)}")
    if step.get("capability") and step["capability"] not in Capability.values:
        found.append(f"unknown capability {step['capability']!r}")
    found += _after_faults(step, keys)
    found += [f"condition: {fault}" for fault in condition_faults(step.get("condition", []))]
    found += _due_faults(step, keys)
    kind = all_kinds().get(str(step.get("kind")))
    if kind is None:
        found.append(f"unknown kind {step.get('kind')!r}; known: {', '.join(all_kinds())}")
        return found
    return found + _kind_faults(step, kind)


def _after_faults(step: dict[str, Any], keys: list[Any]) -> list[str]:
    after = step.get("after", [])
    if not isinstance(after, list):
        return ["“after” must be a list of step keys"]
    return [f"comes after {key!r}, which is no step of this flow" for key in after if key not in keys]


def _due_faults(step: dict[str, Any], keys: list[Any]) -> list[str]:
    due, planned = step.get("due", {}), step.get("planned", "")
    found = []
    if planned and planned not in PLAN_TIMES:
        found.append(f"unknown plan time {planned!r}; known: {', '.join(PLAN_TIMES)}")
    if not isinstance(due, dict) or set(due) - {"step", "plan", "hours"} or ("step" in due and "plan" in due):
        return [*found, "due must be {step or plan: name, hours: n}"]
    if due and not isinstance(due.get("hours", 0), int | float):
        found.append("due: hours must be a number")
    if "step" in due and due["step"] not in [*keys, "order"]:
        found.append(f"due: {due['step']!r} is no step of this flow")
    if "plan" in due and due["plan"] not in PLAN_TIMES:
        found.append(f"due: unknown plan time {due['plan']!r}")
    return found


def _kind_faults(step: dict[str, Any], kind: StepKind) -> list[str]:
    found = []
    signatures = step.get("signatures", kind.signatures)
    if not isinstance(signatures, int) or not kind.signatures <= signatures <= 5:
        found.append(f"signatures must be a number from {kind.signatures} (the floor of its kind) to 5")
    parameters = step.get("parameters", {})
    if not isinstance(parameters, dict):
        return [*found, "parameters must be a mapping"]
    serializer = kind.Parameters(data=parameters)
    if not serializer.is_valid():
        found += [f"parameter {name}: {' '.join(map(str, errors))}" for name, errors in serializer.errors.items()]
    unknown = sorted(set(parameters) - set(serializer.fields))
    return found + [f"unknown parameter {name!r}" for name in unknown]


def _graph_faults(steps: list[dict[str, Any]]) -> list[str]:
    keys = {step.get("key") for step in steps}
    graph = {
        step.get("key"): [key for key in (step.get("after") or []) if key in keys]
        for step in steps
        if isinstance(step.get("after") or [], list)
    }
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return ["circle: " + " → ".join(map(str, error.args[1]))]
    return _start_faults(steps, graph) + _order_faults(steps)


def _start_faults(steps: list[dict[str, Any]], graph: dict[Any, list[Any]]) -> list[str]:
    starts = [step.get("key") for step in steps if step.get("kind") == FIRST_KIND]
    if len(starts) != 1:
        return [f"a flow has exactly one step of kind “{FIRST_KIND}”, this one has {len(starts)}"]
    reached = {starts[0]}
    for _ in graph:
        reached |= {key for key, after in graph.items() if reached & set(after)}
    return [f"unreachable step {key!r}: nothing leads to it from {starts[0]!r}" for key in graph if key not in reached]


def _order_faults(steps: list[dict[str, Any]]) -> list[str]:
    seen: set[Any] = set()
    found = []
    for step in steps:
        for key in step.get("after") or []:
            if key not in seen and key in {s.get("key") for s in steps}:
                found.append(f"step {step.get('key')!r} stands before {key!r}, which it comes after: put it below")
        seen.add(step.get("key"))
    return found
