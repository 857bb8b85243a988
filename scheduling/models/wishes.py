from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import OnStream


class DateWishes(WalledModel):
    """What is wished of an order's dates beyond its therapy, as it was said last (ADR 19). One row per order.

    Days are local at the center. Never why: what a patient was treated with stays outside.
    """

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    organization_id = models.UUIDField(help_text="the treatment center")
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True, help_text="ISO; none: any")
    earliest = models.DateField(null=True, help_text="no collection before this day")
    washout_since = models.DateField(null=True, help_text="day of the last treatment")
    washout_days = models.PositiveSmallIntegerField(null=True, help_text="empty: as the flow says")
    stated_by_name = models.CharField(max_length=200)
    stated_at = models.DateTimeField()

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["stream"], name="scheduling_date_wishes_one"),
            models.CheckConstraint(
                condition=Q(washout_days__isnull=True) | Q(washout_since__isnull=False),
                name="scheduling_date_wishes_washout",
            ),
        ]
