"""The inbox: one's own notices only; open, acknowledge, count."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.context import Actor, reading
from ledger.models import Event
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotFound
from ledger.states import Channel
from notifications import queries, recipients
from notifications.actions import inbox, relay
from notifications.models import Notice
from personas.models import Membership, User
from personas.queries import actor_of_membership
from tests.factories import make_actor, make_member, operator
from tests.notifications.factories import Shared
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("coordinators")]


class Told:
    """A coordinator with one notice."""

    def __init__(self) -> None:
        self.shared = Shared()
        self.member: Membership = make_member(self.shared.center, "coordinator")
        self.actor = actor_of_membership(self.member, Channel.BROWSER)
        relay.relay()
        with reading(self.actor):
            self.notice: Notice = queries.inbox(self.actor).get()

    def again(self) -> Notice:
        with reading(self.actor):
            return queries.inbox(self.actor).get(pk=self.notice.pk)


def test_the_inbox_shows_what_waits(client: Client) -> None:
    told = Told()
    page = signed_in(told.member).get("/inbox/").content.decode()
    assert "Order T-1: book the slots" in page
    assert '<span class="cgt-count">1</span>' in page
    assert client.get("/inbox/").status_code == 302


def test_opening_marks_it_read_and_leads_there() -> None:
    told = Told()
    answer = signed_in(told.member).post(f"/inbox/{told.notice.pk}/open/")
    assert (answer.status_code, answer["Location"]) == (302, "/orders/T-1/")
    assert told.again().read_at is not None
    assert queries.unread(told.actor) == 0


def test_acknowledging_is_on_the_record_by_name() -> None:
    told = Told()
    assert signed_in(told.member).post(f"/inbox/{told.notice.pk}/acknowledge/").status_code == 302
    first = told.again()
    assert first.acknowledged_at is not None
    assert first.read_at is not None
    inbox.acknowledge(told.actor, told.notice.pk)
    assert told.again().acknowledged_at == first.acknowledged_at
    with reading(operator(told.shared.center)):
        events = Event.unwalled.filter(kind="notifications.acknowledged", stream_id=told.shared.center.pk)
        assert {event.person_name for event in events} == {told.actor.person_name}


def test_marking_all_as_read() -> None:
    told = Told()
    told.shared.happen()
    relay.relay()
    assert queries.unread(told.actor) == 2
    assert signed_in(told.member).post("/inbox/read/", {"all": "true"}).status_code == 302
    assert queries.unread(told.actor) == 0


def test_a_colleagues_and_a_strangers_notice_do_not_exist() -> None:
    told = Told()
    colleague = make_actor(told.shared.center, "treating_physician")
    stranger = make_actor(told.shared.plant, "administrator")
    for actor in (colleague, stranger):
        with reading(actor):
            assert list(queries.inbox(actor)) == []
        for act in (inbox.mark_read, inbox.acknowledge):
            with pytest.raises(NotFound):
                act(actor, told.notice.pk)
    assert told.again().read_at is None


def test_the_wall_hides_notices_from_other_organizations() -> None:
    told = Told()
    with reading(operator(told.shared.plant)):
        assert not Notice.unwalled.filter(pk=told.notice.pk).exists()
    assert not Notice.unwalled.filter(pk=told.notice.pk).exists()


def test_nobody_changes_a_notice_without_an_event() -> None:
    told = Told()
    with pytest.raises(DatabaseError), reading(told.actor):
        Notice.unwalled.filter(pk=told.notice.pk).update(title="x")
    with transaction.atomic():
        assert Notice.unwalled.filter(pk=told.notice.pk).update(title="x") == 0


def test_the_page_costs_the_same_for_one_and_for_three() -> None:
    told = Told()
    client = signed_in(told.member)
    client.get("/inbox/")  # the process reads its reference rows once
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries_made:
            assert client.get("/inbox/").status_code == 200
        counts.append(len(queries_made))
        told.shared.happen()
        told.shared.happen()
        relay.relay()
    assert counts[0] == counts[1]


def test_the_unread_count_is_one_query() -> None:
    told = Told()
    with reading(told.actor), CaptureQueriesContext(connection) as made:
        assert queries.unread(told.actor) == 1
    assert len(made) == 1


def test_older_notices_are_on_the_next_page(monkeypatch: pytest.MonkeyPatch) -> None:
    from notifications.views import inbox as views

    monkeypatch.setattr(views, "PAGE", 1)
    told = Told()
    told.shared.happen()
    relay.relay()
    with acting(told.actor, "notifications.read"):
        Notice.unwalled.filter(user_id=told.actor.user_id).update(due=None)  # nothing is late
    client = signed_in(told.member)
    page = client.get("/inbox/").content.decode()
    assert str(told.notice.pk) not in page
    following = page.split("&amp;before=")[1].split('"')[0]
    assert str(told.notice.pk) in client.get(f"/inbox/?before={following}").content.decode()
    assert client.get("/inbox/?before=nonsense").status_code == 200


def test_chosen_ones_are_read_with_one_entry_in_the_record() -> None:
    told = Told()
    told.shared.happen()
    told.shared.happen()
    relay.relay()
    with reading(told.actor):
        ids = [str(pk) for pk in queries.inbox(told.actor).values_list("pk", flat=True)]
    assert signed_in(told.member).post("/inbox/read/", {"notice": ids[:2]}).status_code == 302
    assert queries.unread(told.actor) == 1
    with reading(told.actor):
        (event,) = Event.unwalled.filter(kind="notifications.read", stream_id=told.shared.center.pk)
    assert event.payload == {"notices": 2}


def test_late_and_critical_come_first_whatever_came_last() -> None:
    told = Told()
    for _ in range(2):
        told.shared.happen()
        relay.relay()
    with acting(told.actor, "notifications.read"):
        Notice.unwalled.filter(user_id=told.actor.user_id).update(due=None)
        Notice.unwalled.filter(pk=told.notice.pk).update(critical=True, title="Oldest and critical")
    page = signed_in(told.member).get("/inbox/").content.decode()
    assert page.index("Oldest and critical") < page.index("Order T-1: book the slots")
    assert "Late or critical" in page
    only = signed_in(told.member).get("/inbox/?show=critical").content.decode()
    assert "Oldest and critical" in only and "book the slots" not in only


def test_a_task_has_one_named_owner_whom_everybody_told_sees() -> None:
    told = Told()
    colleague = make_member(told.shared.center, "coordinator", name="Colleague Two")
    told.shared.happen()
    relay.relay()
    other = actor_of_membership(colleague, Channel.BROWSER)
    with reading(other):
        theirs = queries.inbox(other).get()
    with reading(told.actor):
        mine = queries.inbox(told.actor).get(event_id=theirs.event_id)
    assert signed_in(colleague).post(f"/inbox/{theirs.pk}/claim/").status_code == 302
    page = signed_in(told.member).get("/inbox/").content.decode()
    assert '<td data-label="Whose">Colleague Two</td>' in page
    with reading(other):
        assert queries.shown_inbox(other, "mine").get().acknowledged_at is not None
    inbox.assign(told.actor, mine.pk, other_username(told.actor))
    with reading(told.actor):
        assert queries.shown_inbox(told.actor, "mine").get().pk == mine.pk
    with reading(operator(told.shared.center)):
        events = Event.unwalled.filter(kind="notifications.claimed", stream_id=told.shared.center.pk).order_by("seq")
        assert [event.payload["owner"] for event in events] == ["Colleague Two", told.actor.person_name]


def other_username(actor: Actor) -> str:
    return User.objects.get(pk=actor.user_id).username


def test_a_task_goes_to_nobody_who_was_not_told() -> None:
    told = Told()
    stranger = make_member(told.shared.center, "treating_physician")
    with pytest.raises(InvalidInput):
        inbox.assign(told.actor, told.notice.pk, User.objects.get(pk=stranger.user_id).username)
    assert told.again().owner_id is None


def test_what_somebody_did_leaves_the_open_part() -> None:
    told = Told()

    def nothing_waits(actor: Actor, event: Event) -> set[object]:
        return set()

    recipients.judge(nothing_waits)  # type: ignore[arg-type]
    try:
        told.shared.happen()
        relay.relay()
    finally:
        recipients._judges.remove(nothing_waits)  # type: ignore[arg-type]
    assert told.again().settled_at is not None
    page = signed_in(told.member).get("/inbox/?show=all").content.decode()
    assert "Settled" in page
    assert queries.unread(told.actor) == 1
