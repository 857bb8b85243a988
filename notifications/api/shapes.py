"""How notifications look over REST: fields listed by hand, and their description for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers as s

from ledger.context import Actor
from notifications.states import NoticeClass
from personas.envelopes import Shape


class NoticeRow(Shape):
    """What one person is told about one event, without patient data."""

    id = s.UUIDField()
    event = s.UUIDField()
    title = s.CharField()
    path = s.CharField(help_text="where to act: an address of the site's pages")
    category = s.ChoiceField(choices=NoticeClass.choices)
    critical = s.BooleanField(help_text="a patient may come to harm if it waits")
    late = s.BooleanField()
    due = s.DateTimeField(allow_null=True)
    made_at = s.DateTimeField()
    read_at = s.DateTimeField(allow_null=True)
    acknowledged_at = s.DateTimeField(allow_null=True)
    settled_at = s.DateTimeField(allow_null=True, help_text="when nothing was left to do about it")
    owner = s.CharField(allow_null=True, help_text="who took it over")
    mine = s.BooleanField(help_text="whether that is me")


class ReadInput(Shape):
    """Which notices; absent: all."""

    notices = s.ListField(child=s.UUIDField(), required=False, max_length=500)


class ReadAnswer(Shape):
    """How many were not read before."""

    notices = s.IntegerField()


class ClaimInput(Shape):
    """Whose it is from now on; absent: mine."""

    username = s.CharField(max_length=150, required=False, help_text="a colleague who was told of it too")


class PreferencesBody(Shape):
    """What comes by e-mail, and when. Critical notices always come, at once."""

    mail_tasks = s.BooleanField(help_text="when a step waits for me")
    mail_news = s.BooleanField(help_text="when an order of mine is stopped, changed or ended")
    quiet_from = s.TimeField(allow_null=True, help_text="local time; both or neither")
    quiet_until = s.TimeField(allow_null=True)
    quiet_weekends = s.BooleanField()
    zone = s.CharField(max_length=64, help_text="IANA time zone")


class AwayInput(Shape):
    """From when to when the acting person is away, and who is told too."""

    first_day = s.DateField()
    last_day = s.DateField(help_text="the last day away")
    deputy = s.CharField(
        max_length=150, required=False, allow_blank=True, help_text="user name of a colleague who may do what I may"
    )


class AwayBody(Shape):
    """When I am or will be away; all null: I am not."""

    first_day = s.DateField(allow_null=True)
    last_day = s.DateField(allow_null=True, help_text="the last day away")
    zone = s.CharField(allow_null=True, help_text="IANA time zone of the days")
    deputy = s.CharField(allow_null=True, help_text="user name")


class EscalationBody(Shape):
    """When a critical notice that nobody acknowledges goes on, and to which persona."""

    minutes = s.IntegerField(min_value=1, max_value=1440)
    persona = s.CharField(max_length=64)


class WebhookRow(Shape):
    """An address that events are posted to."""

    id = s.UUIDField()
    name = s.CharField()
    url = s.CharField()
    kinds = s.ListField(child=s.CharField(), help_text="event kinds; empty: all")
    active = s.BooleanField(help_text="false: paused, nothing is posted")
    made_at = s.DateTimeField()
    sent = s.IntegerField()
    waiting = s.IntegerField()
    dead = s.IntegerField(help_text="given up after the last attempt; `replay` posts them again")
    href = s.CharField()


class WebhookWithSecret(WebhookRow):
    """A webhook with its secret, which is shown only this once."""

    secret = s.CharField(allow_null=True, help_text="`whsec_…`; null when an idempotent request is answered again")


class WebhookInput(Shape):
    """A new webhook."""

    name = s.CharField(max_length=120)
    url = s.CharField(max_length=500, help_text="https://…")
    kinds = s.ListField(child=s.CharField(max_length=64), required=False, help_text="empty: all; see `event-kinds`")


class WebhookChange(Shape):
    """What is to be changed; what is absent stays."""

    name = s.CharField(max_length=120, required=False)
    url = s.CharField(max_length=500, required=False)
    kinds = s.ListField(child=s.CharField(max_length=64), required=False)
    active = s.BooleanField(required=False, help_text="false pauses")


class EventKindRow(Shape):
    """A kind of event that the organization can be told of."""

    name = s.CharField()
    label = s.CharField()  # type: ignore[assignment]


class DeliveryRow(Shape):
    """One event on its way to a webhook. Its id is the `webhook-id` header of every attempt."""

    id = s.UUIDField()
    event = s.UUIDField()
    kind = s.CharField(allow_null=True, help_text="null when the organization may not read the event any more")
    state = s.ChoiceField(choices=["sent", "waiting", "dead"])
    made_at = s.DateTimeField()
    due_at = s.DateTimeField(help_text="the next attempt, while it waits")
    sent_at = s.DateTimeField(allow_null=True)
    dead_at = s.DateTimeField(allow_null=True)
    attempts = s.IntegerField()
    last_error = s.CharField(allow_blank=True)


class ReplayInput(Shape):
    """What to post again: one delivery, or everything made since a time."""

    delivery = s.UUIDField(required=False)
    since = s.DateTimeField(required=False)


class Replayed(Shape):
    """How many deliveries are posted again."""

    deliveries = s.IntegerField()


def notice_row(actor: Actor, notice: Any) -> dict[str, Any]:
    """Return a notice as its reader sees it."""
    owner = notice.owner
    return {
        "id": notice.pk,
        "event": notice.event_id,
        "title": notice.title,
        "path": notice.path,
        "category": notice.category,
        "critical": notice.critical,
        "late": bool(notice.due and notice.settled_at is None and notice.due < timezone.now()),
        "due": notice.due,
        "made_at": notice.made_at,
        "read_at": notice.read_at,
        "acknowledged_at": notice.acknowledged_at,
        "settled_at": notice.settled_at,
        "owner": (owner.person.name if owner.person else owner.username) if owner else None,
        "mine": owner is not None and notice.owner_id == actor.user_id,
    }


PREFERENCES = ("mail_tasks", "mail_news", "quiet_from", "quiet_until", "quiet_weekends", "zone")


def preferences_body(preferences: Any) -> dict[str, Any]:
    return {name: getattr(preferences, name) for name in PREFERENCES}


def webhook_row(hook: Any, counts: dict[Any, dict[str, int]]) -> dict[str, Any]:
    """Return a webhook with how its deliveries stand; never its secret."""
    count = counts.get(hook.pk, {})
    return {
        "id": hook.pk,
        "name": hook.name,
        "url": hook.url,
        "kinds": hook.kinds,
        "active": hook.active,
        "made_at": hook.made_at,
        **{state: count.get(state, 0) for state in ("sent", "waiting", "dead")},
        "href": reverse("api:webhook", args=[hook.pk]),
    }


def delivery_row(delivery: Any, events: dict[Any, Any]) -> dict[str, Any]:
    event = events.get(delivery.event_id)
    return {
        "id": delivery.pk,
        "event": delivery.event_id,
        "kind": event.kind if event else None,
        "state": "sent" if delivery.sent_at else "dead" if delivery.dead_at else "waiting",
        "made_at": delivery.made_at,
        "due_at": delivery.due_at,
        "sent_at": delivery.sent_at,
        "dead_at": delivery.dead_at,
        "attempts": delivery.attempts,
        "last_error": delivery.last_error,
    }
