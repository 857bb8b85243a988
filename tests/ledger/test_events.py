"""What the record says of an event, in words."""

from __future__ import annotations

import pytest

from ledger.events import EventKind

SHUT = EventKind("tests.shut", "Shut", "{what} is shut from {since}.", payload={"what": "what", "since": "from (UTC)"})


@pytest.mark.parametrize(
    ("since", "words"),
    [
        ("2026-11-28T13:00:00+00:00", "28 Nov 2026 13:00 UTC"),
        ("2026-11-28T13:00:00.000000+00:00", "28 Nov 2026 13:00 UTC"),
        ("2026-11-28T00:30:00+02:00", "27 Nov 2026 22:30 UTC"),
        ("2026-11-28T13:00Z", "28 Nov 2026 13:00 UTC"),
        ("2026-11-28", "2026-11-28"),  # a day is a day of the place
        ("week 2026-W48", "week 2026-W48"),
    ],
)
def test_times_are_read_as_people_write_them(since: str, words: str) -> None:
    assert SHUT.say({"what": "The line", "since": since}) == f"The line is shut from {words}."


def test_what_is_absent_reads_as_a_dash() -> None:
    assert SHUT.say({"what": "The line"}) == "The line is shut from –."
