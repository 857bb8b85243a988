"""Statements per page and REST read, compared with a reviewed baseline: whoever asks once more sees it in a review.

The second request counts, as the first fills what is kept in memory; BEGIN and COMMIT do not. When a change is meant,
write the baseline anew with ``QUERIES=write`` and review the difference line by line.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.house.test_urls import ROUTES
from tests.orders.conftest import prescribed
from tests.orders.factories import World, make_world
from tests.personas.conftest import signed_in

BASELINE = Path(__file__).parent / "query_baseline.csv"
PEOPLE = (
    ("center", "coordinator"),
    ("center", "treating_physician"),
    ("maker", "planner"),
    ("maker", "qa_reviewer"),
    ("courier", "courier_driver"),
)
STEP = "book"  # what the order waits for
NEVER_COUNTED = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT")
HOW = (
    "The statements differ from their reviewed baseline. If that is meant: "
    "QUERIES=write .venv/bin/python -m pytest tests/house/test_query_baseline.py, and review the difference."
)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: object) -> Iterator[World]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield make_world()


def reads() -> list[str]:
    """Return the desk, the lists, an order's pages, and each REST read that names only an order and its step."""
    pages = {"", "worklist/", "orders/", "orders/<code>/", "orders/<code>/steps/<key>/"}
    plain = {re.sub(r"<(?:order:|str:|slug:)?(code|key)>", r"<\1>", route) for route in ROUTES}
    rest = {
        route for route in plain if route.startswith("api/v1/") and not re.search("<(?!code|key)|schema|docs", route)
    }
    return sorted(plain & pages | rest)


def statements(client: Client, address: str) -> int | None:
    """Return how many statements a page takes that was asked for before; None where it answers anything but 200."""
    if client.get(address).status_code != 200:
        return None
    with CaptureQueriesContext(connection) as captured:
        client.get(address).close()
    return sum(not query["sql"].startswith(NEVER_COUNTED) for query in captured.captured_queries)


def table(world: World) -> str:
    code = prescribed(world, mrn="MRN-QUERIES", family_name="Baseline")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["address", *(f"{organization}.{persona}" for organization, persona in PEOPLE)])
    browsers = [signed_in(world.member(*who)) for who in PEOPLE]
    for route in reads():
        address = "/" + route.replace("<code>", code).replace("<key>", STEP)
        counted = [statements(client, address) for client in browsers]
        if any(count is not None for count in counted):
            writer.writerow([f"/{route}", *("" if count is None else count for count in counted)])
    return text.getvalue()


def test_pages_ask_as_often_as_reviewed(world: World, committed_db: None) -> None:
    found = table(world)
    assert found.count("\n") > 15
    if os.environ.get("QUERIES") == "write":
        BASELINE.write_text(found)
    known = BASELINE.read_text() if BASELINE.exists() else ""
    if known != found:
        changed = [line for line in found.splitlines() if line not in known.splitlines()]
        pytest.fail("\n".join([HOW, *changed]))
