"""Donation numbers: read with their check character, given once, bound to one patient's chain of identity."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from custody import donations, material, scans
from custody.actions.numbering import enter_facility_number
from custody.check_characters import ALPHABET, check_character
from custody.models import Container, Donation
from custody.queries import lookup
from ledger.context import reading
from ledger.refusals import InvalidInput, Mismatch
from tests.custody.factories import World, another_order, make_world
from tests.custody.test_aliases import registered
from tests.factories import operator

pytestmark = pytest.mark.story("AN3")
NUMBER = "A999926000077"
CHECK = check_character(NUMBER)

dins: Any = st.from_regex(r"[A-NP-Z1-9][A-NP-Z0-9]{2}[0-9]{10}", fullmatch=True)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def give(world: World, scanned: str, at_hand: list[Container] | None = None) -> Donation:
    with world.step():
        return donations.record(world.coi, donations.read(scanned), at_hand or [])


@given(dins, st.sampled_from(["00", "07", "checked"]))
def test_a_scan_a_typed_number_and_its_flags_are_one(number: str, flags: str) -> None:
    if flags == "checked":
        flags = f"{60 + ALPHABET.index(check_character(number)):02d}"
    assert donations.read(f"={number}{flags}") == donations.Given(number, flags)
    typed = f"{number[:5]} {number[5:7]} {number[7:]} {check_character(number)}"
    assert donations.read(typed.lower()) == donations.Given(number, "00")


@given(dins, st.integers(0, 12), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_wrong_key_never_makes_another_number(number: str, place: int, key: str) -> None:
    typed = number[:place] + key + number[place + 1 :] + check_character(number)
    if key == number[place]:
        assert donations.read(typed).number == number
    else:
        with pytest.raises(InvalidInput):
            donations.read(typed)


@pytest.mark.parametrize(
    ("scanned", "code", "words"),
    [
        (NUMBER, "check_character", "missing"),
        (f"{NUMBER}00", "check_character", "missing"),
        (NUMBER + ("A" if CHECK != "A" else "B"), "check_character", "does not fit"),
        (f"={NUMBER}61" if CHECK != "1" else f"={NUMBER}62", "unreadable", "no donation number"),
        ("=<S1234100", "not_a_donation", "Product code"),
        ("CHA999926000001", "not_a_donation", "Chain of identity"),
        ("smudge", "unreadable", "no donation number"),
        ("", "unreadable", "no donation number"),
    ],
)
def test_what_is_no_donation_number_is_refused_with_what_it_is(scanned: str, code: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        donations.read(scanned)
    assert refusal.value.code == code
    assert words in refusal.value.fields["donation"][0] and "boxed check character" in refusal.value.remedy


def test_one_chain_of_identity_links_several_collections(world: World) -> None:
    first, second = world.bags(2)
    for bag, number in ((first, "A999926000001"), (second, "A999926000002")):
        give(world, f"={number}00")
        with world.step():
            now = material.timezone.now()
            material.fill(bag, None, now, now, donation_number=number)
    with reading(world.planner):
        assert list(world.coi.donations.values_list("number", flat=True)) == ["A999926000001", "A999926000002"]
        for bag, number in ((first, "A999926000001"), (second, "A999926000002")):
            found = lookup(world.planner, f"={number}00")
            assert found is not None and found.container == bag and found.container.coi == world.coi


def test_a_number_of_two_bags_leads_to_their_order_and_is_no_bag(world: World) -> None:
    bags = world.bags(2)
    give(world, f"={NUMBER}00")
    with world.step():
        for bag in bags:
            now = material.timezone.now()
            material.fill(bag, None, now, now, donation_number=NUMBER)
    with reading(world.nurse):
        found = lookup(world.nurse, f"={NUMBER}00")
        assert found is not None and (found.coi, found.container) == (world.coi, None)
        with pytest.raises(InvalidInput) as refusal:  # our own number: no hard stop, and no bag either
            scans.expect(world.stream.pk, f"={NUMBER}00", bags)
    assert refusal.value.code == "wrong_bag" and "2 bags" in refusal.value.detail


def test_another_patients_donation_number_is_a_hard_stop(world: World) -> None:
    mine, other = world.bags(), another_order(world)
    give(other, f"={NUMBER}00")
    registered(other, other.bags()[0], "donation", "=A99992600008800")
    for scanned in (f"={NUMBER}00", "=A99992600008800", f"=+02000=A99992600009900&/{other.coi.code}"):
        with pytest.raises(Mismatch) as stop:
            give(world, scanned, mine)
        assert stop.value.container_ids == [bag.pk for bag in mine]  # type: ignore[attr-defined]
    with reading(world.nurse):
        assert not world.coi.donations.exists()


def test_the_same_number_twice_on_one_order_is_refused(world: World) -> None:
    give(world, f"={NUMBER}00")
    with pytest.raises(InvalidInput) as refusal:
        give(world, f"{NUMBER}{CHECK}")
    assert refusal.value.code == "donation_used"


def test_the_center_next_door_may_use_the_number_and_learns_nothing(world: World) -> None:
    give(world, f"={NUMBER}00")
    stranger = make_world()
    assert give(stranger, f"={NUMBER}00").coi == stranger.coi
    with reading(stranger.nurse):
        found = lookup(stranger.nurse, f"={NUMBER}00")
        assert found is not None and found.coi == stranger.coi
        assert Donation.unwalled.filter(number=NUMBER).count() == 1  # the row policy, without the belt


def test_a_center_with_facility_numbers_gives_its_own(world: World) -> None:
    enter_facility_number(operator(world.center), "W7712", "fictional")
    with pytest.raises(InvalidInput) as refusal:
        give(world, f"={NUMBER}00")
    assert refusal.value.code == "not_your_facility" and "W7712" in refusal.value.detail
    assert give(world, "=W77122600000100").number == "W771226000001"


def test_the_database_holds_number_shape_and_record(world: World) -> None:
    row = give(world, f"={NUMBER}00")
    facts = {"stream": world.stream, "coi": world.coi, "organization": world.center}
    for wrong in ({"number": NUMBER}, {"number": "O999926000077"}, {"number": "A999926000078", "flags": "0"}):
        with world.step(), pytest.raises(IntegrityError), transaction.atomic():
            Donation.objects.create(**facts, **wrong)
    with world.step(), pytest.raises(DatabaseError), transaction.atomic():
        Donation.unwalled.filter(pk=row.pk).update(number="A999926000078")
