"""Manufacture starts from accepted material of exactly this identity (MO2, MO6)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import identity, material, used_lots
from custody.schemes import printed
from custody.states import ContainerKind, ContainerState, IdentityState
from ledger.refusals import InvalidInput, MissingFact
from orders import bags, evidence, reserve, stopped_use
from orders.inputs import PastTime, ScanField
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from quality import batches
from quality.states import SourceKind


class Parameters(serializers.Serializer[Any]):
    """How many accepted bags may stay behind as reserve for a second batch, and how old a reserve may be used.

    ``critical_materials``: what has to be named with its lot before manufacture starts.
    """

    reserve = serializers.IntegerField(min_value=0, max_value=11, default=0)
    reserve_age_hours = serializers.IntegerField(min_value=1, max_value=24 * 366, required=False)
    critical_materials = serializers.ListField(
        child=serializers.CharField(max_length=80), required=False, max_length=20
    )


class UsedBag(serializers.Serializer[Any]):
    """One bag that goes into the process."""

    scan = ScanField(label="Bag label")


class UsedMaterial(serializers.Serializer[Any]):
    """A critical material that the cells are made with: its lot is found again when it is called back (QA4)."""

    name = serializers.CharField(max_length=80, label="Material")
    lot = serializers.CharField(max_length=40, label="Lot number")


class Inputs(serializers.Serializer[Any]):
    """The batch record, the bags that enter the process, and the lots that they are made with."""

    record_reference = serializers.CharField(max_length=120, label="Batch record reference")
    bags = serializers.ListSerializer[Any](child=UsedBag(), label="Bags", min_length=1, max_length=12)
    materials = serializers.ListSerializer[Any](
        child=UsedMaterial(), label="Critical materials", required=False, max_length=20
    )
    started_at = PastTime(label="Started at")


def _no_plant() -> MissingFact:
    return MissingFact("no_plant", "No plant is known for this order.", "Confirm the slots first.")


def _reserve_not_released() -> MissingFact:
    return MissingFact(
        "reserve_not_released",
        "Nothing but reserve is left, and its use is not released.",
        "The planner confirms a place for it, and quality releases it.",
    )


@step_kind
class StartManufacture(StepKind):
    key = "start_manufacture"
    title = "Start manufacture"
    capability = Capability.MANUFACTURE
    physical = True  # the cells are in the process
    scans_identity = True
    Inputs = Inputs
    Parameters = Parameters

    def _material(self, ctx: StepContext) -> list[Any]:
        return material.of_stream(ctx.order.stream_id, ContainerKind.STARTING_MATERIAL)

    def _bags(self, ctx: StepContext) -> list[Any]:
        found = bags.expected(ctx, bags.STARTING_MATERIAL, ContainerState.ACCEPTED, beyond=(ContainerState.IN_PROCESS,))
        if ctx.late or reserve.is_released(ctx.order):
            return found
        kept = {bag.pk for bag in reserve.bags_of(ctx.order)}
        return [bag for bag in found if bag.pk not in kept]

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return self._bags(ctx)

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        if ctx.order.plant_site is None:
            return [_no_plant()]
        return bags.nothing(ctx, self._bags(ctx), "starting material")

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        found = []
        for bag in self._material(ctx):
            if bag.state == ContainerState.QUARANTINED:
                found.append(
                    MissingFact(
                        "material_quarantined",
                        f"{bag.code} is quarantined: {bag.quarantine_reason}",
                        "QA decides on the deviation first.",
                    )
                )
        if not found and reserve.is_all_there_is(ctx.order):
            released = reserve.is_released(ctx.order)
            found += reserve.missing(ctx.order) if released else [_reserve_not_released()]
        elif not found and not self._bags(ctx):
            found.append(MissingFact("no_material", "No accepted material.", "Receive the material first."))
        if ctx.order.plant_site is None:
            found.append(_no_plant())
        if identity.identity_of_stream(ctx.order.stream_id).state != IdentityState.ACTIVE:
            found.append(
                MissingFact(
                    "identity_under_query", "The chain of identity is under query.", "Resolve the identity query first."
                )
            )
        return found

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        materials = [{"name": name, "lot": ""} for name in self._critical(ctx) or [""]]
        return {"bags": [{"scan": ""} for _ in self._bags(ctx)], "materials": materials}

    def _critical(self, ctx: StepContext) -> list[str]:
        return [str(name) for name in ctx.parameters.get("critical_materials", [])]

    def _lots(self, ctx: StepContext, inputs: dict[str, Any]) -> list[tuple[str, str]]:
        """Return the lots as (material, lot number); InvalidInput where one that the therapy asks for is not named."""
        used = [(given["name"], given["lot"]) for given in inputs.get("materials", [])]
        named = {name.strip().casefold() for name, _ in used}
        unnamed = [name for name in self._critical(ctx) if name.strip().casefold() not in named]
        if unnamed and not ctx.late:
            raise InvalidInput(fields={"materials": [f"Give the lot number of: {', '.join(unnamed)}."]})
        return used

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [
            ("Chain of identity", printed(ctx.order.identity_code)),
            ("Accepted bags", ", ".join(bag.code for bag in self._bags(ctx))),
        ]

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        waiting = self._bags(ctx)
        used = [
            bags.scanned(ctx, given["scan"], waiting, f"bags[{position}].scan")
            for position, given in enumerate(inputs["bags"])
        ]
        bags.require_all(ctx, used, waiting, reserve=int(ctx.parameters.get("reserve", 0)))
        lots = self._lots(ctx, inputs)
        stopped = stopped_use.refuse(ctx, SourceKind.LOT, [lot for _, lot in lots])
        for bag in used:
            bags.take(ctx, bag, inputs["started_at"])
            bags.move(ctx, bag, ContainerState.IN_PROCESS, ContainerState.ACCEPTED)
        plant = ctx.order.plant_site
        assert plant is not None  # noqa: S101 - the engine asked missing() first
        batch = batches.open_batch(
            ctx.stream,
            plant,
            ctx.order.specification,
            inputs["record_reference"],
            inputs["started_at"],
            ctx.performer_id,
        )
        evidence.note_makers(batch, ctx)
        touched = used_lots.record(used, lots, inputs["started_at"])
        stopped_use.catch(ctx, stopped, used)
        return Outcome(
            f"Batch {batch.number} started.",
            {
                "batch": batch.number,
                "record_reference": inputs["record_reference"],
                "bags": [bag.code for bag in used],
                "materials": list(dict.fromkeys(f"{row.name}: {row.lot}" for row in touched)),
            },
            happened_at=inputs["started_at"],
        )
