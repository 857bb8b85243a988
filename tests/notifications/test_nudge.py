"""The relay is nudged on commit, shares work with other relays, and a missing broker fails no request."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from ledger import outbox
from ledger.context import reading
from ledger.models import OutboxMessage
from notifications.actions import relay, webhooks
from notifications.actions.webhook_deliveries import post_webhooks
from notifications.models import Notice
from notifications.tasks import post_webhooks as post_task
from notifications.tasks import relay_outbox
from tests.factories import make_member, operator
from tests.notifications.factories import Shared
from tests.notifications.receiver import Hooked, Receiver


def test_a_commit_nudges_the_relay(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    nudges: list[Any] = []
    monkeypatch.setattr(relay_outbox, "apply_async", lambda **options: nudges.append(options))
    shared = Shared()
    assert len(nudges) == 1
    shared.happen()
    assert len(nudges) == 2


def test_without_a_broker_the_act_is_done_and_kept(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(**options: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(relay_outbox, "apply_async", down)
    shared = Shared()
    assert OutboxMessage.unwalled.filter(organization_id=shared.center.pk, sent_at__isnull=True).count() == 1


def test_the_tasks_in_the_broker_are_those_the_clock_sweeps() -> None:
    from cgt.celery import SWEEPS

    assert {relay_outbox.name, post_task.name} <= set(SWEEPS)


def test_a_message_somebody_is_at_is_left_to_them(committed_db: None) -> None:
    shared = Shared()
    ids = set(OutboxMessage.unwalled.filter(organization_id=shared.center.pk).values_list("pk", flat=True))
    seen: list[Any] = []

    def other() -> None:
        with transaction.atomic():
            while (message := outbox.take_due()) is not None:
                seen.append(message.pk)
                outbox.mark_sent(message)
            transaction.set_rollback(True)
        connection.close()

    with transaction.atomic():
        (mine,) = OutboxMessage.unwalled.select_for_update().filter(pk__in=ids)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
    assert mine.pk not in seen


@pytest.mark.race
def test_two_relays_tell_everybody_once(committed_db: None, coordinators: list[str]) -> None:
    shared = Shared()
    make_member(shared.center, "coordinator")
    for _ in range(10):
        shared.happen()
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        relay.relay()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with reading(operator(shared.center)):
        events = list(Notice.unwalled.filter(stream_id=shared.stream_id).values_list("event_id", flat=True))
    assert len(events) == len(set(events)) == 11
    assert not OutboxMessage.unwalled.filter(organization_id=shared.center.pk, sent_at__isnull=True).exists()


@pytest.mark.race
def test_two_relays_post_each_delivery_once(committed_db: None, receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    for _ in range(5):
        hooked.shared.happen()
    relay.relay()
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        post_webhooks()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    ids = [request.headers["webhook-id"] for request in receiver.arrived]
    assert len(ids) == len(set(ids)) == 6
    webhooks.change_webhook(hooked.admin, hooked.hook.pk, active=False)
