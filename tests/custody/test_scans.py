"""What a scan may be: the right bag, a wrong bag of the same order, nothing readable, or another identity."""

import pytest
from django.utils import timezone

from custody import identity, labels, material, scans, shipments
from custody.check_characters import check_character
from custody.isbt128 import coi_symbol
from custody.models import Container
from custody.queries import lookup
from custody.schemes import printed
from ledger.context import reading
from ledger.refusals import InvalidInput, Mismatch
from tests.custody.factories import World, another_order, make_world
from tests.factories import make_actor, make_organization, make_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def expect(world: World, scanned: str, containers: list[Container]) -> Container:
    with reading(world.nurse):
        return scans.expect(world.stream.pk, scanned, containers)


def refused(world: World, scanned: str, containers: list[Container]) -> InvalidInput:
    with pytest.raises(InvalidInput) as refusal:
        expect(world, scanned, containers)
    assert set(refusal.value.fields) == {"scan"}
    return refusal.value


def test_the_right_bag_in_every_spelling(world: World) -> None:
    bag = world.bags(2)[0]
    code = bag.code
    for scanned in (code, code.lower(), code.replace("-", " "), f"]d1{code}", f" {code}\r\n", f"{code[:-2]}{code[-1]}"):
        assert expect(world, scanned, [bag]) == bag


def test_a_label_serial_names_its_bag_unless_it_is_void(world: World) -> None:
    bag = world.bags()[0]
    with world.step():
        old = labels.print_labels(world.stream, [bag], "collection", printing=None)[0]
    assert expect(world, old.serial, [bag]) == bag
    with world.step():
        new = labels.print_labels(world.stream, [bag], "collection", reason="smudged", printing=None)[0]
    assert expect(world, new.serial, [bag]) == bag
    assert refused(world, old.serial, [bag]).code == "label_void"
    assert refused(world, f"{bag.code}/9", [bag]).code == "unreadable"


def test_another_bag_of_the_order_is_a_plain_error(world: World) -> None:
    first, second = world.bags(2)
    refusal = refused(world, second.code, [first])
    assert refusal.code == "wrong_bag"
    assert "2 of 2" in refusal.detail and first.code in refusal.detail


def test_the_identity_itself_is_not_a_bag(world: World) -> None:
    bag = world.bags()[0]
    check = identity.check_of(world.coi)
    for scanned in (world.coi.code + check, coi_symbol(world.coi.code)):
        assert "not a bag" in refused(world, scanned, [bag]).detail


def test_a_box_of_the_order_is_not_a_bag(world: World) -> None:
    bag = world.collected()[0]
    box = pack(world, [bag])
    assert box.code in refused(world, box.code, [bag]).detail


@pytest.mark.parametrize("scanned", ["", "   ", "hello", "CT-7K3M-9QXB", "12345", "=", "&/CHA99992", "x" * 500, "\x00"])
def test_what_nobody_can_read_is_scanned_again(world: World, scanned: str) -> None:
    assert refused(world, scanned, world.bags()).code == "unreadable"


def test_a_mistyped_character_is_unreadable_and_no_mismatch(world: World) -> None:
    bag = world.bags()[0]
    wrong = ("0" if bag.code[14] != "0" else "1").join((bag.code[:14], bag.code[15:]))
    assert refused(world, wrong, [bag]).code == "unreadable"


@pytest.mark.story("AN1", "MO1")
def test_another_identity_is_a_hard_stop(world: World) -> None:
    bag, other = world.bags()[0], another_order(world)
    theirs = other.collected()[0]
    box = pack(other, [theirs])
    stranger = make_world().bags()[0]
    unknown = printed("CHA999901000001")
    foreign = (theirs.code, printed(other.coi.code), coi_symbol(other.coi.code), stranger.code, unknown, box.code)
    for scanned in foreign:
        with pytest.raises(Mismatch) as refusal:
            expect(world, scanned, [bag])
        assert refusal.value.code == "identity_mismatch"
        assert refusal.value.container_ids == [bag.pk]
        assert other.coi.code not in refusal.value.detail


def test_a_kit_is_known_by_its_own_lot_and_serial(world: World) -> None:
    kit = world.bags(1, "vector_kit")[0]
    kit.lot, kit.serial = "L7", "0042"
    assert expect(world, "L7/0042", [kit]) == kit
    assert refused(world, "L7/0043", [kit]).code == "unreadable"


