"""The relay's tasks: nudged when an outbox filled, swept by the clock. Idempotent."""

from __future__ import annotations

from celery import shared_task

from notifications.actions import relay


@shared_task(ignore_result=True)
def relay_outbox() -> None:
    """Tell everybody who is due to be told: inboxes first, then e-mail."""
    relay.relay()
    relay.send_mail()
