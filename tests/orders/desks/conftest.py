"""Orders at the stages that the desks of a treatment center show, made once per module."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from personas.models import User
from tests.journeys.world import World as JourneyWorld
from tests.journeys.world import make_world as make_journey_world
from tests.orders.conftest import browse, code, world

__all__ = ["browse", "code", "world"]

Sit = Callable[..., Client]


@pytest.fixture(scope="module")
def travels(django_db_setup: None, django_db_blocker: object) -> Iterator[JourneyWorld]:
    """A world in which orders are played as far as a desk needs them; really committed and left in place."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield make_journey_world()


@pytest.fixture
def sit(travels: JourneyWorld, committed_db: None) -> Sit:
    """Return the browser of a person of the travels' center, signed in."""

    def open_desk(persona: str, number: int = 1, organization: str = "center") -> Client:
        client = Client()
        client.force_login(
            User.objects.get(username=travels.player(organization, persona, number).username),
            backend="cgt.backends.Accounts",
        )
        return client

    return open_desk
