"""From the outbox to inbox and e-mail: at least once out, exactly once seen, nothing lost, no patient data."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from ledger import outbox
from ledger.context import Actor, reading
from ledger.models import Event, OutboxMessage
from notifications import recipients
from notifications.actions import relay
from notifications.models import Delivery, Notice
from notifications.recipients import Recipient
from personas.queries import people_with
from tests.factories import make_member, operator
from tests.notifications.conftest import Post
from tests.notifications.factories import Shared

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_left_to_tell(db: None) -> None:
    """Tests that commit leave messages and mails behind: here they count as sent."""
    OutboxMessage.unwalled.filter(sent_at__isnull=True).update(sent_at=timezone.now())
    Delivery.unwalled.filter(sent_at__isnull=True).update(sent_at=timezone.now())


def notices_of(shared: Shared) -> list[Notice]:
    with reading(operator(shared.center)):
        return list(Notice.unwalled.filter(organization_id=shared.center.pk))


def make_due() -> None:
    """Time passes: whatever waits is due."""
    past = timezone.now() - dt.timedelta(seconds=1)
    OutboxMessage.unwalled.filter(sent_at__isnull=True, dead_at__isnull=True).update(due_at=past)
    Delivery.unwalled.filter(sent_at__isnull=True, dead_at__isnull=True).update(due_at=past)


def test_the_next_owner_is_told_in_the_inbox_and_by_mail(post: Post, coordinators: list[str]) -> None:
    shared = Shared()
    member = make_member(shared.center, "coordinator", username="ada@example.org", name="Ada Example")
    relay.relay()
    relay.send_mail()
    (notice,) = notices_of(shared)
    assert (notice.user_id, notice.title, notice.path) == (member.user_id, "Order T-1: book the slots", "/orders/T-1/")
    (mail,) = [mail for mail in post.arrived if mail["X-Envelope-To"] == "ada@example.org"]
    assert mail["Subject"] == "[CGT] Order T-1: book the slots"
    body = mail.get_content()
    assert mail.get_content_type() == "text/plain"
    assert "https://cgt.example/orders/T-1/" in body
    assert "Ada Example" not in body
    assert str(shared.stream_id) not in body


def test_what_cannot_wait_says_so_in_the_inbox_and_by_mail(post: Post) -> None:
    shared = Shared()
    make_member(shared.center, "coordinator", username="critical@example.org")

    def finder(actor: Actor, event: Event) -> list[Recipient]:
        users = people_with(actor.organization_id, "book_slots")
        return [Recipient(user, "STOP, release revoked", "/orders/T-1/", critical=True) for user in users]

    recipients.register(finder)
    relay.relay()
    recipients.unregister(finder)
    relay.send_mail()
    assert [notice.critical for notice in notices_of(shared)] == [True]
    (mail,) = [mail for mail in post.arrived if mail["X-Envelope-To"] == "critical@example.org"]
    assert (mail["Subject"], mail["Importance"]) == ("[CGT] Critical: STOP, release revoked", "high")


def test_being_told_is_on_the_record(post: Post, coordinators: list[str]) -> None:
    shared = Shared()
    make_member(shared.center, "coordinator", name="Ada Example")
    relay.relay()
    with reading(operator(shared.center)):
        event = Event.unwalled.get(stream_id=shared.center.pk, kind="notifications.told")
    assert event.payload == {"people": ["Ada Example"], "about": "Happened"}
    assert event.system_job == "notification-relay"


def test_each_organization_is_asked_as_itself(post: Post) -> None:
    shared = Shared()
    asked: list[tuple[Any, bool]] = []

    def finder(actor: Actor, event: Event) -> list[Recipient]:
        asked.append((actor.organization_id, actor.organization_role == ""))
        return []

    recipients.register(finder)
    relay.relay()
    recipients.unregister(finder)
    mine = [entry for entry in asked if entry[0] in (shared.center.pk, shared.plant.pk)]
    assert sorted(map(str, (pk for pk, _ in mine))) == sorted(map(str, (shared.center.pk, shared.plant.pk)))
    assert not any(nameless for _, nameless in mine)
    assert not OutboxMessage.unwalled.filter(sent_at__isnull=True).exists()
    assert notices_of(shared) == []


def test_running_again_tells_nobody_twice(post: Post, coordinators: list[str]) -> None:
    shared = Shared()
    make_member(shared.center, "coordinator")
    for _ in range(3):
        relay.relay()
        relay.send_mail()
    assert len(notices_of(shared)) == 1
    assert len(post.arrived) == 1


def test_one_person_found_twice_is_told_once(post: Post, coordinators: list[str]) -> None:
    shared = Shared()
    make_member(shared.center, "coordinator")

    def again(actor: Actor, event: Event) -> list[Recipient]:
        from personas.queries import people_with

        return [Recipient(user, "Other words", "/") for user in people_with(actor.organization_id, "book_slots")]

    recipients.register(again)
    relay.relay()
    recipients.unregister(again)
    assert [notice.title for notice in notices_of(shared)] == ["Order T-1: book the slots"]


def test_a_failing_finder_is_tried_again_later_and_then_kept_dead() -> None:
    shared = Shared()
    calls = []

    def broken(actor: Actor, event: Event) -> list[Recipient]:
        calls.append(1)
        raise ValueError("Jane Doe, born 1970")

    recipients.register(broken)
    try:
        waits = []
        for _ in range(outbox.ATTEMPTS):
            make_due()
            before = timezone.now()
            relay.relay()
            message = OutboxMessage.unwalled.filter(organization_id=shared.center.pk).get()
            waits.append(round((message.due_at - before).total_seconds() / 60))
        assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
        assert message.dead_at is not None
        assert message.last_error == "ValueError"
        made = len(calls)
        make_due()
        relay.relay()
        assert len(calls) == made
    finally:
        recipients.unregister(broken)
    assert relay.retry(str(message.pk)) == 1
    relay.relay()
    message.refresh_from_db()
    assert message.sent_at is not None


def test_half_told_is_not_told(coordinators: list[str]) -> None:
    """An address that the table refuses leaves no notice of the same message behind."""
    shared = Shared()
    make_member(shared.center, "coordinator")
    other = make_member(shared.center, "treating_physician")

    def elsewhere(actor: Actor, event: Event) -> list[Recipient]:
        return [Recipient(other.user, "Go away", "//evil.example/")]

    recipients.register(elsewhere)
    relay.relay()
    recipients.unregister(elsewhere)
    assert notices_of(shared) == []
    assert OutboxMessage.unwalled.get(organization_id=shared.center.pk).last_error.startswith("IntegrityError")
    make_due()
    relay.relay()
    assert len(notices_of(shared)) == 1


def test_a_refused_mail_is_tried_again(post: Post, coordinators: list[str]) -> None:
    shared = Shared()
    make_member(shared.center, "coordinator")
    post.answers = ["451 try later", "554 no"]
    relay.relay()
    for expected in ("SMTPDataError 451", "SMTPDataError 554"):
        make_due()
        relay.send_mail()
        delivery = Delivery.unwalled.get(organization_id=shared.center.pk)
        assert (delivery.sent_at, delivery.last_error) == (None, expected)
    make_due()
    relay.send_mail()
    delivery.refresh_from_db()
    assert delivery.sent_at is not None
    assert delivery.attempts == 3
    assert [mail["Message-ID"] for mail in post.arrived] == [f"<{delivery.pk}@cgt.example>"]


def test_no_mail_server_loses_nothing(post: Post, coordinators: list[str], settings: Any) -> None:
    shared = Shared()
    make_member(shared.center, "coordinator")
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    relay.relay()
    relay.send_mail()
    assert Delivery.unwalled.get(organization_id=shared.center.pk).last_error == "ConnectionRefusedError"
    settings.EMAIL_PORT = port
    make_due()
    relay.send_mail()
    assert len(post.arrived) == 1


def test_a_closed_account_gets_no_mail(post: Post, coordinators: list[str]) -> None:
    shared = Shared()
    member = make_member(shared.center, "coordinator")
    relay.relay()
    member.user.is_active = False
    member.user.save()
    relay.send_mail()
    delivery = Delivery.unwalled.get(organization_id=shared.center.pk)
    assert delivery.dead_at is not None
    assert delivery.last_error == "NobodyThere"
    assert post.arrived == []


def test_a_line_break_in_a_title_makes_no_header(post: Post) -> None:
    shared = Shared()
    member = make_member(shared.center, "coordinator")

    def finder(actor: Actor, event: Event) -> list[Recipient]:
        if actor.organization_id != shared.center.pk:
            return []
        return [Recipient(member.user, "Book\r\nBcc: all@example.org", "/")]

    recipients.register(finder)
    relay.relay()
    recipients.unregister(finder)
    relay.send_mail()
    (mail,) = post.arrived
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[CGT] Book Bcc: all@example.org"


def test_a_dead_letter_is_listed_and_revived(post: Post, coordinators: list[str]) -> None:
    shared = Shared()
    make_member(shared.center, "coordinator")
    relay.relay()
    post.answers = ["554 no"] * outbox.ATTEMPTS
    for _ in range(outbox.ATTEMPTS):
        make_due()
        relay.send_mail()
    delivery = Delivery.unwalled.get(organization_id=shared.center.pk)
    assert delivery.dead_at is not None
    out = io.StringIO()
    call_command("outbox", "list", "--json", stdout=out)
    (row,) = [row for row in json.loads(out.getvalue())["troubled"] if row["id"] == str(delivery.pk)]
    assert (row["what"], row["attempts"], row["last_error"]) == ("e-mail", outbox.ATTEMPTS, "SMTPDataError 554")
    out = io.StringIO()
    call_command("outbox", "list", stdout=out)
    assert f"e-mail {delivery.pk} dead since" in out.getvalue()
    call_command("outbox", "retry", "--id", str(delivery.pk), stdout=io.StringIO())
    relay.send_mail()
    assert len(post.arrived) == 1
    with pytest.raises(CommandError):
        call_command("outbox", "retry", "--id", str(delivery.pk))
