"""The inbox: one's own notices only; open, acknowledge, count."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.context import reading
from ledger.models import Event
from ledger.refusals import NotFound
from ledger.states import Channel
from notifications import queries
from notifications.actions import inbox, relay
from notifications.models import Notice
from personas.models import Membership
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
    assert signed_in(told.member).post("/inbox/read/").status_code == 302
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
    from notifications import views

    monkeypatch.setattr(views, "PAGE", 1)
    told = Told()
    told.shared.happen()
    relay.relay()
    client = signed_in(told.member)
    page = client.get("/inbox/").content.decode()
    assert str(told.notice.pk) not in page
    following = page.split('href="?before=')[1].split('"')[0]
    assert str(told.notice.pk) in client.get(f"/inbox/?before={following}").content.decode()
    assert client.get("/inbox/?before=nonsense").status_code == 200
