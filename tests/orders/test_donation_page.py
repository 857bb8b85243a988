"""The donation number on the page of the collection: asked, refused beside its field, kept as typed, then shown."""

from __future__ import annotations

import random
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from custody.check_characters import check_character
from tests.factories import PASSWORD
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("AN3")]


def test_the_donation_number_is_asked_refused_and_recorded(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="collect")
    nurse, address = browse("center", "apheresis_nurse"), f"/orders/{journey.code}/steps/collect/"
    number = f"A999926{random.SystemRandom().randrange(10**6):06d}"
    page = text_of(nurse.get(address))
    assert "Donation number (DIN)" in page and "boxed check character" in page
    wrong = number + next(mark for mark in "AB" if mark != check_character(number))
    ended = timezone.localtime(timezone=ZoneInfo(world.clinic.zone)).strftime("%Y-%m-%dT%H:%M:%S")
    bag = page.split("Labeled bags")[1].split("CHA9999")[1].split("<")[0].split('"')[0]
    typed = {
        "bags[0]scan": f"CHA9999{bag}",
        "bags[0]volume_ml": "210",
        "ended_at": ended,
        "signature.username": world.username("center", "apheresis_nurse"),
        "signature.password": PASSWORD,
        "once": str(uuid4()),
    }
    refused = nurse.post(address, typed | {"donation": wrong})
    assert refused.status_code == 400, text_of(refused)
    assert "The check character does not fit" in text_of(refused) and wrong in text_of(refused)
    done = nurse.post(address, typed | {"donation": f"={number}00", "once": str(uuid4())})
    assert done.status_code == 303, text_of(done)
    assert f"DIN {number}" in text_of(nurse.get(f"/orders/{journey.code}/"))
    assert journey.code in text_of(nurse.post("/codes/", {"code": number + check_character(number)}))
