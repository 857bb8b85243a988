from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import KnownTo
from scheduling.states import PriorityClass, ResourceKind

ONE_AT_A_TIME = (ResourceKind.APHERESIS_CHAIR, ResourceKind.INFUSION_BED)


class Resource(WalledModel):
    """Something whose capacity an organization offers to its partners: a chair, a lane, a receiving bay, a line, a bed.

    ``attributes`` of a courier lane: origin_site_id, destination_site_id (UUID text), transit_hours (number),
    cutoff ("HH:MM", latest pickup on the origin's clock), weekdays (ISO numbers of the origin's days on which it runs).
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    kind = models.CharField(max_length=24, choices=ResourceKind.choices)
    code = models.SlugField(max_length=64)
    name = models.CharField(max_length=120)
    therapy_ids = ArrayField(models.UUIDField(), default=list, blank=True, help_text="empty: every therapy")
    attributes = models.JSONField(default=dict, blank=True)

    wall = KnownTo("organization_id")
    history = track()
    in_directory = True

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="scheduling_resource_once"),
            models.CheckConstraint(
                condition=Q(kind=ResourceKind.COURIER_LANE) | Q(site__isnull=False), name="scheduling_resource_place"
            ),
        ]
        indexes = [models.Index(fields=["site", "kind"], name="scheduling_resource_at")]

    def __str__(self) -> str:
        return self.name


class Slot(WalledModel):
    """Places that a resource offers in one window of time (UTC). ``taken`` moves only through ``scheduling.capacity``.

    The window is when the thing may begin: the collection at a chair, the pickup on a lane, the arrival at a receiving
    bay, the start of manufacture on a line. A chair's window holds the whole collection.

    ``shift`` names the opening rule that made the window; empty: by hand, and no rule touches it. Until ``open_from``
    only therapies of the class ``reserved_for``, or of one before it, may take its places.
    """

    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="slots", db_index=False)
    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(
        "personas.Site", on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    kind = models.CharField(max_length=24, choices=ResourceKind.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    capacity = models.PositiveIntegerField()
    taken = models.PositiveIntegerField(default=0)
    shift = models.SlugField(max_length=40, blank=True, default="")
    closed_reason = models.CharField(max_length=160, blank=True, default="", help_text="why there are no places")
    reserved_for = models.CharField(max_length=16, choices=PriorityClass.choices, blank=True, default="")
    open_from = models.DateTimeField(null=True, blank=True, help_text="when everybody may book")

    # A center takes a place in a plant's slot: its update passes the wall, and a trigger lets it touch ``taken`` alone.
    wall = KnownTo("organization_id", partners_write=("taken",))
    history = track()
    untracked_columns = ("taken",)

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["resource", "starts_at"], name="scheduling_slot_once"),
            models.CheckConstraint(
                condition=Q(taken__gte=0) & Q(taken__lte=F("capacity")), name="scheduling_slot_never_oversold"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="scheduling_slot_has_length"),
            ExclusionConstraint(
                name="scheduling_slot_no_overlap",
                expressions=[
                    ("resource", RangeOperators.EQUAL),
                    (
                        Func("starts_at", "ends_at", function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(kind__in=[kind.value for kind in ONE_AT_A_TIME], capacity__gt=0),
            ),
        ]
        indexes = [models.Index(fields=["site", "kind", "starts_at"], name="scheduling_slot_at")]
