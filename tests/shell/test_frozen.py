"""A Redis that takes every question and answers none: pages open, acts are recorded, and each waits once, briefly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import TimeoutError as NoAnswer

from cgt import patience
from cgt.cache import Cache
from cgt.celery import App
from ledger.models import OutboxMessage
from ledger.rates import within_rate
from notifications.tasks import relay_outbox
from tests.notifications.factories import Shared
from tests.orders.factories import make_world
from tests.personas.conftest import signed_in

FAR = 20  # seconds: nobody waits so long, however slow the machine; without limits it would be for ever


class Frozen:
    """A server that lets everybody in and says nothing; ``asked``: how many connections reached it."""

    def __init__(self) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(50)
        self.url = f"redis://:secret@127.0.0.1:{self.socket.getsockname()[1]}/0"

    def asked(self) -> int:
        self.socket.setblocking(False)
        count = 0
        while True:
            try:
                self.socket.accept()
            except BlockingIOError:
                return count
            count += 1


@pytest.fixture
def frozen() -> Iterator[Frozen]:
    server = Frozen()
    yield server
    server.socket.close()


@pytest.fixture
def frozen_cache(frozen: Frozen) -> Cache:
    return Cache(frozen.url, settings.CACHES["default"])


def done_within(act: Callable[[], Any]) -> list[Any]:
    """Return what an act gave or raised; fail where it is still waiting long after it should have given up."""
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(act())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(FAR)
    assert not thread.is_alive(), "it waits for a server that never answers"
    return found


def test_the_cache_is_asked_once_and_then_not_for_a_while(frozen: Frozen, frozen_cache: Cache) -> None:
    assert patience.ANSWER_WITHIN < 1
    assert isinstance(done_within(lambda: frozen_cache.get("a"))[0], NoAnswer)
    assert frozen.asked() == 1
    for _ in range(5):
        assert isinstance(done_within(lambda: frozen_cache.add("a", 1))[0], NoAnswer)
    assert frozen.asked() == 0, "who comes next is told at once"


def test_once_the_while_is_over_it_is_asked_again(
    frozen: Frozen, frozen_cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoAnswer):
        frozen_cache.get("a")
    frozen.asked()
    now = patience.monotonic()
    monkeypatch.setattr(patience, "monotonic", lambda: now + patience.ASK_AGAIN_AFTER + 1)
    with pytest.raises(NoAnswer):
        frozen_cache.get("a")
    assert frozen.asked() == 1


def test_a_rate_that_cannot_be_counted_holds_nobody_up(frozen_cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.rates.cache", frozen_cache)
    assert [within_rate("someone", 1) for _ in range(3)] == [True] * 3


def test_a_task_that_nobody_takes_is_given_up(frozen: Frozen) -> None:
    app = App("frozen", broker=frozen.url, set_as_current=False)
    for reached in (True, False):
        (error,) = done_within(lambda: app.send_task("tests.any", retry=False))
        assert isinstance(error, Exception)
        assert frozen.asked() == int(reached), "once, and then not for a while"


def test_an_act_is_recorded_and_answered(committed_db: None, frozen: Frozen, monkeypatch: pytest.MonkeyPatch) -> None:
    app = App("frozen", broker=frozen.url, set_as_current=False)
    monkeypatch.setattr(relay_outbox, "apply_async", lambda **o: app.send_task("notifications.relay", **o))
    (shared,) = done_within(Shared)
    assert isinstance(shared, Shared), shared
    assert frozen.asked(), "the broker was asked"
    assert OutboxMessage.unwalled.filter(organization_id=shared.center.pk, sent_at__isnull=True).count() == 1


@pytest.mark.django_db
def test_pages_open_and_a_partners_system_is_answered(frozen_cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    client = signed_in(world.member("center", "coordinator"))
    for name in ("incr", "add", "get", "set"):
        monkeypatch.setattr(cache, name, getattr(frozen_cache, name), raising=False)
    assert [client.get(address).status_code for address in ("/", "/orders/", "/api/v1/orders")] == [200] * 3
    assert client.get("/healthz").status_code == 503
