"""Away with a deputy: told too, refused where the deputy may not, shown beside the name; critical alerts go to both."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.models import Event
from ledger.states import Channel
from notifications import queries, recipients
from notifications.actions import relay
from notifications.actions.absences import set_away
from notifications.models import Notice
from notifications.recipients import Recipient
from personas.actions.people import end_membership
from personas.models import Membership, User
from personas.queries import actor_of_membership, people_with
from tests.factories import make_member, make_organization, make_site, operator
from tests.notifications.factories import Shared
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.django_db
AWAY, BACK = "/inbox/preferences/away/", "/inbox/preferences/back/"


def days(first: int, last: int) -> dict[str, str]:
    today = timezone.now().astimezone(ZoneInfo("Europe/Berlin")).date()  # the site's: near midnight not everybody's
    return {
        "first_day": (today + dt.timedelta(days=first)).isoformat(),
        "last_day": (today + dt.timedelta(days=last)).isoformat(),
    }


class Pair:
    """Two coordinators of a center, Anna and Ben; a nurse; somebody next door."""

    def __init__(self) -> None:
        self.shared = Shared()
        self.center = self.shared.center
        make_site(self.center)
        self.anna = make_member(self.center, "coordinator", name="Anna")
        self.ben = make_member(self.center, "coordinator", name="Ben")
        self.nurse = make_member(self.center, "apheresis_nurse", name="Nina")
        self.stranger = make_member(make_organization(), "coordinator", name="Stranger")

    def user(self, member: Membership) -> str:
        return User.objects.get(pk=member.user_id).username

    def actor(self, member: Membership) -> Actor:
        return actor_of_membership(member, Channel.BROWSER)

    def titles(self, member: Membership) -> list[str]:
        actor = self.actor(member)
        with reading(actor):
            return list(queries.inbox(actor).values_list("title", flat=True))

    def go(self, first: int = 0, last: int = 3) -> None:
        sent = days(first, last) | {"deputy": self.user(self.ben)}
        assert signed_in(self.anna).post(AWAY, sent).status_code == 302


@pytest.mark.story("CO8")
@pytest.mark.usefixtures("coordinators")
def test_while_away_the_deputy_reads_for_whom() -> None:
    pair = Pair()
    pair.go()
    relay.relay()
    assert pair.titles(pair.anna) == ["Order T-1: book the slots"]
    assert pair.titles(pair.ben) == ["For Anna, who is away: Order T-1: book the slots"]
    assert signed_in(pair.anna).post(BACK).status_code == 302
    pair.shared.happen()
    relay.relay()
    assert pair.titles(pair.ben)[0] == "Order T-1: book the slots"


@pytest.mark.usefixtures("coordinators")
def test_before_and_after_nobody_stands_in() -> None:
    pair = Pair()
    pair.go(2, 3)
    relay.relay()
    assert pair.titles(pair.ben) == ["Order T-1: book the slots"]
    with time_machine.travel(timezone.now() + dt.timedelta(days=3), tick=True):
        pair.shared.happen()
        relay.relay()
        assert pair.titles(pair.ben)[0].startswith("For Anna")
    with time_machine.travel(timezone.now() + dt.timedelta(days=6), tick=True):
        pair.shared.happen()
        relay.relay()
        assert pair.titles(pair.ben)[0] == "Order T-1: book the slots"


@pytest.mark.usefixtures("coordinators")
def test_a_deputy_who_lost_the_right_is_told_of_critical_things_only() -> None:
    pair = Pair()
    pair.go()
    end_membership(operator(pair.center), pair.ben)
    make_member(pair.center, "apheresis_nurse", username=pair.user(pair.ben))
    relay.relay()
    assert pair.titles(pair.anna) and not Notice.unwalled.none()
    with reading(operator(pair.center)):
        assert not Notice.unwalled.filter(user_id=pair.ben.user_id).exists()

    def finder(actor: Actor, event: Event) -> list[Recipient]:
        users = people_with(actor.organization_id, "book_slots")
        return [Recipient(user, "STOP", "/orders/T-1/", critical=True) for user in users]

    recipients.register(finder)
    recipients._finders.reverse()  # the critical words come first
    try:
        pair.shared.happen()
        relay.relay()
    finally:
        recipients._finders.reverse()
        recipients.unregister(finder)
    with reading(operator(pair.center)):
        told = dict(Notice.unwalled.filter(critical=True).values_list("user__person__name", "title"))
    assert told == {"Anna": "STOP", "Ben": "For Anna, who is away: STOP"}


@pytest.mark.story("CO8")
def test_a_deputy_who_may_not_is_refused_beside_the_field_and_nothing_typed_is_lost() -> None:
    pair = Pair()
    client, sent = signed_in(pair.anna), days(0, 3)
    for deputy, words in (
        (pair.user(pair.nurse), "Nina may not do here what you may: "),
        (pair.user(pair.anna), "not one of the available choices"),
        (pair.user(pair.stranger), "not one of the available choices"),
    ):
        page = client.post(AWAY, sent | {"deputy": deputy})
        said = page.content.decode()
        assert page.status_code == 400 and words in said and 'id="id_deputy-error"' in said
        assert sent["last_day"] in said
    for faulty, field in ((days(3, 1), "last_day"), (days(-5, -1), "last_day"), (days(0, 900), "last_day")):
        page = client.post(AWAY, faulty)
        assert page.status_code == 400 and f'id="id_{field}-error"' in page.content.decode()
    page = client.post(AWAY, {"first_day": "soon", "last_day": ""})
    assert page.status_code == 400 and "soon" in page.content.decode()
    set_away(pair.actor(pair.ben), **{name: dt.date.fromisoformat(day) for name, day in days(1, 1).items()})
    page = client.post(AWAY, sent | {"deputy": pair.user(pair.ben)})
    assert page.status_code == 400 and "Ben is away then too" in page.content.decode()


def test_a_deputy_works_where_the_person_works() -> None:
    pair = Pair()
    here, elsewhere = make_site(pair.center), make_site(pair.center)
    local = make_member(pair.center, "coordinator", site=here)
    for site, status in ((elsewhere, 400), (here, 302), (None, 302)):
        colleague = make_member(pair.center, "coordinator", site=site)
        sent = days(0, 3) | {"deputy": pair.user(colleague)}
        assert signed_in(local).post(AWAY, sent).status_code == status


def test_it_is_said_and_ended_over_rest_once() -> None:
    pair = Pair()
    client: Any = signed_in(pair.anna)

    def post(path: str, body: dict[str, Any], key: str = "") -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return client.post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)

    sent = days(0, 3) | {"deputy": pair.user(pair.ben)}
    assert post("inbox/away", sent, "a").json() == sent | {"zone": "Europe/Berlin"}
    assert post("inbox/away", sent, "a").json() == client.get("/api/v1/inbox/away").json()
    assert post("inbox/away", days(0, 9), "a").json()["code"] == "idempotency_key_reused"
    refused = post("inbox/away", sent | {"deputy": pair.user(pair.nurse)})
    assert refused.status_code == 400 and "deputy" in refused.json()["fields"]
    assert post("inbox/away", sent | {"deputy": pair.user(pair.stranger)}).status_code == 400
    assert signed_in(pair.stranger).get("/api/v1/inbox/away").json()["first_day"] is None
    assert post("inbox/away/end", {}).json()["last_day"] is None
    assert post("inbox/away/end", {}).json()["code"] == "not_away"
    with reading(operator(pair.center)):
        kinds = (
            Event.unwalled.filter(kind__startswith="notifications.away").order_by("seq").values_list("kind", flat=True)
        )
        assert list(kinds) == ["notifications.away_set", "notifications.away_ended"]


@pytest.mark.story("CO8")
@pytest.mark.usefixtures("coordinators")
def test_colleagues_see_it_where_the_owner_of_a_task_is_named() -> None:
    pair = Pair()
    relay.relay()
    with reading(pair.actor(pair.anna)):
        notice = queries.inbox(pair.actor(pair.anna)).get()
    assert signed_in(pair.anna).post(f"/inbox/{notice.pk}/claim/").status_code == 302
    pair.go()
    page = signed_in(pair.ben).get("/inbox/").content.decode()
    assert f"Anna (away until {days(0, 3)['last_day']}, deputy: Ben)" in page
