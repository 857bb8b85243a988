"""Bedside check by two people: wristband, bag, expiry, k of n (IN1, T35). A mismatch is a hard stop.

It moves nothing, so it cannot be recorded late: a check that was not done is not done.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from custody import identity, material, scans
from custody.schemes import printed
from custody.states import ContainerState, IdentityState
from ledger.refusals import InvalidInput, MissingFact
from orders import bags, evidence, namesakes, scanned_twice, treatment
from orders.counts import counted
from orders.evidence_sections import at
from orders.expired import ProductExpired
from orders.inputs import ScanField
from orders.scanning_back import codes_in, each_once
from orders.states import WithoutNetwork
from orders.step_kinds import DIFFERS, Outcome, StepContext, StepKind, step_kind
from orders.steps.receive_product import PRODUCT
from personas.states import Capability

EACH = {"steady": True}  # every bag that is there, so nobody adds or takes away a row


class CheckedBag(serializers.Serializer[Any]):
    """One bag at the bedside."""

    scan = ScanField(label="Bag label")


class Inputs(serializers.Serializer[Any]):
    """What is scanned and asked at the bedside."""

    wristband = ScanField(label="Patient's wristband", help_text="Scan the chain-of-identity code at the patient.")
    bags = serializers.ListSerializer[Any](child=CheckedBag(), label="Bags", min_length=1, max_length=12, style=EACH)
    patient_said = serializers.ChoiceField(
        choices=[
            ("matches", "Name and date of birth match the wristband"),
            (DIFFERS, "Something differs: stop the line"),
        ],
        label="The patient was asked",
    )


@step_kind
class CheckBedside(StepKind):
    key = "check_bedside"
    title = "Bedside check"
    capability = Capability.CHECK_BEDSIDE
    without_network = WithoutNetwork.PAPER
    signatures = 2
    meaning = "identity verified"
    second_scan = "Scan the wristband and every bag yourself, one after the other"
    scans_many = True
    warnings = (namesakes.SAME_NAME,)
    scans_identity = True
    differs = ("patient_said", "What the patient said differs from the wristband.")
    Inputs = Inputs

    def _bags(self, ctx: StepContext) -> list[Any]:
        return [
            bag
            for bag in material.of_stream(ctx.order.stream_id)
            if bag.kind in PRODUCT and bag.state == ContainerState.THAWED
        ]

    def at_hand(self, ctx: StepContext) -> list[Any]:
        return self._bags(ctx)

    def begins_again(self, ctx: StepContext) -> bool:
        return any(not treatment.is_matched(bag) for bag in self._bags(ctx))

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        found = []
        if not self._bags(ctx):
            nothing = MissingFact("nothing_thawed", "No thawed bag is at the bedside.", "Thaw the product first.")
            found += bags.held_or(ctx, PRODUCT, nothing)
        found += evidence.revoked_missing(ctx.actor, ctx.order)
        if identity.identity_of_stream(ctx.order.stream_id).state != IdentityState.ACTIVE:
            found.append(
                MissingFact(
                    "identity_under_query",
                    "The chain of identity is under query.",
                    "Stop. Resolve the identity query first.",
                )
            )
        return found

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"bags": [{"scan": ""} for _ in self._bags(ctx)]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        zone = ZoneInfo(ctx.order.center_site.zone)
        return [
            ("Chain of identity", printed(ctx.order.identity_code)),
            ("Product", ctx.order.therapy.name),
            *((f"Bag {bag.k_of_n}", _told(bag, zone)) for bag in self._bags(ctx)),
            *namesakes.warning(ctx),
        ]

    def check_scan(self, ctx: StepContext, scan: str, inputs: dict[str, Any]) -> None:
        """The second person scans the wristband and every bag, in any order."""
        waiting = self._bags(ctx)
        wristbands, codes = scanned_twice.apart(codes_in(scan))
        chain = identity.identity_of_stream(ctx.order.stream_id)
        for wristband in wristbands:  # before they are counted: another patient's among them is no slip
            scans.expect_identity(chain, wristband, "scan", at_hand=waiting)
        if len(wristbands) != 1:
            text = "Scan the wristband once, and every bag."
            raise InvalidInput(text, fields={"scan": [text]})
        each_once(ctx.order.stream_id, codes, waiting, "scan")

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        waiting = self._bags(ctx)
        chain = identity.identity_of_stream(ctx.order.stream_id)
        scans.expect_identity(chain, inputs["wristband"], "wristband", at_hand=waiting)
        checked = {
            bags.scanned(ctx, given["scan"], waiting, f"bags[{position}].scan").pk
            for position, given in enumerate(inputs["bags"])
        }
        if checked != {bag.pk for bag in waiting}:
            raise InvalidInput(fields={"bags": [f"Scan each of the {len(waiting)} bags once."]})
        expired = [bag.code for bag in waiting if bag.expires_at and bag.expires_at < timezone.now()]
        if expired:
            raise ProductExpired(f"{', '.join(expired)}.", "Do not infuse. Call the manufacturer and the physician.")
        for bag in waiting:
            material.match(bag)
        return Outcome(
            f"{counted(len(waiting), 'bag')} matched to the patient.", {"bags": [bag.code for bag in waiting]}
        )


def _told(bag: Any, zone: ZoneInfo) -> str:
    used_by = at(bag.expires_at, zone) if bag.expires_at else "not recorded"
    lot = f", lot {bag.lot}" if bag.lot else ""
    return f"{bag.code}{lot}, use before {used_by}"
