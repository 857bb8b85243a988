"""A photo of the box as a part of its hand-over or receipt: bound to it, and in the dossier (CR2, CL6)."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from custody.shipments import BoxPhoto
from ledger.context import reading
from orders import queries
from orders.actions.dossiers import take_dossier
from orders.flow import order_named
from tests.factories import PASSWORD
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import packed
from tests.orders.test_offline import DRIVER, events_of, state_of


def photo(color: str = "red") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 48), color).save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def code(world: World, committed_db: None) -> str:
    """An order whose box waits for the driver."""
    return packed(world, **patient())


def pickup(world: World, code: str) -> dict[str, Any]:
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        (box,) = queries.boxes_of(coordinator, order_named(coordinator, code))
    return {
        "outer_code": box.code,
        "seal_seen": box.seal_code,
        "condition": "good",
        "handed_over_at": timezone.now().isoformat(),
        "signature.password": PASSWORD,
        "verifiers[0]username": world.username("center", "cell_lab_technologist", 1),
        "verifiers[0]password": PASSWORD,
        "verifiers[0]scan": box.code,
        "once": str(uuid4()),
    }


def photos(world: World, code_of_box: str) -> list[BoxPhoto]:
    with reading(world.actor("center", "coordinator")):
        return list(BoxPhoto.unwalled.filter(shipment__code=code_of_box).select_related("organization"))


@pytest.mark.story("CR2")
def test_a_photo_is_kept_with_the_pick_up_and_stands_in_page_and_dossier(
    world: World, browse: Browse, code: str
) -> None:
    driver, form = browse(*DRIVER), pickup(world, code)
    address = f"/orders/{code}/steps/pickup/"
    page = text_of(driver.get(address))
    assert 'enctype="multipart/form-data"' in page and 'accept="image/*" capture="environment"' in page
    answer = driver.post(address, {**form, "photo": SimpleUploadedFile("a.png", photo(), "image/png")})
    assert answer.status_code == 303, text_of(answer)
    (event,) = [e for e in events_of(world, code, "orders.step_done") if e.payload["step"] == "pickup"]
    (row,) = photos(world, form["outer_code"])
    assert (row.event_id, row.step) == (event.id, "pickup")
    assert row.place and row.digest == event.payload["facts"]["photo"]
    assert row.digest == hashlib.sha256(bytes(row.content)).hexdigest()
    shown = text_of(driver.get(f"/orders/{code}/boxes/{form['outer_code']}/"))
    assert shown.count(f"/photos/{row.pk}/") >= 2  # beside the hand-over, and among the photos
    assert row.place in shown
    dossier = take_dossier(world.actor("center", "coordinator"), code)
    (listed,) = dossier_part(dossier, "photos")
    assert (listed["sha256"], listed["place"], listed["part_of"]) == (row.digest, row.place, "pickup")
    assert listed["taken_by"] == row.taken_by
    assert dossier.files[listed["file"]] == bytes(row.content)
    assert b"/Image" in dossier.files["dossier.pdf"]


def dossier_part(dossier: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dossier.files["dossier.json"])["parts"][name]
    return found


def test_what_is_no_photo_is_refused_beside_the_field_and_what_was_typed_stays(
    world: World, browse: Browse, code: str
) -> None:
    driver, form = browse(*DRIVER), pickup(world, code)
    address = f"/orders/{code}/steps/pickup/"
    answer = driver.post(address, {**form, "photo": SimpleUploadedFile("a.png", b"%PDF-1.7 no", "image/png")})
    page = text_of(answer)
    assert answer.status_code == 400 and "This is no JPEG or PNG" in page
    assert f'value="{form["outer_code"]}"' in page and f'value="{form["seal_seen"]}"' in page
    assert state_of(world, code, "pickup") == "ready" and not photos(world, form["outer_code"])


def test_a_good_photo_outlives_the_refusal_of_another_field(world: World, browse: Browse, code: str) -> None:
    driver, form = browse(*DRIVER), pickup(world, code)
    address = f"/orders/{code}/steps/pickup/"
    wrong = {**form, "verifiers[0]password": "not it", "photo": SimpleUploadedFile("a.png", photo("blue"))}
    page = text_of(driver.post(address, wrong))
    assert "The photo that you sent is kept with this form." in page
    kept = page.split('type="hidden" name="photo" value="')[1].split('"')[0]
    assert driver.post(address, {**form, "photo": kept, "once": str(uuid4())}).status_code == 303
    assert len(photos(world, form["outer_code"])) == 1


def test_the_same_over_rest(world: World, browse: Browse, code: str) -> None:
    driver, form = browse(*DRIVER), pickup(world, code)
    names = ("outer_code", "seal_seen", "condition", "handed_over_at")
    verifier = {name: form[f"verifiers[0]{name}"] for name in ("username", "password", "scan")}
    inputs = {name: form[name] for name in names} | {"signature": {"password": PASSWORD}, "verifiers": [verifier]}
    address = f"/api/v1/orders/{code}/steps/pickup"
    refused = driver.post(address, inputs | {"photo": "bm8gcGhvdG8="}, content_type="application/json")
    assert refused.status_code == 400 and "no JPEG or PNG" in str(refused.json()["fields"]["photo"])
    sent = inputs | {"photo": base64.b64encode(photo("green")).decode()}
    answer = driver.post(address, sent, content_type="application/json")
    assert answer.status_code == 200, answer.content
    (row,) = photos(world, form["outer_code"])
    listed = driver.get(f"/api/v1/orders/{code}/shipments/{form['outer_code']}/photos").json()["results"]
    assert [(one["id"], one["step"], one["place"]) for one in listed] == [(str(row.pk), "pickup", row.place)]


def test_a_photo_that_is_kept_already_is_not_kept_twice(world: World, browse: Browse, code: str) -> None:
    driver, form = browse(*DRIVER), pickup(world, code)
    taken = {"photo": SimpleUploadedFile("a.png", photo("white")), "about": "The seal", "once": str(uuid4())}
    assert driver.post(f"/orders/{code}/boxes/{form['outer_code']}/photos/", taken).status_code == 303
    again = {**form, "photo": SimpleUploadedFile("a.png", photo("white"))}
    refused = driver.post(f"/orders/{code}/steps/pickup/", again)
    assert "This photo is kept already." in text_of(refused) and state_of(world, code, "pickup") == "ready"
