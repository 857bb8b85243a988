"""Material split, pooled, sampled, replaced, repacked: what adds up is recorded, what does not is refused in words."""

import datetime as dt
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from custody import conversions, custody_periods, genealogy, material
from custody.models import Container, Conversion, Genealogy, Label
from custody.queries import lineage_of
from custody.states import ContainerState as C
from custody.states import ConversionKind as K
from ledger.context import reading
from ledger.refusals import FactsMissing, InvalidInput, Refusal, WrongState
from tests.custody.factories import World, another_order, make_world

pytestmark = pytest.mark.story("CL1")


@pytest.fixture
def world(db) -> World:
    return make_world()


def held(world: World, count: int = 1, **facts: Any) -> list[Container]:
    """Bags of 250 mL that were collected an hour ago and lie at the center."""
    bags = world.collected(count)
    with world.step():
        for bag in bags:
            for name, value in facts.items():
                setattr(bag, name, value)
            bag.save(update_fields=list(facts))
            custody_periods.begin(bag, world.center, world.center_site, None, bag.ended_at)
    return bags


def convert(world: World, kind: K, bags: list[Container], *volumes: object, **more: Any) -> list[Container]:
    numbers = [D(str(volume)) for volume in volumes]
    given = {"at": timezone.now(), "person_id": None, "printing": None} | more
    with world.step():
        made = conversions.convert(kind, bags, numbers, **given)[1]
        ask_the_database()
    return made


def ask_the_database() -> None:
    """What is asked at the end of a transaction is asked now."""
    with connection.cursor() as cursor:
        cursor.execute("set constraints custody_conversion_adds_up immediate")
        cursor.execute("set constraints custody_conversion_adds_up deferred")


