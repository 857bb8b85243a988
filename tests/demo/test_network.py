"""The demonstration's network: places that open by rules show holidays and closures where people look at them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from cgt.demo import network
from cgt.demo.opening_hours import RULED
from ledger.context import reading
from scheduling import queries
from scheduling.states import HolidayPolicy
from tests.factories import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
HALF_A_YEAR = 182


def test_some_places_of_the_demonstration_open_by_rules_and_the_rest_by_hand() -> None:
    made = network.build(PASSWORD, timezone.now())
    shown = {}
    for code in ("linden", "aurora", "isar"):
        actor = made.operator(code)
        with reading(actor):
            own = list(queries.resources(actor, own=True))
            today = timezone.now().date()
            for row in queries.board(actor, own, today + dt.timedelta(days=2), HALF_A_YEAR - 4):
                shown[row.resource.code] = row
    for code, (holidays, _, _, _, reason) in RULED.items():
        days = shown[code].days
        assert not any(window.by_hand for day in days for window in day.windows), code
        assert any(day.offered for day in days[-14:]), "offered for half a year"
        told = {words for day in days for words in day.reasons}
        assert any(reason in words for words in told), (code, told)
        assert any(words.startswith("Public holiday") for words in told) == (holidays == HolidayPolicy.CLOSED), code
    assert all(window.by_hand for day in shown["isar-chair"].days for window in day.windows)
