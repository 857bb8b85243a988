"""What one organization sees of an order, by every read there is; and that somebody sees nothing at all."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from cgt.demo.journey import Journey, Player
from custody import queries as custody
from ledger.context import Actor, reading
from ledger.installation import history_model, walled_models
from ledger.queries import events_of, signatures_of
from ledger.refusals import NotFound
from ledger.walls import Outside
from orders import flow, queries
from orders.models import Order, OrderStep
from quality import queries as quality
from scheduling import queries as scheduling


def order_of(player: Player, journey: Journey) -> Order:
    with reading(player.actor):
        return flow.order_named(player.actor, journey.code)


def step_of(player: Player, journey: Journey, key: str) -> OrderStep:
    with reading(player.actor):
        return queries.step_of(player.actor, flow.order_named(player.actor, journey.code), key)


def bags(player: Player, journey: Journey, *kinds: str) -> dict[str, str]:
    """Return code -> state of the order's containers (of the kinds), in their order."""
    with reading(player.actor):
        rows = custody.containers_of(player.actor, flow.order_named(player.actor, journey.code).stream_id)
        return {row.code: str(row.state) for row in rows if not kinds or row.kind in kinds}


def kinds_of_events(player: Player, journey: Journey) -> list[str]:
    """Return the kinds of all events of the order that the player may read, oldest first."""
    with reading(player.actor):
        return [row.kind for row in events_of(player.actor, flow.order_named(player.actor, journey.code).stream_id)]


def open_deviations(player: Player, journey: Journey) -> list[Any]:
    with reading(player.actor):
        stream_id = flow.order_named(player.actor, journey.code).stream_id
        return list(quality.deviations_of(player.actor, stream_id).filter(state="open"))


def seen(actor: Actor, stream_id: UUID) -> dict[str, int]:
    """Return how many rows each read of the product gives the actor for the order's stream."""
    reads = {
        "events": events_of,
        "signatures": signatures_of,
        "containers": custody.containers_of,
        "labels": custody.labels_of,
        "shipments": custody.shipments_of,
        "custody periods": custody.custody_of,
        "batches": quality.batches_of,
        "results": quality.all_results_of,
        "deviations": quality.deviations_of,
        "decisions": quality.decisions_of,
        "slot chains": scheduling.chains_of,
    }
    with reading(actor):
        found = {name: read(actor, stream_id).count() for name, read in reads.items()}
        found["orders"] = queries.orders(actor).filter(stream_id=stream_id).count()
        found["worklist"] = queries.worklist(actor).filter(stream_id=stream_id).count()
        found["identity"] = int(custody.identity_of(actor, stream_id) is not None)
        return found


@cache
def _tables() -> list[str]:
    """Every table with rows of an order's stream, the histories too, less those that lie outside the wall."""
    found = []
    for model in walled_models():
        if isinstance(model.wall, Outside) or "stream_id" not in {f.attname for f in model._meta.fields}:
            continue
        found.append(model._meta.db_table)
        history = history_model(model)
        if history is not None:
            found.append(history._meta.db_table)
    return found


def rows_through_the_wall(actor: Actor, stream_id: UUID) -> dict[str, int]:
    """Return the number of rows per table that the database itself shows the actor, asked in bare SQL."""
    parts = [f"select '{table}', count(*) from {table} where stream_id = %s" for table in _tables()]
    with reading(actor), connection.cursor() as cursor:
        cursor.execute(" union all ".join(parts), [str(stream_id)] * len(parts))
        return {table: count for table, count in cursor.fetchall() if count}


def sees_nothing(player: Player, order: Order, codes: list[str]) -> None:
    """Assert that neither the product nor the database shows the player anything of the order, by any of ``codes``."""
    actor = player.actor
    assert rows_through_the_wall(actor, order.stream_id) == {}
    assert set(seen(actor, order.stream_id).values()) == {0}
    with reading(actor):
        with pytest.raises(NotFound):
            flow.order_named(actor, order.code)
        for code in codes:
            assert custody.lookup(actor, code) is None, code
        assert not custody.patients(actor).filter(pk=order.patient_id).exists()
    with pytest.raises(NotFound):
        flow.perform(actor, order.code, "consent", {})
