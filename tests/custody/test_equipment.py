"""Registers of shippers and loggers: what goes with a box is known, qualified, calibrated, and holds for its way."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from custody import equipment, equipment_register, shipments
from custody.actions import equipment as action
from custody.models import Equipment, Shipment
from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import Conflict, FactsMissing, InvalidInput, NotAllowed, NotFound, WrongState
from tests.custody.factories import World, make_world
from tests.factories import make_actor, make_organization

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
WAY = equipment.Way(dt.timedelta(hours=24), dt.timedelta(hours=12))


@pytest.fixture
def world() -> World:
    return make_world()


def shipper(world: World, serial: str = "DRY-1", charged: dt.timedelta | None = DAY, **given: Any) -> Any:
    """A shipper of the courier that was charged so long ago; it holds ten days."""
    keeper = make_actor(world.courier, "courier_dispatcher")
    raw = {"kind": "shipper", "serial": serial, "model": "Vapor 10", "hold_hours": "240"} | given
    piece = action.add_equipment(keeper, {"valid_until": (timezone.now() + 90 * DAY).isoformat()} | raw)
    if charged is not None:
        action.charge_shipper(keeper, piece, {"charged_at": (timezone.now() - charged).isoformat()})
    return piece


def logger(world: World, serial: str = "LOG-1", valid: dt.timedelta = 90 * DAY) -> Any:
    keeper = make_actor(world.courier, "courier_dispatcher")
    raw = {"kind": "logger", "serial": serial, "model": "Tiny 2", "valid_until": (timezone.now() + valid).isoformat()}
    return action.add_equipment(keeper, raw)


def pack(world: World, shipper_code: str = "DRY-1", logger_code: str = "LOG-1", **options: Any) -> Shipment:
    bags = world.collected(1)
    with world.step():
        return shipments.pack(
            world.stream,
            bags,
            "inbound",
            world.center_site,
            world.plant,
            world.courier,
            shipper_code,
            "SEAL",
            logger_code,
            timezone.now(),
            way=WAY,
            **options,
        )


def refused(world: World, *codes: str) -> list[str]:
    with pytest.raises(FactsMissing) as refusal:
        pack(world, *codes)
    assert all(fact.text and fact.remedy and "dry-1" not in fact.text for fact in refusal.value.facts)
    return [fact.code for fact in refusal.value.facts]


def test_where_nobody_keeps_a_register_numbers_are_noted_as_typed(world: World) -> None:
    box = pack(world, "any", "thing")
    assert (box.shipper_id, box.logger_id, box.holds_until) == (None, None, None)


def test_a_stranger_s_register_counts_for_nobody_else(world: World) -> None:
    other = make_world()
    shipper(other)
    assert pack(world).shipper_id is None


def test_fit_pieces_go_with_the_box_and_their_hold_is_kept(world: World) -> None:
    piece, other = shipper(world), logger(world)
    box = pack(world, "dry-1 ", "log-1")  # as typed by hand
    with reading(world.nurse):
        row = Equipment.unwalled.get(pk=piece)
    assert (box.shipper_id, box.logger_id, box.holds_until) == (piece, other, row.holds_until)


@pytest.mark.story("DE2", "DE3")
def test_what_is_unknown_uncharged_expired_or_retired_is_refused(world: World) -> None:
    piece, other = shipper(world), logger(world)
    assert refused(world, "DRY-9", "LOG-9") == ["unknown_shipper", "unknown_logger"]
    shipper(world, "DRY-2", charged=None)
    assert refused(world, "DRY-2") == ["shipper_uncharged"]
    shipper(world, "DRY-3", charged=9 * DAY)
    assert refused(world, "DRY-3") == ["hold_too_short"]
    with reading(world.nurse):
        assert Shipment.unwalled.filter(stream_id=world.stream.pk).count() == 0
    keeper = make_actor(world.courier, "courier_dispatcher")
    action.retire_equipment(keeper, other, {"reason": "Display broken"})
    assert refused(world) == ["logger_retired"]
    with pytest.raises(WrongState):
        action.renew_equipment(keeper, other, {"valid_until": (timezone.now() + DAY).isoformat()})
    with acting(keeper, "tests.custody_step"):
        Equipment.unwalled.filter(pk=piece).update(valid_until=timezone.now() - DAY)
    logger(world, "LOG-2", valid=dt.timedelta(hours=20))  # ends on the way, that takes 24 hours
    assert refused(world, "DRY-1", "LOG-2") == ["qualification_expired", "calibration_expired"]


def test_what_has_happened_is_recorded_with_its_findings(world: World) -> None:
    shipper(world, charged=9 * DAY)
    findings: list[Any] = []
    box = pack(world, logger_code="LOG-7", late=True, findings=findings)
    assert box.shipper_id and [fact.code for fact in findings] == ["hold_too_short"]


def test_a_box_that_waited_leaves_only_with_hold_for_its_way(world: World) -> None:
    piece = shipper(world, charged=8 * DAY)  # 48 h left, 36 h needed
    box = pack(world)
    with reading(world.driver):
        found = shipments.current(world.stream.pk, "inbound")
        assert found is not None
        assert equipment.dispatch_facts(found, timezone.now(), WAY) == []
        late = timezone.now() + dt.timedelta(hours=13)
        (fact,) = equipment.dispatch_facts(found, late, WAY)
        assert fact.code == "hold_too_short" and "DRY-1" in fact.text and "charge" in fact.remedy
    keeper = make_actor(world.courier, "courier_dispatcher")
    action.charge_shipper(keeper, piece, {"charged_at": timezone.now().isoformat()})
    with reading(world.driver):
        again = shipments.current(world.stream.pk, "inbound")
        assert again is not None and again.pk == box.pk
        assert equipment.dispatch_facts(again, late, WAY) == []


def test_the_register_is_its_owner_s(world: World) -> None:
    piece = shipper(world)
    stranger = make_actor(make_organization("courier"), "courier_dispatcher")
    with pytest.raises(NotFound):
        action.charge_shipper(stranger, piece, {"charged_at": timezone.now().isoformat()})
    partner = make_actor(world.center, "cell_lab_technologist")
    with pytest.raises(NotFound):  # a partner packs into it, but enters nothing about it
        action.charge_shipper(partner, piece, {"charged_at": timezone.now().isoformat()})
    with pytest.raises(NotAllowed):
        action.retire_equipment(make_actor(world.courier, "courier_driver"), piece, {"reason": "mine"})
    with reading(stranger):
        assert not Equipment.unwalled.filter(pk=piece).exists()
        assert list(equipment_register.pieces(stranger)) == []
        assert not Equipment.history.model.objects.filter(id=piece).exists()


def test_bad_entries_name_their_field(world: World) -> None:
    shipper(world)
    keeper = make_actor(world.courier, "courier_dispatcher")
    raw = {
        "kind": "shipper",
        "serial": "X-1",
        "model": "Vapor 10",
        "hold_hours": "240",
        "valid_until": (timezone.now() + DAY).isoformat(),
    }
    bad: tuple[tuple[str, dict[str, Any]], ...] = (
        ("hold_hours", {"hold_hours": None}),
        ("hold_hours", {"kind": "logger"}),
        ("hold_hours", {"hold_hours": "-1"}),
        ("valid_until", {"valid_until": (timezone.now() - DAY).isoformat()}),
        ("serial", {"serial": ""}),
        ("kind", {"kind": "bucket"}),
    )
    for field, change in bad:
        with pytest.raises(InvalidInput) as refusal:
            action.add_equipment(keeper, raw | change)
        assert list(refusal.value.fields) == [field], change
    with pytest.raises(Conflict) as taken:
        action.add_equipment(keeper, raw | {"serial": "dry-1"})
    assert list(taken.value.fields) == ["serial"]
    piece = action.add_equipment(keeper, raw)
    with pytest.raises(InvalidInput):
        action.charge_shipper(keeper, piece, {"charged_at": (timezone.now() + DAY).isoformat()})


def test_the_database_takes_no_serial_twice(world: World) -> None:
    shipper(world)
    keeper = make_actor(world.courier, "courier_dispatcher")
    with pytest.raises(IntegrityError), transaction.atomic(), acting(keeper, "tests.custody_step"):
        Equipment.objects.create(
            organization=world.courier,
            kind="shipper",
            serial="dry-1",
            model="Vapor 10",
            valid_until=timezone.now() + DAY,
            hold_hours=1,
        )
