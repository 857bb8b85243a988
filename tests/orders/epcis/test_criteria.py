"""Query parameters are read whole or refused by name."""

from __future__ import annotations

import datetime as dt

import pytest

from ledger.refusals import InvalidInput
from orders.epcis.filters import conditions, criteria
from orders.epcis.vocabulary import bare


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"EQ_bizStepp": "shipping"}, "EQ_bizStepp"),
        ({"eventType": "QuantityEvent"}, "eventType"),
        ({"EQ_action": "REMOVE"}, "EQ_action"),
        ({"GE_eventTime": "yesterday"}, "GE_eventTime"),
        ({"GE_eventTime": "2026-01-01T00:00:00"}, "GE_eventTime"),
        ({"orderBy": "bizStep"}, "orderBy"),
        ({"orderDirection": "UP"}, "orderDirection"),
        ({"eventCountLimit": "0"}, "eventCountLimit"),
        ({"eventCountLimit": "5", "maxEventCount": "5"}, "maxEventCount"),
    ],
)
def test_what_cannot_be_read_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        criteria(given)
    assert caught.value.code == "query_parameter"
    assert set(caught.value.fields) == {named}


def test_several_values_come_with_commas_or_again() -> None:
    assert (
        criteria({"EQ_bizStep": "shipping,receiving"}).lists
        == criteria({"EQ_bizStep": ["shipping", "receiving"]}).lists
    )


def test_a_plus_sign_that_became_a_space_is_still_an_offset() -> None:
    asked = criteria({"LT_recordTime": "2026-05-03T14:30:00 02:00"})
    assert asked.times["LT_recordTime"] == dt.datetime(2026, 5, 3, 12, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "word",
    [
        "shipping",
        "cbv:BizStep-shipping",
        "urn:epcglobal:cbv:bizstep:shipping",
        "https://ref.gs1.org/cbv/BizStep-shipping",
    ],
)
def test_vocabulary_is_understood_in_each_of_its_forms(word: str) -> None:
    assert bare(word) == "shipping"
    (passes,) = conditions(criteria({"EQ_bizStep": word}))
    assert passes({"bizStep": "shipping"}) and not passes({"bizStep": "receiving"})
