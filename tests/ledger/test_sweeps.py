"""Work that the clock finds: one failure stops no other, and is told."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ledger import sweeps


@dataclass
class Due:
    name: str


def test_one_failure_stops_no_other_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def act(due: Due) -> bool:
        if due.name == "second":
            raise RuntimeError("down")
        return due.name != "third"

    rows = [Due(name) for name in ("first", "second", "third", "fourth")]
    assert sweeps.each(rows, act, "row %s was not done", name="name") == 2
    assert "row second was not done" in caplog.text
