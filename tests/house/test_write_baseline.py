"""Statements per act of a whole order, compared with a reviewed baseline: as ``test_query_baseline`` does for reads.

The second order counts, as the first fills what is kept in memory. Each act is counted with the answer that both faces
give: what may be done next.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders import flow
from orders.flow import StepResult
from tests.house.test_query_baseline import HOW, NEVER_COUNTED
from tests.orders.conftest import patient
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of

BASELINE = Path(__file__).parent / "write_baseline.csv"


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: object) -> Iterator[World]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield make_world()


def table(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    journey_of(world, **patient()).run()
    counted: list[tuple[str, int]] = []
    perform = flow.perform

    def counting(actor: Any, code: str, key: str, inputs: Any) -> StepResult:
        with CaptureQueriesContext(connection) as captured:
            result = perform(actor, code, key, inputs, then=lambda order: [*flow.next_actions(actor, order)])
        counted.append((key, sum(not one["sql"].startswith(NEVER_COUNTED) for one in captured.captured_queries)))
        return result

    monkeypatch.setattr(flow, "perform", counting)
    journey_of(world, **patient()).run()
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("act", "statements"), *counted])
    return text.getvalue()


def test_acts_ask_and_write_as_often_as_reviewed(
    world: World, committed_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = table(world, monkeypatch)
    assert found.count("\n") > 30
    if os.environ.get("QUERIES") == "write":
        BASELINE.write_text(found)
    known = BASELINE.read_text() if BASELINE.exists() else ""
    if known != found:
        changed = [line for line in found.splitlines() if line not in known.splitlines()]
        pytest.fail("\n".join([HOW.replace("query_baseline", "write_baseline"), *changed]))
