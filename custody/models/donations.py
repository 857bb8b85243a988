"""A donation: what was collected at one sitting, under the number that its center gave it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from ledger.models import WalledModel
from ledger.walls import OnStream


class Donation(WalledModel):
    """A donation number (DIN, ISBT 128) of one chain of identity; a chain has as many as there were collections."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    coi = models.ForeignKey("custody.ChainOfIdentity", on_delete=models.PROTECT, related_name="donations")
    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=13, help_text="without flags and check character")
    flags = models.CharField(max_length=2, default="00", help_text="as scanned; 00 where none were")
    recorded_by_id = models.UUIDField(null=True, help_text="person")
    recorded_at = models.DateTimeField(default=timezone.now)
    nth = models.PositiveSmallIntegerField(default=1, help_text="the first one, or the next after a withdrawal")

    wall = OnStream()
    append_only = True

    class Meta(WalledModel.Meta):
        ordering = ["recorded_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["number", "organization", "nth"], name="custody_donation_once"),
            models.CheckConstraint(
                condition=Q(number__regex=r"^[A-NP-Z1-9][A-NP-Z0-9]{2}[0-9]{10}$", flags__regex=r"^[0-9]{2}$"),
                name="custody_donation_shape",
            ),
        ]
        indexes = [models.Index(fields=["coi", "recorded_at"], name="custody_donation_of")]

    def __str__(self) -> str:
        return self.number


class DonationWithdrawal(WalledModel):
    """A donation number was recorded wrongly: it names this chain of identity no more, and is free for another."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    donation = models.OneToOneField(Donation, on_delete=models.PROTECT, related_name="withdrawal")
    reason = models.CharField(max_length=300)
    recorded_by_id = models.UUIDField(null=True, help_text="person")
    recorded_at = models.DateTimeField(default=timezone.now)

    wall = OnStream()
    append_only = True

    def __str__(self) -> str:
        return f"{self.donation_id} withdrawn"
