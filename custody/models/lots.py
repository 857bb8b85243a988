"""Lots of critical materials (vectors, media, reagents) that containers were made with."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from ledger.models import WalledModel
from ledger.walls import OnStream


class UsedLot(WalledModel):
    """A lot that came into contact with a container; whatever is made of the container was made with it too (QA4)."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    container = models.ForeignKey("custody.Container", on_delete=models.PROTECT, related_name="used_lots")
    name = models.CharField(max_length=80, help_text="what it is: viral vector, medium, beads")
    lot = models.CharField(max_length=40, help_text="in capitals, without blanks: see custody.used_lots.normalized")
    used_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)

    wall = OnStream()
    append_only = True

    class Meta(WalledModel.Meta):
        ordering = ["used_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["container", "name", "lot"], name="custody_used_lot_once"),
            models.CheckConstraint(condition=~models.Q(lot="") & ~models.Q(name=""), name="custody_used_lot_named"),
        ]
        indexes = [models.Index(fields=["lot", "container"], name="custody_used_lot")]

    def __str__(self) -> str:
        return f"{self.name} {self.lot}"
