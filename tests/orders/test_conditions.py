"""A box's temperatures: merged by rule, judged against limits, drawn without losing an extreme."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from custody.judging import tally
from custody.readings import Limits, Point, thinned
from orders import condition_chart

COLD = Limits(200, 800, 30)
readings = st.lists(st.tuples(st.integers(0, 500_000), st.integers(-2000, 4000)), min_size=1, max_size=300).map(sorted)


def at(*minutes_and_values: tuple[int, int]) -> list[Point]:
    return [(minute * 60, value) for minute, value in minutes_and_values]


def excursion(points: list[Point], limits: Limits) -> bool:
    return tally(points, limits).is_excursion(limits.minutes_allowed)


def test_both_limits_belong_to_what_passes() -> None:
    found = tally(at((0, 200), (10, 800), (20, 500)), COLD)
    assert (found.minutes_outside, found.outside, found.is_excursion(30)) == (0, 0, False)


def test_a_span_counts_when_either_end_is_outside() -> None:
    found = tally(at((0, 500), (10, 900), (20, 500), (30, 500)), COLD)
    assert (found.minutes_outside, found.outside, found.is_excursion(30)) == (20, 1, False)


def test_the_budget_is_used_up_by_all_spans_together() -> None:
    inside = at((0, 500), (10, 900), (20, 500), (30, 500))
    assert excursion([*inside, *at((40, 900), (45, 500))], COLD)  # 20 + 15 of 30 minutes
    assert not excursion([*inside, *at((40, 900))], COLD)  # exactly 30


def test_without_a_budget_one_reading_is_an_excursion_even_if_nothing_follows() -> None:
    assert excursion(at((0, 900)), Limits(200, 800))
    assert not excursion(at((0, 800)), Limits(200, 800))


def test_a_cryogenic_box_has_one_limit_only() -> None:
    assert not excursion(at((0, -19_000), (1, -15_000)), Limits(None, -15_000))
    assert excursion(at((0, -19_000), (1, -14_999)), Limits(None, -15_000))


@given(readings, st.integers(1, 60))
def test_thinning_loses_no_extreme_and_keeps_the_order(points: list[Point], buckets: int) -> None:
    spans = thinned(points, buckets)
    assert 0 < len(spans) <= buckets
    assert min(low for _, low, _ in spans) == min(value for _, value in points)
    assert max(high for _, _, high in spans) == max(value for _, value in points)
    assert [span[0] for span in spans] == sorted({span[0] for span in spans})


@given(readings)
def test_a_drawing_stays_within_its_frame_and_says_what_is_outside(points: list[Point]) -> None:
    chart = condition_chart.draw(points, COLD, "Europe/Berlin")
    assert chart is not None
    for part in chart.band[1:-1].split("L"):
        x, y = map(float, part.split())
        assert chart.frame["left"] <= x <= chart.frame["right"] and 0 <= y <= chart.size[1]
    assert bool(chart.outside) == any(not COLD.hold(value) for _, value in points)
    assert any(not row.within for row in chart.rows) == bool(chart.outside)
    assert len(chart.rows) <= condition_chart.ROWS
    assert chart.rows[0].at == dt.datetime.fromtimestamp(points[0][0], dt.UTC)


def test_nothing_is_drawn_without_readings() -> None:
    assert condition_chart.draw([], COLD, "UTC") is None
