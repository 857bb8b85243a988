"""What the demonstration shows beside the plain way waits on the desks where somebody looks for it."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.utils import timezone

from cgt.demo import clock, network, oddities, seeding
from ledger.context import Actor, reading
from orders import queries
from scheduling import lead_time_register
from scheduling.costs import change_prices
from scheduling.models import Allotment, LeadTimeOverride
from tests.factories import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def made() -> network.DemoNetwork:
    now = timezone.now()
    with clock.at(now - dt.timedelta(days=network.PAST_DAYS - 1)):
        return network.build(PASSWORD, now)


def person(made: network.DemoNetwork, organization: str, persona: str) -> Actor:
    found = made.organizations[organization].pk
    return next(p.actor for p in made.cast.players if (p.actor.organization_id, p.actor.persona) == (found, persona))


def told(made: network.DemoNetwork, twist: str) -> str:
    (plot,) = (plot for plot in seeding.plots() if plot.twist == twist)
    story = seeding.Story(made, plot, random.Random(1), timezone.now())
    story.tell()
    return story.journey.code


@pytest.mark.story("MP2", "CM2")
def test_a_request_for_dates_waits_on_the_planner_s_desk_and_its_days_on_the_cmo_s(made: network.DemoNetwork) -> None:
    code = told(made, "asks")
    planner, cmo = person(made, "borealis", "planner"), person(made, "meridian", "cmo_planner")
    with reading(planner):
        (waiting,) = queries.wished_dates(planner)
    assert waiting.order.code == code and not waiting.late
    with reading(cmo):
        (days,) = queries.days_for_plants(cmo)
    assert days.row.wished_on == waiting.row.wished_on


@pytest.mark.story("MO7")
def test_a_lost_batch_that_is_made_again_from_reserve_waits_for_its_place(made: network.DemoNetwork) -> None:
    code = told(made, "reserve")
    planner = person(made, "borealis", "planner")
    with reading(planner):
        waiting = [step for step in queries.worklist(planner) if step.key == "confirm_reserve"]
    assert [step.order.code for step in waiting] == [code]


def test_a_lead_time_override_is_in_force(made: network.DemoNetwork) -> None:
    oddities.override_lead_time(made, timezone.now())
    planner = person(made, "aurora", "planner")
    with reading(planner):
        (row,) = LeadTimeOverride.unwalled.all()
        (entry,) = lead_time_register.lead_time_entries(planner, [row])
    assert row.at_least == 9 and row.market == "DE" and "Quality release" in entry.public_words


def test_a_late_change_has_its_price_and_one_center_a_share_of_its_own(made: network.DemoNetwork) -> None:
    now = timezone.now()
    oddities.price_changes(made, now)
    oddities.share_for_one_center(made, now)
    coordinator, next_door = person(made, "linden", "coordinator"), person(made, "isar", "coordinator")
    with reading(coordinator):
        prices = change_prices(coordinator, made.therapies["auralcel"].pk)
        assert {(row.kind, row.amount) for row in prices} == {
            ("line_cancelled", 4800),
            ("lane_cancelled", 350),
            ("recollection", 6500),
            ("transport", 920),
        }
        assert [row.places for row in Allotment.unwalled.filter(title="Early access program")] == [40]
    with reading(next_door):
        assert not Allotment.unwalled.filter(title="Early access program").exists()
