"""Names every fault of a flow before anybody can propose it: all at once, in words."""

from __future__ import annotations

import math
import re
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
MOST_HOURS = 24 * 366
TEXTS = {"key": 64, "kind": 64, "title": 120, "actor": 24, "capability": 64, "phase": 24, "planned": 32, "meaning": 64}
REQUIRED = ("key", "kind", "title", "actor", "phase")
UNANSWERED = ["slots_confirmed", "=", False]
DUE = "{step or plan: name, hours: n, escalate_hours: n}"
TYPES: dict[str, tuple[type, str]] = {
    "after": (list, "a list of step keys"),
    "condition": (list, "a list of [fact, operator, value]"),
    "sooner": (dict, "{after: [step keys], condition: a list of [fact, operator, value]}"),
    "may_repeat": (bool, "true or false"),
    "due": (dict, DUE),
    "signatures": (int, "a whole number"),
    "market_signatures": (dict, "{country code: number of signatures}"),
    "parameters": (dict, "a mapping"),
}
_SLUG = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def faults(definition: dict[str, Any]) -> list[str]:
    """Return every fault of a flow definition; an empty list means it may be proposed."""
    found = [f"unknown property {name!r}" for name in definition if name not in ("name", "title", "steps")]
    for name, most in (("name", 64), ("title", 200)):
        found += [f"the flow’s {name}: {fault}" for fault in _text_faults(definition.get(name), most, name == "name")]
    given = definition.get("steps")
    if not isinstance(given, list) or not given or not all(isinstance(step, dict) for step in given):
        return [*found, "“steps” must be a list of at least one step"]
    keys = [step.get("key") for step in given]
    sound = []
    for position, step in enumerate(given):
        shape = _shape_faults(step)
        if not shape:
            sound.append(step)
        name = f"step {step.get('key') or position + 1!r}"
        unknown = [f"unknown property {extra!r}" for extra in sorted(set(step) - set(STEP_FIELDS), key=str)]
        found += [f"{name}: {fault}" for fault in [*unknown, *(shape or _step_faults(step, keys))]]
    names = [step["key"] for step in sound]
    found += [f"step key {key!r} is used twice" for key in sorted({key for key in names if names.count(key) > 1})]
    return found + _answer_faults(sound) + _graph_faults(sound) if len(sound) == len(given) else found


def _text_faults(value: Any, most: int, is_slug: bool) -> list[str]:
    if not isinstance(value, str) or not value.strip():
        return ["is missing"]
    if len(value) > most or "\x00" in value:
        return [f"must be a text of at most {most} characters"]
    return ["use letters, digits, - and _"] if is_slug and not _SLUG.fullmatch(value) else []


def _shape_faults(step: dict[str, Any]) -> list[str]:
    """Return what is missing or of the wrong type; only a step of the right shape is looked at more closely."""
    found = []
    for name, most in TEXTS.items():
        if name in REQUIRED or step.get(name, "") != "":
            faults_of_text = _text_faults(step.get(name), most, name == "key")
            found += [f"missing {name}" if fault == "is missing" else f"{name}: {fault}" for fault in faults_of_text]
    for name, (types, words) in TYPES.items():
        value = step.get(name, types())
        if not isinstance(value, types) or (types is int and isinstance(value, bool)):
            found.append(f"“{name}” must be {words}")
    if isinstance(step.get("after", []), list) and not all(isinstance(key, str) for key in step.get("after", [])):
        found.append("“after” must be a list of step keys")
    return found


def _step_faults(step: dict[str, Any], keys: list[Any]) -> list[str]:
    found = []
    if step.get("actor") and step["actor"] not in FLOW_ACTORS:
        found.append(f"unknown actor {step['actor']!r}; use one of {', '.join(FLOW_ACTORS)}")
    if step.get("phase") and step["phase"] not in PHASES:
        found.append(f"unknown phase {step['phase']!r}; use one of {', '.join(PHASES)}")
    if step.get("capability") and step["capability"] not in Capability.values:
        found.append(f"unknown capability {step['capability']!r}")
    found += _after_faults(step, keys)
    found += [f"condition: {fault}" for fault in condition_faults(step.get("condition", []))]
    found += _sooner_faults(step, keys)
    found += _due_faults(step, keys)
    kind = all_kinds().get(str(step.get("kind")))
    if kind is None:
        found.append(f"unknown kind {step.get('kind')!r}; known: {', '.join(all_kinds())}")
        return found
    return found + _kind_faults(step, kind, keys)


def _after_faults(step: dict[str, Any], keys: list[Any]) -> list[str]:
    return [f"comes after {key!r}, which is no step of this flow" for key in step.get("after", []) if key not in keys]


def _sooner_faults(step: dict[str, Any], keys: list[Any]) -> list[str]:
    sooner = step.get("sooner", {})
    if not sooner:
        return []
    after = sooner.get("after")
    if set(sooner) - {"after", "condition"} or not isinstance(after, list) or not after:
        return ["sooner must be {after: [step keys], condition: a list of [fact, operator, value]}"]
    own = step.get("key")
    found = [f"sooner: {key!r} is no earlier step of this flow" for key in after if key not in _above(own, keys)]
    return found + [f"sooner: {fault}" for fault in condition_faults(sooner.get("condition", []))]


def _above(key: Any, keys: list[Any]) -> list[Any]:
    return keys[: keys.index(key)] if key in keys else keys


