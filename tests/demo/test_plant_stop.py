"""The demonstration's contract manufacturer has a repair over two sponsors to change, to sign and to hand over."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.utils import timezone

from cgt.demo import clock, network, plant_stop, seeding
from cgt.demo.journey import Player
from ledger.context import reading
from orders.actions import repairs
from scheduling import disrupted
from scheduling.repair.runs import RepairRun
from scheduling.states import RunState
from tests.factories import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
AT_THE_PLANT = (("linden", "boromyel"), ("isar", "auralcel"))  # an order of each sponsor


@pytest.mark.story("CM2", "MP6")
def test_a_repair_over_two_sponsors_waits_for_the_contract_manufacturer_s_planner() -> None:
    now = timezone.now()
    with clock.at(now - dt.timedelta(days=network.PAST_DAYS - 1)):
        made = network.build(PASSWORD, now)
    codes = [_told(made, *one, now, seed) for seed, one in enumerate(AT_THE_PLANT)]
    run_id = plant_stop.stop_the_line(made, timezone.now())
    planner = _planner(made, "meridian")
    run = _seen(planner, run_id)
    assert run.state == RunState.PROPOSED and {row["order"] for row in run.plan} == set(codes)
    for row in run.plan:
        assert row["chosen"] == 0 and len(row["choices"]) > 1, "there is something to change"
    edited = repairs.edit_repair(planner.actor, run_id, {"order": codes[0], "choice": 1})
    signature = {"username": planner.username, "password": planner.password}
    assert repairs.sign_repair(planner.actor, run_id, {"version": edited.version, "signature": signature}) == len(codes)
    for sponsor, code in zip(("borealis", "aurora"), codes, strict=True):
        reader = _planner(made, sponsor).actor
        with reading(reader):
            (part,) = disrupted.repair_runs(reader)
        assert [row["order"] for row in part.plan] == [code] and part.state == RunState.PROPOSED


def _told(made: network.DemoNetwork, center: str, therapy: str, now: dt.datetime, seed: int) -> str:
    wanted = seeding.Plot(center, therapy, "accept_job")
    (plot,) = (one for one in seeding.plots() if one == wanted)
    story = seeding.Story(made, plot, random.Random(seed), now)
    story.tell()
    return story.journey.code


def _planner(made: network.DemoNetwork, organization: str) -> Player:
    return made.cast.of(made.organizations[organization].pk, "confirm_slots")[0]


def _seen(planner: Player, run_id: object) -> RepairRun:
    with reading(planner.actor):
        return repairs.run_seen(planner.actor, run_id)  # type: ignore[arg-type]
