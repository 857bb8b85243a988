"""Infuse bag by bag; the step ends only when every bag is terminal (IN2, IN5)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from custody import custody_periods
from custody.states import TERMINAL_STATES, ContainerState
from ledger.refusals import FactsMissing, InvalidInput, MissingFact
from orders import bags, evidence, treatment
from orders.inputs import PastTime, ScanField
from orders.states import StepState, WithoutNetwork
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from quality import deviations

FINAL = {"infused": ContainerState.INFUSED, "destroyed": ContainerState.DESTROYED, "expired": ContainerState.EXPIRED}
RESULTS = [
    ("infused", "Infused completely"),
    ("partial", "Infused in part"),
    ("destroyed", "Not infused: destroyed (leak, drop)"),
    ("expired", "Not infused: expired"),
]


class Inputs(serializers.Serializer[Any]):
    """One bag: what became of it."""

    scan = ScanField(label="Bag label")
    result = serializers.ChoiceField(choices=RESULTS, label="Result")
    volume_ml = serializers.DecimalField(
        max_digits=6, decimal_places=1, min_value=Decimal(0), max_value=Decimal(5000), label="Volume infused (mL)"
    )
    started_at = PastTime(label="Started at")
    ended_at = PastTime(label="Ended at")
    remark = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        default="",
        label="Remark (no names; needed unless infused completely)",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["ended_at"] < attrs["started_at"]:
            raise serializers.ValidationError({"ended_at": ["The end must not come before the start."]})
        if attrs["result"] != "infused" and not attrs["remark"].strip():
            raise serializers.ValidationError({"remark": ["Say what happened."]})
        return attrs


NOT_MATCHED = "Not matched at the bedside"
NOTHING_THAWED = MissingFact("nothing_thawed", "No thawed bag is at the bedside.", "Thaw the product first.")


def _not_matched(bag: Any) -> MissingFact:
    return MissingFact(
        "identity_not_checked",
        f"{bag.code} was not matched to the patient at the bedside since it was thawed or put aside.",
        "Repeat the bedside check: two people scan the wristband and every bag.",
    )


@step_kind
class Infuse(StepKind):
    key = "infuse"
    title = "Infuse"
    capability = Capability.INFUSE
    without_network = WithoutNetwork.PAPER
    signatures = 1
    meaning = "infused"
    physical = True  # the patient has the cells
    warnings = (NOT_MATCHED,)
    needs = ("activate_identity", "check_bedside")  # two people have matched patient and bag before
    scans_identity = True
    Inputs = Inputs

    def _bags(self, ctx: StepContext) -> list[Any]:
        """Only what two people matched at the bedside; recorded late, whatever has not ended."""
        thawed = bags.expected(ctx, bags.PRODUCT, ContainerState.THAWED)
        return thawed if ctx.late else [bag for bag in thawed if treatment.is_matched(bag)]

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return self._bags(ctx)

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        return bags.nothing(ctx, self._bags(ctx), "product")

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        stops = evidence.revoked_missing(ctx.actor, ctx.order)
        if self._bags(ctx):
            return stops
        return stops + (self._unmatched(ctx) or bags.held_or(ctx, bags.PRODUCT, NOTHING_THAWED))

    def _unmatched(self, ctx: StepContext) -> list[MissingFact]:
        thawed = bags.expected(ctx, bags.PRODUCT, ContainerState.THAWED)
        return [_not_matched(bag) for bag in thawed if not treatment.is_matched(bag)]

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        rows = [("Bags to infuse", ", ".join(f"{bag.code} ({bag.k_of_n})" for bag in self._bags(ctx)))]
        unmatched = [bag for bag in bags.expected(ctx, bags.PRODUCT, ContainerState.THAWED) if bag.matched_at is None]
        if unmatched and not ctx.late:
            rows.append((NOT_MATCHED, ", ".join(f"{bag.code} ({bag.k_of_n})" for bag in unmatched)))
        return rows

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        thawed = bags.expected(ctx, bags.PRODUCT, ContainerState.THAWED)
        bag = bags.scanned(ctx, inputs["scan"], thawed)
        self._require_matched(ctx, bag)
        if inputs["result"] in ("infused", "partial") and inputs["volume_ml"] <= 0:
            raise InvalidInput(fields={"volume_ml": ["Enter the volume that was infused."]})
        bags.take(ctx, bag, inputs["ended_at"])
        became = FINAL.get(inputs["result"], ContainerState.INFUSED)
        bags.move(ctx, bag, became, ContainerState.THAWED)
        if became in TERMINAL_STATES:
            custody_periods.finish(bag, inputs["ended_at"])
        self._open_deviations(ctx, bag, inputs)
        left = self._left(ctx, bag)
        facts = {
            "bag": bag.code,
            "result": inputs["result"],
            "volume_ml": inputs["volume_ml"],
            "started_at": inputs["started_at"],
            "ended_at": inputs["ended_at"],
        }
        if left:
            return Outcome(
                f"{bag.code} {inputs['result']}; {len(left)} to go.",
                facts,
                StepState.READY,
                happened_at=inputs["ended_at"],
            )
        return Outcome(
            f"{bag.code} {inputs['result']}; every bag is accounted for.", facts, happened_at=inputs["ended_at"]
        )

    def _require_matched(self, ctx: StepContext, bag: Any) -> None:
        """Refuse a bag that no two people matched to the patient; recorded late, note it."""
        if treatment.is_matched(bag):
            return
        if not ctx.late:
            raise FactsMissing(f"{bag.code} was not matched to the patient.", facts=[_not_matched(bag)])
        ctx.findings.append(_not_matched(bag))

    def _left(self, ctx: StepContext, bag: Any) -> list[Any]:
        """Return what is still out for the patient: issued, thawed, or put aside as such."""
        if ctx.late:
            return [one for one in self._bags(ctx) if one.pk != bag.pk]
        return [one for one in treatment.product_of(ctx.order) if one.pk != bag.pk and treatment.is_out(one)]

    def follow(self, ctx: StepContext) -> None:
        """What is left of the dose, or came back, has open steps."""
        treatment.settle(ctx.order)

    def _open_deviations(self, ctx: StepContext, bag: Any, inputs: dict[str, Any]) -> None:
        texts = []
        if inputs["result"] != "infused":
            texts.append(f"{bag.code}: {inputs['result']}.")
        if bag.expires_at and inputs["ended_at"] > bag.expires_at and inputs["result"] in ("infused", "partial"):
            texts.append(f"{bag.code}: infused after its time of use.")
        if ctx.late:  # one deviation says it all
            ctx.findings += [MissingFact("infusion_differs", text) for text in texts]
            return
        for text in texts:
            deviations.open_deviation(ctx.stream, "infusion", "major", text, automatic=True)
