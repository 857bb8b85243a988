"""A packing bench names shipper and logger as its system does: by register, GS1 key, registered code; else refused."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey, Player
from custody.actions.equipment import add_equipment, charge_shipper
from custody.queries import shipments_of
from ledger.context import reading
from orders.actions.aliases import register_alias
from orders.epcis.identifiers import uri
from personas.models import Organization
from tests.api.conftest import Partner
from tests.factories import make_organization, operator, unique
from tests.journeys.test_captures import box_of, packing, sent, system
from tests.journeys.watching import kinds_of_events, order_of, step_of
from tests.journeys.world import World

pytestmark = pytest.mark.story("AP2", "CL6", "DE1")


@pytest.fixture
def journey(world: World) -> Journey:
    found = world.journey()
    found.run(before="pack")
    return found


@pytest.fixture
def bench(world: World) -> Partner:
    return system(world, "center", "cell_lab_technologist")


@pytest.fixture
def center(world: World) -> Player:
    return world.player("center", "coordinator")


def enter(keeper: Organization, kind: str, serial: str) -> None:
    """Take a piece into service, charged a moment ago."""
    valid = (timezone.now() + dt.timedelta(days=200)).isoformat()
    hold = {"hold_hours": 230} if kind == "shipper" else {}
    piece = {"kind": kind, "serial": serial, "model": "Fictional", "valid_until": valid} | hold
    key = add_equipment(operator(keeper), piece)
    if kind == "shipper":
        charge_shipper(operator(keeper), key, {"charged_at": timezone.now().isoformat()})


def whole(journey: Journey, **more: Any) -> dict[str, Any]:
    """What a bench says of the step; the journey fetches no piece of its own for it."""
    _, _, inputs = journey.prepared("pack", {"shipper_code": "named by the test"})
    return packing(inputs) | more


def shipper_of(center: Player, journey: Journey) -> tuple[str, str]:
    with reading(center.actor):
        box = shipments_of(center.actor, order_of(center, journey).stream_id).get()
    return box.shipper_code, box.logger_code


def grai(serial: str) -> tuple[str, str, str]:
    """Return a returnable asset's number in three forms: as scanned, as EPC, as Digital Link."""
    value = f"04012345000016{serial}"
    return f"8003{value}", f"urn:epc:id:grai:4012345.00001.{serial}", f"https://id.gs1.org/8003/{value}"


@pytest.mark.parametrize("registered", ["8003", "(8003)", ""], ids=["scanned", "printed", "value"])
@pytest.mark.parametrize("named", [0, 1, 2], ids=["as scanned", "as EPC", "as Digital Link"])
def test_a_shipper_named_by_its_asset_number_is_the_one_in_the_register(
    world: World, journey: Journey, bench: Partner, center: Player, registered: str, named: int
) -> None:
    serial = unique("S").replace("-", "")[-6:]
    kept = f"{registered}04012345000016{serial}"
    logger = unique("LOG")
    enter(world.courier, "shipper", kept)
    enter(world.courier, "logger", logger)
    said = whole(journey, **{"parentID": grai(serial)[named], "cgt:logger": uri("device", logger.lower())})
    job = sent(bench, said)
    assert job["success"], job["errors"]
    assert shipper_of(center, journey) == (kept, logger)


def test_so_is_one_named_by_a_serial_number_whatever_its_case_or_address(
    world: World, journey: Journey, bench: Partner, center: Player
) -> None:
    serial, logger = unique("SH"), unique("LOG")
    enter(world.courier, "shipper", serial)
    enter(world.courier, "logger", logger)
    job = sent(bench, whole(journey, **{"parentID": uri("device", serial.lower()), "cgt:logger": logger}))
    assert job["success"], job["errors"]
    assert shipper_of(center, journey) == (serial, logger)


def test_what_names_no_shipper_here_is_refused_with_words_and_nothing_is_packed(
    world: World, journey: Journey, bench: Partner, center: Player
) -> None:
    """The key of a firm that is no partner, a part of a key, another thing's code: none is guessed at."""
    stranger = make_organization("courier")
    enter(stranger, "shipper", grai("STRANGE")[0])
    enter(world.courier, "shipper", "PLAIN-9")
    packed = world.journey()
    packed.run(before="pickup")
    box, _ = box_of(center, packed)
    before = kinds_of_events(center, journey)
    unknown = (
        *grai("STRANGE"),
        *grai("PLAIN-9"),
        "(00)140123450000000075",
        "(8003)04012345000017SH-77",
        "https://example.org/shippers/PLAIN-9",
        uri("device", "NOBODYS-1"),
        uri("box", box),
        box,
        uri("container", "CHA999926000001-SM1-K"),
    )
    for text in unknown:
        error = sent(bench, whole(journey, parentID=text))["errors"][0]
        assert (error["status"], error["code"]) == (400, "unknown_identifier"), (text, error)
        assert error["fields"]["parentID"] and error["remedy"]
        assert "STRANGE" not in str(error).replace(text, ""), "nothing of a stranger's register is told"
    error = sent(bench, whole(journey, **{"parentID": "PLAIN-9", "cgt:logger": "urn:epc:id:giai:4012345.L-1"}))
    assert "cgt:logger" in error["errors"][0]["fields"]
    error = sent(bench, whole(journey, parentID="NOT-IN-ANY-REGISTER"))["errors"][0]
    assert error["status"] == 422 and "NOT-IN-ANY-REGISTER" in str(error), "the step's own rule of registers"
    assert kinds_of_events(center, journey) == before and step_of(center, journey, "pack").state == "ready"


def test_a_code_registered_for_the_shippers_last_box_leads_to_the_shipper(
    world: World, journey: Journey, bench: Partner, center: Player
) -> None:
    """The plate on the shipper, not the waybill of one journey; and only as far as the bench may look it up."""
    last = world.journey()
    last.run(before="pickup")
    box, _ = box_of(center, last)
    shipper, _ = shipper_of(center, last)
    driver = world.player("courier", "courier_driver").actor
    plate, waybill, own = "140123450000000075", unique("WB"), unique("OWN")
    for kind, text, scope in (("sscc", plate, "order"), ("waybill", waybill, "order"), ("other", own, "own")):
        register_alias(driver, last.code, {"names": box, "system": kind, "code": text, "scope": scope})
    error = sent(bench, whole(journey, parentID=waybill))["errors"][0]
    assert error["code"] == "unknown_identifier" and "names box" in error["fields"]["parentID"][0]
    job = sent(bench, whole(journey, parentID=f"urn:epc:id:sscc:{plate[1:8]}.{plate[0]}{plate[8:17]}"))
    assert job["success"], job["errors"]
    assert shipper_of(center, journey)[0] == shipper
    other = world.journey()
    other.run(before="pack")
    assert sent(bench, whole(other, parentID=own))["success"]
    assert shipper_of(center, other)[0] == own, "a code that the bench may not look up is a number like any other"
