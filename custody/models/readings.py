"""Temperatures of a box on its way: what loggers recorded, kept as arrays, one row per upload and UTC day."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from custody.states import Condition
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import OnStream, OwnedBy


class LoggerLayout(WalledModel):
    """How the files of one logger model are read, as an organization saved it: names of columns, zone, unit."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    model = models.CharField(max_length=80)
    time_column = models.CharField(max_length=80)
    value_column = models.CharField(max_length=80)
    serial_label = models.CharField(max_length=80, blank=True)
    time_format = models.CharField(max_length=40, blank=True)
    zone = models.CharField(max_length=64)
    fahrenheit = models.BooleanField(default=False)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["model", "id"]
        constraints = [models.UniqueConstraint(fields=["organization", "model"], name="custody_layout_once")]

    def __str__(self) -> str:
        return self.model


class BoxCondition(WalledModel):
    """What all readings of a box amount to: limits, what was outside them for how long, and what that means."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    shipment = models.OneToOneField("custody.Shipment", on_delete=models.PROTECT, related_name="condition")
    state = models.CharField(max_length=12, choices=Condition.choices, default=Condition.WATCHED)
    readings = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    lowest = models.IntegerField(null=True, help_text="hundredths of a degree Celsius")
    highest = models.IntegerField(null=True, help_text="hundredths of a degree Celsius")
    minutes_outside = models.FloatField(default=0)
    minutes_allowed = models.FloatField(default=0)
    gap_minutes = models.FloatField(default=0, help_text="longest time without a reading, ends of the way included")
    outside = models.PositiveIntegerField(default=0, help_text="how many readings")
    outside_seconds = models.PositiveIntegerField(null=True, help_text="exactly; null: not kept yet, all is read again")
    gap_seconds = models.PositiveIntegerField(default=0, help_text="longest time between two readings")
    gap_at = models.BigIntegerField(default=0, help_text="where that begins, seconds since the epoch")
    told = models.CharField(max_length=12, choices=Condition.choices, blank=True, help_text="what parties were told")
    told_lowest = models.IntegerField(null=True, help_text="lowest when it was told last, in hundredths")
    told_highest = models.IntegerField(null=True, help_text="highest when it was told last, likewise")
    told_minutes = models.FloatField(null=True, help_text="minutes outside when it was told last")
    minimum = models.IntegerField(null=True, help_text="limit, hundredths of a degree Celsius")
    maximum = models.IntegerField(null=True, help_text="limit, hundredths of a degree Celsius")

    wall = OnStream()
    history = track()


class ReadingUpload(WalledModel):
    """One file, or one request, of readings of a box: who, from which logger, and what came of each row."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    shipment = models.ForeignKey("custody.Shipment", on_delete=models.PROTECT, related_name="uploads")
    logger_code = models.CharField(max_length=40)
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was sent")
    uploaded_at = models.DateTimeField()
    organization_id = models.UUIDField()
    person_id = models.UUIDField(null=True)
    taken = models.PositiveIntegerField()
    repeated = models.PositiveIntegerField(help_text="recorded already")
    elsewhen = models.PositiveIntegerField(help_text="before the box was packed or after it was opened")
    out_of_order = models.PositiveIntegerField()
    bad = models.PositiveIntegerField()
    faults = models.JSONField(default=list, help_text="the first bad rows: {line, text}")

    wall = OnStream()
    append_only = True

    class Meta(WalledModel.Meta):
        ordering = ["uploaded_at", "id"]


class ReadingBlock(WalledModel):
    """Readings of one upload on one UTC day: seconds since midnight, and hundredths of a degree Celsius."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    shipment = models.ForeignKey("custody.Shipment", on_delete=models.PROTECT, related_name="reading_blocks")
    upload = models.ForeignKey(ReadingUpload, on_delete=models.PROTECT, related_name="blocks")
    day = models.DateField(help_text="UTC")
    seconds = ArrayField(models.IntegerField())
    values = ArrayField(models.IntegerField())
    begins = models.BigIntegerField(null=True, help_text="first of its seconds since the epoch; null: not kept")
    ends = models.BigIntegerField(null=True, help_text="last of them")

    wall = OnStream()
    append_only = True

    class Meta(WalledModel.Meta):
        indexes = [
            models.Index(fields=["shipment", "day"], name="custody_readings_of"),
            models.Index(fields=["shipment", "begins"], name="custody_readings_from"),
            models.Index(fields=["shipment", "ends"], name="custody_readings_until"),
        ]
