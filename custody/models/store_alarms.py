"""What is measured in a unit of the store, and what its alarms amount to."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from custody.states import AlarmCause, AlarmState
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import Outside, OwnedBy


class StoreReadingBlock(WalledModel):
    """Readings of a unit that came together: seconds since the epoch, and hundredths of a degree Celsius."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    unit = models.ForeignKey("custody.StoreUnit", on_delete=models.PROTECT, related_name="reading_blocks")
    sent_at = models.DateTimeField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was sent")
    seconds = ArrayField(models.BigIntegerField())
    values = ArrayField(models.IntegerField())
    begins = models.BigIntegerField(help_text="first of its seconds")
    ends = models.BigIntegerField(help_text="last of them")

    wall = OwnedBy()
    append_only = True

    class Meta(WalledModel.Meta):
        indexes = [
            models.Index(fields=["unit", "begins"], name="custody_store_readings_from"),
            models.Index(fields=["unit", "ends"], name="custody_store_readings_end"),
        ]


class StoreAlarm(WalledModel):
    """An alarm of a unit: what for, since when, what lay in it, whether limits were breached, how it ended (CL3)."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    unit = models.ForeignKey("custody.StoreUnit", on_delete=models.PROTECT, related_name="alarms")
    cause = models.CharField(max_length=12, choices=AlarmCause.choices)
    text = models.CharField(max_length=300, blank=True, help_text="what the alarm says; no patient data")
    state = models.CharField(max_length=12, choices=AlarmState.choices, default=AlarmState.OPEN)
    began_at = models.DateTimeField(help_text="first reading outside, or when it happened")
    opened_at = models.DateTimeField(help_text="when it was recorded")
    minimum = models.IntegerField(null=True, help_text="limit then, hundredths of a degree Celsius")
    maximum = models.IntegerField(null=True, help_text="limit then, hundredths of a degree Celsius")
    minutes_allowed = models.FloatField(default=0)
    lowest = models.IntegerField(null=True, help_text="hundredths of a degree Celsius")
    highest = models.IntegerField(null=True, help_text="hundredths of a degree Celsius")
    minutes_outside = models.FloatField(default=0)
    last_outside = models.BooleanField(default=False, help_text="the latest reading lies outside")
    breached_at = models.DateTimeField(null=True, help_text="when it was outside for longer than allowed: items held")
    told = models.BooleanField(default=False, help_text="whoever keeps the store was told that it opened")
    told_breach = models.BooleanField(default=False, help_text="items are held and everybody is told")
    items = models.JSONField(default=list, help_text="what lay in the unit: {container, order}")
    held = models.JSONField(default=list, help_text="codes of the containers that were put aside")
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=200, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=200, blank=True)
    conclusion = models.CharField(max_length=500, blank=True)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "cause"], condition=~models.Q(state="closed"), name="custody_store_alarm_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="closed") | ~models.Q(conclusion=""), name="custody_store_alarm_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit}: {AlarmCause(self.cause).label}"


class StoreAlarmDue(WalledModel):
    """An alarm of which something is to be told or held yet: read by the sweep, which acts inside the organization."""

    organization_id = models.UUIDField()
    alarm_id = models.UUIDField(unique=True)
    due_at = models.DateTimeField()

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="custody_store_alarm_due")]
