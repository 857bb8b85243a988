from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import Outside, OwnedBy
from notifications.states import Medium, NoticeClass


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
    category = models.CharField(max_length=8, choices=NoticeClass.choices, default=NoticeClass.TASK)
    owner = models.ForeignKey("personas.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="when nothing was left to do about it")

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
            models.Index(
                fields=["organization", "stream_id"],
                condition=models.Q(settled_at__isnull=True),
                name="notifications_unsettled",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Webhook(WalledModel):
    """An address of a partner system that an organization's events are posted to."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    url = models.CharField(max_length=500)
    kinds = ArrayField(models.CharField(max_length=64), default=list, blank=True, help_text="event kinds; empty: all")
    active = models.BooleanField(default=True)
    made_at = models.DateTimeField(default=timezone.now)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["organization", "url"], name="notifications_webhook_once")]

    def __str__(self) -> str:
        return self.name


class WebhookSecret(WalledModel):
    """A signing secret of a webhook, sealed under the master key. At a rotation the old one signs on until it ends.

    No row history: an ended secret is destroyed, and must not live on there. Events say who rotated when.
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    webhook = models.ForeignKey(Webhook, on_delete=models.PROTECT, related_name="secrets")
    sealed = models.BinaryField()
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)

    wall = OwnedBy()
    deletable = True

    def __str__(self) -> str:
        return f"secret since {self.since:%Y-%m-%d}"


class Delivery(WalledModel):
    """An event on its way: a notice to one person by e-mail, or the event itself to one webhook.

    Tried until sent, dead after the last attempt, never forgotten.
    """

    notice_id = models.UUIDField(null=True, blank=True)
    webhook_id = models.UUIDField(null=True, blank=True)
    event_id = models.UUIDField()
    organization_id = models.UUIDField()
    user_id = models.UUIDField(null=True, blank=True)
    medium = models.CharField(max_length=16, choices=Medium.choices, default=Medium.EMAIL)
    made_at = models.DateTimeField(default=timezone.now)
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
            ),
            models.UniqueConstraint(fields=["event_id", "webhook_id"], name="notifications_webhook_delivery_once"),
            models.CheckConstraint(
                condition=models.Q(medium=Medium.EMAIL, notice_id__isnull=False, user_id__isnull=False)
                | models.Q(medium=Medium.WEBHOOK, webhook_id__isnull=False),
                name="notifications_delivery_addressed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(sent_at__isnull=True, dead_at__isnull=True),
                name="notifications_delivery_due",
            ),
            models.Index(
                fields=["webhook_id", "-id"],
                condition=models.Q(webhook_id__isnull=False),
                name="notifications_delivery_hook",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.medium} {self.pk}"


class Preferences(WalledModel):
    """What comes to one person by e-mail from one organization, and when; without a row everything, at once."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey("personas.User", on_delete=models.PROTECT, related_name="+")
    mail_tasks = models.BooleanField(default=True)
    mail_news = models.BooleanField(default=True)
    quiet_from = models.TimeField(null=True, blank=True, help_text="local time; both or neither")
    quiet_until = models.TimeField(null=True, blank=True)
    quiet_weekends = models.BooleanField(default=False, help_text="Saturday and Sunday, all day")
    zone = models.CharField(max_length=64, help_text="IANA time zone of the quiet hours")

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="notifications_preferences_once"),
            models.CheckConstraint(
                condition=models.Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | models.Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="notifications_quiet_both",
            ),
        ]

    def __str__(self) -> str:
        return f"preferences {self.pk}"


class Absence(WalledModel):
    """When one person is away from one organization, and which colleague is told too meanwhile (CO8).

    The next absence replaces the last; row history keeps them all.
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey("personas.User", on_delete=models.PROTECT, related_name="+")
    deputy = models.ForeignKey("personas.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    since = models.DateTimeField()
    until = models.DateTimeField(help_text="the first moment back")
    zone = models.CharField(max_length=64, help_text="IANA time zone of the days")

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="notifications_absence_once"),
            models.CheckConstraint(
                condition=models.Q(until__gte=models.F("since")), name="notifications_absence_order"
            ),
            models.CheckConstraint(
                condition=models.Q(deputy__isnull=True) | ~models.Q(deputy=models.F("user")),
                name="notifications_absence_deputy",
            ),
        ]

    def __str__(self) -> str:
        return f"away since {self.since:%Y-%m-%d}"


class EscalationRule(WalledModel):
    """When a critical notice that nobody acknowledges goes on, and to which persona of the organization."""

    organization = models.OneToOneField("personas.Organization", on_delete=models.PROTECT, related_name="+")
    minutes = models.PositiveSmallIntegerField()
    persona = models.SlugField(max_length=64)

    wall = OwnedBy()
    history = track()

    def __str__(self) -> str:
        return f"after {self.minutes} minutes"


class EscalationDue(WalledModel):
    """A critical event told to an organization that somebody must acknowledge until ``due_at``."""

    event_id = models.UUIDField()
    organization_id = models.UUIDField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["event_id", "organization_id"], name="notifications_escalation_once")
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(done_at__isnull=True), name="notifications_escalation_due"
            )
        ]

    def __str__(self) -> str:
        return f"due {self.due_at:%Y-%m-%d %H:%M}"
