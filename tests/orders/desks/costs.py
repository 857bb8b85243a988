"""What a page costs: queries and weight, for one row and for three, and what fifty rows would weigh."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

HEAVIEST = 60_000


def cost(client: Client, address: str) -> tuple[int, int]:
    """Return queries and bytes of a page that was asked for once before."""
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code == 200
    return len(queries), len(answer.content)


def assert_light(monkeypatch: pytest.MonkeyPatch, client: Client, address: str = "/") -> None:
    """See that one row and three cost the same queries, and that fifty stay below 60 KB of HTML."""
    monkeypatch.setattr("orders.views.frame.PER_PAGE", 1)
    queries, least = cost(client, address)
    monkeypatch.setattr("orders.views.frame.PER_PAGE", 3)
    more_queries, most = cost(client, address)
    assert most > least, "there are no more rows to show"
    assert more_queries == queries
    assert least + 49 * (most - least) / 2 <= HEAVIEST
