"""One network for all journeys of a test process (really committed); each test rolls its own order back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.db import connections

from ledger.faults import Fault
from ledger.refusals import Refusal
from ledger.verification import Verification
from tests.journeys.world import World, make_world


@pytest.fixture(scope="session")
def shared_world(django_db_setup: None, django_db_blocker: Any) -> World:
    with django_db_blocker.unblock():
        world = make_world()
        connections.close_all()
    return world


@pytest.fixture
def world(shared_world: World, db: None) -> World:
    """The network; whatever the test does to it or in it is rolled back."""
    return shared_world


@pytest.fixture
def committed_world(shared_world: World, committed_db: None) -> World:
    """The network; what the test does stays in the database, where other connections see it."""
    return shared_world


@contextmanager
def refused(kind: type[Refusal], code: str = "") -> Iterator[Any]:
    """Expect a refusal of this kind (and code); it must say what to do next."""
    with pytest.raises(kind) as caught:
        yield caught
    assert caught.value.remedy
    if code:
        assert caught.value.code == code, caught.value.as_problem()


@pytest.fixture
def faults(auditor_url: str) -> Iterator[Callable[[Any], list[Fault]]]:
    """Verify the record of a stream as the auditor; return what is wrong with it."""
    parts = urlsplit(auditor_url)
    name = {"USER": unquote(parts.username or ""), "PASSWORD": unquote(parts.password or "")}
    connections.settings["auditor"] = {**connections.settings["default"], **name}

    def verify(stream_id: Any) -> list[Fault]:
        run = Verification(using="auditor", stream_id=stream_id)
        found = list(run.faults())
        assert run.events and run.rows
        return found

    yield verify
    connections["auditor"].close()
    del connections["auditor"]
    del connections.settings["auditor"]
