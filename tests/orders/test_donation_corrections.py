"""A donation number that was recorded wrongly is replaced by two people, and is free for whose it is (AN3)."""

from __future__ import annotations

import json
import random
from typing import Any
from uuid import uuid4

import pytest

from custody.check_characters import check_character
from custody.queries import containers_of
from ledger.context import reading
from ledger.models import Event, Signature
from ledger.walls import visible
from orders.flow import order_named
from tests.factories import PASSWORD, make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("AN3")]
NURSE, COLLEAGUE = ("center", "apheresis_nurse", 1), ("center", "apheresis_nurse", 2)


def number() -> str:
    return f"A999926{random.SystemRandom().randrange(10**6):06d}"


def collected(world: World, donation: str) -> Any:
    """An order whose collection was recorded under a donation number."""
    journey = journey_of(world, **patient())
    journey.run(before="collect")
    journey.perform("collect", {"donation": f"={donation}00"})
    return journey


def correction(world: World, wrong: str, right: str, **changes: str) -> dict[str, str]:
    scan = f"{right}{check_character(right)}"
    sent = {"wrong": wrong, "donation": scan, "reason": "Label of the neighboring chair", "once": str(uuid4())}
    sent |= {"signature.username": "", "signature.password": PASSWORD}
    sent |= {"second.username": world.username(*COLLEAGUE), "second.password": PASSWORD, "second.scan": scan}
    return sent | changes


def numbers(world: World, code: str) -> set[str]:
    actor = world.actor(*NURSE)
    with reading(actor):
        return {bag.donation_number for bag in containers_of(actor, order_named(actor, code).stream_id)}


def test_the_right_number_takes_the_wrong_ones_place_and_the_wrong_one_is_free_for_its_patient(
    world: World, browse: Browse
) -> None:
    wrong, right = number(), number()
    journey, nurse = collected(world, wrong), browse(*NURSE)
    page, address = f"/orders/{journey.code}/codes/", f"/orders/{journey.code}/donations/correct/"
    assert "Correct a donation number" in text_of(nurse.get(page)) and wrong in text_of(nurse.get(page))
    sent = correction(world, wrong, right)
    for _ in range(2):  # a double click
        assert nurse.post(address, sent).status_code == 303
    assert numbers(world, journey.code) == {right}
    assert journey.code in text_of(nurse.post("/codes/", {"code": right + check_character(right)}))
    assert journey.code not in text_of(nurse.post("/codes/", {"code": wrong + check_character(wrong)}))
    actor = world.actor(*NURSE)
    with reading(actor):
        stream = order_named(actor, journey.code).stream_id
        (event,) = visible(Event, actor).filter(stream_id=stream, kind="orders.donation_corrected")
        assert len({one.person_id for one in visible(Signature, actor).filter(event_id=event.pk)}) == 2
    assert event.payload is not None and (event.payload["wrong"], event.payload["right"]) == (wrong, right)
    other = collected(world, wrong)
    assert numbers(world, other.code) == {wrong}


def test_what_does_not_fit_is_refused_beside_its_field_and_nothing_changes(world: World, browse: Browse) -> None:
    wrong, right = number(), number()
    journey, nurse = collected(world, wrong), browse(*NURSE)
    address = f"/orders/{journey.code}/donations/correct/"

    def refused(status: int, words: str, **changes: str) -> None:
        answer = nurse.post(address, correction(world, wrong, right) | changes)
        assert answer.status_code == status and words in text_of(answer), text_of(answer)
        assert numbers(world, journey.code) == {wrong}

    refused(400, f"This order has these: {wrong}", wrong=right)
    refused(400, "boxed check character is missing", donation=right)
    refused(400, "not the number that the first person scanned", **{"second.scan": f"={wrong}00"})
    refused(422, "somebody else", **{"second.username": world.username(*NURSE)})
    refused(400, "required", reason="")


def test_another_patients_number_stops_the_line_and_keeps_both(world: World, browse: Browse) -> None:
    mine, theirs = number(), number()
    journey, other = collected(world, mine), collected(world, theirs)
    answer = browse(*NURSE).post(f"/orders/{journey.code}/donations/correct/", correction(world, mine, theirs))
    assert answer.status_code == 422 and "another chain of identity" in text_of(answer)
    assert (numbers(world, journey.code), numbers(world, other.code)) == ({mine}, {theirs})


@pytest.mark.parametrize("whose", ["donation", "second.scan"])
@pytest.mark.parametrize("slip", [{"reason": ""}, {"second.password": ""}, {"wrong": "A999926999999"}])
def test_another_patients_number_comes_before_a_slip(
    world: World, browse: Browse, whose: str, slip: dict[str, str]
) -> None:
    mine, right, theirs = number(), number(), number()
    journey, _ = collected(world, mine), collected(world, theirs)
    address, said = f"/orders/{journey.code}/donations/correct/", f"={theirs}00"
    sent = correction(world, mine, right) | {whose: said} | slip
    assert browse("center", "coordinator").post(address, sent).status_code in (400, 403), "a slip of a stranger's"
    answer = browse(*NURSE).post(address, sent)
    assert answer.status_code == 422 and "another chain of identity" in text_of(answer)
    assert numbers(world, journey.code) == {mine}


def test_only_the_center_that_collected_corrects(world: World, browse: Browse) -> None:
    wrong, right = number(), number()
    journey = collected(world, wrong)
    address, sent = f"/orders/{journey.code}/donations/correct/", correction(world, wrong, right)
    for who in (("maker", "operator"), ("courier", "courier_driver")):
        assert browse(*who).post(address, sent).status_code == 404
    stranger = signed_in(make_member(make_organization("treatment_center"), "apheresis_nurse"))
    assert stranger.post(address, sent).status_code == 404
    assert browse("center", "coordinator").post(address, sent).status_code == 403
    assert numbers(world, journey.code) == {wrong}


def test_over_rest_by_the_same_rules(world: World, browse: Browse) -> None:
    wrong, right = number(), number()
    journey, nurse = collected(world, wrong), browse(*NURSE)
    second = {"username": world.username(*COLLEAGUE), "password": PASSWORD, "scan": f"={right}00"}
    sent = {"wrong": wrong, "donation": f"={right}00", "reason": "typed wrongly", "second": second}
    sent |= {"signature": {"password": PASSWORD}}
    key = {"Idempotency-Key": str(uuid4())}
    for _ in range(2):
        done = nurse.post(
            f"/api/v1/orders/{journey.code}/donations/correct", json.dumps(sent), "application/json", headers=key
        )
        assert done.status_code == 200 and len(done.json()["containers"]) == 1
    assert numbers(world, journey.code) == {right}
