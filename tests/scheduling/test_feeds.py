"""Calendar feeds: what they hold, who reads them, and how they end."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from ledger.context import reading
from ledger.refusals import NotAllowed, NotFound
from personas.actions.people import end_membership
from scheduling.actions.calendar import close
from scheduling.actions.feeds import make_feed, revoke_feed
from scheduling.feeds import token_of
from scheduling.models import CalendarFeed, Resource
from tests.factories import make_actor, make_member, make_organization, make_site, operator
from tests.personas.conftest import signed_in
from tests.scheduling.factories import World, make_world, stepping

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = make_world()
    world.held()
    return world


def address(feed: CalendarFeed) -> str:
    return reverse("scheduling:feed", args=[token_of(feed)])


def events(body: bytes) -> list[dict[str, str]]:
    return [{key: str(event[key]) for key in event} for event in Calendar.from_ical(body).walk("VEVENT")]


def own(world: World, kind: str) -> Resource:
    with reading(operator(world.center)):
        return Resource.unwalled.get(organization=world.center, kind=kind)


def test_a_feed_names_resource_place_and_time_and_nothing_else(world: World) -> None:
    scheduler = make_actor(world.center, "apheresis_scheduler")
    chair = own(world, "apheresis_chair")
    close(
        scheduler,
        resource_code=chair.code,
        first_date=timezone.now().date() + dt.timedelta(days=40),
        reason="Mrs. Fictional is here",
    )
    feed = make_feed(scheduler, name="Chairs", resource_code=chair.code)
    answer = Client().get(address(feed))
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/calendar")
    assert "private" in answer["Cache-Control"]
    found = events(answer.content)
    assert [event["SUMMARY"] for event in found] == [
        f"{chair.name} (Apheresis chair): held",
        f"{chair.name}: closed",
    ]
    assert found[0]["STATUS"] == "TENTATIVE"
    assert set().union(*found) <= {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "LOCATION", "STATUS", "CLASS"}
    held = Calendar.from_ical(answer.content).walk("VEVENT")[0]
    with reading(world.coordinator):
        slot = next(slot for slot in world.slots("apheresis_chair") if slot.taken)
    assert held.decoded("DTSTART") == slot.starts_at
    assert held.decoded("DTSTART").utcoffset() == dt.timedelta()
    for secret in ("Mrs", "Fictional is", str(world.therapy_id), world.maker.name):
        assert secret not in answer.content.decode()


def test_an_unchanged_feed_is_not_sent_again_and_too_many_questions_are_refused(world: World) -> None:
    feed = make_feed(make_actor(world.center, "apheresis_scheduler"), name="Mine")
    first = Client().get(address(feed))
    again = Client().get(address(feed), headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    # A minute may end meanwhile, and another count begins: of so many requests in two minutes one is asked too often.
    assert any(Client().get(address(feed)).status_code == 429 for _ in range(61))


def test_a_revoked_feed_is_gone_at_once_and_a_guessed_or_changed_address_was_never_there(world: World) -> None:
    scheduler = make_actor(world.center, "apheresis_scheduler")
    feed = make_feed(scheduler, name="Mine")
    token = token_of(feed)
    assert Client().get(address(feed)).status_code == 200
    other = CalendarFeed(pk=uuid4(), organization_id=feed.organization_id)
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token.split(":")[0], token_of(other), "x"):
        assert Client().get(reverse("scheduling:feed", args=[wrong])).status_code == 404
    revoke_feed(scheduler, feed.pk)
    assert Client().get(address(feed)).status_code == 404
    with pytest.raises(NotFound):
        revoke_feed(scheduler, feed.pk)


def test_a_feed_ends_with_its_time_and_with_its_person(world: World) -> None:
    member = make_member(world.center, "apheresis_scheduler")
    client = signed_in(member)
    assert client.post(reverse("scheduling:feeds"), {"name": "Mine", "resource": ""}).status_code == 303
    with reading(operator(world.center)):
        feed = CalendarFeed.unwalled.get(name="Mine")
    assert Client().get(address(feed)).status_code == 200
    page = client.get(reverse("scheduling:feeds"))
    assert address(feed) in page.content.decode()
    end_membership(operator(world.center), member)
    assert Client().get(address(feed)).status_code == 404
    late = make_feed(make_actor(world.center, "apheresis_scheduler"), name="Late")
    with stepping(operator(world.center), world.stream()):
        CalendarFeed.unwalled.filter(pk=late.pk).update(expires_at=timezone.now())
    assert Client().get(address(late)).status_code == 404


def test_feeds_keep_to_their_organization_and_their_site(world: World) -> None:
    second = make_site(world.center)
    elsewhere = make_actor(world.center, "apheresis_scheduler", site=second)
    assert events(Client().get(address(make_feed(elsewhere, name="Other site"))).content) == []
    stranger = make_actor(make_organization(), "apheresis_scheduler")
    assert events(Client().get(address(make_feed(stranger, name="Stranger"))).content) == []
    with pytest.raises(NotFound):
        make_feed(stranger, name="Theirs", resource_code=own(world, "apheresis_chair").code)
    planner = make_actor(world.maker, "planner")
    lines = {event["SUMMARY"] for event in events(Client().get(address(make_feed(planner, name="Lines"))).content)}
    assert len(lines) == 2  # its own bay and line; the center's chair and the courier's lane are not its own
    assert not any("chair" in title.lower() for title in lines)


def test_who_makes_and_who_revokes(world: World) -> None:
    coordinator = make_actor(world.center, "coordinator")
    feed = make_feed(coordinator, name="Coordinator's own")
    with pytest.raises(NotFound):
        revoke_feed(make_actor(world.center, "inspector"), feed.pk)
    other = signed_in(make_member(world.center, "coordinator"))
    assert "Coordinator&#x27;s own" not in other.get(reverse("scheduling:feeds")).content.decode()
    seen = signed_in(make_member(world.center, "apheresis_scheduler")).get(reverse("scheduling:feeds"))
    assert "Coordinator&#x27;s own" in seen.content.decode()
    assert token_of(feed) not in seen.content.decode()  # an address is its person's
    revoke_feed(make_actor(world.center, "apheresis_scheduler"), feed.pk)
    with pytest.raises(NotAllowed):
        make_feed(operator(world.center), name="Nobody's")


def test_a_feed_sent_twice_is_one_feed_and_its_name_is_free_again_once_it_is_revoked(world: World) -> None:
    scheduler = signed_in(make_member(world.center, "apheresis_scheduler"))
    asked = {"name": "My chairs", "resource": own(world, "apheresis_chair").code}
    assert scheduler.post(reverse("scheduling:feeds"), asked).status_code == 303
    again = scheduler.post(reverse("scheduling:feeds"), asked)
    assert again.status_code == 400
    assert "You have this feed already: its address stands in the list." in again.content.decode()
    with reading(operator(world.center)):
        (feed,) = CalendarFeed.unwalled.filter(organization_id=world.center.pk, name="My chairs")
    assert scheduler.post(reverse("scheduling:feeds"), {**asked, "resource": ""}).status_code == 303
    scheduler.post(reverse("scheduling:revoke_feed", args=[feed.pk]))
    assert scheduler.post(reverse("scheduling:feeds"), asked).status_code == 303
