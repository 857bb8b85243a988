"""Clocks in words: two units at most, late said as late; the component carries what the script goes on from."""

from __future__ import annotations

import datetime as dt

import pytest
from django.template import engines
from django.utils import timezone
from django_cotton.compiler_regex import CottonCompiler

from orders.templatetags.clocks import hours_in_words, in_words, late_in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (59, "now"),
        (-59, "now"),
        (-60, "1 min ago"),
        (3600, "in 1 h 00 min"),
        (12_000, "in 3 h 20 min"),
        (-12_000, "3 h 20 min ago"),
        (86_400 + 4 * 3600, "in 1 d 4 h"),
        (-20 * 86_400, "20 d ago"),
    ],
)
def test_time_left_and_past_in_words(seconds: int, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    ("hours", "words"),
    [(27.84, "27.8 h"), (71.4, "71.4 h"), (72, "3 d 0 h"), (8610.1, "358 d 18 h"), (-2.5, "-2.5 h"), (-80, "-3 d 8 h")],
)
def test_a_reserve_of_days_is_said_in_days(hours: float, words: str) -> None:
    assert hours_in_words(hours) == words


def test_what_is_over_and_was_to_be_done_is_late() -> None:
    assert late_in_words(-12_000) == "3 h 20 min late"


def clock(at: dt.datetime | None, late: str) -> str:
    source = CottonCompiler().process('<c-clock :at="at" zone="Europe/Berlin" :late="late">Never</c-clock>')
    return str(engines["django"].from_string(source).render({"at": at, "late": late}))


def test_the_component_names_place_and_seconds() -> None:
    html = clock(timezone.now() - dt.timedelta(hours=2), "1")
    assert "2 h 00 min late" in html
    assert "Europe/Berlin" in html
    assert 'data-left="-72' in html and "data-late" in html
    assert "data-late" not in clock(timezone.now() + dt.timedelta(hours=2), "")
    assert "Never" in clock(None, "")
