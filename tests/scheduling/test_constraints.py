"""The codes of refused dates are stable and told whole: what the planner writes is what partners are told (CO1)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import scheduling
from scheduling.constraints import Constraint, RepairReason

# Where a miss is made: the argument that is its code.
MAKERS = {"Miss": 1, "_date_miss": 0, "_chair_miss": 0, "_miss": 0, "none_on": 1, "RefusedDate": 1}


def written() -> Iterator[str]:
    """Every code that is written in a call that makes a miss, each branch of a choice between two."""
    for path in Path(str(scheduling.__file__)).parent.rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            place = MAKERS.get(getattr(call.func, "id", getattr(call.func, "attr", "")))
            if place is not None and len(call.args) > place:
                code = call.args[place]
                either = (code.body, code.orelse) if isinstance(code, ast.IfExp) else (code,)
                yield from (str(one.value) for one in either if isinstance(one, ast.Constant))


@pytest.mark.story("CO1")
def test_every_code_that_the_planner_writes_is_told_to_partners_and_no_other() -> None:
    assert set(written()) == set(Constraint.values)


def test_a_reason_of_a_repair_is_never_taken_for_a_constraint() -> None:
    assert not set(RepairReason.values) & set(Constraint.values)


@pytest.mark.parametrize("one", [*Constraint, *RepairReason], ids=str)
def test_the_integrator_s_page_lists_each_code(one: Constraint | RepairReason) -> None:
    folder = Path(str(scheduling.__file__)).parent.parent / "docs" / "integrators"
    page = "slot-search.md" if isinstance(one, Constraint) else "disruptions.md"
    assert f"| `{one.value}` | {one.label} |" in (folder / page).read_text()
