"""The end of the collection: every bag scanned with its volume; the end time starts the age clock (AN2, AN3)."""

from __future__ import annotations

import copy
import datetime as dt
from decimal import Decimal
from functools import cached_property
from typing import Any

from rest_framework import serializers

from custody import custody_periods, donations, identity, material
from custody.schemes import printed
from custody.states import ContainerState
from ledger.refusals import FactsMissing, InvalidInput, MissingFact
from orders import attempts, bags, collection_records, stopped_use
from orders.counts import counted
from orders.inputs import PastTime, ScanField
from orders.models import Order
from orders.states import StepState, WithoutNetwork
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from orders.steps.start_collection import labels_missing
from personas.states import Capability

START_KIND = "start_collection"


def recorded_start(order: Order) -> dt.datetime | None:
    """Return when the collection started, as a step of its own has recorded it; None in a flow without such a step."""
    done = [step for step in attempts.of_kind(order, START_KIND) if step.state == StepState.DONE]
    return done[-1].done_at if done else None


class BagInput(serializers.Serializer[Any]):
    """One bag: its label scanned at the chair, and what is in it."""

    scan = ScanField(label="Bag label")
    volume_ml = serializers.DecimalField(
        max_digits=6, decimal_places=1, min_value=Decimal("0.1"), max_value=Decimal(5000), label="Volume (mL)"
    )
    donation = ScanField(
        required=False,
        allow_blank=True,
        default="",
        label="Its own donation number",
        help_text="Where the bags have one each. Empty: the collection's.",
    )


class Parameters(serializers.Serializer[Any]):
    """Whether the collection is recorded with its donation number only, and what else the therapy asks for."""

    needs_donation = serializers.BooleanField(default=False)
    records = collection_records.parameter("asked for")
    needs_records = collection_records.parameter("asked for, and not to be left out")


class Inputs(serializers.Serializer[Any]):
    """What was collected, and when it ended; the start is asked only where no step of its own has recorded it."""

    bags = serializers.ListSerializer[Any](child=BagInput(), label="Bags", min_length=1, max_length=12)
    donation = ScanField(
        required=False, allow_blank=True, default="", label="Donation number (DIN)", help_text=donations.HOW
    )
    started_at = PastTime(label="Started at", required=False)
    ended_at = PastTime(label="Ended at")
    reactions = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", label="Reactions, remarks (no names)"
    )

    @cached_property
    def known_start(self) -> dt.datetime | None:
        ctx: StepContext | None = self.context.get("step_context")
        return recorded_start(ctx.order) if ctx else None

    def get_fields(self) -> dict[str, Any]:
        found = dict(super().get_fields())
        if self.known_start:
            del found["started_at"]
        ctx: StepContext | None = self.context.get("step_context")
        reactions = found.pop("reactions")
        asked = collection_records.asked_for(ctx.parameters if ctx else None)
        found |= {name: copy.deepcopy(collection_records.FIELDS[name]) for name in asked}
        return found | {"reactions": reactions}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        started = self.known_start or attrs.get("started_at")
        if started is None:
            raise serializers.ValidationError({"started_at": ["Enter when the collection started."]})
        if attrs["ended_at"] <= started:
            raise serializers.ValidationError({"ended_at": ["The end must come after the start."]})
        ctx: StepContext | None = self.context.get("step_context")
        faults = collection_records.faults(attrs, ctx.parameters, late=ctx.late) if ctx else {}
        faults |= self._not_asked_for()
        if faults:
            raise serializers.ValidationError(faults)
        return {**attrs, "started_at": started}

    def _not_asked_for(self) -> dict[str, list[str]]:
        """What is sent and has no place in this therapy's record is said, and never dropped in silence."""
        sent = {name for name in collection_records.FIELDS if self.initial_data.get(name) not in (None, "")}
        return {name: ["This therapy does not ask for it."] for name in sorted(sent - set(self.fields))}


