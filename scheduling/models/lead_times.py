from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q, UUIDField, Value
from django.db.models.functions import Coalesce

from ledger.context import Actor
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import ME, KnownTo
from scheduling.models.calendar import in_effect

ANY = Value(UUID(int=0), output_field=UUIDField())


@dataclass(frozen=True)
class KnownWhereItHolds(KnownTo):
    """The owner's rows; partners see those that hold for everybody or at a plant, a center those of its own sites.

    Of a lead time that was agreed with another center it learns nothing.
    """

    def read_sql(self, table: str) -> str:
        partner = super().read_sql(table)
        own = f"{table}.organization_id = {ME} or {table}.center_id = {ME}"
        return f"({own} or ({table}.center_id is null and {partner}))"

    def belt(self, actor: Actor) -> Q:
        own = Q(organization_id=actor.organization_id) | Q(center_id=actor.organization_id)
        return own | (Q(center_id__isnull=True) & super().belt(actor))


class LeadTimeOverride(WalledModel):
    """How long a step of a chain takes where a manufacturer says so: see ``conditions.LeadTime`` (FEATURES F21).

    ``market`` empty, ``site``, ``therapy_id`` None: any. ``center_id``: whose site it is, when it is a treatment
    center's. ``first_date`` to ``last_date`` (included) are dates of collection.
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    step = models.CharField(max_length=32)
    market = models.CharField(max_length=2, blank=True)
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    center_id = models.UUIDField(null=True, blank=True)
    therapy_id = models.UUIDField(null=True, blank=True)
    priority = models.PositiveSmallIntegerField(default=0)
    at_least = models.FloatField(null=True, blank=True)
    at_most = models.FloatField(null=True, blank=True)
    reason = models.CharField(max_length=200)
    first_date = models.DateField()
    last_date = models.DateField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="ended before it ever counted")
    why_ended = models.CharField(max_length=200, blank=True)

    wall = KnownWhereItHolds("organization_id")
    history = track()
    in_directory = True

    class Meta(WalledModel.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(last_date__isnull=True) | Q(last_date__gte=F("first_date")), name="scheduling_lead_dates"
            ),
            models.CheckConstraint(
                condition=Q(at_least__gte=0) | Q(at_least__isnull=True, at_most__isnull=False),
                name="scheduling_lead_at_least",
            ),
            models.CheckConstraint(
                condition=Q(at_most__isnull=True)
                | (Q(at_most__gte=0) & (Q(at_least__isnull=True) | Q(at_most__gte=F("at_least")))),
                name="scheduling_lead_at_most",
            ),
            ExclusionConstraint(
                name="scheduling_lead_one_of_a_kind",
                expressions=[
                    ("organization", RangeOperators.EQUAL),
                    ("step", RangeOperators.EQUAL),
                    ("market", RangeOperators.EQUAL),
                    (Coalesce("site", ANY), RangeOperators.EQUAL),
                    (Coalesce("therapy_id", ANY), RangeOperators.EQUAL),
                    ("priority", RangeOperators.EQUAL),
                    (in_effect(), RangeOperators.OVERLAPS),
                ],
                condition=Q(withdrawn_at__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["organization", "step"], name="scheduling_lead_of")]
