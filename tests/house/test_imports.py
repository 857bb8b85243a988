"""The import contracts are kept: they ran, over every app, and none was left out."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from cgt.launcher.checks import _stages
from tests.house.source import APPS, ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def test_every_app_is_under_contract() -> None:
    assert set(CONTRACTS["root_packages"]) == set(APPS)
    floors, rooms = CONTRACTS["contracts"]
    assert {app for layer in floors["layers"] for app in re.split(r"\W+", layer)} == set(APPS)
    assert {*rooms["apps"], "cgt"} == set(APPS)


def test_the_contracts_are_kept() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    answer = subprocess.run([str(linter), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stdout
    assert re.search(rf"Contracts: {len(CONTRACTS['contracts'])} kept, 0 broken", answer.stdout)


def test_each_exception_has_a_reason() -> None:
    for contract in CONTRACTS["contracts"]:
        for entry in contract.get("exceptions", []):
            assert len(entry.partition(":")[2].strip()) > 20, entry


def test_the_test_command_runs_them() -> None:
    titles = [title for title, _ in _stages()]
    assert {"import contracts", "mypy", "ruff check", "ruff format", "djlint"} <= set(titles)
