"""The column of a station: the steps that one persona does in a row on one order, and what stands between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse

from custody import queries as custody
from custody.states import GONE, ContainerKind, ContainerState
from ledger.context import Actor
from orders import queries
from orders.flow import why_not
from orders.states import StepState
from personas.queries import personas_with

PRINTED = "print_labels"
PACKED = "pack"
OF_THE_PRODUCT = ("release", "outbound", "treatment", "closure")
_S = ContainerState
PATH = (
    _S.PLANNED,
    _S.LABELLED,
    _S.COLLECTED,
    _S.IN_TRANSIT,
    _S.RECEIVED,
    _S.ACCEPTED,
    _S.STORED,
    _S.ISSUED,
    _S.THAWED,
    _S.INFUSED,
)
REACHES = {  # a bag is ticked off at a step once it has come as far as that step takes it
    "apply_labels": _S.COLLECTED,
    "start_collection": _S.COLLECTED,
    "collect": _S.COLLECTED,
    "pack": _S.IN_TRANSIT,
    "receive_material": _S.ACCEPTED,
    "receive_product": _S.ACCEPTED,
    "store_product": _S.STORED,
    "issue_product": _S.ISSUED,
    "prepare_product": _S.THAWED,
    "check_bedside": _S.INFUSED,
    "infuse": _S.INFUSED,
}
WRONG = (_S.QUARANTINED, _S.RETURNED, *GONE)


@dataclass(frozen=True)
class Entry:
    """A step in the column: done, current (its form is open), open (the actor may do it too), other's, or later.

    ``pdf``: its labels; ``papers``: the packing list of the box that it packed.
    """

    step: Any
    state: str
    who: str = ""
    pdf: str = ""
    papers: str = ""


def column(actor: Actor, order: Any, wanted: str = "") -> list[Entry]:
    """Return the actor's run of steps on an order: the one that holds ``wanted``, else the one where something waits.

    A run goes from the first to the last step that the actor may do without another organization in between; what a
    colleague does in between is named. Empty when the actor has nothing to do on this order at any time.
    """
    runs = _runs(actor, _newest(queries.steps_of(actor, order)))
    if not runs:
        return []
    run = _chosen(actor, runs, wanted)
    current = _current(actor, run, wanted)
    holders = _holders(actor, run)
    papers = _papers(actor, order, run)
    found = [_entry(actor, order, step, step is current, holders.get(step.capability, "")) for step in run]
    return [replace(entry, papers=papers.get(entry.step.key, "")) for entry in found]


def _papers(actor: Actor, order: Any, run: list[Any]) -> dict[str, str]:
    """Return where the packing list is of the box that each step of the run has packed, by the step's key."""
    packed = [step for step in run if step.flow_step.kind == PACKED and step.state == StepState.DONE]
    boxes = {box.direction: box.code for box in queries.boxes_of(actor, order)} if packed else {}
    ways = {step.key: boxes.get(step.flow_step.parameters.get("direction", "")) for step in packed}
    return {key: reverse("orders:packing_list", args=[order.code, code]) for key, code in ways.items() if code}


def _newest(steps: Iterable[Any]) -> list[Any]:
    return list({step.key: step for step in steps}.values())  # attempts come in order: the last one stays


def _runs(actor: Actor, steps: list[Any]) -> list[list[Any]]:
    found: list[list[Any]] = [[]]
    for step in steps:
        if step.responsible_id == actor.organization_id:
            found[-1].append(step)
        elif found[-1]:
            found.append([])
    return [run for run in (_trimmed(actor, steps) for steps in found) if run]


def _trimmed(actor: Actor, steps: list[Any]) -> list[Any]:
    mine = [place for place, step in enumerate(steps) if not why_not(actor, step)]
    return steps[mine[0] : mine[-1] + 1] if mine else []


def _chosen(actor: Actor, runs: list[list[Any]], wanted: str) -> list[Any]:
    def rank(run: list[Any]) -> int:
        if any(step.key == wanted for step in run):
            return 0
        if any(step.state == StepState.READY and not why_not(actor, step) for step in run):
            return 1
        if any(step.state == StepState.READY for step in run):
            return 2
        return 3 if any(step.state == StepState.WAITING for step in run) else 4

    best = min(rank(run) for run in runs)
    fitting = [run for run in runs if rank(run) == best]
    return fitting[-1] if best == 4 else fitting[0]


def _current(actor: Actor, run: list[Any], wanted: str) -> Any:
    mine = [step for step in run if step.state == StepState.READY and not why_not(actor, step)]
    return next((step for step in mine if step.key == wanted), mine[0] if mine else None)


def _holders(actor: Actor, run: list[Any]) -> dict[str, str]:
    """Return which colleagues do what the actor may not, by capability."""
    others = {(actor.organization_id, step.capability) for step in run if why_not(actor, step)}
    return (
        {capability: " or ".join(titles) for (_, capability), titles in personas_with(others).items()} if others else {}
    )


def _entry(actor: Actor, order: Any, step: Any, is_current: bool, who: str) -> Entry:
    mine = not why_not(actor, step)
    if step.state in (StepState.DONE, StepState.FAILED, StepState.SKIPPED, StepState.CANCELLED):
        printed = step.flow_step.kind == PRINTED and step.state == StepState.DONE
        url = f"{reverse('orders:labels_pdf', args=[order.code])}?step={step.key}"
        return Entry(step, "done", step.done_by, url if printed else "")
    if step.state == StepState.READY:
        return Entry(step, "current" if is_current else "open" if mine else "other", who)
    return Entry(step, "later", "" if mine else who)


def bags(actor: Actor, order: Any, step: Any) -> list[dict[str, Any]]:
    """Return the bags that a step is about, each ticked off once it has come as far as the step takes it."""
    goal = REACHES.get(step.flow_step.kind)
    if goal is None or not queries.may_see_therapy(actor):
        return []
    product = step.flow_step.phase in OF_THE_PRODUCT
    kinds = (ContainerKind.DRUG_PRODUCT, ContainerKind.VECTOR_KIT) if product else (ContainerKind.STARTING_MATERIAL,)
    found = custody.containers_of(actor, order.stream_id).filter(kind__in=kinds)
    return [{"bag": bag, "done": _reached(bag.state, goal), "wrong": bag.state in WRONG} for bag in found]


def _reached(state: str, goal: ContainerState) -> bool:
    return state in PATH[PATH.index(goal) :]
