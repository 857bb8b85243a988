"""One clock: whatever asks for the time asks ``django.utils.timezone``, so that a demonstration can advance it."""

from __future__ import annotations

import re

import pytest

from tests.house.source import APPS, calls, modules, name_of

OTHER_CLOCKS = re.compile(
    r"(?:dt\.|datetime\.)*(?:datetime\.(?:now|utcnow|today)|date\.today)|time\.time|functions\.Now|Now"
)
# Who measures the machine's time on purpose. A line that fits nothing fails.
EXCUSED: dict[str, str] = {
    "notifications/actions/webhook_deliveries.py: time.time": "a receiver compares it with its own clock",
}


def clocks() -> set[str]:
    return {
        f"{name_of(path)}: {called}"
        for path in modules(*APPS)
        if not name_of(path).startswith("cgt/launcher/")
        for called, _ in calls(path)
        if OTHER_CLOCKS.fullmatch(called)
    }


def test_the_product_asks_one_clock() -> None:
    assert sorted(clocks() - set(EXCUSED)) == [], "ask django.utils.timezone.now() or localtime()"
    assert sorted(set(EXCUSED) - clocks()) == []


@pytest.mark.parametrize("called", ["dt.datetime.now", "datetime.date.today", "time.time", "Now"])
def test_other_clocks_are_noticed(called: str) -> None:
    assert OTHER_CLOCKS.fullmatch(called)
    assert not OTHER_CLOCKS.fullmatch("timezone.now")


@pytest.mark.parametrize("tag", ["{% now ", "timesince", "timeuntil", "naturaltime"])
def test_templates_ask_no_other_clock(tag: str) -> None:
    from tests.house.source import ROOT

    found = [
        path.relative_to(ROOT).as_posix() for path in (ROOT / "templates").rglob("*.html") if tag in path.read_text()
    ]
    assert found == []
