from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import KnownTo, OnStream, Outside
from scheduling.states import LIVE, ChainState, ResourceKind

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
    """

    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="slots")
    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    kind = models.CharField(max_length=24, choices=ResourceKind.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    capacity = models.PositiveIntegerField()
    taken = models.PositiveIntegerField(default=0)

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
                condition=Q(kind__in=[kind.value for kind in ONE_AT_A_TIME]),
            ),
        ]
        indexes = [models.Index(fields=["site", "kind", "starts_at"], name="scheduling_slot_at")]


class SlotChain(WalledModel):
    """The linked places of one order, from the chair to the tentative return. At most one is live per stream.

    ``organization`` is the treatment center that holds it; ``manufacturer`` is asked to confirm it.
    """

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    organization_id = models.UUIDField()
    manufacturer_id = models.UUIDField(null=True)
    therapy_id = models.UUIDField()
    state = models.CharField(max_length=12, choices=ChainState.choices, default=ChainState.HELD)
    held_until = models.DateTimeField()
    renewals = models.PositiveSmallIntegerField(default=0)
    requested_at = models.DateTimeField(null=True)
    answered_by = models.UUIDField(null=True, help_text="person or key")
    answered_by_name = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)
    decline_reason = models.TextField(blank=True)
    free_reason = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True, help_text="declined, expired or freed")
    collection_starts_at = models.DateTimeField()
    collection_ends_at = models.DateTimeField()
    pickup_at = models.DateTimeField()
    arrival_at = models.DateTimeField()
    manufacture_starts_at = models.DateTimeField()
    tentative_return_at = models.DateTimeField()
    earliest_infusion_at = models.DateTimeField()

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["stream"], condition=Q(state__in=[s.value for s in LIVE]), name="scheduling_chain_one_live"
            )
        ]
        indexes = [
            models.Index(fields=["stream"], name="scheduling_chain_of"),
            models.Index(
                fields=["manufacturer_id", "requested_at"],
                condition=Q(state=ChainState.REQUESTED.value),
                name="scheduling_chain_waiting",
            ),
        ]

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


class ChainLink(WalledModel):
    """One place of a slot chain. Names and zone stand as they were: not every party knows every other's register."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    chain = models.ForeignKey(SlotChain, on_delete=models.PROTECT, related_name="links")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=24, choices=ResourceKind.choices)
    organization_id = models.UUIDField(help_text="whose place it is")
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", null=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    zone = models.CharField(max_length=64)
    place_name = models.CharField(max_length=200)
    resource_name = models.CharField(max_length=120)

    wall = OnStream()
    history = track()
    append_only = True

    class Meta(WalledModel.Meta):
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["chain", "position"], name="scheduling_link_once")]


class HoldDue(WalledModel):
    """When a slot hold ends: read by the sweep, which then acts inside the organization."""

    organization_id = models.UUIDField()
    stream_id = models.UUIDField()
    chain_id = models.UUIDField(unique=True)
    due_at = models.DateTimeField()

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="scheduling_hold_due")]
