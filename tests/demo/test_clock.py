"""The demonstration's clock: everybody follows it, it never goes back, and whoever moves it is on the record."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.core.signals import request_started
from django.utils import timezone

from cgt.celery import SWEEPS
from cgt.demo import advancing, fictional_time
from cgt.demo.events import CLOCK_ADVANCED
from ledger.context import Actor, reading
from ledger.models import Event, Grant
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotFound
from ledger.walls import visible
from orders import queries
from orders.flow import order_named
from personas.actions.organizations import connect_partners
from personas.queries import actor_of_membership
from scheduling.queries import chain_of
from scheduling.states import ChainState
from scheduling.tasks import expire_slot_holds
from tests.factories import make_member, make_organization, operator
from tests.orders.conftest import patient, prescribed, step
from tests.orders.factories import World

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
FOLLOWING = "cgt.demo.fictional_time"


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The periodic tasks that were asked for."""
    asked: list[str] = []
    monkeypatch.setattr(advancing.app, "send_task", lambda task, **_: asked.append(task))
    return asked


def somebody(name: str = "Ada Example") -> Actor:
    return actor_of_membership(make_member(make_organization(), "coordinator", name=name), "browser")  # type: ignore[arg-type]


@pytest.mark.django_db
def test_advancing_is_recorded_with_from_to_and_who_and_marked_as_fiction(clock: None, swept: list[str]) -> None:
    actor, before = somebody(), timezone.now()
    advancing.advance(actor, before + 3 * DAY, "Collection")
    assert DAY * 3 - HOUR < timezone.now() - before < DAY * 3 + HOUR
    with reading(actor):
        event = visible(Event, actor).get(kind=CLOCK_ADVANCED)
    assert (event.person_name, event.reason, event.synthetic) == ("Ada Example", "Collection", True)
    came_from, went_to = (dt.datetime.fromisoformat(event.payload[name]) for name in ("came_from", "went_to"))
    assert abs(came_from - before) < dt.timedelta(minutes=1) and abs(went_to - before - 3 * DAY) < dt.timedelta(
        minutes=1
    )
    assert swept == list(SWEEPS)


@pytest.mark.django_db
def test_the_clock_never_goes_back_nor_out_of_sight(clock: None, swept: list[str]) -> None:
    actor = somebody()
    for wrong in (timezone.now() - HOUR, timezone.now(), timezone.now() + 400 * DAY):
        with pytest.raises(InvalidInput):
            advancing.advance(actor, wrong)
    with pytest.raises(ValueError, match="back"):
        fictional_time.go_ahead(-1)
    assert fictional_time.seconds_ahead() == 0
    assert swept == []


@pytest.mark.django_db
def test_a_restarted_demonstration_goes_on_where_the_record_says(clock: None, swept: list[str]) -> None:
    one, two = somebody(), somebody("Bo Example")
    advancing.advance(one, timezone.now() + DAY)
    advancing.advance(two, timezone.now() + HOUR)
    recorded = advancing.seconds_recorded([one.organization_id, two.organization_id])
    assert recorded == fictional_time.seconds_ahead() > 24 * 3600
    cache.delete(fictional_time.KEY)  # a new Redis server
    fictional_time.begin_at(recorded)
    assert cache.get(fictional_time.KEY) == recorded == fictional_time.seconds_ahead()


@pytest.mark.django_db
def test_another_process_is_followed_when_the_next_request_begins(clock: None) -> None:
    fictional_time.install()
    try:
        cache.incr(fictional_time.KEY, 7200)  # what the other process does
        request_started.send(sender=None)
        with ThreadPoolExecutor(4) as threads:
            told = list(threads.map(lambda _: timezone.now(), range(40)))
    finally:
        request_started.disconnect(dispatch_uid=FOLLOWING)
    assert min(told) - fictional_time.machine_now() > HOUR
    assert max(told) - min(told) < dt.timedelta(minutes=1)


def test_without_redis_the_time_that_is_known_goes_on(clock: None, monkeypatch: pytest.MonkeyPatch) -> None:
    fictional_time.go_ahead(3600)

    def away(_: str) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(fictional_time, "cache", SimpleNamespace(get=away))
        patched.setattr(fictional_time, "FRESH_FOR", -1.0)
        assert fictional_time.seconds_ahead() == 3600


@pytest.mark.django_db
def test_a_slot_hold_ends_when_its_fictional_time_is_over(
    world: World, clock: None, swept: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    code, actor = prescribed(world, **patient()), world.actor("center", "coordinator")
    with reading(actor):
        order = order_named(actor, code)
        found = queries.search_slots(actor, order, queries.step_of(actor, order, "book"), order.opened_at.date())
    step(world, code, ("center", "coordinator", 1), "book", offer=found.offers[0].token)
    advancing.advance(actor, timezone.now() + 49 * HOUR)
    with django_capture_on_commit_callbacks(execute=True):
        assert expire_slot_holds() == 1
    with reading(actor):
        chain = chain_of(actor, order.stream_id)
        assert chain is not None and chain.state == ChainState.EXPIRED
        again = queries.step_of(actor, order, "book")
    assert (again.state, again.attempt) == ("ready", 2)


@pytest.mark.django_db
def test_a_grant_ends_in_fictional_time(world: World, clock: None) -> None:
    """The database's own clock stays the machine's, which is never ahead: the belt is the stricter one."""
    organization = make_organization()
    guest = actor_of_membership(make_member(organization, "coordinator"), "browser")  # type: ignore[arg-type]
    coordinator = world.actor("center", "coordinator")
    for known in (world.center, world.maker):
        connect_partners(operator(organization), known)
    code = world.enrol()
    with reading(coordinator):
        stream_id = order_named(coordinator, code).stream_id
    with acting(coordinator, "orders.hold_lifted", stream_id=stream_id):
        Grant.objects.create(
            stream_id=stream_id,
            organization_id=guest.organization_id,
            granted_by_id=coordinator.organization_id,
            until=timezone.now() + HOUR,
            reason="Audit",
        )
    with reading(guest):
        assert [order.code for order in queries.orders(guest)] == [code]
        assert order_named(guest, code).code == code
    fictional_time.go_ahead(7200)
    with reading(guest):
        assert not queries.orders(guest)
        with pytest.raises(NotFound):
            order_named(guest, code)
