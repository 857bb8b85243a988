"""What containers physically are: fitting their kind, inherited, chosen where something else is made (CL1)."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from custody import material
from custody.states import VESSELS, ContainerKind, Vessel
from custody.states import ContainerState as C
from custody.states import ConversionKind as K
from ledger.context import reading
from tests.custody.factories import World, make_world
from tests.custody.test_conversions import convert, held, refused

pytestmark = pytest.mark.story("CL1")


@pytest.fixture
def world(db) -> World:
    return make_world()


def in_process(world: World, count: int = 1, **facts: Any) -> list[Any]:
    bags = held(world, count, **facts)
    with world.step():
        return [material.move(bag, C.IN_PROCESS) for bag in bags]


def test_every_kind_has_its_vessels_and_none_is_of_two_lists_by_mistake() -> None:
    assert set(VESSELS) == set(ContainerKind)
    shared = [vessel for vessel in Vessel if sum(vessel in fitting for fitting in VESSELS.values()) > 1]
    assert shared == [Vessel.CRYOBAG] and set().union(*VESSELS.values()) == set(Vessel)


def test_the_parts_of_a_leukopak_are_leukopaks_unless_one_says_what_they_are(world: World) -> None:
    (bag,) = held(world, vessel=Vessel.LEUKOPAK)
    assert bag.kind_label == "Leukopak"
    one, two = convert(world, K.SPLIT, [bag], 125, 125)
    assert {one.vessel, two.vessel} == {Vessel.LEUKOPAK}
    (reserve,) = convert(world, K.REPACKED, [two], 125, vessel=Vessel.RESERVE_BAG)
    assert reserve.kind == ContainerKind.STARTING_MATERIAL and reserve.kind_label == "Reserve bag"
    (vial,) = convert(world, K.SAMPLED, [one], 2, vessel=Vessel.QC_VIAL)
    assert (vial.kind, vial.kind_label) == (ContainerKind.SAMPLE, "QC vial")
    (unknown,) = convert(world, K.SAMPLED, [one], 2)
    assert (unknown.vessel, unknown.kind_label) == ("", "Sample or retained vial")


def test_what_does_not_hold_it_is_refused_with_what_does(world: World) -> None:
    (bag,) = held(world)
    refusal = refused(world, K.SAMPLED, [bag], 2, vessel=Vessel.LEUKOPAK)
    assert "qc vial, retained vial" in refusal.fields["vessel"][0].lower()
    with world.step(), pytest.raises(DatabaseError, match="custody_container_vessel"), transaction.atomic():
        bag.vessel = Vessel.PRODUCT_VIAL
        bag.save(update_fields=["vessel"])


def test_an_intermediate_is_made_of_what_is_in_process_and_needs_no_balance(world: World) -> None:
    one, two = in_process(world, 2, vessel=Vessel.LEUKOPAK)
    (culture,) = convert(world, K.PROCESSED, [one, two], 900, vessel=Vessel.CULTURE_BAG)  # medium was added
    assert (culture.kind, culture.state, culture.kind_label) == (
        ContainerKind.INTERMEDIATE,
        C.IN_PROCESS,
        "Culture bag",
    )
    assert "IM01" in culture.code and culture.ended_at == one.ended_at
    with reading(world.nurse):
        assert {row.state for row in material.of_stream(world.stream.pk, "starting_material")} == {C.CONSUMED}
    again = convert(world, K.PROCESSED, [culture], 400, 400)  # one intermediate becomes the next
    assert [row.vessel for row in again] == [Vessel.CULTURE_BAG] * 2


def test_an_intermediate_is_made_of_nothing_else(world: World) -> None:
    (lying,) = held(world)
    assert "only material in process" in str(refused(world, K.PROCESSED, [lying], 100))
    (inside,) = in_process(world)
    assert "only material that lies there" in str(refused(world, K.SPLIT, [inside], 125, 125))
    assert set(refused(world, K.PROCESSED, [inside]).fields) == {"volumes"}
