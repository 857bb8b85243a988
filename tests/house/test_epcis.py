"""Every custody event of the house is mapped to EPCIS, or somebody wrote down why not."""

from __future__ import annotations

from ledger.events import registered
from orders.epcis import events  # noqa: F401 - declares
from orders.epcis.declarations import STEP_EVENTS, declarations, excuses
from orders.step_kinds import all_kinds

APPS = ("custody", "orders", "quality")


def test_every_kind_says_something_or_is_excused() -> None:
    kinds = {name for name in registered() if name.split(".")[0] in APPS} - set(STEP_EVENTS)
    assert set(declarations()) | set(excuses()) == kinds | set(all_kinds())


def test_nothing_is_both_mapped_and_excused_and_every_excuse_is_words() -> None:
    assert not set(declarations()) & set(excuses())
    assert all(len(reason) > 20 for reason in excuses().values())


def test_every_declaration_names_its_shapes() -> None:
    assert all(one.shapes for one in declarations().values())
