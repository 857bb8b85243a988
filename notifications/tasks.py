"""The relay's tasks: nudged when an outbox filled, swept by the clock. Idempotent."""

from __future__ import annotations

from celery import shared_task

from notifications.actions import escalation, relay, webhook_deliveries


@shared_task(ignore_result=True)
def relay_outbox() -> None:
    """Tell everybody who is due to be told: inboxes, what nobody acknowledged, then e-mail."""
    relay.relay()
    escalation.escalate()
    relay.send_mail()


@shared_task(ignore_result=True)
def post_webhooks() -> None:
    """Post due events to partner systems; apart from e-mail, so that a slow receiver keeps nobody waiting."""
    webhook_deliveries.post_webhooks()
