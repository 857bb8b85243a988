"""Photos of boxes: what driver, sender or receiver saw at the door."""

from __future__ import annotations

from django.db import models

from ledger.models import WalledModel
from ledger.walls import OnStream


class BoxPhoto(WalledModel):
    """A photo of a box from outside, as one of its parties took it. Never edited; its SHA-256 stands on the record."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    shipment = models.ForeignKey("custody.Shipment", on_delete=models.PROTECT, related_name="photos")
    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    about = models.CharField(max_length=120, help_text="what it shows, never a patient's name")
    taken_by = models.CharField(max_length=200)
    taken_at = models.DateTimeField()
    event_id = models.UUIDField(null=True, help_text="hand-over or receipt that it is a part of; null: taken by itself")
    step = models.SlugField(max_length=64, blank=True, help_text="key of that step")
    place = models.CharField(max_length=200, blank=True, help_text="where that was")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what is kept")
    content = models.BinaryField(help_text="JPEG without metadata")

    wall = OnStream()
    append_only = True

    class Meta(WalledModel.Meta):
        ordering = ["taken_at", "id"]
        constraints = [models.UniqueConstraint(fields=["shipment", "digest"], name="custody_box_photo_once")]
        indexes = [models.Index(fields=["shipment", "taken_at"], name="custody_box_photo_of")]

    def __str__(self) -> str:
        return self.about
