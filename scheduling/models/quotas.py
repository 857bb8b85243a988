from __future__ import annotations

from dataclasses import dataclass

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.utils import timezone

from ledger.context import Actor
from ledger.history import track
from ledger.models import Partnership, WalledModel
from ledger.walls import ME, KnownTo, Outside, OwnedBy
from scheduling.states import QuotaPeriod, QuotaStage, Share


@dataclass(frozen=True)
class AllottedTo(KnownTo):
    """The owner's rows; a center sees its own share, the shares of regions in which it has a site, and the pool.

    Of another center's share it learns nothing, not even that there is one.
    """

    def read_sql(self, table: str) -> str:
        partner = super().read_sql(table)
        here = f"{table}.countries && array(select s.country from personas_site s where s.organization_id = {ME})"  # noqa: S608
        common = f"{table}.center_id is null and ({table}.countries = '{{}}' or {here}) and {partner}"
        return f"({table}.organization_id = {ME} or {table}.center_id = {ME} or ({common}))"

    def belt(self, actor: Actor) -> Q:
        from personas.queries import sites

        partner = Partnership.unwalled.filter(
            viewer_id=actor.organization_id, organization_id=OuterRef("organization_id")
        )
        own = sites(actor).filter(organization_id=actor.organization_id).order_by().values("country")
        here = Q(countries=[]) | Q(countries__overlap=ArraySubquery(own))
        mine = Q(organization_id=actor.organization_id) | Q(center_id=actor.organization_id)
        return mine | (Q(center_id__isnull=True) & here & Q(Exists(partner)))


class Quota(WalledModel):
    """The rule by which a manufacturer shares out one stage of a therapy: per week or month, between two dates.

    Partners may know the rule; who got how many places stands in ``Allotment``. ``release_days`` before a period what
    is unused goes into the pool (None: never). ``reserve_percent`` of each share is for remanufacture alone.

    ``named_only``: it binds only the centers and regions that have a share in it; it has no pool and everybody else is
    free of it. Of such quotas any number may run beside the one that binds everybody, and all of them must hold.
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    therapy_id = models.UUIDField()
    stage = models.CharField(max_length=24, choices=QuotaStage.choices)
    period = models.CharField(max_length=8, choices=QuotaPeriod.choices)
    zone = models.CharField(max_length=64, help_text="where the periods begin at midnight")
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="last day")
    release_days = models.PositiveSmallIntegerField(null=True)
    reserve_percent = models.PositiveSmallIntegerField(default=0)
    title = models.CharField(max_length=60, blank=True, help_text="by which refusals name it; partners read it")
    named_only = models.BooleanField(default=False)

    wall = KnownTo("organization_id")
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="scheduling_quota_has_length"),
            models.CheckConstraint(condition=Q(reserve_percent__lte=100), name="scheduling_quota_percent"),
            models.CheckConstraint(condition=Q(named_only=False) | ~Q(title=""), name="scheduling_quota_named"),
            ExclusionConstraint(
                name="scheduling_quota_once",
                condition=Q(named_only=False),
                expressions=[
                    ("organization", RangeOperators.EQUAL),
                    ("therapy_id", RangeOperators.EQUAL),
                    ("stage", RangeOperators.EQUAL),
                    (
                        Func(
                            "starts_on",
                            "ends_on",
                            RangeBoundary(inclusive_lower=True, inclusive_upper=True),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]


class Allotment(WalledModel):
    """The places that one center, one region, or everybody (the pool) has of a quota in one period.

    ``used`` and ``remade`` (remanufactures) move only through ``scheduling.quotas``; ``released`` places went to the
    pool.
    """

    quota = models.ForeignKey(Quota, on_delete=models.PROTECT, related_name="allotments")
    organization_id = models.UUIDField(help_text="the manufacturer whose quota it is")
    therapy_id = models.UUIDField()
    stage = models.CharField(max_length=24, choices=QuotaStage.choices)
    title = models.CharField(max_length=60, blank=True, help_text="of its quota")
    share = models.CharField(max_length=8, choices=Share.choices)
    center_id = models.UUIDField(null=True)
    region = models.CharField(max_length=60, blank=True)
    countries = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    releases_at = models.DateTimeField(null=True)
    places = models.PositiveIntegerField()
    reserve = models.PositiveIntegerField(default=0)
    released = models.PositiveIntegerField(default=0)
    used = models.PositiveIntegerField(default=0)
    remade = models.PositiveIntegerField(default=0)

    wall = AllottedTo("organization_id", partners_write=("used", "remade"))
    history = track()
    untracked_columns = ("used", "remade")

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["quota", "starts_at", "center_id", "region"],
                name="scheduling_allotment_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(places__gte=F("used") + F("remade")), name="scheduling_allotment_never_oversold"
            ),
            models.CheckConstraint(
                condition=Q(places__gte=F("used") + F("reserve")), name="scheduling_allotment_reserve_kept"
            ),
        ]
        indexes = [models.Index(fields=["therapy_id", "stage", "starts_at"], name="scheduling_allotment_at")]

    @property
    def unused(self) -> int:
        """Places that go to the pool on release: neither used nor kept for remanufacture."""
        return int(min(self.places - self.used - self.reserve, self.places - self.used - self.remade))


class QuotaUse(WalledModel):
    """One place of an allotment, taken for a slot chain or for a place offered to the waiting list (``holder_id``).

    Manufacturer and center know it; it names no order and no patient.
    """

    allotment = models.ForeignKey(Allotment, on_delete=models.PROTECT, related_name="uses")
    organization_id = models.UUIDField()
    center_id = models.UUIDField()
    holder_id = models.UUIDField()
    remade = models.BooleanField(default=False)
    taken_at = models.DateTimeField(default=timezone.now)
    given_back_at = models.DateTimeField(null=True)

    wall = OwnedBy(("organization_id", "center_id"))
    history = track()

    class Meta(WalledModel.Meta):
        indexes = [
            models.Index(fields=["holder_id"], condition=Q(given_back_at__isnull=True), name="scheduling_quota_use_of"),
            models.Index(fields=["allotment", "center_id"], name="scheduling_quota_use_by"),
        ]


class QuotaDue(WalledModel):
    """When a share's unused places go into the pool: read by the sweep, which then acts for the manufacturer."""

    organization_id = models.UUIDField()
    allotment_id = models.UUIDField(unique=True)
    due_at = models.DateTimeField()

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="scheduling_quota_due")]
