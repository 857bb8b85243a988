"""Jobs of a courier that carry no patient material: a collection kit to its center, an empty shipper back."""

from __future__ import annotations

from uuid import UUID

from django.db import models

from custody.states import JobKind, JobState
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import Outside, OwnedBy


class CourierJob(WalledModel):
    """What a courier fetches and brings: between which places, in which window, whom to ask for (LM2, CR1)."""

    kind = models.CharField(max_length=8, choices=JobKind.choices)
    number = models.CharField(max_length=40, help_text="of the kit, or of the empty shipper: what is scanned")
    order = models.CharField(max_length=16, blank=True, help_text="code of the order that a kit is for")
    returning = models.ForeignKey("custody.ShipperReturn", on_delete=models.PROTECT, related_name="jobs", null=True)
    sender = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    sender_site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", null=True)
    receiver = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    receiver_site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", null=True)
    courier = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    booked_by = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    booked_at = models.DateTimeField()
    window_from = models.DateTimeField()
    window_until = models.DateTimeField()
    deliver_by = models.DateTimeField()
    contact = models.CharField(max_length=120, help_text="whom to ask for where it is fetched")
    door = models.CharField(max_length=120, blank=True)
    note = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.BOOKED)
    failed_at = models.DateTimeField(null=True, help_text="the last time that it could not be fetched")
    failure = models.CharField(max_length=300, blank=True)
    picked_up_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    wall = OwnedBy(("sender_id", "receiver_id", "courier_id"))
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["window_until", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["returning"], condition=models.Q(state__in=("booked", "picked_up")), name="custody_job_once"
            ),
            models.CheckConstraint(
                condition=models.Q(window_from__lt=models.F("window_until"))
                & models.Q(deliver_by__gte=models.F("window_from")),
                name="custody_job_times",
            ),
        ]
        indexes = [models.Index(fields=["order"], name="custody_jobs_of")]

    def __str__(self) -> str:
        return self.number

    @property
    def parties(self) -> set[UUID]:
        return {self.sender_id, self.receiver_id, self.courier_id}


class JobDue(WalledModel):
    """When a job is to be looked at for one of its organizations: read by the sweep, which then acts inside it."""

    organization_id = models.UUIDField()
    job_id = models.UUIDField()
    due_at = models.DateTimeField()
    told = models.PositiveIntegerField(default=0, help_text="bits of what was told")

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["organization_id", "job_id"], name="custody_job_due_once")]
        indexes = [models.Index(fields=["due_at"], name="custody_job_due")]
