"""Canonical JSON: whichever way it is written, it is the text of RFC 8785."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as some

from ledger.canonical import canonical_text, plain

TEXTS = some.one_of(some.text(max_size=12), some.text('\x00\x1f\t\n"\\/\x7faZäß€😀\u2028', max_size=12))
NUMBERS = some.one_of(some.integers(-(2**53) + 1, 2**53 - 1), some.floats(allow_nan=False))
VALUES = some.one_of(
    some.none(), some.booleans(), NUMBERS, TEXTS, some.uuids(), some.datetimes(timezones=some.just(dt.UTC))
)
CONTENTS = some.recursive(
    VALUES, lambda inner: some.one_of(some.lists(inner, max_size=4), some.dictionaries(TEXTS, inner, max_size=4))
)


@given(CONTENTS)
def test_any_content_is_written_as_the_standard_says(content: Any) -> None:
    assert canonical_text(content) == rfc8785.dumps(plain(content)).decode()


def test_keys_are_sorted_by_their_utf_16_code_units() -> None:
    assert canonical_text({"\ufb01": 1, "\U0001f600": 2, "z": 3, "A": 4}) == '{"A":4,"z":3,"\U0001f600":2,"\ufb01":1}'


def test_a_number_that_json_cannot_hold_exactly_is_refused() -> None:
    with pytest.raises(rfc8785.IntegerDomainError):
        canonical_text({"count": 2**53})


def test_times_ids_and_fractions_are_texts() -> None:
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    found = canonical_text({"at": moment, "id": UUID(int=1), "share": 0.1, "raw": b"\x01", "any": {3, 1}})
    assert found == (
        '{"any":[1,3],"at":"2026-01-02T01:04:05.000000+00:00","id":"00000000-0000-0000-0000-000000000001",'
        '"raw":"01","share":"0.1"}'
    )
