from __future__ import annotations

from django.db import models
from django.utils import timezone

from ledger.models import WalledModel
from ledger.walls import Outside, OwnedBy
from notifications.states import Medium


class Notice(WalledModel):
    """What one person is told about one event, in words without patient data. Delivery, not record: not tracked."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey("personas.User", on_delete=models.PROTECT, related_name="+")
    event_id = models.UUIDField()
    stream_id = models.UUIDField()
    title = models.CharField(max_length=200)
    path = models.CharField(max_length=300, help_text="where to act: an address on this site")
    due = models.DateTimeField(null=True, blank=True)
    critical = models.BooleanField(default=False, help_text="a patient may come to harm if it waits")
    made_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    wall = OwnedBy(for_others=True)

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["event_id", "user", "organization"], name="notifications_notice_once"),
            models.CheckConstraint(condition=models.Q(path__regex=r"^/($|[^/\\])"), name="notifications_notice_path"),
        ]
        indexes = [
            models.Index(fields=["organization", "user", "-id"], name="notifications_inbox"),
            models.Index(
                fields=["organization", "user"],
                condition=models.Q(read_at__isnull=True),
                name="notifications_unread",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Delivery(WalledModel):
    """A notice on its way through one medium: tried until sent, dead after the last attempt, never forgotten."""

    notice_id = models.UUIDField()
    event_id = models.UUIDField()
    organization_id = models.UUIDField()
    user_id = models.UUIDField()
    medium = models.CharField(max_length=16, choices=Medium.choices, default=Medium.EMAIL)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=120, blank=True)

    wall = Outside("due-table: ids and times only; the relay reads it, then acts inside the organization")

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "user_id", "organization_id", "medium"], name="notifications_delivery_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(sent_at__isnull=True, dead_at__isnull=True),
                name="notifications_delivery_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.medium} {self.pk}"
