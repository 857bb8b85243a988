"""What a label said is kept with its print: drawn alike ever after, in the dossier, and nobody's name at rest (T33)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pypdfium2
import pytest

from cgt.demo.journey import Journey
from custody import label_prints, labels, material
from custody.label_prints import NOT_KEPT, digest_of, kept_of
from custody.models import LabelPrint
from custody.states import ContainerKind
from ledger import copies
from ledger.context import reading
from ledger.models import Event
from ledger.recording import acting
from ledger.walls import visible
from network.actions.therapies import set_disclosure
from orders.flow import order_named
from tests.factories import operator
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.orders.test_label_ends import NURSE, prints

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("AN2")]
EMPTY = "_5F_5F_5F_5F-_5F_5F-_5F_5F"  # a date that is filled in by hand, as ZPL says it
DISCLOSED = ["family_name", "birth_date"]


@pytest.fixture
def person() -> dict[str, str]:
    return patient()


@pytest.fixture
def disclosed(world: World, committed_db: None) -> Iterator[None]:
    set_disclosure(operator(world.maker), world.therapy, "DE", DISCLOSED)
    yield
    set_disclosure(operator(world.maker), world.therapy, "DE", [])


@pytest.fixture
def journey(world: World, browse: Browse, disclosed: None, person: dict[str, str]) -> Journey:
    """An order whose collection label is on its empty bag, printed while the policy disclosed name and birth date."""
    journey = journey_of(world, **person)
    journey.run(until="labels")
    return journey


def kept(world: World, code: str) -> list[LabelPrint]:
    actor = world.actor(*NURSE)
    with reading(actor):
        stream = order_named(actor, code).stream_id
        rows = visible(LabelPrint, actor).filter(stream_id=stream).select_related("label")
        return list(rows.order_by("label__printed_at", "label__serial"))


def collected(world: World, journey: Journey) -> None:
    """Time passes: the bag is filled, and the therapy discloses nothing any more."""
    set_disclosure(operator(world.maker), world.therapy, "DE", [])
    journey.run(before="pack")


def test_a_print_is_drawn_alike_after_everything_has_changed_and_the_next_one_says_what_is_known(
    world: World, browse: Browse, journey: Journey, person: dict[str, str]
) -> None:
    nurse, zpl = browse(*NURSE), f"/orders/{journey.code}/labels.zpl"
    before = text_of(nurse.get(zpl))
    assert person["family_name"] in before and EMPTY in before and "Volume" not in before
    collected(world, journey)
    assert text_of(nurse.get(zpl)) == before
    pages = pypdfium2.PdfDocument(nurse.get(f"/orders/{journey.code}/labels.pdf").content)
    assert "____-__-__" in "".join(page.get_textpage().get_text_bounded() for page in pages)
    bag = prints(world, journey.code)[0].container.code
    sent = {"container": bag, "reason": "To say volume and time", "once": str(uuid4())}
    assert nurse.post(f"/orders/{journey.code}/labels/reprint/", sent).status_code == 303
    after = text_of(nurse.get(zpl))
    assert "Volume" in after and EMPTY not in after
    assert person["family_name"] not in after, "the policy of the day of the new print"


def test_what_is_kept_names_nobody_stays_and_stands_on_the_record(
    world: World, browse: Browse, journey: Journey, person: dict[str, str]
) -> None:
    (row,) = kept(world, journey.code)
    text = json.dumps(row.content, ensure_ascii=False)
    assert not [value for value in (*person.values(), "1961-04-05") if value in text]
    assert row.patient_fields == DISCLOSED and "____-__-__" in text
    assert row.digest == digest_of(row.content, row.patient_fields)
    actor = world.actor(*NURSE)
    with reading(actor):
        told = [
            event.payload["label_contents"]
            for event in visible(Event, actor).filter(stream_id=row.stream_id)
            if event.payload and "label_contents" in event.payload
        ]
    assert told == [[row.digest]]


def test_dossier_page_and_rest_say_what_stood_on_each_print_but_no_name(
    world: World, browse: Browse, journey: Journey, person: dict[str, str]
) -> None:
    collected(world, journey)
    (row,) = kept(world, journey.code)
    quality = browse("center", "inspector")
    document, files = copies.unpack(quality.get(f"/orders/{journey.code}/dossier.zip").content)
    (told,) = document["parts"]["labels"]
    assert "____-__-__" in told["what_stood_on_it"] and row.label.serial in told["what_stood_on_it"]
    assert "patient: family name, birth date (sealed)" in told["what_stood_on_it"]
    assert told["sha256_of_content"] == row.digest
    assert "patient: family name, birth date (sealed)" in files["dossier.html"].decode()
    assert not [name for name, content in files.items() if person["family_name"].encode() in content]
    assert told["what_stood_on_it"] in text_of(quality.get(f"/orders/{journey.code}/labels/"))
    listed = quality.get(f"/api/v1/orders/{journey.code}/labels").json()["prints"]
    assert [(one["content"], one["content_sha256"]) for one in listed] == [(told["what_stood_on_it"], row.digest)]


def test_only_the_own_center_sees_the_patients_lines_of_a_kept_print(
    browse: Browse, journey: Journey, person: dict[str, str]
) -> None:
    zpl = f"/orders/{journey.code}/labels.zpl"
    assert person["family_name"] in text_of(browse(*NURSE).get(zpl))
    for reader in (("maker", "operator"), ("center", "site_quality")):
        text = text_of(browse(*reader).get(zpl))
        assert "-SM01" in text and person["family_name"] not in text and "1961-04-05" not in text, reader


def test_a_print_from_before_contents_were_kept_says_so_and_is_drawn_as_before(
    world: World, browse: Browse, journey: Journey
) -> None:
    journey.run(before="pack")
    actor = world.actor(*NURSE)
    with reading(actor):
        order = order_named(actor, journey.code)
    with acting(actor, "orders.label_settled", stream_id=order.stream_id):
        bags = material.of_stream(order.stream_id, ContainerKind.STARTING_MATERIAL)
        (old,) = labels.print_labels(order.stream_id, bags, "collection", "Smudged", printing=None)
    assert kept_of(old) is None
    nurse = browse(*NURSE)
    assert NOT_KEPT in text_of(nurse.get(f"/orders/{journey.code}/labels/"))
    drawn = text_of(nurse.get(f"/orders/{journey.code}/labels.zpl"))
    assert old.serial in drawn and "Volume" in drawn


def pdf_text(data: bytes) -> str:
    return "".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(data))


def test_a_voided_print_is_shown_as_it_was_with_void_across_it(
    world: World, browse: Browse, journey: Journey, person: dict[str, str]
) -> None:
    nurse, page = browse(*NURSE), f"/orders/{journey.code}/labels/"
    pdf = f"{page}void.pdf"
    assert nurse.get(pdf).status_code == 404, "none is void"
    collected(world, journey)
    (former,) = kept(world, journey.code)
    serial = former.label.serial
    bag = serial.rpartition("/")[0]
    valid = pdf_text(nurse.get(f"/orders/{journey.code}/labels.pdf").content)
    sent = {"container": bag, "reason": "To say volume and time", "once": str(uuid4())}
    assert nurse.post(f"{page}reprint/", sent).status_code == 303
    for given in ({}, {"serial": serial}):
        shown = nurse.get(pdf, given)
        text = pdf_text(shown.content)
        assert shown["Content-Type"] == "application/pdf" and "VOID" in text and "NOT A LABEL" in text
        assert "____-__-__" in text and person["family_name"] in text and "by renderer 1" in " ".join(text.split())
        assert "VOID" not in valid and all(line in text for line in valid.splitlines() if line.strip())
    assert nurse.get(pdf, {"serial": f"{bag}/9"}).status_code == 404
    assert nurse.get(pdf, {"serial": f"{bag}/2"}).status_code == 404, "the new print is valid"
    assert pdf in text_of(nurse.get(page)) and "drawn by renderer 1" in text_of(nurse.get(page))
    operator_sees = pdf_text(browse("maker", "operator").get(pdf).content)
    assert "VOID" in operator_sees and person["family_name"] not in operator_sees
    assert browse("courier", "courier_driver").get(pdf).status_code == 404
    rest = f"/api/v1/orders/{journey.code}/labels"
    assert nurse.get(f"{rest}/void.pdf", {"serial": serial}).content.startswith(b"%PDF")
    assert nurse.get(f"{rest}/void.pdf", {"serial": "x"}).status_code == 404
    listed = {one["serial"]: one["renderer"] for one in nurse.get(rest).json()["prints"]}
    assert listed == {serial: 1, f"{bag}/2": 1}
    assert former.content["renderer"] == 1, "covered by the hash on the record"


def test_a_print_of_another_renderer_says_that_places_may_differ(
    world: World, journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = kept(world, journey.code)
    assert "Drawn as it was printed, by renderer 1." in label_prints.what_ended(row.label, "Europe/Berlin")
    monkeypatch.setattr(label_prints, "RENDERER", 2)
    (_, words) = label_prints.what_ended(row.label, "Europe/Berlin")
    assert words == "Printed by renderer 1, drawn here by renderer 2: the same words, places may differ."
    row.content.pop("renderer")
    assert "before the renderer's version was kept" in label_prints.what_ended(row.label, "Europe/Berlin")[1]
