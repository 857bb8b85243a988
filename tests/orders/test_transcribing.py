"""What was done on paper comes in by two people, with the paper, by the same rules as everything else (CO9)."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from ledger.context import reading
from ledger.models import Event, Signature
from ledger.walls import visible
from orders import queries
from orders.flow import order_named
from orders.models import PaperTranscript, SealedPaper
from tests.factories import PASSWORD
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of, packed

NURSE, COLLEAGUE = ("center", "apheresis_nurse", 1), ("center", "apheresis_nurse", 2)
KIT = {"kit_code": "KIT-P", "complete": "yes", "condition": "good"}


def picture(kind: str = "PNG") -> bytes:
    target = io.BytesIO()
    Image.new("L", (60, 80), 200).save(target, kind)
    return target.getvalue()


def form(world: World, checker: tuple[str, str, int], paper: bytes, **typed: Any) -> dict[str, Any]:
    return {
        "paper_at": dt.datetime.now(dt.UTC).isoformat(),
        "paper_people": "Nurse A, Nurse B",
        "signature.password": PASSWORD,
        "checker.username": world.username(*checker),
        "checker.password": PASSWORD,
        "once": str(uuid4()),
        "paper": SimpleUploadedFile("sheet", paper),
        **typed,
    }


def events_of(world: World, code: str, step: str) -> list[Event]:
    actor = world.actor("center", "coordinator")
    with reading(actor):
        stream = order_named(actor, code).stream_id
        found = visible(Event, actor).filter(stream_id=stream, kind__startswith="orders.step_").order_by("seq")
        return [event for event in found if event.payload.get("step") == step]


@pytest.fixture
def kit(world: World, browse: Browse) -> str:
    """An order whose kit waits, with a downtime pack printed by the nurse."""
    journey = journey_of(world, **patient())
    journey.run(before="kit")
    assert browse(*NURSE).post(f"/orders/{journey.code}/downtime/").status_code == 200
    return journey.code


@pytest.mark.story("CO9")
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_step_comes_in_from_paper_by_two_people(world: World, browse: Browse, kit: str, kind: str) -> None:
    nurse, address = browse(*NURSE), f"/orders/{kit}/downtime/1/kit/"
    assert "Picture of the paper" in text_of(nurse.get(address))
    sent = form(world, COLLEAGUE, picture(kind), **KIT)
    answer = nurse.post(address, sent)
    assert answer.status_code == 303, text_of(answer)
    (event,) = events_of(world, kit, "kit")
    said = event.payload["transcribed"]
    assert said["pack"] == 1 and said["people"] == "Nurse A, Nurse B"
    assert event.payload["summary"].endswith(f"from downtime pack 1 by {said['by']}, checked by {said['checked_by']}.")
    assert said["by"] != said["checked_by"]
    assert event.occurred_at == dt.datetime.fromisoformat(sent["paper_at"])
    actor = world.actor("center", "coordinator")
    with reading(actor):
        signed = visible(Signature, actor).filter(event_id=event.pk).order_by("position")
        assert [one.meaning for one in signed] == ["transcribed from paper", "checked against the paper"]
        row = PaperTranscript.unwalled.get(recorded_as=event.pk)
    page = text_of(nurse.get(f"/orders/{kit}/downtime/"))
    assert "Nurse A, Nurse B" in page and f"checked by {said['checked_by']}" in page
    kept = nurse.get(f"/orders/{kit}/downtime/papers/{row.pk}/")
    assert kept.content == picture(kind) and kept["Content-Type"] == f"image/{kind.lower()}"
    again = nurse.post(address, {**sent, "paper": SimpleUploadedFile("sheet", picture(kind))})
    assert again.status_code == 303 and len(events_of(world, kit, "kit")) == 1


def test_the_paper_is_sealed_and_the_own_organizations_alone(world: World, browse: Browse, kit: str) -> None:
    nurse = browse(*NURSE)
    assert nurse.post(f"/orders/{kit}/downtime/1/kit/", form(world, COLLEAGUE, picture(), **KIT)).status_code == 303
    actor = world.actor(*NURSE)
    with reading(actor):
        order = order_named(actor, kit)
        row = PaperTranscript.unwalled.get(stream_id=order.stream_id)
        sealed = SealedPaper.unwalled.get(transcript=row)
        assert picture() not in bytes(sealed.ciphertext)
    address = f"/orders/{kit}/downtime/papers/{row.pk}/"
    assert browse("maker", "planner").get(address).status_code == 404
    with reading(world.actor("maker", "planner")):
        assert not SealedPaper.unwalled.filter(transcript=row).exists()


@pytest.mark.parametrize(
    "paper",
    [
        b"",
        b"not a picture",
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
        b"GIF89a" + b"\x00" * 50,
        b"%PDF-1.7\n cut off",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        picture()[:-40],
        b"%PDF-" + b"\x00" * (4 * 1024 * 1024) + b"%%EOF",
    ],
    ids=["none", "text", "head", "gif", "pdf", "svg", "cut", "large"],
)
def test_a_file_that_is_no_picture_of_a_paper_is_refused(world: World, browse: Browse, kit: str, paper: bytes) -> None:
    refused = browse(*NURSE).post(f"/orders/{kit}/downtime/1/kit/", form(world, COLLEAGUE, paper, **KIT))
    assert refused.status_code == 400 and "id_paper-error" in text_of(refused)
    assert 'value="KIT-P"' in text_of(refused), "what was typed is kept"
    assert events_of(world, kit, "kit") == []


def test_one_person_cannot_type_and_check_and_both_prove_who_they_are(world: World, browse: Browse, kit: str) -> None:
    nurse, address = browse(*NURSE), f"/orders/{kit}/downtime/1/kit/"
    alone = nurse.post(address, form(world, NURSE, picture(), **KIT))
    assert alone.status_code == 422 and "A second person is needed" in text_of(alone)
    assert "One person cannot type and check." in text_of(alone) and "Your persona" not in text_of(alone)
    wrong = nurse.post(address, form(world, COLLEAGUE, picture(), **KIT) | {"checker.password": "x"})
    assert wrong.status_code == 400 and "do not match" in text_of(wrong)
    stranger = nurse.post(address, form(world, ("maker", "operator", 1), picture(), **KIT))
    assert stranger.status_code == 403
    assert events_of(world, kit, "kit") == []


def test_the_same_guards_hold(world: World, browse: Browse, kit: str) -> None:
    nurse, address = browse(*NURSE), f"/orders/{kit}/downtime/1/kit/"
    early = form(world, COLLEAGUE, picture(), **KIT) | {"paper_at": "2020-01-01T10:00"}
    assert "The pack was printed after that." in text_of(nurse.post(address, early))
    assert browse("center", "coordinator").post(f"/orders/{kit}/hold/", {"reason": "Fever"}).status_code == 303
    held = nurse.post(address, form(world, COLLEAGUE, picture(), **KIT))
    assert held.status_code == 409 and "on hold: Fever" in text_of(held)
    assert events_of(world, kit, "kit") == []


def test_a_packs_hand_over_is_recorded_and_a_wrong_box_is_not(world: World, browse: Browse) -> None:
    code = packed(world, **patient())
    driver = browse("courier", "courier_driver")
    assert driver.post(f"/orders/{code}/downtime/").status_code == 200
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        (box,) = queries.boxes_of(coordinator, order_named(coordinator, code))
    at = dt.datetime.now(dt.UTC).isoformat()
    typed = {"outer_code": "SHP-00000000-0", "seal_seen": box.seal_code, "condition": "good", "handed_over_at": at}
    checker, address = ("courier", "courier_driver", 2), f"/orders/{code}/downtime/1/pickup/"
    wrong = driver.post(address, form(world, checker, picture(), **typed))
    assert wrong.status_code in (400, 422)
    assert events_of(world, code, "pickup") == []
    answer = driver.post(address, form(world, checker, picture(), **typed | {"outer_code": box.code}))
    assert answer.status_code == 303, text_of(answer)
    (event,) = events_of(world, code, "pickup")
    assert event.payload["transcribed"]["pack"] == 1


def test_the_twin_over_rest(world: World, browse: Browse, kit: str) -> None:
    nurse, address = browse(*NURSE), f"/api/v1/orders/{kit}/downtime-packs/1/steps/kit"
    sent = {
        "paper_at": dt.datetime.now(dt.UTC).isoformat(),
        "paper_people": "Nurse A",
        "signature": {"password": PASSWORD},
        "checker": {"username": world.username(*COLLEAGUE), "password": PASSWORD},
        "inputs": KIT,
        "paper": base64.b64encode(picture()).decode(),
    }
    for broken, field in (
        ({"paper": "%"}, "paper"),
        ({"inputs": []}, "inputs"),
        ({"paper_people": ""}, "paper_people"),
    ):
        refused = nurse.post(address, json.dumps(sent | broken), "application/json")
        assert refused.status_code == 400 and field in refused.json()["fields"], refused.json()
    answer = nurse.post(address, json.dumps(sent), "application/json")
    assert answer.status_code == 200, answer.json()
    assert "Transcribed from downtime pack 1" in answer.json()["summary"]
    for foreign in (f"/api/v1/orders/{kit}/downtime-packs/9/steps/kit", f"/orders/{kit}/downtime/9/kit/"):
        assert nurse.post(foreign, json.dumps(sent), "application/json").status_code == 404
