from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.db.models import Exists, OuterRef, Q

from ledger.context import Actor
from ledger.history import track
from ledger.models import Partnership, WalledModel
from ledger.states import Role
from ledger.walls import ME, KnownTo
from scheduling.states import PriceKind


@dataclass(frozen=True)
class ChargedTo(KnownTo):
    """The owner's rows; a treatment center among its partners sees those charged to centers, nobody else any."""

    def read_sql(self, table: str) -> str:
        partner = super().read_sql(table)
        center = (
            f"exists (select 1 from personas_organization o where o.id = {ME} and o.role = '{Role.TREATMENT_CENTER}')"  # noqa: S608
        )
        charged = f"{table}.charged_to = '{Role.TREATMENT_CENTER}' and {center} and {partner}"
        return f"({table}.{self.organization} = {ME} or ({charged}))"

    def belt(self, actor: Actor) -> Q:
        own = Q(organization_id=actor.organization_id)
        if actor.organization_role != Role.TREATMENT_CENTER:
            return own
        partner = Partnership.unwalled.filter(
            viewer_id=actor.organization_id, organization_id=OuterRef("organization_id")
        )
        return own | (Q(charged_to=Role.TREATMENT_CENTER) & Q(Exists(partner)))


class ChangePrice(WalledModel):
    """What one thing about a change of dates costs, from a day on; a later row of the same thing takes its place.

    ``days_before``: a cancellation costs it when what is given up begins less than so many days ahead (None: whenever).
    An ``amount`` of 0 ends a price. ``charged_to``: the center, or the manufacturer itself.
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    therapy_id = models.UUIDField()
    kind = models.CharField(max_length=20, choices=PriceKind.choices)
    days_before = models.PositiveSmallIntegerField(null=True, blank=True)
    charged_to = models.CharField(max_length=20, choices=[(r.value, r.label) for r in Role])
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
    starts_on = models.DateField()

    wall = ChargedTo("organization_id")
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="scheduling_price_amount"),
            models.UniqueConstraint(
                fields=["organization", "therapy_id", "kind", "days_before", "charged_to", "starts_on"],
                name="scheduling_price_once",
                nulls_distinct=False,
            ),
        ]