def _due_faults(step: dict[str, Any], keys: list[Any]) -> list[str]:
    due, planned = step.get("due", {}), step.get("planned", "")
    found = []
    if planned and planned not in PLAN_TIMES:
        found.append(f"unknown plan time {planned!r}; known: {', '.join(PLAN_TIMES)}")
    if (
        set(due) - {"step", "plan", "hours", "escalate_hours"}
        or ("step" in due and "plan" in due)
        or (due and not set(due) & {"step", "plan"})
    ):
        return [*found, f"due must be {DUE}"]
    hours = due.get("hours", 0)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not -MOST_HOURS <= hours <= MOST_HOURS:
        found.append(f"due: hours must be a number up to {MOST_HOURS}")
    if "escalate_hours" in due and not _is_delay(due["escalate_hours"]):
        found.append(f"due: escalate_hours must be a number above 0, up to {MOST_HOURS}")
    if "step" in due and due["step"] not in [*keys, "order"]:
        found.append(f"due: {due['step']!r} is no step of this flow")
    if "plan" in due and due["plan"] not in PLAN_TIMES:
        found.append(f"due: unknown plan time {due['plan']!r}")
    return found


def _is_delay(hours: Any) -> bool:
    return not isinstance(hours, bool) and isinstance(hours, int | float) and 0 < hours <= MOST_HOURS


def _kind_faults(step: dict[str, Any], kind: StepKind, keys: list[Any]) -> list[str]:
    found = []
    signatures = step.get("signatures", kind.signatures)
    if not kind.signatures <= signatures <= 5:
        found.append(f"signatures must be a number from {kind.signatures} (the floor of its kind) to 5")
    found += _market_faults(step.get("market_signatures", {}), signatures)
    parameters = step.get("parameters", {})
    serializer = kind.Parameters(data=parameters)
    if not serializer.is_valid():
        found += [f"parameter {name}: {' '.join(map(str, errors))}" for name, errors in serializer.errors.items()]
    elif (back := serializer.validated_data.get("reopens")) is not None and back not in keys:
        found.append(f"parameter reopens: {back!r} is no step of this flow")
    endless = [name for name, value in parameters.items() if isinstance(value, float) and not math.isfinite(value)]
    found += [f"parameter {name}: must be a finite number" for name in endless]
    return found + [f"unknown parameter {name!r}" for name in sorted(set(parameters) - set(serializer.fields), key=str)]


def _market_faults(given: dict[Any, Any], least: int) -> list[str]:
    """A market may ask for more people than the step does elsewhere, never for fewer."""
    found = [
        f"market_signatures: {country!r} is no two-letter country code"
        for country in given
        if not (isinstance(country, str) and re.fullmatch(r"[A-Z]{2}", country))
    ]
    return found + [
        f"market_signatures: {country} must have a number from {least} (what the step asks for elsewhere) to 5"
        for country, number in given.items()
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= 5
    ]


def _answer_faults(steps: list[dict[str, Any]]) -> list[str]:
    """A rule that confirms by itself, and a step that would ask for the same answer once more."""
    rules = [s for s in steps if s.get("kind") == "request_slots" and s.get("parameters")]
    asks = [s for s in steps if s.get("kind") == "confirm_slots" and UNANSWERED not in s.get("condition", [])]
    return [
        f"step {step['key']}: {rule['key']} may confirm by its rule, so it needs the condition {UNANSWERED}"
        for rule in rules
        for step in asks
    ]


def _graph_faults(steps: list[dict[str, Any]]) -> list[str]:
    keys = {step["key"] for step in steps}
    graph = {step["key"]: [key for key in step.get("after", []) if key in keys] for step in steps}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return ["circle: " + " → ".join(map(str, error.args[1]))]
    return _start_faults(steps, graph) + _needs_faults(steps, graph) + _order_faults(steps)


def _start_faults(steps: list[dict[str, Any]], graph: dict[Any, list[Any]]) -> list[str]:
    starts = [step["key"] for step in steps if step.get("kind") == FIRST_KIND]
    if len(starts) != 1:
        return [f"a flow has exactly one step of kind “{FIRST_KIND}”, this one has {len(starts)}"]
    reached = {starts[0]}
    for _ in graph:
        reached |= {key for key, after in graph.items() if reached & set(after)}
    return [f"unreachable step {key!r}: nothing leads to it from {starts[0]!r}" for key in graph if key not in reached]


def _needs_faults(steps: list[dict[str, Any]], graph: dict[Any, list[Any]]) -> list[str]:
    """Return which verification by two people a flow leaves out before a step that stands on it."""
    kind_of = {step["key"]: all_kinds().get(step["kind"]) for step in steps}
    keeping = {step["key"] for step in steps if step.get("parameters", {}).get("reserve")}
    found = []
    for key, kind in kind_of.items():
        before = _ancestors(key, graph)
        passed = {earlier.key for name in before if (earlier := kind_of[name]) is not None}
        for needed in kind.needs if kind else ():
            if needed not in passed:
                found.append(f"step {key!r} must come after a step of kind “{needed}”: the floor of “{kind.key}”")  # type: ignore[union-attr]
        if key in keeping and "release_reserve" not in passed:
            found.append(f"step {key!r} keeps a reserve, so it must come after a step of kind “release_reserve”")
    return found


def _ancestors(key: Any, graph: dict[Any, list[Any]]) -> set[Any]:
    found: set[Any] = set()
    wave = list(graph[key])
    while wave:
        earlier = wave.pop()
        if earlier not in found:
            found.add(earlier)
            wave += graph[earlier]
    return found


def _order_faults(steps: list[dict[str, Any]]) -> list[str]:
    seen: set[Any] = set()
    found = []
    keys = {step["key"] for step in steps}
    for step in steps:
        for key in step.get("after", []):
            if key not in seen and key in keys:
                found.append(f"step {step['key']!r} stands before {key!r}, which it comes after: put it below")
        seen.add(step["key"])
    return found
