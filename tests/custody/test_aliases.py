"""Codes of other systems: they lead to the thing they name, never prove an identity, and stop at the walls."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from custody import aliases, scans
from custody.models import Alias, Container
from custody.queries import lookup
from ledger.context import reading
from ledger.models import Party
from ledger.refusals import Conflict, InvalidInput, Mismatch, WrongState
from tests.custody.factories import World, another_order, make_world
from tests.custody.test_scans import pack
from tests.factories import operator

pytestmark = pytest.mark.django_db
GTIN, SSCC, GSRN = "06291041500213", "106141412345678908", "106141412345678908"


@pytest.fixture
def world() -> World:
    return make_world()


def registered(world: World, target: aliases.Target, system: str, text: str, scope: str = "order") -> Alias:
    with world.step():
        return aliases.register(target, system, text, scope, world.center.pk)


@pytest.mark.parametrize(
    ("system", "given", "scans_of_it"),
    [
        ("sscc", SSCC, [f"]C100{SSCC}", f"(00){SSCC}", SSCC, f"https://id.example.org/00/{SSCC}"]),
        ("gtin_serial", f"(01){GTIN}(21)S-7", [f"]d201{GTIN}17261231\x1d21S-7", f"https://x.example/01/{GTIN}/21/S-7"]),
        ("donation_product", "=+02000=A99992500000100=<S1234100", ["=+02000=<S1234100=A99992500000100"]),
        ("sec", "SEC: PL001499Z549917123456 A00T041600320171231", ["&,4PL001499Z549917123456A00T041600320171231"]),
        ("waybill", "ex 1234-5678", ["EX12345678", "ex-1234 5678"]),
        ("lot", "LOT-77/1", ["(10)LOT-77/1", "lot77/1"]),
    ],
)
def test_a_registered_code_leads_to_the_thing_in_every_spelling(
    world: World, system: str, given: str, scans_of_it: list[str]
) -> None:
    bag = world.bags()[0]
    registered(world, bag, system, given)
    for reader in (world.nurse, world.planner):
        for scanned in [given, *scans_of_it]:
            with reading(reader):
                found = lookup(reader, scanned)
            assert found is not None and found.container == bag and found.alias is not None


@pytest.mark.parametrize(
    ("system", "given"),
    [
        ("sscc", "106141412345678909"),
        ("sscc", "(17)261231"),
        ("gtin_serial", f"(01){GTIN}"),
        ("donation_product", "A999925000001"),
        ("other", "ab"),
        ("other", "x" * 61),
        ("other", "MÜLLER 7"),
        ("hospital", "CHA999925000001"),
        ("other", "SHP-2345678"),
    ],
)
def test_what_is_no_code_of_its_system_is_refused(world: World, system: str, given: str) -> None:
    bag = world.bags()[0]
    if given.startswith("SHP"):
        given = pack(world, world.collected()).code
    with pytest.raises(InvalidInput) as refusal:
        registered(world, bag, system, given)
    assert "code" in refusal.value.fields
    with reading(world.nurse):
        assert not Alias.unwalled.filter(stream_id=world.stream.pk).exists()


def test_an_alias_of_the_expected_bag_is_no_identity(world: World) -> None:
    bag = world.bags()[0]
    registered(world, bag, "waybill", "EX-4711")
    registered(world, bag, "sscc", SSCC)
    for scanned in ("EX-4711", f"]C100{SSCC}"):
        with reading(world.nurse), pytest.raises(InvalidInput) as refusal:
            scans.expect(world.stream.pk, scanned, [bag])
        assert refusal.value.code == "alias_not_identity"
        assert bag.code in refusal.value.detail
        with reading(world.nurse), pytest.raises(InvalidInput) as refusal:
            scans.expect_identity(world.coi, scanned)
        assert refusal.value.code == "alias_not_identity"


def test_an_alias_of_another_patients_bag_is_the_same_hard_stop_as_its_own_code(world: World) -> None:
    mine, other = world.bags(), another_order(world)
    registered(other, other.bags()[0], "hospital", "H-2026-7")
    with reading(world.nurse), pytest.raises(Mismatch) as stop:
        scans.expect(world.stream.pk, "H-2026-7", mine)
    assert stop.value.container_ids == [bag.pk for bag in mine]  # type: ignore[attr-defined]
    with reading(world.nurse), pytest.raises(Mismatch):
        scans.expect_identity(world.coi, "H-2026-7")


def test_a_box_may_be_handed_over_by_its_own_number_and_another_box_may_not(world: World) -> None:
    box, other = pack(world, world.collected()), another_order(world)
    theirs = pack(other, other.collected())
    registered(world, box, "sscc", SSCC)
    registered(other, theirs, "waybill", "EX-0815")
    with reading(world.driver):
        assert scans.expect_outer(box, f"]C100{SSCC}") == box
        with pytest.raises(Mismatch) as stop:
            scans.expect_outer(box, "EX-0815")
    assert stop.value.code == scans.ANOTHER_BOX


def test_a_hospital_number_stays_with_the_hospital(world: World) -> None:
    bag = world.bags()[0]
    row = registered(world, bag, "hospital", "H-2026-7")
    kept = registered(world, bag, "waybill", "OURS-1", scope="own")
    assert (row.scope, kept.scope) == ("own", "own")
    for scanned in ("H-2026-7", "OURS-1"):
        with reading(world.nurse):
            assert lookup(world.nurse, scanned).container == bag  # type: ignore[union-attr]
        with reading(world.planner), pytest.raises(InvalidInput):
            lookup(world.planner, scanned)
    with reading(world.planner):
        assert not Alias.unwalled.all().exists()  # the row policy, without the belt
    with world.step(), pytest.raises(IntegrityError), transaction.atomic():
        Alias.unwalled.filter(pk=row.pk).update(scope="order")


def test_another_tenants_alias_resolves_to_nothing(world: World) -> None:
    registered(world, world.bags()[0], "waybill", "EX-4711")
    stranger = make_world()
    for reader in (stranger.nurse, operator(stranger.manufacturer)):
        with reading(reader), pytest.raises(InvalidInput) as refusal:
            lookup(reader, "EX-4711")
        assert refusal.value.code == "unreadable"
    mine = registered(stranger, stranger.bags()[0], "waybill", "EX-4711")  # the same number is free for them
    with reading(stranger.nurse):
        assert lookup(stranger.nurse, "EX-4711").container == mine.container  # type: ignore[union-attr]


def test_an_issuer_that_has_left_the_order_finds_nothing_by_its_own_code(world: World) -> None:
    registered(world, world.bags()[0], "waybill", "EX-4711")
    with world.step(world.planner):
        aliases.register(world.bags()[0], "waybill", "OURS-7", "own", world.manufacturer.pk)
    with world.step():
        Party.unwalled.filter(stream=world.stream, organization_id=world.manufacturer.pk).update(until=timezone.now())
    for scanned in ("OURS-7", "EX-4711"):
        with reading(world.planner), pytest.raises(InvalidInput) as refusal:
            lookup(world.planner, scanned)
        assert refusal.value.code == "unreadable" and world.coi.code not in refusal.value.detail


def test_a_courier_is_told_of_no_bag_by_a_bags_code(world: World) -> None:
    first, second = world.bags(2)
    box = pack(world, world.collected())
    registered(world, first, "waybill", "BAG-4711")
    registered(world, first, "other", "TWICE-1")
    with world.step(world.planner):
        aliases.register(second, "other", "TWICE-1", "order", world.manufacturer.pk)
    for scanned in ("BAG-4711", "TWICE-1"):
        with reading(world.driver), pytest.raises(InvalidInput) as refusal:
            lookup(world.driver, scanned)
        assert refusal.value.code == "unreadable"
        with reading(world.driver), pytest.raises(InvalidInput) as refusal:
            scans.expect_outer(box, scanned)
        assert refusal.value.code == "alias_not_identity"
        assert world.coi.code not in str(refusal.value.fields) + refusal.value.detail


def test_one_issuer_uses_a_code_for_one_thing_until_it_is_withdrawn(world: World) -> None:
    first, second = world.bags(2)
    row = registered(world, first, "waybill", "EX-4711")
    with pytest.raises(Conflict) as clash:
        registered(world, second, "waybill", "ex 4711")
    assert clash.value.code == "alias_taken" and first.code in clash.value.detail
    with world.step():
        aliases.withdraw(row, "wrong bag")
    with world.step(), pytest.raises(WrongState):
        aliases.withdraw(row, "again")
    assert registered(world, second, "waybill", "EX-4711").container == second
    with reading(world.nurse):
        assert lookup(world.nurse, "EX-4711").container == second  # type: ignore[union-attr]


def test_the_database_holds_one_live_row_per_issuer_and_one_target(world: World) -> None:
    first, second = world.bags(2)
    row = registered(world, first, "waybill", "EX-4711")
    copy = {"stream_id": row.stream_id, "issuer_id": row.issuer_id, "system": row.system, "scope": "order"}
    for wrong in (
        {"value": row.value, "container": second},
        {"value": "NEW", "container": second, "coi": world.coi},
        {"value": "NEW"},
    ):
        with world.step(), pytest.raises(IntegrityError), transaction.atomic():
            Alias.objects.create(**copy, **wrong)


def test_a_code_of_two_issuers_for_two_things_is_refused_with_both(world: World) -> None:
    first, second = world.bags(2)
    registered(world, first, "other", "A-100")
    with world.step(world.planner):
        aliases.register(second, "other", "A-100", "order", world.manufacturer.pk)
    with reading(world.nurse), pytest.raises(InvalidInput) as refusal:
        lookup(world.nurse, "A-100")
    assert refusal.value.code == "ambiguous_code"
    assert first.code in refusal.value.detail and second.code in refusal.value.detail


def test_resolving_costs_the_same_statements_whatever_there_is(world: World, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    bags = world.bags(3)
    for number, bag in enumerate(bags):
        registered(world, bag, "waybill", f"EX-{number}")
    with reading(world.nurse), django_assert_max_num_queries(3):  # the alias, what it names; the bag
        assert lookup(world.nurse, "EX-2").container == bags[2]  # type: ignore[union-attr]
        assert isinstance(lookup(world.nurse, bags[0].code).container, Container)  # type: ignore[union-attr]
