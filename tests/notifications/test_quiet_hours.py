"""Quiet hours and preferences: e-mail waits in the reader's own zone, critical ones never; the inbox shows at once."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.models import Event
from notifications import queries, recipients
from notifications.actions import relay
from notifications.actions.preferences import set_preferences
from notifications.models import Delivery, Preferences
from notifications.quiet_hours import earliest
from notifications.recipients import Recipient
from notifications.states import NoticeClass
from personas.queries import actor_of_membership
from tests.factories import make_member
from tests.notifications.conftest import Post
from tests.notifications.factories import Shared
from tests.personas.conftest import signed_in

BERLIN = "Europe/Berlin"
NIGHT = {"quiet_from": dt.time(22), "quiet_until": dt.time(7)}


def at(text: str, zone: str = BERLIN) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def preferring(**changes: Any) -> Preferences:
    return Preferences(**{"zone": BERLIN, **changes})


@pytest.mark.parametrize(
    ("chosen", "now", "sent"),
    [
        ({}, "2026-11-25T23:00", "2026-11-25T23:00"),
        (NIGHT, "2026-11-25T21:59", "2026-11-25T21:59"),
        (NIGHT, "2026-11-25T22:00", "2026-11-26T07:00"),
        (NIGHT, "2026-11-26T06:59", "2026-11-26T07:00"),
        (NIGHT, "2026-11-26T07:00", "2026-11-26T07:00"),
        ({"quiet_from": dt.time(12), "quiet_until": dt.time(13)}, "2026-11-25T12:30", "2026-11-25T13:00"),
        ({"quiet_weekends": True}, "2026-11-27T23:59", "2026-11-27T23:59"),
        ({"quiet_weekends": True}, "2026-11-28T10:00", "2026-11-30T00:00"),
        (NIGHT | {"quiet_weekends": True}, "2026-11-27T23:00", "2026-11-30T07:00"),
        (NIGHT | {"quiet_weekends": True}, "2026-11-29T23:00", "2026-11-30T07:00"),
        (NIGHT, "2026-03-28T23:00", "2026-03-29T07:00"),  # the night when clocks go forward
        (NIGHT | {"zone": "Asia/Tokyo"}, "2026-11-25T15:00", "2026-11-25T23:00"),  # 23:00 in Tokyo, until 07:00 there
    ],
)
def test_when_an_e_mail_may_come(chosen: dict[str, Any], now: str, sent: str) -> None:
    assert earliest(preferring(**chosen), at(now)) == at(sent)


class Resting:
    """A coordinator whose quiet hours are all day but one minute."""

    def __init__(self, **changes: Any) -> None:
        self.shared = Shared()
        self.member = make_member(self.shared.center, "coordinator")
        self.actor: Actor = actor_of_membership(self.member, "browser")  # type: ignore[arg-type]
        now = timezone.now().astimezone(dt.UTC)
        given = {
            "mail_tasks": True,
            "mail_news": True,
            "quiet_from": (now - dt.timedelta(hours=1)).time().replace(microsecond=0),
            "quiet_until": (now + dt.timedelta(hours=2)).time().replace(microsecond=0),
            "quiet_weekends": False,
            "zone": "UTC",
            **changes,
        }
        set_preferences(self.actor, **given)

    def told(self, **how: Any) -> None:
        def finder(actor: Actor, event: Event) -> list[Recipient]:
            mine = actor.organization_id == self.shared.center.pk
            return [Recipient(self.member.user, "Order T-1: act", "/", **how)] if mine else []

        recipients.register(finder)
        relay.relay()
        recipients.unregister(finder)
        relay.send_mail()


pytestmark = pytest.mark.django_db


def test_e_mail_waits_until_the_end_and_the_inbox_does_not(post: Post) -> None:
    resting = Resting()
    resting.told()
    assert post.arrived == []
    assert queries.unread(resting.actor) == 1
    delivery = Delivery.unwalled.get(organization_id=resting.shared.center.pk)
    assert dt.timedelta(hours=1) < delivery.due_at - timezone.now() < dt.timedelta(hours=2, minutes=1)
    Delivery.unwalled.filter(pk=delivery.pk).update(due_at=timezone.now())
    relay.send_mail()
    assert len(post.arrived) == 1


def test_a_critical_one_comes_at_once_whatever_was_chosen(post: Post) -> None:
    resting = Resting(mail_tasks=False, mail_news=False)
    resting.told(critical=True)
    assert [mail["Importance"] for mail in post.arrived] == ["high"]


def test_a_class_that_was_switched_off_sends_none(post: Post) -> None:
    resting = Resting(mail_tasks=False, quiet_from=None, quiet_until=None)
    resting.told()
    assert not Delivery.unwalled.filter(organization_id=resting.shared.center.pk).exists()
    resting.shared.happen()
    resting.told(category=NoticeClass.NEWS)
    assert len(post.arrived) == 1


def test_what_was_done_meanwhile_is_not_told_by_e_mail(post: Post) -> None:
    resting = Resting()
    resting.told()

    def nothing_waits(actor: Actor, event: Event) -> set[Any]:
        return set()

    recipients.judge(nothing_waits)
    try:
        resting.shared.happen()
        relay.relay()
    finally:
        recipients._judges.remove(nothing_waits)
    Delivery.unwalled.filter(organization_id=resting.shared.center.pk).update(due_at=timezone.now())
    relay.send_mail()
    assert post.arrived == []
    delivery = Delivery.unwalled.get(organization_id=resting.shared.center.pk)
    assert (delivery.sent_at, delivery.last_error, delivery.attempts) == (None, "settled", 0)


def test_the_mail_names_the_due_time_where_the_reader_is_and_no_person(post: Post) -> None:
    resting = Resting(quiet_from=None, quiet_until=None)
    resting.told(due=dt.datetime(2026, 11, 26, 9, 30, tzinfo=dt.UTC))
    (mail,) = post.arrived
    body = mail.get_content()
    assert "Due: Thu 26 Nov 2026, 09:30 (UTC)" in body
    assert "https://cgt.example/inbox/preferences/" in body
    assert resting.member.user.person.name not in body  # type: ignore[union-attr]


def test_the_page_keeps_what_was_chosen_and_says_what_is_wrong() -> None:
    resting = Resting()
    client = signed_in(resting.member)
    given = {"mail_news": "true", "quiet_from": "22:15", "quiet_until": "06:45", "zone": "Asia/Tokyo"}
    assert client.post("/inbox/preferences/", given).status_code == 302
    with reading(resting.actor):
        kept = queries.preferences_of(resting.actor)
    assert (kept.mail_tasks, kept.mail_news, kept.quiet_until, kept.zone) == (False, True, dt.time(6, 45), "Asia/Tokyo")
    page = client.get("/inbox/preferences/").content.decode()
    assert 'value="22:15"' in page and "When nobody acknowledges" not in page
    for wrong in ({"quiet_until": ""}, {"zone": "Mars/Crater"}, {"quiet_from": "late"}):
        answer = client.post("/inbox/preferences/", given | wrong)
        assert answer.status_code == 400 and "cgt-error" in answer.content.decode()


def test_preferences_are_ones_own() -> None:
    resting = Resting()
    colleague = actor_of_membership(make_member(resting.shared.center, "coordinator"), "browser")  # type: ignore[arg-type]
    with reading(colleague):
        assert queries.preferences_of(colleague).quiet_from is None
