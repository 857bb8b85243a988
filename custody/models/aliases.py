"""What a thing of an order is called in somebody's own system."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.db.models import Q
from django.utils import timezone

from custody.states import AliasScope, AliasSystem
from ledger.context import Actor
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import EVENT_OPEN, ME, OnStream


@dataclass(frozen=True)
class ByScope(OnStream):
    """The issuer's own rows; and what it shares, for every party of the order."""

    def read_sql(self, table: str) -> str:
        return f"({table}.issuer_id = {ME} or ({table}.scope = 'order' and {super().read_sql(table)}))"

    def insert_sql(self, table: str) -> str:
        return f"{EVENT_OPEN} and {table}.issuer_id = {ME} and {super().read_sql(table)}"

    def belt(self, actor: Actor) -> Q:
        return Q(issuer_id=actor.organization_id) | (Q(scope=AliasScope.ORDER) & super().belt(actor))


class Alias(WalledModel):
    """A code of another system for one bag, box or chain of identity. Never edited: withdrawn, and registered anew."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    issuer = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    system = models.CharField(max_length=20, choices=AliasSystem.choices)
    value = models.CharField(max_length=120, help_text="as it is compared: see custody.aliases.normalized")
    scope = models.CharField(max_length=8, choices=AliasScope.choices)
    container = models.ForeignKey(
        "custody.Container", on_delete=models.PROTECT, related_name="aliases", null=True, blank=True
    )
    shipment = models.ForeignKey(
        "custody.Shipment", on_delete=models.PROTECT, related_name="aliases", null=True, blank=True
    )
    coi = models.ForeignKey(
        "custody.ChainOfIdentity", on_delete=models.PROTECT, related_name="aliases", null=True, blank=True
    )
    registered_by_id = models.UUIDField(null=True, help_text="person")
    registered_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.TextField(blank=True, help_text="never patient data")

    wall = ByScope()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["registered_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["value", "system", "issuer"],
                condition=Q(withdrawn_at__isnull=True),
                name="custody_alias_once",
            ),
            models.CheckConstraint(
                condition=(
                    Q(container__isnull=False, shipment__isnull=True, coi__isnull=True)
                    | Q(container__isnull=True, shipment__isnull=False, coi__isnull=True)
                    | Q(container__isnull=True, shipment__isnull=True, coi__isnull=False)
                ),
                name="custody_alias_names_one",
            ),
            models.CheckConstraint(
                condition=Q(scope=AliasScope.OWN) | ~Q(system__in=("hospital", "gsrn")),
                name="custody_alias_of_patient_stays",
            ),
        ]
        indexes = [models.Index(fields=["stream", "registered_at"], name="custody_alias_of")]

    def __str__(self) -> str:
        return f"{self.get_system_display()} {self.value}"

    @property
    def target_code(self) -> str:
        """Return our own code of the thing it names; nothing once its issuer has left the order and sees it no more."""
        thing = self.container or self.shipment or self.coi
        return thing.code if thing else ""
