"""How labels of a therapy look in a market: versions, proposed by one person and approved by another."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from custody.states import LabelElement, LabelLanguage, LabelStock, LabelTemplate, SchemeState
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import KnownTo


class LabelDesign(WalledModel):
    """A version of a template. What it says never changes once proposed: a print is drawn again as it was."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    therapy = models.ForeignKey("network.Therapy", on_delete=models.PROTECT, related_name="+")
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166-1 alpha-2; empty: every other market")
    kind = models.CharField(max_length=16, choices=LabelTemplate.choices)
    version = models.PositiveSmallIntegerField()
    elements = ArrayField(models.CharField(max_length=16, choices=LabelElement.choices))
    languages = ArrayField(models.CharField(max_length=2, choices=LabelLanguage.choices))
    stock = models.CharField(max_length=10, choices=LabelStock.choices)
    proper_name = models.CharField(max_length=120, blank=True)
    product_code = models.CharField(max_length=40, blank=True)
    anticoagulant = models.CharField(max_length=40, blank=True)
    texts = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    state = models.CharField(max_length=10, choices=SchemeState.choices, default=SchemeState.PROPOSED)
    proposed_by_id = models.UUIDField(null=True, help_text="person")
    proposed_at = models.DateTimeField(default=timezone.now)
    approved_by_id = models.UUIDField(null=True, blank=True, help_text="person; never the one who proposed")
    approved_at = models.DateTimeField(null=True, blank=True)

    wall = KnownTo("organization_id")
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["therapy", "country", "kind", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["therapy", "country", "kind", "version"], name="custody_label_design_version"
            ),
            models.UniqueConstraint(
                fields=["therapy", "country", "kind"],
                condition=Q(state=SchemeState.LIVE),
                name="custody_one_live_label_design",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by_id=F("proposed_by_id")), name="custody_label_design_two_people"
            ),
            models.CheckConstraint(
                condition=~Q(state=SchemeState.LIVE) | Q(approved_by_id__isnull=False),
                name="custody_label_design_approved",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.country or 'every other market'}, version {self.version}"
