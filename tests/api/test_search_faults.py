"""Dates are searched where nothing can be found: after the last opening, and further than anybody plans."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from tests.api.conftest import PartnerOf, problem
from tests.orders.conftest import patient, prescribed
from tests.orders.factories import World

pytestmark = pytest.mark.django_db


@pytest.mark.story("CO1")
def test_after_the_last_opening_every_date_is_refused_with_its_reason(world: World, partner: PartnerOf) -> None:
    code, coordinator = prescribed(world, **patient()), partner("center", "coordinator")
    far = timezone.now().date() + dt.timedelta(days=200)
    found = coordinator.get(f"orders/{code}/slot-chains?earliest={far}&days=5").json()
    assert found["offers"] == []
    assert [day["date"] for day in found["refused"]] == [str(far + dt.timedelta(days=n)) for n in range(5)]
    assert {day["code"] for day in found["refused"]} == {"no_chair"}
    assert all("offers no apheresis chair" in day["text"] for day in found["refused"])
    for days in ("0", "-3", "400"):
        bad = problem(coordinator.get(f"orders/{code}/slot-chains?days={days}"), 400, "invalid_input")
        assert "days" in bad["fields"]
    late = timezone.now().date() + dt.timedelta(days=366 * 6)
    problem(coordinator.get(f"orders/{code}/slot-chains?earliest={late}"), 400, "invalid_input")
