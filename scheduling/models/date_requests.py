from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import OnStream, Outside
from scheduling.models.chains import SlotChain
from scheduling.states import DateRequestState


class DateRequest(WalledModel):
    """A day of collection that a center wishes where nothing is published yet, and the days that would do (F24).

    It keeps no place. At most one is open per order; the manufacturer answers it until ``due_at``. See ADR 18.
    """

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    organization_id = models.UUIDField(help_text="the treatment center")
    manufacturer_id = models.UUIDField()
    therapy_id = models.UUIDField()
    wished_on = models.DateField(help_text="local date at the center, as the two that follow")
    first_date = models.DateField()
    last_date = models.DateField()
    remark = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=12, choices=DateRequestState.choices, default=DateRequestState.OPEN)
    requested_at = models.DateTimeField()
    requested_by = models.UUIDField(null=True, help_text="person or key")
    requested_by_name = models.CharField(max_length=200)
    due_at = models.DateTimeField()
    answered_by = models.UUIDField(null=True, help_text="person or key")
    answered_by_name = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, help_text="why it was declined or given up")
    proposed_date = models.DateField(null=True, help_text="collection date at the center that would fit instead")
    chain = models.ForeignKey(SlotChain, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["stream"], condition=Q(state=DateRequestState.OPEN.value), name="scheduling_date_request_one"
            ),
            models.CheckConstraint(
                condition=Q(first_date__lte=F("wished_on"), last_date__gte=F("wished_on")),
                name="scheduling_date_request_window",
            ),
        ]
        indexes = [
            models.Index(fields=["stream"], name="scheduling_date_request_of"),
            models.Index(
                fields=["manufacturer_id", "due_at"],
                condition=Q(state=DateRequestState.OPEN.value),
                name="scheduling_date_request_due",
            ),
        ]


class DateRequestDue(WalledModel):
    """When somebody is told that a request is not answered: read by the sweep, which then acts for the center."""

    organization_id = models.UUIDField()
    stream_id = models.UUIDField()
    request_id = models.UUIDField(unique=True)
    level = models.PositiveSmallIntegerField(default=0, help_text="who was told already")
    due_at = models.DateTimeField()

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="scheduling_date_request_tell")]
