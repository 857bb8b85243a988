from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.exact_numbers import as_json, exact_number


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (70, "70"),
        (0.7, "0.7"),
        ("0.70", "0.70"),
        (" 82.5 ", "82.5"),
        ("6.8e7", "68000000"),
        (1.1e14, "110000000000000"),
        (Decimal("-1.5"), "-1.5"),
    ],
)
def test_numbers_are_kept_exactly(raw: Any, number: str) -> None:
    assert exact_number(raw) == Decimal(number)


@pytest.mark.parametrize(
    "raw",
    [
        True, None, "", "0,7", "1_000", "٧", "NaN", "inf", float("nan"), float("inf"), [], {}, b"1", "1e99", "0x10",
        "1" * 22, "0.0000000001", "<5", "5 %",
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(raw: Any) -> None:
    with pytest.raises(ValueError, match="number"):
        exact_number(raw)


@given(st.decimals(min_value=-(10**20), max_value=10**20, places=9, allow_nan=False))
def test_json_holds_a_number_without_loss(number: Decimal) -> None:
    assert exact_number(as_json(number)) == number
