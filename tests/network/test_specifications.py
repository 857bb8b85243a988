from decimal import Decimal
from typing import Any

import pytest

from ledger.refusals import InvalidInput
from network.specifications import Rule, clean_limits, clean_tests
from tests.network.factories import TESTS


@pytest.mark.parametrize(
    ("test", "field"),
    [
        ({"key": "Viability"}, "tests[0].key"),
        ({"label": ""}, "tests[0].label"),
        ({"unit": 5}, "tests[0].unit"),
        ({"required": "yes"}, "tests[0].required"),
        ({"minimum": "seventy"}, "tests[0].minimum"),
        ({"minimum": True}, "tests[0].minimum"),
        ({"minimum": float("nan")}, "tests[0].minimum"),
        ({"minimum": 90, "maximum": 80}, "tests[0].maximum"),
        ({"surprise": 1}, "tests[0].surprise"),
        ({"minimum": None, "choices": ["a", "b"]}, "tests[0].expected"),
        ({"minimum": None, "choices": ["a"], "expected": ["c"]}, "tests[0].expected"),
        ({"choices": ["a"], "expected": ["a"]}, "tests[0].choices"),
        ({"choices": "a"}, "tests[0].choices"),
    ],
)
def test_a_bad_test_names_its_field(test: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_tests([TESTS[0] | test])
    assert field in caught.value.fields


@pytest.mark.parametrize(
    "tests", ["viability", None, [3], [TESTS[0], TESTS[0]]], ids=["text", "none", "number in list", "key twice"]
)
def test_tests_of_the_wrong_shape_are_refused(tests: Any) -> None:
    with pytest.raises(InvalidInput):
        clean_tests(tests)


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"max_age_hours": "two days"}, "limits.max_age_hours"),
        ({"max_age_hours": -1}, "limits.max_age_hours"),
        ({"bags": 1.5}, "limits.bags"),
        ({"bags": 0}, "limits.bags"),
        ({"storage_max_c": -300}, "limits.storage_max_c"),
        ({"receipt_min_c": 8, "receipt_max_c": 2}, "limits.receipt_max_c"),
        ({"bags": 1, "dose_bags": 2}, "limits.bags"),
        ({"max_age": 1}, "limits.max_age"),
        ([], "limits"),
    ],
)
def test_a_bad_limit_names_itself(limits: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_limits(limits)
    assert list(caught.value.fields) == [field]


def test_both_limits_pass_and_the_next_digit_does_not() -> None:
    rule = Rule("dose", "Dose", "10^6", Decimal("40.5"), Decimal("200"))
    assert rule.passes(Decimal("40.5")) and rule.passes(Decimal("200"))
    assert not rule.passes(Decimal("40.499999999")) and not rule.passes(Decimal("200.000000001"))
    assert rule.limits_text == "40.5 – 200 10^6"


def test_cleaned_tests_and_limits_read_back_as_written() -> None:
    assert [test["key"] for test in clean_tests(TESTS)] == [test["key"] for test in TESTS]
    assert clean_tests(TESTS)[2]["maximum"] == 5
    assert clean_limits({"max_age_hours": "47.5", "storage_max_c": -130}) == {
        "max_age_hours": 47.5,
        "storage_max_c": -130,
    }
