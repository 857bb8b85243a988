"""Another organization sees nothing of an order's identity, material, labels, boxes and hand-overs."""

import pytest
from django.utils import timezone

from custody import custody_periods, material, models, queries, shipments
from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import NotFound
from tests.custody.factories import World, another_order, make_world, take_along

pytestmark = pytest.mark.django_db
LISTS = (queries.containers_of, queries.labels_of, queries.shipments_of, queries.custody_of)
ON_STREAM = (
    models.ChainOfIdentity,
    models.Container,
    models.Conversion,
    models.Genealogy,
    models.Label,
    models.CustodyPeriod,
    models.Shipment,
    models.ShipmentItem,
    models.SealCheck,
)


@pytest.fixture
def world() -> World:
    """An order with at least one row in every order-bound table."""
    world = make_world()
    fill(world, 1)
    return world


def fill(world: World, count: int) -> None:
    now = timezone.now()
    bags = world.collected(count)
    with world.step():
        for bag in bags:
            custody_periods.begin(bag, world.center, world.center_site, world.nurse.person_id, bag.ended_at)
        box = shipments.pack(
            world.stream, bags, "inbound", world.center_site, world.plant, world.courier, "B", "S", "L", now
        )
        shipments.pick_up(box, box.code, "S", now, None)
        take_along(world, box)
        for bag in bags:
            for state in ("received", "accepted", "in_process"):
                material.move(bag, state)
        material.transform(bags, "drug_product", 1)


def test_a_stranger_sees_nothing_by_any_road(world: World) -> None:
    stranger = make_world().nurse
    with reading(stranger):
        for table in ON_STREAM:
            assert not table.unwalled.filter(stream_id=world.stream.pk).exists(), table
        for listing in LISTS:
            assert list(listing(stranger, world.stream.pk)) == []
        assert queries.identity_of(stranger, world.stream.pk) is None
        history = models.Container.history.model
        assert not history.objects.filter(stream_id=world.stream.pk).exists()


def test_the_parties_see_everything_that_is_there(world: World) -> None:
    for actor in (world.nurse, world.planner, world.driver):
        with reading(actor):
            for table in ON_STREAM:
                assert table.unwalled.filter(stream_id=world.stream.pk).exists(), table
            assert all(list(listing(actor, world.stream.pk)) for listing in LISTS)
            names = [p.organization.name for p in queries.custody_of(actor, world.stream.pk)]
            assert names == [world.center.name, world.courier.name]


def test_nobody_acting_sees_nothing(world: World) -> None:
    for table in ON_STREAM:
        assert not table.unwalled.exists()


def test_a_stranger_writes_nothing(world: World) -> None:
    stranger = make_world().nurse
    with pytest.raises(NotFound), acting(stranger, "tests.custody_step", stream_id=world.stream.pk):
        pass
    with acting(stranger, "tests.custody_step"):
        assert models.Container.unwalled.update(state="destroyed") == 0
        assert models.Shipment.unwalled.update(seal_code="x") == 0


@pytest.mark.parametrize("listing", LISTS)
def test_lists_cost_the_same_for_one_and_three_rows(world: World, listing) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def cost(order: World) -> int:
        with reading(order.nurse), CaptureQueriesContext(connection) as captured:
            for row in listing(order.nurse, order.stream.pk):
                touch(row)
        return len(captured)

    three = another_order(world)
    fill(three, 3)
    assert cost(world) == cost(three)


def touch(row) -> None:
    """Look at what a page shows of a row."""
    if isinstance(row, models.Shipment):
        _ = [item.container.code for item in row.items.all()], row.courier.name, row.to_site.name
        _ = [check.matches for check in row.seal_checks.all()]
    elif isinstance(row, models.Container):
        _ = row.custodian and row.custodian.name, row.coi.code
    elif isinstance(row, models.CustodyPeriod):
        _ = row.container.code, row.organization.name, row.site and row.site.name
    else:
        _ = row.container.code
