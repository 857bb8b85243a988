"""A step's checklist, as its flow lists it: each item is ticked, or said not to apply and why, before the step is done.

The list is a parameter of the flow's step: the order keeps the version that it began with (CL6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from ledger.refusals import FactsMissing, InvalidInput, MissingFact
from orders.step_kinds import StepContext

NAME = "checklist"  # of the parameter, of the inputs and among the recorded facts
DONE = "done"
MOST = 20


class Item(serializers.Serializer[Any]):
    """One item of a flow's checklist; ``may_not_apply``: it may be passed over with a reason."""

    item = serializers.CharField(max_length=80)
    may_not_apply = serializers.BooleanField(default=False)


def items() -> serializers.ListSerializer[Any]:
    """Return the parameter of a flow's step; see ``each_once``."""
    return serializers.ListSerializer[Any](child=Item(), required=False, max_length=MOST)


def each_once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items of a flow's checklist; refuse one that stands on it twice."""
    if len({row["item"] for row in rows}) != len(rows):
        raise serializers.ValidationError(["Each item stands on the list once."])
    return rows


class Tick(serializers.Serializer[Any]):
    """One item of the checklist as it was found."""

    item = serializers.CharField(max_length=80, label="Item", help_text="As the step's checklist has it.")
    done = serializers.BooleanField(default=False, label="Done")
    not_applicable = serializers.CharField(
        max_length=120, required=False, allow_blank=True, default="", label="Does not apply, because"
    )


def ticks() -> serializers.ListSerializer[Any]:
    """Return the field of a step's inputs."""
    return serializers.ListSerializer[Any](child=Tick(), label="Checklist", required=False, max_length=MOST)


def initial(ctx: StepContext) -> dict[str, Any]:
    """Return the rows that a form starts with; nothing where the flow lists nothing."""
    rows = [{"item": row["item"], "may_not_apply": row.get("may_not_apply", False)} for row in _items(ctx)]
    return {NAME: rows} if rows else {}


def shown(ctx: StepContext) -> list[tuple[str, str]]:
    """Return the items as a partner's system reads them before it sends its ticks."""
    return [("Checklist", "; ".join(row["item"] for row in _items(ctx)))] if _items(ctx) else []


def checked(ctx: StepContext, given: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the facts of a checklist: by item, ``done`` or why it does not apply.

    Raises FactsMissing ``checklist_open`` while an item is open; recorded late, that is noted. InvalidInput for an item
    that is not on the list, and for one passed over that always applies.
    """
    items = {row["item"]: row for row in _items(ctx)}
    found: dict[str, str] = {}
    for place, row in enumerate(given):
        if row["item"] not in items:
            raise InvalidInput(fields={f"{NAME}[{place}].item": ["That is not on this step's checklist."]})
        reason = row["not_applicable"].strip()
        if row["done"]:
            found[row["item"]] = DONE
        elif reason and not items[row["item"]].get("may_not_apply"):
            raise InvalidInput(fields={f"{NAME}[{place}].not_applicable": ["This item always applies. Do it first."]})
        elif reason:
            found[row["item"]] = f"does not apply: {reason}"
    _require_all(ctx, [item for item in items if item not in found])
    return {NAME: found} if found else {}


def told(recorded: Mapping[str, Mapping[str, str]]) -> str:
    """Say in one sentence what was ticked, and what did not apply; empty where there was no list."""
    found = recorded.get(NAME, {})
    done = sum(1 for answer in found.values() if answer == DONE)
    passed = "; ".join(f"{item}: {answer}" for item, answer in found.items() if answer != DONE)
    return f"Checklist: {done} of {len(found)} done{f'; {passed}' if passed else ''}." if found else ""


def _require_all(ctx: StepContext, open_items: Sequence[str]) -> None:
    facts = [MissingFact("checklist_open", f"Not ticked: {item}.", "Do it, then tick it.") for item in open_items]
    if ctx.late:
        ctx.findings += facts
    elif facts:
        texts = [fact.text for fact in facts]
        raise FactsMissing("The checklist is not complete.", facts=facts, fields={NAME: texts})


def _items(ctx: StepContext) -> list[dict[str, Any]]:
    return list(ctx.parameters.get(NAME) or [])
