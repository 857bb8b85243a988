from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import KnownTo, OnStream, Outside, OwnedBy
from scheduling.states import DisruptionKind, MoveState, RunState


class Disruption(WalledModel):
    """Places that cannot be used: windows of the resources that overlap ``starts_at`` … ``ends_at`` are not offered.

    Partners see it, as they see the windows; the reason is written for them. Open until ``closed_at``.
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=DisruptionKind.choices)
    resource_ids = ArrayField(models.UUIDField())
    resource_names = models.TextField(help_text="as they were")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.TextField()
    opened_by_name = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    wall = KnownTo("organization_id")
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="scheduling_disruption_has_length")
        ]
        indexes = [
            models.Index(fields=["ends_at"], condition=Q(closed_at__isnull=True), name="scheduling_disruption_open")
        ]


class RepairRun(WalledModel):
    """One search for the least harmful plan, and the plan that it found. Its organization's own: nobody else sees it.

    Without a ``disruption`` it is a what-if: it names resources and times itself, and can never be signed. ``plan``:
    by order the chosen and other chains (``orders.repairing``); ``result``: the objective by component, bound and gap.
    ``handed_over_by``: the contract manufacturer that worked it out for all of its sponsors (ADR 21); the part of the
    sponsor whose run this is says nothing of the others.
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    disruption = models.ForeignKey(Disruption, on_delete=models.PROTECT, null=True, related_name="runs")
    handed_over_by = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, null=True, related_name="+")
    resource_ids = ArrayField(models.UUIDField())
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    horizon_days = models.PositiveSmallIntegerField()
    seed = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=RunState.choices, default=RunState.QUEUED)
    started_by_id = models.UUIDField(null=True, help_text="person or API key")
    started_by_name = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    plan = models.JSONField(default=list)
    result = models.JSONField(default=dict)
    fault = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)

    wall = OwnedBy()
    history = track()
    deletable = True  # a what-if, by who made it or when its days are over

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["organization", "-started_at"], name="scheduling_repair_runs")]


class RepairDue(WalledModel):
    """A run that waits or is at work: how it gets on, and until when its worker counts as alive."""

    organization_id = models.UUIDField()
    run_id = models.UUIDField(unique=True)
    due_at = models.DateTimeField(help_text="when the sweep looks after it")
    claimed = models.BooleanField(default=False)
    cancelled = models.BooleanField(default=False)
    progress = models.CharField(max_length=200, blank=True)

    wall = Outside("due-table: ids, times and how far the work is; the sweep acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="scheduling_repair_due")]


class WhatIfDue(WalledModel):
    """When a what-if is forgotten."""

    organization_id = models.UUIDField()
    run_id = models.UUIDField(unique=True)
    due_at = models.DateTimeField()

    wall = Outside("due-table: ids and times only; the sweep acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="scheduling_what_if_due")]


class RepairMove(WalledModel):
    """One signed move of one order: its center accepts or refuses it. Nothing has moved until then.

    ``before`` and ``after`` are starts of the collection; of material that is collected already (``material``: how far
    it was, a ``repair.snapshot.Material``), of manufacture.
    """

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    run_id = models.UUIDField()
    disruption_id = models.UUIDField()
    center_id = models.UUIDField()
    state = models.CharField(max_length=12, choices=MoveState.choices, default=MoveState.OFFERED)
    slot_ids = ArrayField(models.UUIDField())
    starts = models.JSONField(default=list, blank=True, help_text="of each of the places: kind of link, start (ISO)")
    text = models.TextField()
    material = models.PositiveSmallIntegerField(default=0)
    before = models.DateTimeField(help_text="start as booked")
    after = models.DateTimeField(help_text="start as offered")
    zone = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    answered_by_name = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["stream"], condition=Q(state=MoveState.OFFERED.value), name="scheduling_move_one_offered"
            )
        ]
        indexes = [models.Index(fields=["center_id", "state"], name="scheduling_move_of")]


class MoveDue(WalledModel):
    """Until when a signed move's places are kept for its center, and which: given back when it answers, or then.

    ``organization_id``: the center. ``kept``: slots of which one place each is taken for the move; ``lacking``: those
    that another order of the plan still has and gives up when its own center accepts.
    """

    organization_id = models.UUIDField()
    stream_id = models.UUIDField(unique=True)
    move_id = models.UUIDField(unique=True)
    disruption_id = models.UUIDField()
    therapy_id = models.UUIDField()
    due_at = models.DateTimeField()
    kept = ArrayField(models.UUIDField(), default=list)
    lacking = ArrayField(models.UUIDField(), default=list)

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [
            models.Index(fields=["due_at"], name="scheduling_move_due"),
            models.Index(fields=["disruption_id"], name="scheduling_move_due_together"),
        ]
