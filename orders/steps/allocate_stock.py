"""Bind a unit from stock to this order: the chain of identity meets the product here (DOMAIN 3.4)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from custody import custody_periods, identity, labels, material, stock
from ledger.refusals import FactsMissing, MissingFact
from ledger.states import Role
from network import queries as network
from orders import parties, stopped_use
from orders.label_texts import printing_for
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.queries import Organization
from personas.states import Capability
from quality.states import SourceKind


class Inputs(serializers.Serializer[Any]):
    """The unit that is taken from stock."""

    serial = serializers.CharField(max_length=60, label="Serial number of the kit")


@step_kind
class AllocateStock(StepKind):
    key = "allocate_stock"
    title = "Allocate from stock"
    capability = Capability.ALLOCATE_STOCK
    Inputs = Inputs

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        if stock.available(ctx.order.therapy_id):
            return []
        return [MissingFact("no_stock", "No unit of this therapy is in stock.", "Wait for a released lot.")]

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [
            (
                "In stock",
                ", ".join(
                    f"{unit.serial} (lot {unit.lot}, expires {unit.expires_at:%Y-%m-%d})"
                    for unit in stock.available(ctx.order.therapy_id)[:12]
                ),
            )
        ]

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        plants = network.plants_of(ctx.order.therapy_id, ctx.order.center_site.country)
        lane = next(
            (
                found
                for plant in plants
                if (found := network.lane_between(ctx.order.manufacturer_id, plant.site_id, ctx.order.center_site_id))
            ),
            None,
        )
        if lane is None:
            raise FactsMissing(
                "No lane leads to this center.",
                facts=[
                    MissingFact(
                        "no_lane", "No qualified lane leads from a depot to this center.", "Ask the logistics manager."
                    )
                ],
            )
        unit = stock.unit_with_serial(ctx.order.therapy_id, inputs["serial"])
        stopped_use.refuse(ctx, SourceKind.LOT, [unit.lot], "serial")
        chain = identity.identity_of_stream(ctx.order.stream_id)
        kit = material.bind_stock(unit, ctx.stream, chain)
        ctx.order.plant_site_id = lane.origin_id
        ctx.order.save(update_fields=["plant_site"])
        plant = Organization.unwalled.get(sites=lane.origin_id)
        maker = parties.Newcomer(plant.pk, plant.role, lane.origin_id)
        parties.join(ctx.order, maker, parties.Newcomer(lane.courier_id, Role.COURIER))
        this_minute = timezone.now().replace(
            second=0, microsecond=0
        )  # forms tell minutes: the next hand-over may follow
        custody_periods.begin(kit, plant.pk, lane.origin_id, ctx.performer_id, this_minute)
        labels.print_labels(ctx.stream, [kit], "product", printing=printing_for(ctx.order))
        labels.apply_to(kit)
        return Outcome(
            f"Kit {unit.serial} of lot {unit.lot} is allocated.",
            {"serial": unit.serial, "lot": unit.lot, "container": kit.code},
        )
