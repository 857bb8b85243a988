"""Empty shippers on their way back to whoever keeps them."""

from __future__ import annotations

from django.db import models

from custody.states import ReturnOutcome
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import Outside, OwnedBy


class ShipperReturn(WalledModel):
    """An empty shipper that its keeper expects back: who has it, by when, handed over, received (LM2, DE5)."""

    owner = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    holder = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    holder_site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", null=True)
    courier = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    shipper = models.ForeignKey("custody.Equipment", on_delete=models.PROTECT, related_name="+")
    serial = models.CharField(max_length=40)
    box_code = models.CharField(max_length=20, help_text="outer code of the box that came in it")
    empty_since = models.DateTimeField()
    expected_at = models.DateTimeField(help_text="back at its keeper's until then")
    handed_over_at = models.DateTimeField(null=True)
    handed_over_by = models.CharField(max_length=200, blank=True, help_text="organization that said so")
    received_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=ReturnOutcome.choices, blank=True)
    note = models.CharField(max_length=300, blank=True)

    wall = OwnedBy(("owner_id", "holder_id", "courier_id"))
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["expected_at", "id"]
        constraints = [models.UniqueConstraint(fields=["shipper", "box_code"], name="custody_return_once")]
        indexes = [
            models.Index(fields=["shipper"], condition=models.Q(received_at__isnull=True), name="custody_return_open")
        ]

    def __str__(self) -> str:
        return self.serial


class ReturnDue(WalledModel):
    """That a shipper is expected back, and when to look: the sweep reads it, then acts inside the shipper's keeper.

    It stands until the shipper is back, so that whoever packs learns that it is not, wherever it stands.
    """

    organization_id = models.UUIDField(help_text="the keeper of the shipper")
    return_id = models.UUIDField(unique=True)
    shipper_id = models.UUIDField(null=True, db_index=True, help_text="empty for what began before it was kept")
    due_at = models.DateTimeField(null=True, help_text="empty once its keeper was told that it is late")

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="custody_return_due")]
