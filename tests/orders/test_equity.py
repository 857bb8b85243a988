"""The equity report never shows a group so small that one person could be told from it (DOMAIN 10.4)."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.equity import SMALLEST, Waited, cells

pytestmark = pytest.mark.story("CO10")
WAITED = st.lists(
    st.builds(
        Waited,
        groups=st.fixed_dictionaries({"site": st.sampled_from("ABC"), "sex": st.sampled_from(["Female", "Male", "X"])}),
        days=st.integers(0, 400),
        is_placed=st.booleans(),
    ),
    max_size=60,
)


@given(waited=WAITED)
def test_no_shown_group_is_small_and_no_hidden_one_follows_from_the_rest(waited: list[Waited]) -> None:
    found = cells(waited)
    for cell in found:
        members = [one for one in waited if cell.group == "all" or one.groups[cell.group] == cell.label]
        if cell.is_suppressed:
            assert (cell.placed, cell.median_days) == (None, None)
            continue
        assert cell.entries == len(members) >= SMALLEST
        placed = [one.days for one in members if one.is_placed]
        if cell.placed is None:
            assert len(placed) < SMALLEST
        else:
            assert (cell.placed, cell.median_days) == (len(placed), median(placed))
    for group in ("site", "sex"):
        mine = [cell for cell in found if cell.group == group]
        hidden = [cell for cell in mine if cell.is_suppressed]
        assert len(hidden) != 1 or len(mine) == 1
