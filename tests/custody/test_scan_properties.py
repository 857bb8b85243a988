"""Scans of any text: read or refused in words, and never taken for another bag than the one they name."""

from __future__ import annotations

import string
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from custody import scans
from custody.codes import compact
from custody.models import Container
from ledger.context import reading
from ledger.refusals import InvalidInput, Mismatch
from tests.custody.factories import World, another_order, make_world

FEW = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CHARACTERS = string.ascii_uppercase + string.digits
SYMBOLOGIES = st.sampled_from(["", "]d1", "]C0", "]Q3"])
SPELLINGS = st.sampled_from([str, str.lower, compact, lambda code: code.replace("-", " "), lambda code: f" {code}\r\n"])


@pytest.fixture
def bags(db: None) -> Iterator[tuple[World, list[Container], list[Container]]]:
    """Two orders of the same parties with two bags each: mine, and another patient's."""
    world = make_world()
    yield world, world.bags(2), another_order(world).bags(2)


def resolve(world: World, scanned: str, expected: list[Container]) -> Container:
    with reading(world.nurse):
        return scans.expect(world.stream.pk, scanned, expected)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.one_of(st.text(max_size=250), st.text(alphabet=CHARACTERS + "-/=&]* ", max_size=60)))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        found = scans.read(text)
    except InvalidInput as refusal:
        assert refusal.code in ("unreadable", "not_an_identity")
        assert refusal.remedy
    else:
        assert found.coi or found.container or found.box or found.donation


@FEW
@given(position=st.integers(0, 1), symbology=SYMBOLOGIES, spell=SPELLINGS)
def test_a_bag_is_found_by_its_code_in_every_spelling(bags, position, symbology, spell) -> None:  # type: ignore[no-untyped-def]
    world, mine, _ = bags
    assert resolve(world, symbology + spell(mine[position].code), mine) == mine[position]


@FEW
@given(position=st.integers(0, 1), at=st.integers(0, 40), letter=st.sampled_from(CHARACTERS))
def test_one_wrong_character_never_names_a_bag(bags, position, at, letter) -> None:  # type: ignore[no-untyped-def]
    world, mine, _ = bags
    code = compact(mine[position].code)
    at %= len(code)
    assume(code[at] != letter)
    with pytest.raises((InvalidInput, Mismatch)):
        resolve(world, code[:at] + letter + code[at + 1 :], mine)


@FEW
@given(position=st.integers(0, 1), symbology=SYMBOLOGIES, spell=SPELLINGS)
def test_another_patients_bag_is_always_a_hard_stop(bags, position, symbology, spell) -> None:  # type: ignore[no-untyped-def]
    world, mine, theirs = bags
    with pytest.raises(Mismatch) as stop:
        resolve(world, symbology + spell(theirs[position].code), mine)
    assert set(stop.value.container_ids) == {bag.pk for bag in mine}  # type: ignore[attr-defined]


@FEW
@given(position=st.integers(0, 1), spell=SPELLINGS)
def test_a_bag_that_is_not_waited_for_is_named_and_no_stop(bags, position, spell) -> None:  # type: ignore[no-untyped-def]
    world, mine, _ = bags
    with pytest.raises(InvalidInput) as refusal:
        resolve(world, spell(mine[position].code), [mine[1 - position]])
    assert refusal.value.code == "wrong_bag"
    assert mine[position].code in refusal.value.detail


@FEW
@given(text=st.text(max_size=60))
def test_no_text_resolves_to_a_bag_that_it_does_not_name(bags, text) -> None:  # type: ignore[no-untyped-def]
    world, mine, _ = bags
    try:
        found = resolve(world, text, mine)
    except (InvalidInput, Mismatch):
        return
    assert compact(found.code) in compact(text)
