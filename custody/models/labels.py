"""Printed labels, one row per print, so that every label's end is known (FACT-JACIE reconciliation, T33)."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from custody.states import LabelState, LabelTemplate
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import OnStream


class Label(WalledModel):
    """One print of a container's label. A reprint voids the former; patient lines are never stored."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    container = models.ForeignKey("custody.Container", on_delete=models.PROTECT, related_name="labels")
    serial = models.CharField(max_length=48, unique=True, help_text="container code and number of the print")
    template = models.CharField(max_length=16, choices=LabelTemplate.choices)
    design = models.ForeignKey(
        "custody.LabelDesign",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="version of the template; none: the layout that the software brings along",
    )
    state = models.CharField(max_length=12, choices=LabelState.choices, default=LabelState.PRINTED)
    reason = models.TextField(blank=True, help_text="why it was printed again; never patient data")
    printed_at = models.DateTimeField(default=timezone.now)
    printed_by_id = models.UUIDField(null=True, help_text="person")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="when it was applied, voided or destroyed")

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["printed_at", "serial"]
        constraints = [
            models.UniqueConstraint(
                fields=["container", "template"],
                condition=models.Q(state__in=["printed", "applied"]),
                name="custody_one_valid_label",
            ),
        ]

    def __str__(self) -> str:
        return self.serial