@step_kind
class Collect(StepKind):
    key = "collect"
    title = "Collect starting material"
    capability = Capability.COLLECT
    without_network = WithoutNetwork.KEPT
    signatures = 1
    meaning = "collected"
    physical = True  # the cells have left the patient
    needs = ("activate_identity", "apply_labels")  # two people have verified patient and labels before
    scans_identity = True
    Inputs = Inputs
    Parameters = Parameters

    def _bags(self, ctx: StepContext) -> list[Any]:
        found = bags.expected(ctx, bags.STARTING_MATERIAL, ContainerState.LABELLED)
        return [bag for bag in found if bag.ended_at is None]

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return self._bags(ctx)

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        return bags.nothing(ctx, self._bags(ctx), "bag for a collection")

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        found = identity.query_facts(ctx.order.stream_id)
        if attempts.still_open(ctx.order, START_KIND):
            text = "The start of the collection is not recorded."
            found.append(MissingFact("collection_not_started", text, "Record the start first."))
        return found + labels_missing(ctx.order)

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": "", "volume_ml": ""} for _ in self._bags(ctx)]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        rows = [
            ("Chain of identity", printed(ctx.order.identity_code)),
            ("Labeled bags", ", ".join(bag.code for bag in self._bags(ctx))),
        ]
        started = recorded_start(ctx.order)
        return [*rows, ("Started", started.isoformat())] if started else rows

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        waiting = self._bags(ctx)
        inputs = {**inputs, "donation": self._donation(ctx, inputs["donation"], waiting, inputs["bags"])}
        filled = [self._fill(ctx, position, given, waiting, inputs) for position, given in enumerate(inputs["bags"])]
        if len(filled) < len(waiting) and not ctx.late:
            codes = ", ".join(bag.code for bag in waiting if bag.pk not in {f.pk for f in filled})
            raise FactsMissing(
                "Not every labeled bag was scanned back.",
                facts=[
                    MissingFact(
                        "bag_not_scanned",
                        f"Not scanned: {codes}.",
                        "Scan it; a bag that was not filled is recorded as destroyed first.",
                    )
                ],
            )
        recorded = collection_records.facts(inputs)
        collection_records.keep_lots(filled, recorded, inputs["ended_at"])
        numbers = {bag.code: bag.donation_number for bag in filled if bag.donation_number != inputs["donation"]}
        caught = stopped_use.catch_donor(ctx, filled)
        words = [f"{counted(len(filled), 'bag')} collected.", collection_records.told(recorded), *caught]
        return Outcome(
            " ".join(filter(None, words)),
            {
                "bags": [bag.code for bag in filled],
                "volumes_ml": {bag.code: bag.volume_ml for bag in filled},
                "started_at": inputs["started_at"],
                "ended_at": inputs["ended_at"],
                **({"donation": inputs["donation"]} if inputs["donation"] else {}),
                **({"donations": numbers} if numbers else {}),
                **({"record": recorded} if recorded else {}),
            },
            happened_at=inputs["ended_at"],
        )

    def _donation(self, ctx: StepContext, scanned: str, at_hand: list[Any], given: list[dict[str, Any]]) -> str:
        """Bind the donation number to the order's chain of identity; return it, or nothing where none was given.

        A therapy that asks for one is content with one of each bag's own.
        """
        if scanned.strip():
            chain = identity.identity_of_stream(ctx.order.stream_id)
            return donations.record(chain, donations.read(scanned), at_hand).number
        own = all(row["donation"].strip() for row in given)
        if ctx.parameters.get("needs_donation") and not own and not ctx.late:
            raise InvalidInput(fields={"donation": [f"This therapy asks for it. {donations.HOW}"]})
        return ""

    def _fill(
        self, ctx: StepContext, position: int, given: dict[str, Any], waiting: list[Any], inputs: dict[str, Any]
    ) -> Any:
        bag = bags.scanned(ctx, given["scan"], waiting, f"bags[{position}].scan")
        if bag.ended_at is not None:
            raise InvalidInput(fields={f"bags[{position}].scan": ["The same bag was scanned twice."]})
        number = self._own_donation(ctx, position, given["donation"], waiting) or inputs["donation"]
        if bag.state == ContainerState.LABELLED:
            times = (inputs["started_at"], inputs["ended_at"])
            material.fill(bag, given["volume_ml"], *times, donation_number=number)
        else:  # only on a late record
            facts = {"collected_at": inputs["started_at"], "ended_at": inputs["ended_at"]}
            if number:
                facts["donation_number"] = number
            usual = ContainerState.LABELLED
            bags.move(ctx, bag, ContainerState.COLLECTED, usual, volume_ml=given["volume_ml"], **facts)
        custody_periods.begin(bag, ctx.order.center_id, ctx.order.center_site_id, ctx.performer_id, inputs["ended_at"])
        return bag

    def _own_donation(self, ctx: StepContext, position: int, scanned: str, at_hand: list[Any]) -> str:
        """Bind a bag's own donation number to the order's chain of identity; each bag's is another one."""
        if not scanned.strip():
            return ""
        field = f"bags[{position}].donation"
        chain = identity.identity_of_stream(ctx.order.stream_id)
        return donations.record(chain, donations.read(scanned, field), at_hand, field).number