def refused(world: World, kind: K, bags: list[Container], *volumes: object, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as refusal, transaction.atomic():
        convert(world, kind, bags, *volumes, **more)
    with reading(world.nurse):
        assert not Conversion.unwalled.exists()
        assert not Container.unwalled.filter(state=C.CONSUMED).exists()
    return refusal.value


def test_a_split_uses_the_bag_up_and_its_parts_inherit_clock_donation_place_and_hands(world: World) -> None:
    expiry = timezone.now() + dt.timedelta(hours=40)
    facts = {"donation_number": "A999926000001", "expires_at": expiry, "storage_location": "Tank 2"}
    bag = held(world, **facts)[0]
    process, reserve = convert(world, K.SPLIT, [bag], 170, 78)
    with reading(world.nurse):
        bag.refresh_from_db()
        assert bag.state == C.CONSUMED
        assert custody_periods.custodian(bag) is None
        for part, number in ((process, 1), (reserve, 2)):
            assert (part.kind, part.state, part.ended_at) == (bag.kind, C.COLLECTED, bag.ended_at)
            assert {name: getattr(part, name) for name in facts} == facts
            assert part.k_of_n == f"{number} of 2"
            holder = custody_periods.custodian(part)
            assert holder is not None and holder.organization_id == world.center.pk
            assert Label.unwalled.get(container=part).state == "printed"  # until two people scan it back on the bag
        act = Conversion.unwalled.get()
    assert (act.volume_in, act.volume_out, act.volume_lost, act.count_out) == (250, 248, 0, 2)


def test_a_pool_keeps_the_oldest_clock_and_both_donations_by_descent(world: World) -> None:
    young, old = held(world, 2)
    with world.step():
        for bag, number in ((young, "A999926000001"), (old, "A999926000002")):
            bag.donation_number = number
            bag.ended_at -= dt.timedelta(minutes=5 if bag is old else 0)
            bag.save(update_fields=["donation_number", "ended_at"])
    pool = convert(world, K.POOLED, [young, old], 495)[0]
    assert (pool.ended_at, pool.donation_number, pool.volume_ml) == (old.ended_at, "", 495)
    with reading(world.nurse):
        told = lineage_of(world.nurse, world.stream.pk)
        assert {one.donation_number for one in told.ancestors(pool)} == {"A999926000001", "A999926000002"}
        assert not any(node.origin_unknown for node in told.nodes())


def test_a_sample_leaves_the_rest_where_it_was(world: World) -> None:
    bag = held(world)[0]
    vials = convert(world, K.SAMPLED, [bag], 2, 2, lost=D("0.5"), reason="dead volume of the syringe")
    with reading(world.nurse):
        bag.refresh_from_db()
    assert (bag.state, bag.volume_ml) == (C.COLLECTED, D("245.5"))
    assert [vial.kind for vial in vials] == ["sample", "sample"]
    assert vials[0].code.startswith(f"{world.coi.code}-SA01-")


def test_a_replaced_bag_is_the_same_k_of_n_and_says_why(world: World) -> None:
    bags = held(world, 2)
    assert "reason" in refused(world, K.REPLACED, [bags[1]], 240, lost=D(10)).fields
    new = convert(world, K.REPLACED, [bags[1]], 240, lost=D(10), reason="leak at the port")[0]
    assert new.k_of_n == bags[1].k_of_n == "2 of 2"


@pytest.mark.parametrize(
    ("volumes", "lost", "words"),
    [
        ((150, 80), 0, "20.0 mL is missing"),
        ((150, 120), 0, "20.0 mL too much came out"),
        ((150, 90), 20, "10.0 mL too much came out"),
    ],
)
def test_a_split_that_does_not_add_up_is_refused_in_words(
    world: World, volumes: tuple[int, ...], lost: int, words: str
) -> None:
    refusal = refused(world, K.SPLIT, held(world), *volumes, lost=D(lost), reason="spilled")
    assert refusal.code == "no_balance"
    assert words in refusal.detail and "250.0 mL went in" in refusal.detail


@pytest.mark.parametrize(
    ("kind", "count", "volumes", "field"),
    [
        (K.SPLIT, 1, (250,), "volumes"),
        (K.SPLIT, 2, (250, 250), "bags"),
        (K.POOLED, 1, (250,), "bags"),
        (K.POOLED, 2, (250, 250), "volumes"),
        (K.REPACKED, 1, (125, 125), "volumes"),
        (K.SAMPLED, 1, (), "volumes"),
        (K.SAMPLED, 1, (250,), "volumes"),
        (K.SPLIT, 1, (250, 0), "volumes"),
        (K.TRANSFORMED, 1, (250,), "kind"),
    ],
)
def test_counts_that_do_not_fit_the_act_are_refused(
    world: World, kind: K, count: int, volumes: tuple[int, ...], field: str
) -> None:
    assert field in refused(world, kind, held(world, count), *volumes).fields


def test_what_is_held_under_way_unmeasured_or_somebody_elses_is_not_worked_on(world: World) -> None:
    bag, moving, unmeasured, other = (*held(world, 3), held(another_order(world))[0])
    with world.step():
        material.move(moving, C.IN_TRANSIT)
        Container.unwalled.filter(pk=unmeasured.pk).update(volume_ml=None)
        unmeasured.refresh_from_db()
    assert isinstance(refused(world, K.REPACKED, [moving], 250), WrongState)
    assert refused(world, K.REPACKED, [unmeasured], 250).code == "volume_unknown"
    assert refused(world, K.POOLED, [bag, other], 500).code == "mixed_identities"
    assert "bags" in refused(world, K.POOLED, [bag, bag], 500).fields
    assert "at" in refused(world, K.REPACKED, [bag], 250, at=bag.ended_at - dt.timedelta(minutes=1)).fields
    with world.step():
        material.quarantine(bag, "warm")
    assert isinstance(refused(world, K.REPACKED, [bag], 250), FactsMissing)


def test_only_what_lies_in_one_place_and_state_is_pooled(world: World) -> None:
    here, elsewhere, further = held(world, 3)
    with world.step():
        custody_periods.hand_over(elsewhere, world.manufacturer, None, None, timezone.now())
        material.move(further, C.ACCEPTED)
    for other in (elsewhere, further):
        refusal = refused(world, K.POOLED, [here, other], 500)
        assert refusal.fields == {"bags": ["Only material in one place and in one state is pooled."]}


def test_doses_are_not_divided_after_manufacture(world: World) -> None:
    bag = held(world)[0]
    with world.step():
        for state in (C.ACCEPTED, C.IN_PROCESS):
            material.move(bag, state)
        dose = material.transform([bag], "drug_product", 1, [D(60)])[0]
    with pytest.raises(InvalidInput) as refusal, world.step():
        conversions.convert(K.SPLIT, [dose], [D(30), D(30)], at=timezone.now(), person_id=None, printing=None)
    assert refusal.value.code == "whole_dose"


# ---- what the database refuses, by whatever road -------------------------------------------------------------------


def an_act(world: World, **changes: Any) -> Conversion:
    facts = {"kind": K.SPLIT, "count_in": 1, "count_out": 2, "volume_in": 250, "volume_out": 250}
    return Conversion(stream=world.stream, happened_at=timezone.now(), **facts | changes)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"volume_out": 200}, "balance"),
        ({"volume_out": 300}, "balance"),
        ({"volume_in": None}, "balance"),
        ({"count_out": 1}, "counts"),
        ({"kind": K.POOLED}, "counts"),
        ({"volume_out": 200, "volume_left": 50}, "volumes"),
        ({"volume_out": 200, "volume_lost": 50}, "reason"),
    ],
)
def test_the_database_refuses_an_act_that_does_not_add_up(
    world: World, changes: dict[str, Any], constraint: str
) -> None:
    with world.step(), pytest.raises(DatabaseError, match=f"custody_conversion_{constraint}"), transaction.atomic():
        an_act(world, **changes).save()


