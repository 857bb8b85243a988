"""Webhooks against a real receiver: signed, once per event and endpoint, tried again, dead, replayed, walled."""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
import time

import pytest
from django.core.management import call_command
from django.utils import timezone

from ledger.context import reading
from ledger.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from notifications import posting, queries
from notifications.actions import relay, webhook_deliveries, webhooks
from notifications.actions.webhook_deliveries import ATTEMPTS, post_webhooks
from notifications.models import Delivery, WebhookSecret
from tests.factories import make_actor, make_organization, operator
from tests.notifications.factories import Shared
from tests.notifications.receiver import Hooked, Receiver

pytestmark = pytest.mark.django_db


@pytest.mark.story("AP3")
def test_an_event_arrives_signed_and_says_what_the_role_may_read(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    relay.relay()
    assert post_webhooks() == 1
    (said,) = receiver.verified
    (request,) = receiver.arrived
    (delivery,) = hooked.deliveries()
    assert said["type"] == "tests.happened"
    assert said["data"]["text"] == "Something happened."
    assert said["data"]["organization"] == hooked.shared.center.name
    assert said["data"]["synthetic"] is True
    assert set(said["data"]) == {
        "event", "label", "text", "organization", "occurred_at", "zone", "recorded_at", "synthetic",
    }  # fmt: skip
    assert request.path == "/hooks?partner=1"
    assert request.headers["webhook-id"] == str(delivery.pk)
    assert delivery.sent_at is not None


def test_a_stranger_without_the_secret_verifies_nothing(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    receiver.secret = "whsec_" + "A" * 44
    relay.relay()
    post_webhooks()
    assert receiver.verified == []
    assert hooked.deliveries()[0].last_error == "HTTP 401"


def test_each_event_goes_to_each_endpoint_once_however_often_the_relay_runs(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    other, _ = webhooks.add_webhook(hooked.admin, name="LIMS", url=receiver.url + "&second=1")
    hooked.shared.happen()
    for _ in range(3):
        relay.relay()
        post_webhooks()
    pairs = list(Delivery.unwalled.filter(webhook_id__in=[hooked.hook.pk, other.pk]).values("event_id", "webhook_id"))
    assert len(pairs) == len({tuple(pair.values()) for pair in pairs}) == 4
    with reading(hooked.admin):
        event = next(iter(queries.events_told(hooked.admin, hooked.deliveries()).values()))
    webhook_deliveries.prepare(hooked.admin, event)
    assert Delivery.unwalled.filter(webhook_id=hooked.hook.pk).count() == 2


def test_a_receiver_fails_and_recovers(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    receiver.answers = [503, 500]
    relay.relay()
    for expected in ("HTTP 503", "HTTP 500"):
        hooked.make_due()
        before = timezone.now()
        post_webhooks()
        (delivery,) = hooked.deliveries()
        assert (delivery.sent_at, delivery.last_error) == (None, expected)
        assert delivery.due_at > before + dt.timedelta(minutes=1)
    post_webhooks()  # not due yet
    assert len(receiver.arrived) == 2
    hooked.make_due()
    post_webhooks()
    (delivery,) = hooked.deliveries()
    assert delivery.sent_at is not None and delivery.attempts == 3
    assert {request.headers["webhook-id"] for request in receiver.arrived} == {str(delivery.pk)}


def test_a_failing_receiver_is_left_alone_for_the_rest_of_a_run(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    hooked.shared.happen()
    hooked.shared.happen()
    relay.relay()
    receiver.answers = [500, 500, 500]
    assert post_webhooks() == 1
    assert len(receiver.arrived) == 1


@pytest.mark.story("AP3")
def test_after_the_last_attempt_it_is_dead_listed_and_replayed(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    relay.relay()
    receiver.answers = [500] * ATTEMPTS
    for _ in range(ATTEMPTS):
        hooked.make_due()
        post_webhooks()
    (delivery,) = hooked.deliveries()
    assert delivery.dead_at is not None and delivery.attempts == ATTEMPTS
    assert queries.dead_webhooks(hooked.admin) == 1
    out = io.StringIO()
    call_command("outbox", "list", "--json", stdout=out)
    (row,) = [row for row in json.loads(out.getvalue())["troubled"] if row["id"] == str(delivery.pk)]
    assert (row["what"], row["last_error"]) == ("webhook", "HTTP 500")
    hooked.make_due()
    assert post_webhooks() == 0
    assert webhooks.replay(hooked.admin, hooked.hook.pk, delivery_id=delivery.pk) == 1
    post_webhooks()
    assert len(receiver.verified) == 1
    assert queries.dead_webhooks(hooked.admin) == 0


def test_the_operator_makes_a_dead_one_due(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    relay.relay()
    receiver.answers = [500]
    post_webhooks()
    call_command("outbox", "retry", "--id", str(hooked.deliveries()[0].pk), stdout=io.StringIO())
    post_webhooks()
    assert len(receiver.verified) == 1


@pytest.mark.story("AP3")
def test_what_was_made_since_a_time_is_posted_again_under_the_same_ids(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    relay.relay()
    post_webhooks()
    middle = timezone.now()
    hooked.shared.happen()
    hooked.shared.happen()
    relay.relay()
    post_webhooks()
    assert webhooks.replay(hooked.admin, hooked.hook.pk, since=middle) == 2
    post_webhooks()
    ids = [request.headers["webhook-id"] for request in receiver.arrived]
    assert len(ids) == 5 and sorted(ids[1:3]) == sorted(ids[3:])


def test_only_chosen_kinds_are_posted(receiver: Receiver) -> None:
    hooked = Hooked(receiver, kinds=["orders.cancelled"])
    relay.relay()
    assert hooked.deliveries() == []
    webhooks.change_webhook(hooked.admin, hooked.hook.pk, kinds=["tests.happened"])
    hooked.shared.happen()
    relay.relay()
    assert len(hooked.deliveries()) == 1
    with pytest.raises(InvalidInput):
        webhooks.change_webhook(hooked.admin, hooked.hook.pk, kinds=["orders.no_such"])


def test_a_paused_webhook_is_told_nothing_and_its_test_refused(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    relay.relay()
    webhooks.change_webhook(hooked.admin, hooked.hook.pk, active=False)
    hooked.shared.happen()
    relay.relay()
    post_webhooks()
    (before,) = hooked.deliveries()
    assert before.dead_at is not None and receiver.arrived == []
    with pytest.raises(WrongState):
        webhooks.test_webhook(hooked.admin, hooked.hook.pk)
    with pytest.raises(WrongState):
        webhooks.replay(hooked.admin, hooked.hook.pk, delivery_id=before.pk)


def test_a_test_is_posted_whatever_kinds_were_chosen(receiver: Receiver) -> None:
    hooked = Hooked(receiver, kinds=["orders.cancelled"])
    webhooks.test_webhook(hooked.admin, hooked.hook.pk)
    post_webhooks()
    assert [said["type"] for said in receiver.verified] == ["notifications.webhook_tested"]


def test_after_a_rotation_both_secrets_verify_for_a_day(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    old = receiver.secret
    new = webhooks.rotate_secret(hooked.admin, hooked.hook.pk)
    assert new != old and new.startswith("whsec_")
    relay.relay()
    post_webhooks()
    receiver.secret = new
    hooked.shared.happen()
    relay.relay()
    post_webhooks()
    assert len(receiver.verified) == 2
    with reading(operator(hooked.shared.center)):
        rows = list(WebhookSecret.unwalled.filter(webhook=hooked.hook).order_by("since"))
    assert [row.until is None for row in rows] == [False, True]
    assert not any(new.removeprefix("whsec_").encode() in bytes(row.sealed) for row in rows)


def test_an_ended_secret_signs_no_more_and_is_destroyed(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    from notifications import webhook_secrets

    hooked = Hooked(receiver)
    monkeypatch.setattr(webhook_secrets, "OVERLAP", dt.timedelta(0))
    webhooks.rotate_secret(hooked.admin, hooked.hook.pk)
    relay.relay()
    post_webhooks()
    assert receiver.verified == []
    webhooks.rotate_secret(hooked.admin, hooked.hook.pk)
    with reading(operator(hooked.shared.center)):
        assert WebhookSecret.unwalled.filter(webhook=hooked.hook).count() == 2


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    receiver.answers = [302]
    relay.relay()
    post_webhooks()
    assert [request.path for request in receiver.arrived] == ["/hooks?partner=1"]
    assert hooked.deliveries()[0].last_error == "HTTP 302"


def test_a_receiver_that_never_answers_is_cut_off(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    hooked = Hooked(receiver)
    receiver.hangs = threading.Event()
    monkeypatch.setattr(posting, "ALL_SECONDS", 0.3)
    relay.relay()
    begun = time.monotonic()
    post_webhooks()
    receiver.hangs.set()
    assert time.monotonic() - begun < 4
    assert hooked.deliveries()[0].sent_at is None


def test_nobody_listening_is_tried_again(receiver: Receiver) -> None:
    hooked = Hooked(receiver, url="http://127.0.0.1:1/")
    relay.relay()
    post_webhooks()
    assert hooked.deliveries()[0].last_error == "ConnectionRefusedError"


def test_another_organizations_webhook_does_not_exist(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    other = make_actor(hooked.shared.plant, "administrator")
    relay.relay()
    with reading(other):
        assert list(queries.webhooks(other)) == []
        assert list(queries.webhook_deliveries(other, hooked.hook.pk)) == []
        with pytest.raises(NotFound):
            queries.webhook(other, hooked.hook.pk)
    for act in (
        lambda: webhooks.change_webhook(other, hooked.hook.pk, name="Mine"),
        lambda: webhooks.rotate_secret(other, hooked.hook.pk),
        lambda: webhooks.test_webhook(other, hooked.hook.pk),
        lambda: webhooks.replay(other, hooked.hook.pk, delivery_id=hooked.deliveries()[0].pk),
    ):
        with pytest.raises(NotFound):
            act()
    assert {delivery.organization_id for delivery in hooked.deliveries()} == {hooked.shared.center.pk}


def test_only_an_administrator_manages_webhooks(receiver: Receiver) -> None:
    hooked = Hooked(receiver)
    nurse = make_actor(hooked.shared.center, "apheresis_nurse")
    with pytest.raises(NotAllowed):
        webhooks.add_webhook(nurse, name="Mine", url="https://example.org/")
    with pytest.raises(NotAllowed):
        webhooks.rotate_secret(nurse, hooked.hook.pk)


def test_a_webhook_in_a_foreign_order_hears_nothing(receiver: Receiver) -> None:
    outsider = make_actor(make_organization(), "administrator")
    hook, _ = webhooks.add_webhook(outsider, name="Curious", url=receiver.url)
    Shared()
    relay.relay()
    post_webhooks()
    assert receiver.arrived == []
    assert not Delivery.unwalled.filter(webhook_id=hook.pk).exists()
