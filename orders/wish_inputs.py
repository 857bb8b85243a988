"""What may be wished of dates, as inputs: beside an offer that is held or moved to, in a search, and on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from orders.inputs import NotOneWeekday, WeekdaysField
from orders.models import Order
from scheduling.wishes import GIVEN, Wishes, given_over, of_order

WITH_OFFER = {"input_type": "offer"}  # stands beside the offers, not among the fields of the form


class DateWishInputs(NotOneWeekday):
    """Wishes. One that is absent stays as the order remembers it; one that is null is wished no more."""

    earliest = serializers.DateField(
        required=False,
        allow_null=True,
        label="Collect on or after",
        style=WITH_OFFER,
        help_text="no collection before this day at the center",
    )
    weekdays = WeekdaysField(
        required=False,
        allow_null=True,
        label="Weekdays",
        style=WITH_OFFER,
        help_text="of collection, any of them; 1 is Monday; none: any day",
    )
    washout_since = serializers.DateField(
        required=False,
        allow_null=True,
        label="Last treatment on",
        style=WITH_OFFER,
        help_text="no collection before the washout is over",
    )
    washout_days = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=365,
        label="Washout, days",
        style=WITH_OFFER,
        help_text="the flow's if absent",
    )


def wished_in(order: Order, given: Mapping[str, Any]) -> Wishes | None:
    """Return the order's wishes with those that validated inputs give in their place; None where they give none."""
    said = {name: given[name] for name in GIVEN if name in given}
    return given_over(of_order(order.stream_id), said, order.center_site.today) if said else None
