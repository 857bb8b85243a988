"""The register's pages and REST; a step that packs, and one that hands over, refuse what is unfit in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from custody.actions.equipment import add_equipment, charge_shipper
from custody.models import Equipment
from ledger.context import reading
from ledger.refusals import FactsMissing
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
KEEPER, DRIVER = ("courier", "courier_dispatcher"), ("courier", "courier_driver")
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """A world of its own: a register changes how everybody in it packs."""
    with django_db_blocker.unblock():
        yield make_world()


def typed(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


def entry(**changes: str) -> dict[str, str]:
    given = {"kind": "shipper", "serial": f"DRY-{uuid4().hex[:8]}", "model": "Vapor 10", "hold_hours": "240"}
    return given | {"valid_until": typed(timezone.now() + 90 * DAY), "once": str(uuid4())} | changes


def named(world: World, serial: str) -> Equipment:
    with reading(world.actor(*KEEPER)):
        return Equipment.unwalled.get(serial=serial)


@pytest.mark.story("DE1")
def test_a_shipper_is_entered_charged_qualified_again_and_retired(world: World, browse: Browse) -> None:
    keeper, sent = browse(*KEEPER), entry()
    assert keeper.post("/equipment/", sent).status_code == 303
    assert keeper.post("/equipment/", sent).status_code == 303  # the same form twice enters one
    row = named(world, sent["serial"])
    listed = text_of(keeper.get("/equipment/", {"serial": sent["serial"]}))
    assert sent["serial"] in listed and "Not charged" in listed
    at = f"/equipment/{row.pk}/"
    assert keeper.post(f"{at}charge/", {"charged_at": typed(timezone.now() - DAY)}).status_code == 303
    assert "Fit" in text_of(keeper.get(at))
    late = keeper.post(f"{at}renew/", {"valid_until": "2020-01-01T10:00", "hold_hours": "200"})
    assert late.status_code == 400 and 'value="200"' in text_of(late) and "time to come" in text_of(late)
    renewed = {"valid_until": typed(timezone.now() + 10 * DAY), "hold_hours": "200"}
    assert keeper.post(f"{at}renew/", renewed).status_code == 303
    assert "Ends within 30 days" in text_of(keeper.get(at))
    assert keeper.post(f"{at}retire/", {"reason": ""}).status_code == 400
    assert keeper.post(f"{at}retire/", {"reason": "Lid is bent"}).status_code == 303
    assert sent["serial"] not in text_of(keeper.get("/equipment/"))
    assert sent["serial"] in text_of(keeper.get("/equipment/", {"retired": "yes"}))


def test_over_rest_the_same(world: World, browse: Browse) -> None:
    keeper = browse(*KEEPER)
    valid = (timezone.now() + 90 * DAY).isoformat()
    given = {"kind": "logger", "serial": f"REST-{uuid4().hex[:8]}", "model": "Tiny 2", "valid_until": valid}
    added = keeper.post("/api/v1/equipment", given, content_type="application/json", headers={"Idempotency-Key": "e1"})
    assert added.status_code == 201 and added.json()["state"] == "fit"
    again = keeper.post("/api/v1/equipment", given, content_type="application/json", headers={"Idempotency-Key": "e1"})
    assert again.json() == added.json()
    listed = keeper.get(f"/api/v1/equipment?kind=logger&serial={given['serial']}").json()["results"]
    assert [row["serial"] for row in listed] == [given["serial"]]
    charge = f"/api/v1/equipment/{added.json()['id']}/charge"
    refused = keeper.post(charge, {"charged_at": timezone.now().isoformat()}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_shipper")
    taken = keeper.post("/api/v1/equipment", given, content_type="application/json")
    assert (taken.status_code, taken.json()["code"]) == (409, "serial_taken")


def test_others_enter_nothing_and_see_nothing(world: World, browse: Browse) -> None:
    sent = entry()
    assert browse(*KEEPER).post("/equipment/", sent).status_code == 303
    row = named(world, sent["serial"])
    packer = browse("center", "apheresis_nurse")  # packs, so reads its own center's register, which is empty
    assert sent["serial"] not in text_of(packer.get("/equipment/"))
    assert packer.post("/equipment/", entry()).status_code == 403
    assert browse("center", "coordinator").get("/equipment/").status_code == 404
    stranger = signed_in(make_member(make_organization("courier"), "courier_dispatcher"))
    assert sent["serial"] not in text_of(stranger.get("/equipment/"))
    assert stranger.get(f"/equipment/{row.pk}/").status_code == 404
    for act in ("charge", "renew", "retire"):
        assert stranger.post(f"/equipment/{row.pk}/{act}/", {"reason": "mine"}).status_code == 404


@pytest.mark.story("DE2")
def test_packing_and_pickup_refuse_what_would_not_hold(world: World, browse: Browse) -> None:
    keeper = world.actor(*KEEPER)
    valid = (timezone.now() + 90 * DAY).isoformat()
    shipper, logger = f"DRY-{uuid4().hex[:8]}", f"LOG-{uuid4().hex[:8]}"
    piece = add_equipment(
        keeper, {"kind": "shipper", "serial": shipper, "model": "Vapor 10", "valid_until": valid, "hold_hours": "100"}
    )
    add_equipment(keeper, {"kind": "logger", "serial": logger, "model": "Tiny 2", "valid_until": valid})
    journey = journey_of(world, **patient())
    journey.run(before="pack")
    numbers = {"shipper_code": shipper, "logger_code": logger}
    with pytest.raises(FactsMissing) as unknown:
        journey.perform("pack", numbers | {"logger_code": "LOG-0"})
    assert {fact.code for fact in unknown.value.facts} == {"shipper_uncharged", "unknown_logger"}
    # The lane takes 20 h, 12 h are kept in reserve: 33 h are left at packing, then 31.
    charge_shipper(keeper, piece, {"charged_at": (timezone.now() - dt.timedelta(hours=67)).isoformat()})
    journey.perform("pack", numbers)
    for serial in (shipper, logger):
        assert "In box SHP-" in text_of(browse(*KEEPER).get("/equipment/", {"serial": serial}))
    charge_shipper(keeper, piece, {"charged_at": (timezone.now() - dt.timedelta(hours=69)).isoformat()})
    page = text_of(browse(*DRIVER).get(f"/orders/{journey.code}/steps/pickup/"))
    assert f"Shipper {shipper} holds until" in page and "20 h on the way and 12 h in reserve" in page
    with pytest.raises(FactsMissing) as short:
        journey.perform("pickup")
    assert [fact.code for fact in short.value.facts] == ["hold_too_short"]
    charge_shipper(keeper, piece, {"charged_at": timezone.now().isoformat()})
    assert journey.run(until="pickup")
