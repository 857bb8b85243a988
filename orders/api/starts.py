"""A line and a day as parameters of a search: only chains whose manufacture starts there and then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from ledger.context import Actor
from ledger.refusals import InvalidInput
from orders import queries


class StartQuery(serializers.Serializer[Any]):
    """Where and when manufacture is to start: both or neither."""

    line = serializers.UUIDField(
        required=False, help_text="id of a manufacturing line (`GET /api/v1/resources`): only chains that start there"
    )
    start = serializers.DateField(
        required=False, help_text="day at the line's plant on which manufacture starts; goes with `line`"
    )


def start_of(actor: Actor, order: Any, given: Mapping[str, Any]) -> tuple[UUID, dt.date] | None:
    """Return the line and the day that a query asks for, None for neither.

    Raises InvalidInput for one without the other, a line on which the order cannot be made, and a day that has passed.
    """
    line, date = given.get("line"), given.get("start")
    if line is None and date is None:
        return None
    if line is None or date is None:
        missing = "line" if line is None else "start"
        raise InvalidInput(fields={missing: ["Give the line and the day of its start together, or neither."]})
    if line not in dict(queries.lines_of(actor, order)):
        raise InvalidInput(fields={"line": ["Not a line on which this order can be made, as far as you know them."]})
    if date < order.center_site.today:
        raise InvalidInput(fields={"start": ["Give a day that has not passed."]})
    return line, date
