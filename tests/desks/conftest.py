"""One world of plants for all desks of a test process, really committed; each test makes the orders that it needs."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.desks.world import PlantWorld, make_plant_world

LIMIT = 60_000  # bytes of HTML with fifty rows


@pytest.fixture(scope="session")
def shared_plants(django_db_setup: None, django_db_blocker: Any) -> PlantWorld:
    with django_db_blocker.unblock():
        world = make_plant_world()
        connections.close_all()
    return world


@pytest.fixture
def plants(shared_plants: PlantWorld, committed_db: None) -> PlantWorld:
    return shared_plants


def cost(client: Client, address: str = "/") -> tuple[int, Any]:
    """Return the number of queries of a page that was asked for once before, and its answer."""
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return len(queries), answer


def size_with_fifty(small: Any, rows: int, large: Any, more: int) -> float:
    """Return the bytes that the page would have with fifty rows, from the page with ``rows`` and that with ``more``."""
    per_row = (len(large.content) - len(small.content)) / (more - rows)
    return len(large.content) + per_row * (50 - more)
