"""Accepted bags go to a known place in storage (CL3)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from custody import store
from custody.states import ContainerState
from ledger.refusals import InvalidInput, MissingFact
from orders import bags
from orders.counts import counted
from orders.inputs import PastTime, ScanField
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability


class StoredBag(serializers.Serializer[Any]):
    """One bag and its place."""

    scan = ScanField(label="Bag label")
    location = serializers.CharField(max_length=80, label="Place in storage")


class Inputs(serializers.Serializer[Any]):
    """Where each accepted bag was put."""

    bags = serializers.ListSerializer[Any](child=StoredBag(), label="Bags", min_length=1, max_length=12)
    stored_at = PastTime(label="Stored at")


@step_kind
class StoreProduct(StepKind):
    key = "store_product"
    title = "Store drug product"
    capability = Capability.STORE_PRODUCT
    physical = True  # the bags lie in the tank
    scans_identity = True
    Inputs = Inputs

    def _bags(self, ctx: StepContext) -> list[Any]:
        left = (ContainerState.ISSUED, ContainerState.THAWED)
        found = bags.expected(ctx, bags.PRODUCT, ContainerState.ACCEPTED, beyond=left)
        return [bag for bag in found if not bags.is_stored_at(bag, ctx.order.center_id)]

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return self._bags(ctx)

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        return bags.nothing(ctx, self._bags(ctx), "product")

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        if self._bags(ctx):
            return []
        text, remedy = "No accepted bag is waiting for storage.", "Receive and accept the product first."
        return bags.held_or(ctx, bags.PRODUCT, MissingFact("nothing_accepted", text, remedy))

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": "", "location": ""} for _ in self._bags(ctx)]}

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        waiting = self._bags(ctx)
        stored = []
        for position, given in enumerate(inputs["bags"]):
            bag = bags.scanned(ctx, given["scan"], waiting, f"bags[{position}].scan")
            if bag.code in stored:
                raise InvalidInput(fields={"bags": ["Scan each bag once."]})
            bags.take(ctx, bag, inputs["stored_at"])
            field = f"bags[{position}].location"
            found = None if ctx.late else store.read_path(ctx.step.site_id, given["location"], field)
            facts = {"storage_location": given["location"]}
            bags.move(ctx, bag, ContainerState.STORED, ContainerState.ACCEPTED, **facts)
            if found is not None:
                store.put(bag, *found, field)
            stored.append(bag.code)
        if len(stored) != len(waiting) and not ctx.late:
            raise InvalidInput(fields={"bags": [f"Scan each of the {len(waiting)} bags once."]})
        return Outcome(f"{counted(len(stored), 'bag')} in storage.", {"bags": stored}, happened_at=inputs["stored_at"])
