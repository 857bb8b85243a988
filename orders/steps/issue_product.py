"""Drug product is issued for a patient who is ready: bag and patient are matched before anything is thawed (PH5)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from custody import identity, material, scans
from custody.schemes import printed
from custody.states import ContainerState
from ledger.refusals import InvalidInput, MissingFact
from orders import bags, evidence, namesakes, prescriptions, treatment
from orders.counts import counted
from orders.expired import ProductExpired
from orders.inputs import ScanField
from orders.states import StepState, WithoutNetwork
from orders.step_kinds import DIFFERS, Outcome, StepContext, StepKind, step_kind
from orders.steps.decide_readiness import USABLE
from orders.steps.receive_product import PRODUCT
from personas.states import Capability


class IssuedBag(serializers.Serializer[Any]):
    """One bag that leaves the storage."""

    scan = ScanField(label="Bag label")


class Inputs(serializers.Serializer[Any]):
    """The patient who is ready, and the bags that are issued."""

    patient_ready = serializers.ChoiceField(
        choices=[
            ("yes", "Ready: the ward has confirmed it"),
            (DIFFERS, "Something differs from the request or the prescription: stop the line"),
        ],
        label="The patient is ready",
    )
    wristband = ScanField(
        label="Chain of identity", help_text="Scan the code on the wristband or on the ward's request."
    )
    bags = serializers.ListSerializer[Any](child=IssuedBag(), label="Bags", min_length=1, max_length=12)
    rest_later = serializers.BooleanField(
        required=False,
        default=False,
        label="Split dose: the rest is issued on another day",
        help_text="The rest stays in storage, and its issue stays open.",
    )


@step_kind
class IssueProduct(StepKind):
    key = "issue_product"
    title = "Issue the drug product"
    capability = Capability.ISSUE_PRODUCT
    without_network = WithoutNetwork.PAPER
    signatures = 1
    meaning = "issued"
    warnings = (namesakes.SAME_NAME,)
    scans_identity = True
    differs = ("patient_ready", "What the ward or the prescription says differs from the order.")
    Inputs = Inputs

    def _in(self, ctx: StepContext, *states: ContainerState) -> list[Any]:
        found = material.of_stream(ctx.order.stream_id)
        return [bag for bag in found if bag.kind in PRODUCT and bag.state in states]

    def _bags(self, ctx: StepContext) -> list[Any]:
        return self._in(ctx, *USABLE)

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return self._bags(ctx)

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        found = evidence.revoked_missing(ctx.actor, ctx.order) + prescriptions.missing(ctx.order)
        if not self._bags(ctx):
            held = material.quarantine_facts(self._in(ctx, ContainerState.QUARANTINED))
            nothing = MissingFact("nothing_to_issue", "No accepted bag is in storage.", "Receive and store it first.")
            found += held or [nothing]
        return found

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": ""} for _ in self._bags(ctx)]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        places = (f"{bag.code} ({bag.k_of_n}), {bag.storage_location or 'not stored'}" for bag in self._bags(ctx))
        rows = [("Chain of identity", printed(ctx.order.identity_code)), *prescriptions.shown(ctx.order)]
        rows.append(("Bags to issue", "; ".join(places)))
        issued = self._in(ctx, ContainerState.ISSUED)
        rows += [("Issued already", ", ".join(bag.code for bag in issued))] if issued else []
        return rows + namesakes.warning(ctx)

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        waiting, issued = self._bags(ctx), []
        chain = identity.identity_of_stream(ctx.order.stream_id)
        scans.expect_identity(chain, inputs["wristband"], "wristband", at_hand=waiting)
        for position, given in enumerate(inputs["bags"]):
            bag = bags.scanned(ctx, given["scan"], waiting, f"bags[{position}].scan")
            if bag.state == ContainerState.ISSUED:
                raise InvalidInput(fields={f"bags[{position}].scan": ["This bag was scanned already."]})
            _refuse_expired(bag)
            material.move(bag, ContainerState.ISSUED)
            issued.append(bag)
        return self._outcome(ctx, issued, later=inputs["rest_later"])

    def follow(self, ctx: StepContext) -> None:
        """The rest of a split dose is issued by an attempt of its own."""
        treatment.settle(ctx.order)

    def _outcome(self, ctx: StepContext, issued: list[Any], *, later: bool) -> Outcome:
        """The step stays open while the dose needs more bags and more are there, unless the rest is for another day."""
        found, left = treatment.product_of(ctx.order), self._bags(ctx)
        total = [bag for bag in found if treatment.is_out(bag) or bag.state == ContainerState.INFUSED]
        needed = int(ctx.limits.get("dose_bags", len(total)))
        facts = {"bags": [bag.code for bag in issued], "positions": [bag.k_of_n for bag in issued]}
        if left and len(total) < needed:
            words = f"{len(total)} of {needed} bags of the dose issued"
            done = StepState.DONE if later else StepState.READY
            return Outcome(f"{words}; the rest later." if later else f"{words}.", facts, done)
        return Outcome(f"{counted(len(total), 'bag')} issued: {', '.join(bag.k_of_n for bag in total)}.", facts)


def _refuse_expired(bag: Any) -> None:
    if bag.expires_at and bag.expires_at < timezone.now():
        text = f"{bag.code} was to be used by {bag.expires_at:%Y-%m-%d}."
        raise ProductExpired(text, "Do not issue it. Put it aside and call the manufacturer and the physician.")
