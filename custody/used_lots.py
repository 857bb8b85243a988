"""Lots of critical materials as they are recorded with the containers that they touched, inside an action (QA4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from uuid import UUID

from custody.models import Container, UsedLot


def normalized(lot: str) -> str:
    """Return a lot number as it is compared: in capitals, without blanks."""
    return "".join(lot.split()).upper()


def record(containers: Sequence[Container], used: Iterable[tuple[str, str]], at: dt.datetime) -> list[UsedLot]:
    """Record that lots, given as (name of the material, lot number), touched each of the containers.

    A pair that is given twice is recorded once.
    """
    pairs = dict.fromkeys((name.strip(), normalized(lot)) for name, lot in used)
    rows = [
        UsedLot(stream_id=bag.stream_id, container=bag, name=name, lot=lot, used_at=at)
        for bag in containers
        for name, lot in pairs
    ]
    UsedLot.objects.bulk_create(rows)
    return rows


def of_streams(stream_ids: Iterable[UUID]) -> list[UsedLot]:
    """Return the lots used for the orders of these streams, in the order of their use; one query."""
    found = UsedLot.unwalled.filter(stream_id__in=set(stream_ids)).select_related("container")
    return list(found.order_by("used_at", "pk"))
