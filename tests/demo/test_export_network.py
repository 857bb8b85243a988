"""A manufacturer's own network as the file of the simulator: what its planner sees, and nothing of anybody else."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from scheduling import quota_periods
from scheduling.actions.lead_times import OverrideInput, set_lead_time
from scheduling.actions.quotas import QuotaRules, ShareRow, add_quota
from scheduling.design import network_file as design_file
from scheduling.simulation import network_file
from tests.factories import operator
from tests.orders.conftest import patient
from tests.orders.factories import World, make_world

pytestmark = [pytest.mark.django_db]


def exported(world: World, *arguments: str) -> str:
    printed = io.StringIO()
    who = ("--organization", world.maker.code, "--as", world.username("maker", "planner"))
    call_command("export_network", world.therapy.code, *who, *arguments, stdout=printed, stderr=io.StringIO())
    return printed.getvalue()


def quota(world: World, places: int) -> None:
    """A month's starts: some for the center, some for its country, the rest for everybody."""
    first = quota_periods.first_of("month", timezone.now().date())
    last = quota_periods.next_first("month", first + dt.timedelta(days=40)) - dt.timedelta(days=1)
    rules = QuotaRules(
        therapy=world.therapy.code, stage="manufacturing_line", period="month", starts_on=first, ends_on=last,
        release_days=7, reserve_percent=10,
    )  # fmt: skip
    shares = [ShareRow(places, center=world.center.code), ShareRow(30)]
    add_quota(operator(world.maker), rules, shares)


def test_the_network_is_written_as_its_planner_sees_it(tmp_path: Path) -> None:
    world, neighbor = make_world(), make_world()
    for _ in range(3):
        world.enrol(**patient())
    neighbor.enrol(**patient())
    quota(world, 7)
    quota(neighbor, 11)
    for one, days in ((world, 12), (neighbor, 17)):
        set_lead_time(operator(one.maker), override(one, days))
    file = tmp_path / "network.json"
    assert str(file) in exported(world, "--out", str(file))
    network, text = network_file.load(file), file.read_text()
    (plant,), (center,) = network.plants, network.centers
    assert (plant.id, plant.zone, plant.lines) == (world.plant.code, "America/New_York", 20 * 8)
    assert (center.id, center.zone, center.chairs, center.country) == (
        world.clinic.code, world.clinic.zone, 20, world.clinic.country,
    )  # fmt: skip
    assert center.orders_per_year == round(3 * 365 / 28, 1)
    (lane,) = network.lanes
    assert (lane.center, lane.plant, lane.hours, lane.cutoff) == (center.id, plant.id, 20, dt.time(19))
    assert network.process.manufacture_days == 8
    (rule,) = network.quotas
    assert [(share.center, share.places) for share in rule.shares] == [(center.id, 7), ("", 30)]
    assert (rule.release_days, rule.reserve_percent, rule.period) == (7, 10, "month")
    longer = [one for one in network.lead_times if one.registered]
    assert [(one.step, one.at_least, one.site) for one in longer] == [("release_days", 12, world.plant.code)]
    for hidden in ("Invented", "MRN", neighbor.clinic.code, neighbor.plant.code, neighbor.center.name):
        assert hidden not in text


def override(world: World, days: int) -> OverrideInput:
    today = timezone.now().date() + dt.timedelta(days=1)
    return OverrideInput(step="release_days", at_least=days, site=world.plant.code, first_date=today, reason="a test")


def test_what_was_exported_can_be_simulated_and_planned(tmp_path: Path) -> None:
    world = make_world()
    for _ in range(3):  # enough a year that some ask within the days simulated, whatever the codes seed
        world.enrol(**patient())
    file, design = tmp_path / "network.json", tmp_path / "design.json"
    exported(world, "--out", str(file))
    printed = io.StringIO()
    short = ("--days", "120", "--warmup", "5", "--policies", "first_date", "--json")
    call_command("simulate_network", str(file), *short, stdout=printed, stderr=io.StringIO())
    (figures,) = json.loads(printed.getvalue())
    assert figures["orders"] > 0 == figures["ends"]["unplaced"]
    exported(world, "--design", "--out", str(design))
    content, planned = design_file.load(design)
    assert [one["id"] for one in content["plants"]] == [world.plant.code]
    assert len(planned.patients) == round(3 * 365 / 28)
    printed = io.StringIO()
    call_command("plan_network", design, "--json", stdout=printed)
    assert json.loads(printed.getvalue())["status"] == "optimal"


def test_a_neighbor_and_a_stranger_get_nothing() -> None:
    world, neighbor = make_world(), make_world()
    therapy = ("export_network", neighbor.therapy.code, "--organization")
    planner = world.username("maker", "planner")
    with pytest.raises(CommandError):
        call_command(*therapy, world.maker.code, "--as", planner)
    with pytest.raises(CommandError, match="no membership"):
        call_command(*therapy, neighbor.maker.code, "--as", planner)
    with pytest.raises(CommandError, match="no planner"):
        call_command(*therapy, neighbor.maker.code, "--as", neighbor.username("maker", "product_owner"))
    with pytest.raises(CommandError, match="no planner"):
        call_command(*therapy, neighbor.center.code, "--as", neighbor.username("center", "coordinator"))
