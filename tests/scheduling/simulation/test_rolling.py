"""The rolling calendar against a plain count of lines by day."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.simulation.fictional import fictional
from scheduling.simulation.network import Network, Override
from scheduling.simulation.rolling import STRIDE, Rolling, Start

NETWORK = fictional(300, seed=2, centers=2, plants=1)
PLANT = NETWORK.plants[0].id
LENGTH = NETWORK.process.manufacture_days
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
            calendar.take_line(PLANT, day, LENGTH)
            taken.append(day)
        elif taken and not takes:
            calendar.give_line_back(Start(PLANT, taken.pop(), LENGTH))
    for day in range(TODAY, TODAY + 75):
        busiest = max(sum(start <= used < start + length for start in taken) for used in range(day, day + length))
        kept = round(lines * reserve) if day > TODAY + 5 else 0
        assert left(calendar, day, True) == lines - busiest >= 0
        assert left(calendar, day) == lines - busiest - kept


def test_what_was_taken_stays_taken_when_the_calendar_is_renewed() -> None:
    calendar = rolling()
    for day in (TODAY + 3, TODAY + STRIDE + 10):
        calendar.take_line(PLANT, day, LENGTH)
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


def test_a_batch_that_takes_longer_finds_fewer_starts() -> None:
    """Of two lengths of manufacture each is offered the lines that are free on all of its own days."""
    longer = Override("manufacture_days", at_least=LENGTH + 3, market="JP")
    network = replace(NETWORK, plants=(replace(NETWORK.plants[0], lines=1),), lead_times=(longer,))
    calendar = rolling(network)
    calendar.take_line(PLANT, TODAY + 20, LENGTH)
    found = []
    for length in (LENGTH, LENGTH + 3):
        calendar.open_to(False, {PLANT: length})
        found.append([day for day in range(40) if calendar.rows[PLANT].left[calendar.index[PLANT][TODAY + day]] > 0])
    assert found[0] == [*range(20 - LENGTH + 1), *range(20 + LENGTH, 40)]
    assert found[1] == [*range(20 - LENGTH - 3 + 1), *range(20 + LENGTH, 40)]
