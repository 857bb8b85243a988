"""Who has what in hand, and the shippers it travels in."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models

from custody.states import Direction, SealStage, ShipmentState, WayReportKind
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import OnStream


class Span(models.Func):
    """``[since, until)`` as a range; an open end reaches on for ever."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class CustodyPeriod(WalledModel):
    """A container in one organization's hands, from–to. Periods of a container neither overlap nor leave a gap (I2)."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    container = models.ForeignKey("custody.Container", on_delete=models.PROTECT, related_name="custody_periods")
    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(
        "personas.Site", on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    person_id = models.UUIDField(null=True, help_text="who took it")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["since", "id"]
        constraints = [
            ExclusionConstraint(
                name="custody_one_custodian",
                expressions=[("container", RangeOperators.EQUAL), (Span("since", "until"), RangeOperators.OVERLAPS)],
            ),
            models.UniqueConstraint(
                fields=["container"], condition=models.Q(until__isnull=True), name="custody_one_open_period"
            ),
            models.CheckConstraint(
                condition=models.Q(until__isnull=True) | models.Q(until__gte=models.F("since")),
                name="custody_period_forward",
            ),
        ]
        indexes = [
            models.Index(fields=["site", "-since", "-id"], name="custody_stays_at"),
            models.Index(fields=["-since", "-id"], name="custody_stays"),
        ]


class Shipment(WalledModel):
    """A sealed shipper on its way. Its outer code tells nothing about what is inside."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=20, unique=True, help_text="outer code, opaque, with its check character")
    direction = models.CharField(max_length=10, choices=Direction.choices)
    lane_id = models.UUIDField(null=True, blank=True)
    from_site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", db_index=False)
    to_site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", db_index=False)
    courier = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    shipper_code = models.CharField(max_length=40)
    seal_code = models.CharField(max_length=40)
    logger_code = models.CharField(max_length=40, blank=True)
    shipper = models.ForeignKey("custody.Equipment", on_delete=models.PROTECT, related_name="+", null=True)
    logger = models.ForeignKey("custody.Equipment", on_delete=models.PROTECT, related_name="+", null=True)
    holds_until = models.DateTimeField(null=True, help_text="end of the shipper's hold, as known when it was packed")
    binds_pieces = models.BooleanField(
        default=False, db_default=False, help_text="its shipper and logger are in no other box: see custody.pieces"
    )
    state = models.CharField(max_length=12, choices=ShipmentState.choices, default=ShipmentState.PACKED)
    packed_at = models.DateTimeField()
    picked_up_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["packed_at", "id"]
        indexes = [
            models.Index(fields=["stream", "direction"], name="custody_shipment_of"),
            models.Index(fields=["shipper_code"], name="custody_shipment_in"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["shipper"], condition=models.Q(binds_pieces=True), name="custody_box_shipper"
            ),
            models.UniqueConstraint(
                fields=["logger"], condition=models.Q(binds_pieces=True), name="custody_box_logger"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def state_label(self) -> str:
        return ShipmentState(self.state).label


class ShipmentItem(WalledModel):
    """A container in a shipper."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="items")
    container = models.ForeignKey("custody.Container", on_delete=models.PROTECT, related_name="shipment_items")

    wall = OnStream()
    append_only = True

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["shipment", "container"], name="custody_shipment_item_once"),
        ]


class ShipperSwap(WalledModel):
    """A box that was moved into another shipper on its way, with the numbers before and after (CC3)."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="swaps")
    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    person_id = models.UUIDField(null=True, help_text="who moved it")
    swapped_at = models.DateTimeField()
    place = models.CharField(max_length=120, help_text="where, in words")
    reason = models.CharField(max_length=300)
    units = models.PositiveSmallIntegerField(help_text="how many were moved: all of them")
    was_shipper_code = models.CharField(max_length=40)
    was_seal_code = models.CharField(max_length=40)
    was_logger_code = models.CharField(max_length=40, blank=True)
    was_shipper = models.ForeignKey("custody.Equipment", on_delete=models.PROTECT, related_name="+", null=True)
    was_logger = models.ForeignKey("custody.Equipment", on_delete=models.PROTECT, related_name="+", null=True)
    shipper_code = models.CharField(max_length=40)
    seal_code = models.CharField(max_length=40)
    logger_code = models.CharField(max_length=40)
    shipper = models.ForeignKey("custody.Equipment", on_delete=models.PROTECT, related_name="+", null=True)
    logger = models.ForeignKey("custody.Equipment", on_delete=models.PROTECT, related_name="+", null=True)

    wall = OnStream()
    append_only = True

    class Meta(WalledModel.Meta):
        ordering = ["swapped_at", "id"]
        indexes = [models.Index(fields=["was_shipper_code"], name="custody_swap_from")]
        constraints = [
            models.UniqueConstraint(fields=["shipment", "swapped_at"], name="custody_swap_once"),
            models.CheckConstraint(
                condition=~models.Q(shipper_code__iexact=models.F("was_shipper_code"))
                & ~models.Q(seal_code__iexact=models.F("was_seal_code")),
                name="custody_swap_changes_both",
            ),
        ]


class WayReport(WalledModel):
    """What happened to a box on its way: a leg of its route, customs, another route (F51, F60, F62)."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="way_reports")
    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    person_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=16, choices=WayReportKind.choices)
    happened_at = models.DateTimeField()
    route = models.CharField(max_length=60, blank=True, help_text="of the lane; empty: the planned one")
    leg = models.PositiveSmallIntegerField(null=True, help_text="number on its route, from 1")
    reason = models.CharField(max_length=300, blank=True)

    wall = OnStream()
    append_only = True

    class Meta(WalledModel.Meta):
        ordering = ["happened_at", "id"]
        indexes = [models.Index(fields=["shipment", "happened_at"], name="custody_way_reports_of")]


class SealCheck(WalledModel):
    """What somebody saw of a shipper's seal: recorded whether it fits or not."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="seal_checks")
    stage = models.CharField(max_length=12, choices=SealStage.choices)
    seal_seen = models.CharField(max_length=40)
    matches = models.BooleanField()
    seen_at = models.DateTimeField()
    person_id = models.UUIDField(null=True)

    wall = OnStream()
    append_only = True
