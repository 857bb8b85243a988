"""Where material lies at a site: tanks, freezers and refrigerators with their racks and places."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from custody.states import StoreKind
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import OwnedBy


class StoreUnit(WalledModel):
    """A tank, freezer or refrigerator: ``racks`` of ``places`` each, numbered from one, one container to a place."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=40)
    kind = models.CharField(max_length=16, choices=StoreKind.choices)
    racks = models.PositiveSmallIntegerField()
    places = models.PositiveSmallIntegerField(help_text="in each rack")
    minimum = models.IntegerField(null=True, help_text="limit, hundredths of a degree Celsius")
    maximum = models.IntegerField(null=True, help_text="limit, hundredths of a degree Celsius")
    minutes_allowed = models.PositiveIntegerField(default=0, help_text="that it may be outside before items are held")
    added_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "site",
                models.functions.Upper("name"),
                condition=models.Q(retired_at__isnull=True),
                name="custody_store_unit_once",
            ),
            models.CheckConstraint(
                condition=models.Q(racks__gte=1, racks__lte=60, places__gte=1, places__lte=100),
                name="custody_store_unit_size",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def size(self) -> int:
        return self.racks * self.places

    def path(self, rack: int, place: int) -> str:
        """Return how a place is said and typed: ``Tank 2/3/14``."""
        return f"{self.name}/{rack}/{place}"
