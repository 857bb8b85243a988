"""The event hash against published examples, and what it must and must not depend on."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.epcis.gs1_uris import canonical, check_digit
from orders.epcis.hashing import event_id, prehash

EXAMPLE = {"example": "https://ns.example.com/epcis/"}
# The event of GS1 Germany's reference implementation (github.com/RalphTro/epcis-event-hash-generator, example 1), with
# the id that its release 1.9.3 computes from it. Our code and that implementation share nothing but the rules.
PUBLISHED: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2020-03-04T11:00:30.000+01:00",
    "eventTimeZoneOffset": "+01:00",
    "recordTime": "2020-03-04T11:00:30.999+01:00",
    "epcList": [
        "urn:epc:id:sscc:4012345.0000000333",
        "urn:epc:id:sscc:4012345.0000000111",
        "urn:epc:id:sscc:4012345.0000000222",
    ],
    "action": "OBSERVE",
    "bizStep": "departing",
    "readPoint": {"id": "urn:epc:id:sgln:4012345.00011.987"},
    "example:myField1": {"example:mySubField1": "2", "example:mySubField2": "5"},
    "example:myField2": "0",
    "example:myField3": {"example:mySubField3": ["3", "1"]},
}
PUBLISHED_ID = "ni:///sha-256;6ae96341e0acc6d7a261364751f60e68278a81cdf51da0abb6b4e617014e39d7?ver=CBV2.0"
TRANSFORMED: dict[str, Any] = {
    "type": "TransformationEvent",
    "eventTime": "2026-05-03T14:30:00Z",
    "eventTimeZoneOffset": "+00:00",
    "inputEPCList": ["https://id.cgt.example/container/B"],
    "outputEPCList": ["https://id.cgt.example/container/C"],
    "transformationID": "https://id.cgt.example/batch/B-1",
    "bizStep": "commissioning",
    "disposition": "in_progress",
    "readPoint": {"id": "https://id.cgt.example/site/clinic"},
    "inputQuantityList": [{"epcClass": "https://id.cgt.example/lot/V1", "quantity": 1.0, "uom": "KGM"}],
    "ilmd": {"example:batch": "B-1"},
}
TRANSFORMED_ID = "ni:///sha-256;95cef37b0b62090db09255d859e87e00441ce41fe1b48267fe10b39b2e573cf6?ver=CBV2.0"


@pytest.mark.parametrize(("event", "expected"), [(PUBLISHED, PUBLISHED_ID), (TRANSFORMED, TRANSFORMED_ID)])
def test_the_id_is_the_reference_implementations(event: dict[str, Any], expected: str) -> None:
    assert event_id(event, EXAMPLE) == expected


def test_typed_entries_follow_the_written_rule_13() -> None:
    """The value comes first, then its type, transactions before sources before destinations."""
    event = {
        "type": "ObjectEvent",
        "eventTime": "2020-03-04T11:00:30+01:00",
        "eventTimeZoneOffset": "+01:00",
        "epcList": ["urn:epc:id:sgtin:0614141.011111.987"],
        "action": "OBSERVE",
        "bizTransactionList": [{"type": "po", "bizTransaction": "urn:epc:id:gdti:4012345.11111.123"}],
        "destinationList": [{"type": "owning_party", "destination": "urn:epc:id:pgln:0614141.00000"}],
        "sourceList": [{"type": "owning_party", "source": "urn:epc:id:pgln:4012345.00000"}],
    }
    assert prehash(event).endswith(
        "bizTransactionListbizTransaction=https://id.gs1.org/253/4012345111118123type=https://ref.gs1.org/cbv/BTT-po"
        "sourceListsource=https://id.gs1.org/417/4012345000009type=https://ref.gs1.org/cbv/SDT-owning_party"
        "destinationListdestination=https://id.gs1.org/417/0614141000005type=https://ref.gs1.org/cbv/SDT-owning_party"
    )


@given(st.randoms())
def test_the_order_of_writing_does_not_matter(shuffled: random.Random) -> None:
    names = list(PUBLISHED)
    shuffled.shuffle(names)
    again = {name: PUBLISHED[name] for name in names} | {"epcList": shuffled.sample(PUBLISHED["epcList"], 3)}
    assert event_id(again, EXAMPLE) == PUBLISHED_ID


@pytest.mark.parametrize(
    "changes",
    [
        {"eventTime": "2020-03-04T10:00:30Z"},
        {"recordTime": "2021-01-01T00:00:00Z"},
        {"bizStep": "urn:epcglobal:cbv:bizstep:departing"},
        {"bizStep": "https://ref.gs1.org/cbv/BizStep-departing"},
        {"bizStep": "cbv:BizStep-departing"},
        {"errorDeclaration": {"declarationTime": "2021-01-01T00:00:00Z", "reason": "did_not_occur"}},
        {"readPoint": {"id": "https://example.com/414/4012345000115/254/987?linkType=all"}},
        {"example:myField2": " 0.0 "},
    ],
)
def test_other_ways_to_write_the_same_event_have_the_same_id(changes: dict[str, Any]) -> None:
    assert event_id(PUBLISHED | changes, EXAMPLE) == PUBLISHED_ID


@pytest.mark.parametrize(
    "changes",
    [
        {"eventTime": "2020-03-04T10:00:30.001Z"},
        {"eventTimeZoneOffset": "+02:00"},
        {"bizStep": "arriving"},
        {"disposition": "in_transit"},
        {"action": "ADD"},
        {"epcList": PUBLISHED["epcList"][:2]},
        {"example:myField2": "1"},
        {"sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 5, "uom": "CEL"}]}]},
    ],
)
def test_another_event_has_another_id(changes: dict[str, Any]) -> None:
    assert event_id(PUBLISHED | changes, EXAMPLE) != PUBLISHED_ID


@given(st.datetimes(timezones=st.just(dt.UTC), min_value=dt.datetime(2000, 1, 1), max_value=dt.datetime(2100, 1, 1)))
def test_times_are_compared_to_the_millisecond(moment: dt.datetime) -> None:
    wanted = moment + dt.timedelta(microseconds=500 if moment.microsecond % 1000 >= 500 else 0)
    text = prehash({"type": "ObjectEvent", "eventTime": moment.isoformat()})
    assert text == f"eventType=ObjectEventeventTime={wanted:%Y-%m-%dT%H:%M:%S}.{wanted.microsecond // 1000:03d}Z"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("urn:epc:id:sgtin:0614141.011111.987", "https://id.gs1.org/01/00614141111114/21/987"),
        ("urn:epc:class:lgtin:4012345.012345.Lot987", "https://id.gs1.org/01/04012345123456/10/Lot987"),
        ("urn:epc:id:sgln:4012345.00011.0", "https://id.gs1.org/414/4012345000115"),
        ("urn:epc:id:giai:4000001.111", "https://id.gs1.org/8004/4000001111"),
        ("https://example.org/some/01/00614141111114/10/L1/21/987", "https://id.gs1.org/01/00614141111114/21/987"),
        (
            "https://id.cgt.example/container/CHA999926000001-SM1-K",
            "https://id.cgt.example/container/CHA999926000001-SM1-K",
        ),
        ("urn:uuid:0", "urn:uuid:0"),
    ],
)
def test_identifiers_of_gs1_are_canonical_digital_links(written: str, meant: str) -> None:
    assert canonical(written) == meant
    assert canonical(meant) == meant


def test_check_digits_are_those_of_the_general_specifications() -> None:
    assert (check_digit("629104150021"), check_digit("0320500000400")) == ("3", "4")
