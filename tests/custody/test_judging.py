"""What temperatures amount to grows by what comes: the same as judged from scratch, in any order and twice."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from custody.judging import Limits, Point, Tally, grown, stretch, tally

POINTS = st.tuples(st.integers(0, 60), st.integers(-3, 12))
MESSAGES = st.lists(st.lists(POINTS, max_size=8), max_size=10)
LIMITS = st.sampled_from([Limits(0, 8), Limits(None, 5, 1.0), Limits(2, None, 0.2), Limits()])


@settings(max_examples=400)
@given(messages=MESSAGES, limits=LIMITS)
def test_what_grew_is_what_is_judged_from_scratch(messages: list[list[Point]], limits: Limits) -> None:
    """Out of order, twice, two values of one second: whatever comes, nothing differs."""
    known: list[Point] = []
    found = Tally()
    for message in messages:
        fresh = sorted(set(message).difference(known))
        if fresh:
            before = stretch(known, fresh[0][0], fresh[-1][0])
            after = grown(found, before, sorted([*before, *fresh]), limits)
            known = sorted([*known, *fresh])
            found = tally(known, limits) if after is None else after
        assert found == tally(known, limits)


@given(points=st.lists(POINTS, min_size=1, unique=True), limits=LIMITS)
def test_readings_in_their_order_never_ask_for_the_ones_before(points: list[Point], limits: Limits) -> None:
    found, known = Tally(), list[Point]()
    for point in sorted(points):
        before = stretch(known, point[0], point[0])
        assert len({second for second, _ in before}) <= 2
        after = grown(found, before, sorted([*before, point]), limits)
        known.append(point)
        assert after == tally(sorted(known), limits)
        found = after


def test_a_filled_longest_gap_asks_for_all() -> None:
    known = [(0, 5), (10, 5), (50, 5), (60, 5)]
    whole, limits = tally(known, Limits(2, 8)), Limits(2, 8)
    assert (whole.gap_seconds, whole.gap_at) == (40, 10)
    before = stretch(known, 30, 30)
    assert before == [(10, 5), (50, 5)]
    assert grown(whole, before, [(10, 5), (30, 5), (50, 5)], limits) is None


def test_a_span_is_outside_when_one_of_its_ends_is_and_nothing_is_allowed_without_minutes() -> None:
    points = [(0, 5), (60, 9), (120, 5), (180, 5)]
    found = tally(points, Limits(2, 8))
    assert (found.outside, found.outside_seconds, found.minutes_outside) == (1, 120, 2.0)
    assert found.is_excursion(0) and found.is_excursion(1.5) and not found.is_excursion(2)
    assert not tally(points[2:], Limits(2, 8)).is_excursion(0)
