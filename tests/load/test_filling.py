"""Which copies are made, and how a run is shared by processes and told."""

import os
import re

import pytest

from cgt.load.filling import OPEN_AT_MOST, plan
from cgt.load.phases import beside, phase
from cgt.load.templates import Template
from cgt.load.texts import NUMBER, Pattern

OPEN = Template("ordering", "open", "", [], {}, [], [], [], [], {}, history_rows=50)
CLOSED = Template("closed", "closed", "", [], {}, [], [], [], [], {}, history_rows=100)


def test_the_oldest_copies_come_first_and_their_history_is_numbered_without_a_gap() -> None:
    tasks = plan([OPEN, CLOSED], places=3, orders=400, seed=1, last_row=7)
    days = [task.days_ago for task in tasks]
    assert days == sorted(days, reverse=True) and days[0] > 500
    assert {task.center for task in tasks} == {0, 1, 2} and len({task.coi_code for task in tasks}) == 400
    first_row = 8
    for task in tasks:
        assert task.first_row == first_row
        first_row += (OPEN, CLOSED)[task.template].history_rows
        assert task.template == 1 or task.days_ago < OPEN_AT_MOST
    assert tasks == plan([OPEN, CLOSED], places=3, orders=400, seed=1, last_row=7)
    assert sum(task.template == 0 for task in tasks) > 250  # short ones more often


def test_words_are_replaced_wherever_they_stand() -> None:
    number = NUMBER.format(3)
    text = Pattern(["ab", "abc"]).text(f"{number}: 100 % of abc, ab on 2026-01-31 {{}} %s")
    assert sorted(text.words) == sorted([number, "abc", "ab", "2026-01-31"])
    words = {number: "77", "abc": "x", "ab": "y", "2026-01-31": "2025-12-31"}
    assert text.fill(words) == "77: 100 % of x, y on 2025-12-31 {} %s"
    assert Pattern(["ab"]).text("only ab").fill({"ab": "z"}) == "only z"
    assert Pattern(["ab"]).text("none").fill({}) == "none"


def test_a_process_that_fails_is_noticed_when_all_have_ended(tmp_path: os.PathLike[str]) -> None:
    made = os.path.join(tmp_path, "made")

    def writes() -> None:
        with open(made, "w") as file:
            file.write("done")

    with pytest.raises(RuntimeError, match="lines above"), beside([writes, lambda: os._exit(3)]):
        pass
    with open(made) as file:
        assert file.read() == "done"


def test_a_phase_tells_its_seconds() -> None:
    told: list[str] = []
    with phase("copies", told.append):
        assert told == []
    assert re.fullmatch(r"copies: \d+\.\d s", told[0])
