"""The rolling calendar against a plain count of lines by day."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.simulation.network import Network, fictional
from scheduling.simulation.rolling import STRIDE, Rolling, Start

NETWORK = fictional(300, seed=2, centers=2, plants=1)
PLANT = NETWORK.plants[0].id
TODAY = NETWORK.first_day.toordinal()


def rolling(network: Network = NETWORK, reserve: float = 0.0) -> Rolling:
    return Rolling(network, ahead=60, reserve=reserve, reserve_days=5)


def left(calendar: Rolling, day: int, is_remake: bool = False) -> int:
    calendar.open_to(is_remake)
    return calendar.rows[PLANT].left[calendar.index[PLANT][day]]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 70)), max_size=40), st.sampled_from([0.0, 0.2]))
@settings(max_examples=60, deadline=None)
def test_places_left_are_the_lines_free_on_each_day(moves: list[tuple[bool, int]], reserve: float) -> None:
    calendar, taken = rolling(reserve=reserve), list[int]()
    lines, length = NETWORK.plants[0].lines, NETWORK.process.manufacture_days
    for takes, offset in moves:
        day = TODAY + offset
        if takes and left(calendar, day, True) > 0:
            calendar.take_line(PLANT, day)
            taken.append(day)
        elif taken and not takes:
            calendar.give_line_back(Start(PLANT, taken.pop()))
    for day in range(TODAY, TODAY + 75):
        busiest = max(sum(start <= used < start + length for start in taken) for used in range(day, day + length))
        kept = round(lines * reserve) if day > TODAY + 5 else 0
        assert left(calendar, day, True) == lines - busiest >= 0
        assert left(calendar, day) == lines - busiest - kept


def test_what_was_taken_stays_taken_when_the_calendar_is_renewed() -> None:
    calendar = rolling()
    for day in (TODAY + 3, TODAY + STRIDE + 10):
        calendar.take_line(PLANT, day)
    before = [left(calendar, day) for day in range(TODAY + STRIDE, TODAY + 60)]
    calendar.pass_to(TODAY + STRIDE)
    assert calendar.first == TODAY + STRIDE
    assert [left(calendar, day) for day in range(TODAY + STRIDE, TODAY + 60)] == before
    assert calendar.index[PLANT][TODAY + STRIDE + 80] > 0


def test_a_closed_plant_begins_nothing_until_it_opens() -> None:
    calendar = rolling()
    calendar.close(PLANT, TODAY + 4)
    assert [left(calendar, TODAY + n) > 0 for n in range(6)] == [False] * 4 + [True] * 2
    calendar.close(PLANT, TODAY + 2)
    assert left(calendar, TODAY + 3) == 0


def test_the_reserve_is_open_to_everybody_when_its_days_are_near() -> None:
    calendar = rolling(replace(NETWORK, plants=(replace(NETWORK.plants[0], lines=10),)), reserve=0.3)
    assert [left(calendar, TODAY + 6), left(calendar, TODAY + 6, True)] == [7, 10]
    calendar.pass_to(TODAY + 1)
    assert left(calendar, TODAY + 6) == 10
