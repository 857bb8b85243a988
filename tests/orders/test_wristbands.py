"""The patient's wristband carries the chain of identity as a code that every check at the patient takes (IN1, AN1)."""

from __future__ import annotations

import pypdfium2
import pytest
import zxingcpp

from custody import scans
from ledger.context import reading
from orders.flow import order_named
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("IN1")]
NURSE = ("center", "apheresis_nurse", 1)


def test_the_code_on_the_wristband_is_what_the_check_at_the_patient_asks_for(world: World, browse: Browse) -> None:
    person = patient()
    journey = journey_of(world, **person)
    address, nurse = f"/orders/{journey.code}/wristband.pdf", browse(*NURSE)
    assert nurse.get(address).status_code == 409
    journey.run(before="identify")
    assert address in text_of(nurse.get(f"/orders/{journey.code}/steps/identify/"))
    answer = nurse.get(address)
    assert answer["Content-Type"] == "application/pdf"
    (page,) = pypdfium2.PdfDocument(answer.content)
    (code,) = zxingcpp.read_barcodes(page.render(scale=203 / 72).to_pil().convert("L"))
    actor = world.actor(*NURSE)
    with reading(actor):
        identity = order_named(actor, journey.code).identity_code
    read = scans.read(code.text)
    assert (read.coi, read.container) == (identity, "")
    said = page.get_textpage().get_text_bounded()
    assert all(person[name] in said for name in ("family_name", "given_name", "mrn"))
    done = {"wristband": code.text, "patient_said": "matches"}
    assert journey.perform("identify", done).state == "done"


def test_nobody_but_the_patients_center_gets_it(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="identify")
    address = f"/orders/{journey.code}/wristband.pdf"
    for who in (("maker", "operator"), ("courier", "courier_driver")):
        assert browse(*who).get(address).status_code == 404
    stranger = signed_in(make_member(make_organization("treatment_center"), "apheresis_nurse"))
    assert stranger.get(address).status_code == 404
