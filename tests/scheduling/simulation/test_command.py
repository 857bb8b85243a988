"""`manage.py simulate_network` and its files as a planner uses them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from scheduling.design.network_file import FaultyNetwork
from scheduling.simulation import network_file, rates
from scheduling.simulation.fictional import fictional


def simulated(*arguments: str, **named: Any) -> str:
    printed = io.StringIO()
    short = ("--orders", "200", "--days", "60", "--warmup", "10")
    call_command("simulate_network", *short, *arguments, stdout=printed, stderr=io.StringIO(), **named)
    return printed.getvalue()


def test_policies_and_sizes_are_compared_and_written(tmp_path: Path) -> None:
    printed = simulated("--lines", "0.5,1", "--out", str(tmp_path))
    rows = list(csv.DictReader((tmp_path / "figures.csv").open()))
    assert [row["policy"] for row in rows] == ["first_date", "reserve", "ageing"] * 2
    assert len(json.loads((tmp_path / "figures.json").read_text())) == 6
    told = "v2v P50", "v2v P90", "unplaced", "Gini", "Lines used by plant", "first feasible date", "fullest beds"
    for word in (*told, "fullest lanes back", "quota of Manufacturing start"):
        assert word in printed


def test_a_file_that_was_written_gives_the_same_figures(tmp_path: Path) -> None:
    first = json.loads(simulated("--policies", "ageing", "--json", "--out", str(tmp_path)))
    again = json.loads(simulated(str(tmp_path / "network.json"), "--policies", "ageing", "--json"))
    assert first == again


def test_rates_of_a_file_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    file, made_again = tmp_path / "rates.json", {"remake_not_infused": 1, "failed_but_infused": 0}
    file.write_text(json.dumps({"made_not_received": {"value": 1}, "out_of_specification": 0, **made_again}))
    (one,) = json.loads(simulated("--policies", "first_date", "--json", "--rates", str(file)))
    assert one["infused_share"] == 0
    assert one["ends"]["made but not received"] > 0


def test_every_shipped_rate_names_its_source() -> None:
    shown = json.loads(simulated("--show-rates"))
    published = shown.pop("published")
    assert set(shown) == set(vars(rates.load()))
    assert all(entry["source"].startswith("placeholder") or "[S" in entry["source"] for entry in shown.values())
    for name, one in published.items():
        assert "[S" in one["source"]
        found = vars(rates.load(Path(name)))
        assert one["rates"].items() <= found.items()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"slips": 0.1}, "slips: it is not known"),
        ({"slip": -0.1}, "slip: -0.1 is not a number from 0 to 1"),
        ({"slip": 1.5}, "from 0 to 1"),
        ({"slip": True}, "not a number"),
        ({"outage_days": 1000}, "from 0 to 366"),
        ({"urgent_high": 0.8, "urgent_low": 0.5}, "more than 1"),
        ([], "not an object"),
    ],
)
def test_rates_that_cannot_be_are_refused(tmp_path: Path, content: Any, words: str) -> None:
    file = tmp_path / "rates.json"
    file.write_text(json.dumps(content))
    with pytest.raises(CommandError, match=words):
        simulated("--rates", str(file))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("plants.0.zone", "Europe/Atlantis", "no time zone"),
        ("plants.0.lines", -1, "less than 0"),
        ("centers.1.id", "center-001", "also the id of"),
        ("lanes.0.from", "plant-1", "lanes\\[0\\]: It leads from a plant to a plant"),
        ("lanes.0.to", "center-001", "lanes\\[0\\]: It leads from a center to a center"),
        ("lanes.0.to", "nowhere", "lanes\\[0\\].to: There is no center or plant 'nowhere'"),
        ("lanes.2.from", "center-001", "lanes\\[0\\]: No lane leads back from 'plant-1' to 'center-001'"),
        ("centers.0.beds", -1, "centers\\[0\\].beds: -1 is less than 0"),
        ("centers.0.country", "Germany", "centers\\[0\\].country"),
        ("lead_times.0.step", "luck_days", "lead_times\\[0\\].step"),
        ("lead_times.0.site", "nowhere", "lead_times\\[0\\].site: There is no center or plant 'nowhere'"),
        ("lead_times.0.at_least", -2, "lead_times\\[0\\].at_least: -2 is less than 0"),
        ("lead_times.0.at_most", 1, "lead_times\\[0\\]: at_least is more than at_most"),
        ("lead_times.0.since", "2026-02-30", "lead_times\\[0\\].since: 2026-02-30 is no date"),
        ("lead_times.0", {"step": "lead_days"}, "lead_times\\[0\\]: It says neither"),
        ("lead_times.0", {"step": "manufacture_days", "at_most": 0}, "a day at least"),
        (
            "lead_times.0",
            {"step": "lead_days", "at_least": 1, "since": "2026-03-02", "until": "2026-03-01"},
            "lead_times\\[0\\].until: 2026-03-01 is not after 2026-03-02",
        ),
        ("quotas.0.stage", "courier_lane", "quotas\\[0\\].stage"),
        ("quotas.0.zone", "Mars", "quotas\\[0\\].zone: 'Mars' is no time zone"),
        ("quotas.0.shares", [{"places": -1}], "quotas\\[0\\].shares\\[0\\].places: -1 is less than 0"),
        (
            "quotas.0.shares",
            [{"places": 1, "center": "x"}, {"places": 1}],
            "shares\\[0\\].center: There is no center 'x'",
        ),
        ("quotas.0.shares", [{"places": 1, "countries": ["DE"]}], "quotas\\[0\\].shares: There is no pool"),
        ("quotas.0.shares", [{"places": 1}, {"places": 2}], "shares\\[1\\]: There is a share of the pool already"),
        (
            "quotas.0.shares",
            [{"places": 1, "center": "center-001", "countries": ["DE"]}, {"places": 1}],
            "It names a center and countries",
        ),
        ("lanes.0.hours", 0, "lanes\\[0\\].hours"),
        ("lanes.0.cutoff", "25:00", "lanes\\[0\\].cutoff"),
        ("first_day", "2026-02-30", "no date"),
        ("process.manufacture_days", 0, "less than 1"),
        ("centers.0.collects", [], "empty"),
    ],
)
def test_a_network_that_cannot_be_is_refused_with_its_path(path: str, value: Any, words: str) -> None:
    content = json.loads(network_file.as_json(fictional(100, seed=1, centers=2, plants=1)))
    inner: Any = content
    *parents, last = path.split(".")
    for part in parents:
        inner = inner[int(part)] if part.isdigit() else inner[part]
    inner[int(last) if last.isdigit() else last] = value
    with pytest.raises(FaultyNetwork, match=words):
        network_file.read(content)


def test_a_lane_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    content = json.loads(network_file.as_json(fictional(100, seed=1, centers=2, plants=1)))
    content["lanes"].append(content["lanes"][0])
    file = tmp_path / "network.json"
    file.write_text(json.dumps(content))
    said = io.StringIO()
    with pytest.raises(CommandError, match="attention: 1"):
        call_command("simulate_network", file, stderr=said)
    assert "lanes[4]: The lane is there already." in said.getvalue()


def test_two_quotas_of_one_stage_are_refused() -> None:
    content = json.loads(network_file.as_json(fictional(100, seed=1, centers=2, plants=1)))
    content["quotas"].append(content["quotas"][0])
    with pytest.raises(FaultyNetwork, match="quotas\\[1\\].stage: There is a quota of manufacturing_line already"):
        network_file.read(content)


@pytest.mark.parametrize(
    "arguments", [("--policies", "luck"), ("--lines", "0"), ("--lines", "x"), ("--orders", "-5"), ("--days", "0")]
)
def test_arguments_that_cannot_be_are_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        simulated(*arguments)


def test_the_written_network_is_the_one_that_was_read() -> None:
    made = fictional(3000, seed=4)
    assert network_file.read(json.loads(network_file.as_json(made))) == made
