"""Lists cost the same number of queries for one row and for three, where the list's own tests do not say so already.

Elsewhere: worklist and orders (tests/orders, tests/api), catalog and slots (tests/api, tests/scheduling), people
(tests/personas), inbox (tests/notifications), material and custody (tests/custody).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import flow_files
from orders.actions.flows import propose_flow
from tests.orders.conftest import consented, patient, prescribed
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: object) -> Iterator[World]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield make_world()


def cost(client: Client, address: str) -> tuple[int, Any]:
    """Return the number of queries of a page that was asked for once before, and its answer."""
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return len(queries), answer


def rows(client: Client, address: str) -> tuple[int, int]:
    """Return queries and rows of a list of the REST API."""
    queries, answer = cost(client, address)
    return queries, len(answer.json()["results"])


@pytest.mark.parametrize("persona", ["product_owner", "inspector"])
def test_flow_versions(world: World, committed_db: None, persona: str) -> None:
    client, owner = signed_in(world.member("maker", persona)), world.actor("maker", "product_owner")
    before, page = cost(client, "/flows/")
    listed = page.content.count(b"/flows/")
    for number in range(2):
        definition = flow_files.shipped("autologous_car_t")
        definition["title"] = f"Another {persona} {number}"
        propose_flow(owner, world.therapy, definition)
    after, page = cost(client, "/flows/")
    assert page.content.count(b"/flows/") >= listed + 2
    assert after == before


def test_what_a_device_learns_and_what_it_sent(world: World, committed_db: None) -> None:
    client, entries = signed_in(world.member("center", "apheresis_nurse")), "/api/v1/offline-entries"
    counts = []
    for number in range(3):
        journey = journey_of(world, **patient())
        journey.run(before="kit")
        now = timezone.now().isoformat()
        sent = {"key": str(uuid4()), "order": journey.code, "step": "kit", "device_time": now, "sent_at": now}
        sent["inputs"] = {"kit_code": f"KIT-{number}", "complete": "yes", "condition": "good"}
        assert client.post(entries, json.dumps(sent), content_type="application/json").status_code == 200
        if number != 1:
            found = cost(client, "/offline/session/")
            counts.append((found[0], len(found[1].json()["sheets"]), *rows(client, entries)))
    (learned, sheets, listed, few), (learned_more, more_sheets, listed_more, many) = counts
    assert (more_sheets > sheets > 0, many > few > 0) == (True, True)
    assert (learned_more, listed_more) == (learned, listed)


@pytest.mark.parametrize("part", ["events", "signatures"])
def test_the_record_of_an_order(world: World, committed_db: None, part: str) -> None:
    client = signed_in(world.member("center", "coordinator"))
    number = {"events": "1", "signatures": "2"}[part]
    short = consented(world, mrn=f"MRN-H{number}1", family_name=f"Short{number}")
    long = prescribed(world, mrn=f"MRN-H{number}2", family_name=f"Long{number}")
    few, of_short = rows(client, f"/api/v1/orders/{short}/{part}")
    many, of_long = rows(client, f"/api/v1/orders/{long}/{part}")
    assert of_long > of_short >= 1
    assert many == few
