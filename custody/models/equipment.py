"""Shippers and loggers that organizations keep in service, each with how long it may be relied on."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models.functions import Upper

from custody.states import EquipmentKind
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import KnownTo


class Equipment(WalledModel):
    """A shipper or a logger of one organization; partners see it, as they pack into it and check it (DE1, LM6)."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=EquipmentKind.choices)
    serial = models.CharField(max_length=40)
    model = models.CharField(max_length=80)
    valid_until = models.DateTimeField(help_text="end of a shipper's qualification, of a logger's calibration")
    hold_hours = models.DecimalField(
        max_digits=6, decimal_places=2, null=True, help_text="a shipper's: how long a charge holds, as qualified"
    )
    charged_at = models.DateTimeField(null=True, help_text="a shipper's: when it was last charged or conditioned")
    retired_at = models.DateTimeField(null=True)
    returned_at = models.DateTimeField(null=True, help_text="a shipper's: when it last came back from a journey")
    cleaned_at = models.DateTimeField(null=True, help_text="a shipper's: when it was last cleaned")
    qualified_at = models.DateTimeField(null=True, help_text="when it was last qualified or calibrated again")
    each_trip = models.BooleanField(default=False, help_text="a shipper's: qualified again after each journey")
    return_days = models.PositiveSmallIntegerField(default=7, help_text="a shipper's: expected back so long after")

    wall = KnownTo()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["serial", "id"]
        constraints = [
            models.UniqueConstraint("organization", "kind", Upper("serial"), name="custody_equipment_once"),
            models.CheckConstraint(
                condition=models.Q(kind=EquipmentKind.SHIPPER, hold_hours__gt=0)
                | models.Q(kind=EquipmentKind.LOGGER, hold_hours__isnull=True, charged_at__isnull=True),
                name="custody_equipment_holds",
            ),
        ]

    def __str__(self) -> str:
        return self.serial

    @property
    def is_shipper(self) -> bool:
        return self.kind == EquipmentKind.SHIPPER

    @property
    def holds_until(self) -> dt.datetime | None:
        """When the last charge ends; None when no charge is on record."""
        if self.charged_at is None or self.hold_hours is None:
            return None
        return self.charged_at + dt.timedelta(hours=float(self.hold_hours))
