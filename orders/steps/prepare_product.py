"""Thaw or prepare: the clock that ends the product's life starts here (CL4, PH5)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rest_framework import serializers

from custody.states import ContainerState
from ledger.refusals import InvalidInput, MissingFact
from orders import attempts, bags, evidence, treatment
from orders.counts import counted
from orders.inputs import PastTime, ScanField
from orders.states import WithoutNetwork
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability


class ThawedBag(serializers.Serializer[Any]):
    """One bag taken out of storage."""

    scan = ScanField(label="Bag label")


class Inputs(serializers.Serializer[Any]):
    """Which bags, and when the clock started."""

    bags = serializers.ListSerializer[Any](child=ThawedBag(), label="Bags", min_length=1, max_length=12)
    started_at = PastTime(label="Thaw or preparation started at")


@step_kind
class PrepareProduct(StepKind):
    key = "prepare_product"
    title = "Thaw"
    capability = Capability.PREPARE_PRODUCT
    without_network = WithoutNetwork.PAPER
    physical = True  # the thaw cannot be undone
    scans_identity = True
    Inputs = Inputs

    def _bags(self, ctx: StepContext) -> list[Any]:
        found = bags.expected(ctx, bags.PRODUCT, self._before(ctx))
        return [bag for bag in found if bag.thawed_at is None]

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return self._bags(ctx)

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        return bags.nothing(ctx, self._bags(ctx), "frozen product")

    def _before(self, ctx: StepContext) -> ContainerState:
        """Where the flow issues product, only what was issued is thawed; in an older flow it comes from storage."""
        return ContainerState.ISSUED if attempts.of_kind(ctx.order, "issue_product") else ContainerState.STORED

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        stops = evidence.revoked_missing(ctx.actor, ctx.order)
        if self._bags(ctx):
            return stops
        if self._before(ctx) == ContainerState.ISSUED:
            nothing = MissingFact("nothing_issued", "No bag of this order is issued.", "Issue it to the patient first.")
            return stops + bags.held_or(ctx, bags.PRODUCT, nothing)
        nothing = MissingFact("nothing_stored", "No bag of this order is in storage.", "Receive and store it first.")
        return stops + bags.held_or(ctx, bags.PRODUCT, nothing)

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": ""} for _ in self._bags(ctx)]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [
            ("Bags", ", ".join(f"{bag.code} ({_told(bag)})" for bag in self._bags(ctx))),
            ("Use within", f"{ctx.limits['thaw_minutes']} minutes after the start"),
        ]

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        waiting, taken = self._bags(ctx), []
        ends = inputs["started_at"] + dt.timedelta(minutes=int(ctx.limits["thaw_minutes"]))
        for position, given in enumerate(inputs["bags"]):
            bag = bags.scanned(ctx, given["scan"], waiting, f"bags[{position}].scan")
            if bag.code in taken:
                raise InvalidInput(fields={"bags": ["Scan each bag once."]})
            use_by = min(ends, bag.expires_at) if bag.expires_at else ends
            bags.take(ctx, bag, inputs["started_at"])
            times = {"thawed_at": inputs["started_at"], "expires_at": use_by}
            bags.move(ctx, bag, ContainerState.THAWED, self._before(ctx), **times)
            taken.append(bag.code)
        left = [bag.code for bag in self._bags(ctx)] if self._before(ctx) == ContainerState.ISSUED else []
        rest = f" Issued and not thawed: {', '.join(left)}." if left and not ctx.late else ""
        return Outcome(
            f"{counted(len(taken), 'bag')} thawed.{rest}",
            {"bags": taken, "use_before": ends},
            happened_at=inputs["started_at"],
        )

    def follow(self, ctx: StepContext) -> None:
        """What is issued and not thawed keeps an open step, and what is thawed later has to be checked, too."""
        treatment.settle(ctx.order)


def _told(bag: Any) -> str:
    return f"{bag.k_of_n}, {bag.storage_location}" if bag.storage_location else str(bag.k_of_n)