def test_the_database_refuses_an_act_without_its_containers(world: World) -> None:
    with world.step(), pytest.raises(DatabaseError, match="an act of 1 and 2"), transaction.atomic():
        an_act(world).save()
        ask_the_database()


@pytest.mark.usefixtures("committed_db")
def test_a_transaction_with_an_act_that_does_not_add_up_is_not_committed() -> None:
    world = make_world()
    with pytest.raises(DatabaseError, match="an act of 1 and 2"), world.step():
        an_act(world).save()
    with reading(world.nurse):
        assert not Conversion.unwalled.filter(stream=world.stream).exists()


@pytest.mark.parametrize(
    ("volume", "ended", "words"), [(D(100), True, "holds 200.00 mL"), (D(125), False, "is used up")]
)
def test_the_database_refuses_what_its_containers_do_not_show(world: World, volume: D, ended: bool, words: str) -> None:
    bag, parts = held(world)[0], held(world, 2, volume_ml=volume)
    with world.step(), pytest.raises(DatabaseError, match=words), transaction.atomic():
        if ended:
            material.move(material.move(bag, C.IN_PROCESS), C.CONSUMED)
        act = an_act(world)
        act.save()
        for part in parts:
            Genealogy.objects.create(stream=world.stream, conversion=act, parent=bag, child=part, kind=K.SPLIT)
        ask_the_database()


def test_the_database_refuses_that_anything_descends_from_itself(world: World) -> None:
    first, second, third = held(world, 3)
    with world.step(), pytest.raises(DatabaseError, match="descend from itself"), transaction.atomic():
        for parent, child in ((first, second), (second, third), (third, first)):
            Genealogy.objects.create(stream=world.stream, parent=parent, child=child)


def test_the_database_refuses_descent_across_orders(world: World) -> None:
    own, other = held(world)[0], held(another_order(world))[0]
    with world.step(), pytest.raises(DatabaseError, match="different identities"), transaction.atomic():
        Genealogy.objects.create(stream=world.stream, parent=own, child=other)


def test_volumes_that_nobody_knows_have_no_sum() -> None:
    assert genealogy.total([D(1), None]) is None
    assert genealogy.total([]) == 0
