from __future__ import annotations

from django.db import models

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import OwnedBy
from scheduling.states import Urgency


class UrgencyClass(WalledModel):
    """How urgent a center holds an order: a class, which the manufacturer of the therapy knows too, never a score."""

    stream_id = models.UUIDField(unique=True)
    organization_id = models.UUIDField(help_text="the treatment center")
    manufacturer_id = models.UUIDField()
    level = models.PositiveSmallIntegerField(choices=Urgency.choices)
    noted_at = models.DateTimeField()

    wall = OwnedBy(("organization_id", "manufacturer_id"))
    history = track()
