"""`manage.py plan_network` as a planner runs it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from scheduling.design.checking import faults_of
from tests.scheduling.design.networks import network, patient


def written(folder: Path, **changes: Any) -> Path:
    file = folder / "network.json"
    file.write_text(json.dumps(network(**changes), default=float))
    return file


def test_a_plan_is_printed_and_written(tmp_path: Path) -> None:
    file, printed = written(tmp_path, title="Fictional network"), io.StringIO()
    call_command("plan_network", file, out=tmp_path / "plan", stdout=printed)
    answer = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert faults_of(json.loads(file.read_text()), answer) == []
    assert (answer["status"], answer["gap"]) == ("optimal", 0)
    rows = list(csv.DictReader((tmp_path / "plan" / "assignments.csv").open()))
    assert [row["patient"] for row in rows] == ["p1", "p2", "p3"]
    assert {key: str(value) for key, value in answer["assignments"][0].items()} == rows[0]
    for word in ("Fictional network", "optimal", "Cost", "Bound", "beta", "Vein to vein"):
        assert word in printed.getvalue()


def test_no_plan_exits_with_3_and_says_why(tmp_path: Path) -> None:
    file, printed = written(tmp_path, patients=[patient(f"p{n}", 0) for n in range(5)]), io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("plan_network", file, json=True, stdout=printed)
    assert left.value.code == 3
    answer = json.loads(printed.getvalue())
    assert (answer["status"], answer["objective"], answer["assignments"]) == ("infeasible", None, [])
    assert len(answer["explanation"]["patients"]) == 4


def test_time_that_runs_out_exits_with_4(tmp_path: Path) -> None:
    printed = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("plan_network", written(tmp_path), time_limit=1e-9, stdout=printed)
    assert left.value.code == 4
    assert "--time-limit" in printed.getvalue()


def test_faults_are_listed_and_nothing_is_written(tmp_path: Path) -> None:
    file, said = written(tmp_path, horizon_days=-1, patients=[patient("p1", -3)]), io.StringIO()
    with pytest.raises(CommandError, match="2 entries need attention"):
        call_command("plan_network", file, out=tmp_path / "plan", stderr=said)
    assert "horizon_days: -1 is less than 1." in said.getvalue()
    assert "patients[0].ready_day" in said.getvalue()
    assert not (tmp_path / "plan").exists()


def test_the_schema_is_printed() -> None:
    printed = io.StringIO()
    call_command("plan_network", schema=True, stdout=printed)
    assert json.loads(printed.getvalue())["type"] == "object"
    with pytest.raises(CommandError, match="--schema"):
        call_command("plan_network")


@pytest.mark.parametrize("limit", ["0", "-1", "soon", "nan", "inf"])
def test_a_time_limit_must_be_one(tmp_path: Path, limit: str) -> None:
    with pytest.raises(CommandError, match="seconds"):
        call_command("plan_network", str(written(tmp_path)), "--time-limit", limit)


def test_an_id_is_never_run_as_a_formula(tmp_path: Path) -> None:
    call_command("plan_network", written(tmp_path, patients=[patient("=1+1", 0)]), out=tmp_path, stdout=io.StringIO())
    assert "'=1+1,alpha" in (tmp_path / "assignments.csv").read_text()


def test_the_documented_example_gives_what_the_page_shows() -> None:
    docs, printed = Path(__file__).parents[3] / "docs" / "operators", io.StringIO()
    call_command("plan_network", docs / "examples" / "network.json", stdout=printed)
    shown = (docs / "network-design.md").read_text()
    for line in printed.getvalue().splitlines():
        assert line in shown or line.startswith("Time")
