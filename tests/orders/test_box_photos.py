"""Photos of a box: what is none is refused, place and device are not kept, strangers see nothing."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from custody.models import Shipment
from ledger.context import reading
from personas.models import User
from tests.api.conftest import make_partner, problem
from tests.journeys.watching import kinds_of_events, order_of
from tests.journeys.world import World
from tests.journeys.world import make_world as make_network
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.story("CR2")]


def photo(color: str = "red", kind: str = "JPEG", size: tuple[int, int] = (2400, 1200), place: bool = False) -> bytes:
    picture, written = Image.new("RGB", size, color), io.BytesIO()
    exif = Image.Exif()
    if place:
        exif[0x0110] = "Phone of somebody"  # model
        exif.get_ifd(0x8825)[2] = (52.0, 30.0, 0.0)  # latitude
    picture.save(written, kind, exif=exif)
    return written.getvalue()


@pytest.fixture
def world(db: None) -> World:
    return make_network()


@pytest.fixture
def carried(world: World) -> tuple[World, Any, str]:
    """A box that the courier has just picked up."""
    journey = world.journey()
    journey.run("pickup")
    driver = world.player("courier", "courier_driver")
    with reading(driver.actor):
        box = Shipment.unwalled.get(stream_id=order_of(driver, journey).stream_id)
    return world, journey, box.code


def client_of(world: World, organization: str, persona: str) -> Any:
    username = world.player(organization, persona).username
    return signed_in(User.objects.get(username=username).memberships.get())


def sent(content: bytes, about: str = "Seal at the door") -> dict[str, Any]:
    return {"photo": SimpleUploadedFile("IMG_1.jpg", content, "image/jpeg"), "about": about}


def test_a_driver_keeps_a_photo_and_both_ends_see_it(carried: tuple[World, Any, str]) -> None:
    world, journey, box = carried
    page = f"/orders/{journey.code}/boxes/{box}/"
    driver = client_of(world, "courier", "courier_driver")
    assert "Keep the photo" in driver.get(page).content.decode()
    assert driver.post(f"{page}photos/", sent(photo(place=True))).status_code == 303
    html = client_of(world, "maker", "operator").get(page).content.decode()
    assert "Seal at the door" in html
    address = html.split('<img src="')[1].split('"')[0]
    answer = client_of(world, "center", "coordinator").get(address)
    assert answer.status_code == 200 and answer["Content-Type"] == "image/jpeg"
    kept = Image.open(io.BytesIO(answer.content))
    assert kept.size == (1600, 800) and not dict(kept.getexif()), "neither place nor device is kept"
    assert "orders.box_photographed" in kinds_of_events(world.player("courier", "courier_driver"), journey)
    for stranger in (("next_center", "coordinator"), ("next_maker", "operator")):
        assert client_of(world, *stranger).get(address).status_code == 404
        assert client_of(world, *stranger).post(f"{page}photos/", sent(photo("blue"))).status_code == 404


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7 no photo", "no JPEG or PNG"),
        (photo()[:400], "no JPEG or PNG"),
        (b"", "Choose or take a photo"),
        (photo(kind="GIF"), "no JPEG or PNG"),
        (photo(kind="PNG", size=(10_001, 6_000)), "Take it in fewer pixels"),
    ],
)
def test_what_is_no_photo_is_refused_and_what_was_typed_stays(
    carried: tuple[World, Any, str], content: bytes, words: str
) -> None:
    world, journey, box = carried
    answer = client_of(world, "courier", "courier_driver").post(
        f"/orders/{journey.code}/boxes/{box}/photos/", sent(content, "Dent in the lid")
    )
    html = answer.content.decode()
    assert answer.status_code == 400 and words in html and 'value="Dent in the lid"' in html


def test_over_rest(carried: tuple[World, Any, str]) -> None:
    world, journey, box = carried
    driver = User.objects.get(username=world.player("courier", "courier_driver").username).memberships.get()
    key = make_partner(world.courier, "courier_driver", responsible=driver)
    address, picture = f"orders/{journey.code}/shipments/{box}/photos", base64.b64encode(photo("green")).decode()
    made = key.post(address, {"about": "Label and seal", "photo": picture}, Idempotency_Key="p1")
    assert made.status_code == 201, made.content
    (row,) = made.json()["results"]
    assert key.post(address, {"about": "Label and seal", "photo": picture}, Idempotency_Key="p1").status_code == 201
    problem(key.post(address, {"about": "The same", "photo": picture}), 400, "photo_kept")
    problem(key.post(address, {"about": "x", "photo": "%%%"}), 400, "invalid_input")
    problem(key.post(address, {"about": "", "photo": base64.b64encode(photo("pink")).decode()}), 400, "invalid_input")
    again = base64.b64decode(key.get(f"{address}/{row['id']}").json()["photo"])
    assert Image.open(io.BytesIO(again)).format == "JPEG"
    other = User.objects.get(username=world.player("next_maker", "operator").username).memberships.get()
    stranger = make_partner(world.next_maker, "operator", responsible=other)
    problem(stranger.get(address), 404, "not_found")
    problem(stranger.get(f"{address}/{row['id']}"), 404, "not_found")
