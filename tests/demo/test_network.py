"""The demonstration's network: places that open by rules show holidays and closures where people look at them."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.utils import timezone

from cgt.demo import clock, network, seeding
from cgt.demo.journey import Player
from cgt.demo.opening_hours import RULED
from ledger.context import reading
from orders import queries as orders
from orders.actions import rescheduling
from orders.models import OrderStep
from scheduling import queries
from scheduling.states import HolidayPolicy
from tests.factories import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
AHEAD = 100  # days that are looked at


@pytest.fixture
def made() -> network.DemoNetwork:
    """As it is loaded: in the past, around this moment."""
    now = timezone.now()
    with clock.at(now - dt.timedelta(days=network.PAST_DAYS - 1)):
        return network.build(PASSWORD, now)


@pytest.mark.story("MP1", "MP2")
def test_a_planner_finds_a_start_to_move_on_the_board(made: network.DemoNetwork) -> None:
    (plot,) = (plot for plot in seeding.plots() if plot.twist == "ahead")
    seeding.Story(made, plot, random.Random(1), timezone.now()).tell()
    planner = next(one.actor for one in made.cast.players if one.actor.persona == "planner" and _is_of(one, made))
    monday = timezone.now().date() - dt.timedelta(days=timezone.now().weekday())
    found = []
    with reading(planner):
        for weeks in range(4):
            lines = orders.line_board(planner, monday + dt.timedelta(weeks=weeks))
            found += [start for line in lines for cell in line.cells for start in cell.starts if start.movable]
    (start,) = found
    assert start.state == "confirmed"
    earliest = (timezone.now() + dt.timedelta(days=seeding.AHEAD_DAYS + 2)).date()
    assert rescheduling.search_dates(planner, start.order.code, earliest).offers


def _is_of(player: Player, made: network.DemoNetwork) -> bool:
    return player.actor.organization_id == made.organizations["aurora"].pk


def test_some_places_of_the_demonstration_open_by_rules_and_the_rest_by_hand(made: network.DemoNetwork) -> None:
    shown = {}
    for code in ("linden", "aurora", "isar"):
        actor = made.operator(code)
        with reading(actor):
            own = list(queries.resources(actor, own=True))
            today = timezone.now().date()
            for row in queries.board(actor, own, today + dt.timedelta(days=2), AHEAD):
                shown[row.resource.code] = row
    for code, (holidays, _, _, _, reason) in RULED.items():
        days = shown[code].days
        assert not any(window.by_hand for day in days for window in day.windows), code
        assert any(day.offered for day in days[-14:]), code
        told = {words for day in days for words in day.reasons}
        assert any(reason in words for words in told), (code, told)
        assert any(words.startswith("Public holiday") for words in told) == (holidays == HolidayPolicy.CLOSED), code
    assert all(window.by_hand for day in shown["isar-chair"].days for window in day.windows)


@pytest.mark.parametrize("chance", [1, 2])
def test_a_product_under_way_was_packed_before_its_delivery_is_planned(made: network.DemoNetwork, chance: int) -> None:
    (plot, *_) = (plot for plot in seeding.plots() if plot.before == "ship_delivery")
    story = seeding.Story(made, plot, random.Random(chance), timezone.now())
    story.tell()
    viewer = story._viewer().actor
    with reading(viewer):
        steps = {
            step.key: step for step in OrderStep.unwalled.filter(order__code=story.journey.code).order_by("attempt")
        }
    packed, delivery = steps["ship"].done_at, steps["ship_delivery"].planned_at
    assert packed is not None and delivery is not None and packed < delivery