def test_a_donation_number_in_a_compound_message(world: World) -> None:
    bag, now = world.bags()[0], timezone.now()
    with world.step():
        material.fill(bag, None, now, now, donation_number="A999926000077")
    message = f"=+02000=A99992600007700&/{world.coi.code}"
    assert expect(world, message, [bag]) == bag
    assert expect(world, "=A99992600007700", [bag]) == bag
    with pytest.raises(Mismatch):
        expect(world, "=A99992600007800", [bag])
    with pytest.raises(Mismatch):
        expect(world, "=+02000=A99992600007700&/CHA999901000001", [bag])
    assert refused(world, f"=+03000=A99992600007700&/{world.coi.code}", [bag]).code == "unreadable"


def test_a_donation_number_that_was_never_recorded_is_no_mismatch(world: World) -> None:
    assert refused(world, "=A99992600007700", world.bags()).code == "wrong_bag"


def test_the_wristband_scanned_or_typed_with_its_check_character(world: World) -> None:
    check, code = identity.check_of(world.coi), world.coi.code
    wrong = "A" if check != "A" else "B"
    with reading(world.nurse):
        for scanned in (f"{code} {check}", printed(code).lower(), coi_symbol(code), f"]C0{code}"):
            assert scans.expect_identity(world.coi, scanned) == world.coi
        for scanned in (code + wrong, "nothing", code[:-1]):
            with pytest.raises(InvalidInput):
                scans.expect_identity(world.coi, scanned)


@pytest.mark.story("AN1", "IN1")
def test_what_is_typed_without_its_check_character_is_neither_a_match_nor_a_mismatch(world: World) -> None:
    bag, now, other = world.bags()[0], timezone.now(), another_order(world)
    with world.step():
        material.fill(bag, None, now, now, donation_number="A999926000077")
    box = pack(world, [bag])
    typed = ("A999926000077", "A999926000078", "A99992600007700", world.coi.code, other.coi.code, "CHA999901000001")
    for scanned in typed:
        assert refused(world, scanned, [bag]).code == "check_character_missing", scanned
        for expected in (
            lambda text: scans.expect_identity(world.coi, text),
            lambda text: scans.expect_outer(box, text),
        ):
            with reading(world.nurse), pytest.raises(InvalidInput) as refusal:
                expected(scanned)
            assert refusal.value.code == "check_character_missing" and "boxed character" in refusal.value.detail
    assert expect(world, f"A999926000077{check_character('A999926000077')}", [bag]) == bag
    with pytest.raises(Mismatch):
        expect(world, f"A999926000078{check_character('A999926000078')}", [bag])


@pytest.mark.story("IN1")
def test_a_bag_or_another_patient_at_the_bedside(world: World) -> None:
    bag, other = world.bags()[0], another_order(world)
    with reading(world.nurse):
        with pytest.raises(InvalidInput):
            scans.expect_identity(world.coi, bag.code)
        with pytest.raises(Mismatch) as refusal:
            scans.expect_identity(world.coi, printed(other.coi.code))
    assert refusal.value.container_ids == []


@pytest.mark.story("CR2")
def test_boxes_at_the_door(world: World) -> None:
    bag = world.collected()[0]
    box = pack(world, [bag])
    other = another_order(world)
    foreign = pack(other, other.collected())
    with reading(world.driver):
        assert scans.expect_outer(box, box.code.lower()) == box
        for scanned in (bag.code, printed(world.coi.code), "no box"):
            with pytest.raises(InvalidInput):
                scans.expect_outer(box, scanned)
        for scanned in (foreign.code, printed(other.coi.code)):
            with pytest.raises(Mismatch):
                scans.expect_outer(box, scanned)


def test_looking_a_code_up_stays_inside_the_wall(world: World) -> None:
    bag = world.collected()[0]
    box = pack(world, [bag])
    other = make_organization("treatment_center")
    stranger = make_actor(other, "coordinator", site=make_site(other))
    for scanned in (bag.code, world.coi.code, box.code):
        with reading(world.nurse):
            assert lookup(world.nurse, scanned).stream_id == world.stream.pk
        with reading(stranger):
            assert lookup(stranger, scanned) is None


def pack(world: World, bags: list[Container]):
    with world.step():
        return shipments.pack(
            world.stream,
            bags,
            "inbound",
            world.center_site,
            world.plant,
            world.courier,
            "BOX-1",
            "SEAL-1",
            "LOG-1",
            timezone.now(),
        )
