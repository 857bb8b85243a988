"""An organization's webhooks: added, changed, paused, tested, their secret rotated, their deliveries sent again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from ledger.context import Actor
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotFound, WrongState
from notifications import webhook_secrets
from notifications.addresses import refuse_bad_url
from notifications.envelopes import kinds_for
from notifications.models import Delivery, Webhook
from notifications.states import Medium
from personas.policies import require
from personas.states import Capability

MOST = 20


def add_webhook(
    actor: Actor, *, name: str, url: str, kinds: Sequence[str] = (), once: Once | None = None
) -> tuple[Webhook, str]:
    """Add a webhook; return it with its secret, which is shown only this once."""
    with acting(actor, "notifications.webhook_added", subject=("webhook", ""), once=once) as event:
        require(actor, Capability.ADMINISTER)
        own = Webhook.unwalled.filter(organization_id=actor.organization_id)
        _refuse_bad_name(name)
        refuse_bad_url(url)
        _refuse_unknown_kinds(actor, kinds)
        if own.filter(url=url).exists():
            raise InvalidInput(fields={"url": ["This address has a webhook already."]})
        if own.count() >= MOST:
            raise WrongState(f"An organization has at most {MOST} webhooks.", code="too_many_webhooks")
        webhook = Webhook.objects.create(
            organization_id=actor.organization_id, name=name.strip(), url=url, kinds=sorted(set(kinds))
        )
        secret = webhook_secrets.issue(webhook)
        event.subject_id = str(webhook.pk)
        event.result = {"webhook": str(webhook.pk)}
        event.note(name=webhook.name, host=_host(url), kinds=webhook.kinds)
    return webhook, secret


def change_webhook(
    actor: Actor,
    webhook_id: UUID,
    *,
    name: str | None = None,
    url: str | None = None,
    kinds: Sequence[str] | None = None,
    active: bool | None = None,
) -> Webhook:
    """Change what is given of a webhook; a paused one (``active=False``) is told nothing of what happens meanwhile."""
    with acting(actor, "notifications.webhook_changed", subject=("webhook", str(webhook_id))) as event:
        require(actor, Capability.ADMINISTER)
        webhook = _locked(actor, webhook_id)
        given = {"name": name, "url": url, "kinds": None if kinds is None else sorted(set(kinds)), "active": active}
        wanted = {column: value for column, value in given.items() if value is not None}
        _refuse_bad_change(actor, webhook, name, url, kinds)
        changed = sorted(column for column, value in wanted.items() if getattr(webhook, column) != value)
        for column in changed:
            setattr(webhook, column, wanted[column])
        if changed:
            webhook.save(update_fields=changed)
        event.note(name=webhook.name, host=_host(webhook.url), changed=changed, active=webhook.active)
    return webhook


def _refuse_bad_change(
    actor: Actor, webhook: Webhook, name: str | None, url: str | None, kinds: Sequence[str] | None
) -> None:
    if name is not None:
        _refuse_bad_name(name)
    if kinds is not None:
        _refuse_unknown_kinds(actor, kinds)
    if url is not None:
        refuse_bad_url(url)
        others = Webhook.unwalled.filter(organization_id=actor.organization_id, url=url).exclude(pk=webhook.pk)
        if others.exists():
            raise InvalidInput(fields={"url": ["This address has a webhook already."]})


def rotate_secret(actor: Actor, webhook_id: UUID) -> str:
    """Issue a new secret, shown only this once; for a day every post is signed by the old one too."""
    with acting(actor, "notifications.webhook_secret_rotated", subject=("webhook", str(webhook_id))) as event:
        require(actor, Capability.ADMINISTER)
        webhook = _locked(actor, webhook_id)
        secret = webhook_secrets.issue(webhook)
        event.note(name=webhook.name)
    return secret


def test_webhook(actor: Actor, webhook_id: UUID) -> Delivery:
    """Post a test event to a webhook at the relay's next run, whatever kinds it chose."""
    with acting(actor, "notifications.webhook_tested", subject=("webhook", str(webhook_id))) as event:
        require(actor, Capability.ADMINISTER)
        webhook = _locked(actor, webhook_id)
        if not webhook.active:
            raise WrongState("This webhook is paused.", code="webhook_paused", remedy="Let it run, then test it.")
        delivery: Delivery = Delivery.objects.create(
            event_id=event.id,
            organization_id=actor.organization_id,
            webhook_id=webhook.pk,
            medium=Medium.WEBHOOK,
        )
        event.note(name=webhook.name)
    return delivery


def replay(actor: Actor, webhook_id: UUID, *, delivery_id: UUID | None = None, since: dt.datetime | None = None) -> int:
    """Post again, with all attempts: one delivery, or what was made since a time; returns how many.

    The id stays the same, so that a receiver that has it can tell.
    """
    with acting(actor, "notifications.webhook_replayed", subject=("webhook", str(webhook_id))) as event:
        require(actor, Capability.ADMINISTER)
        webhook = _locked(actor, webhook_id)
        if (delivery_id is None) == (since is None):
            raise InvalidInput(fields={"since": ["Name one delivery, or the time since when."]})
        if not webhook.active:
            raise WrongState("This webhook is paused.", code="webhook_paused", remedy="Let it run, then send again.")
        chosen = _chosen(webhook, delivery_id, since)
        now = timezone.now()
        count = chosen.update(attempts=0, sent_at=None, dead_at=None, last_error="", due_at=now)
        if delivery_id is not None and count == 0:
            raise NotFound()
        event.note(name=webhook.name, deliveries=count)
    return count


def _chosen(webhook: Webhook, delivery_id: UUID | None, since: dt.datetime | None) -> QuerySet[Delivery]:
    of_this = Delivery.unwalled.filter(webhook_id=webhook.pk, organization_id=webhook.organization_id)
    return of_this.filter(pk=delivery_id) if delivery_id else of_this.filter(made_at__gte=since)


def _locked(actor: Actor, webhook_id: UUID) -> Webhook:
    found = Webhook.unwalled.select_for_update().filter(pk=webhook_id, organization_id=actor.organization_id).first()
    if found is None:
        raise NotFound()
    return found


def _refuse_bad_name(name: str) -> None:
    if not 0 < len(name.strip()) <= 120:
        raise InvalidInput(fields={"name": ["Give a name of at most 120 characters."]})


def _refuse_unknown_kinds(actor: Actor, kinds: Sequence[str]) -> None:
    offered = {kind.name for kind in kinds_for(actor.organization_role)}
    if unknown := sorted(set(kinds) - offered):
        raise InvalidInput(fields={"kinds": [f"Your organization is not told of: {', '.join(unknown)}."]})


def _host(url: str) -> str:
    """Return the name of an address for the record: paths may hold a receiver's own secrets."""
    return urlsplit(url).hostname or ""
