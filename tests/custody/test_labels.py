"""Labels: every print has a serial and an end, and what is printed can be scanned at 203 and 300 dpi."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pypdfium2
import pytest
import zxingcpp
from django.db import IntegrityError, transaction
from django.utils import timezone

from custody import identity, label_pdf, labels, material, scans
from custody.label_contents import LabelText, Layout, content_of
from custody.label_symbols import data_matrix
from custody.models import Label
from custody.states import ContainerState, LabelState
from ledger.context import reading
from ledger.refusals import FactsMissing, InvalidInput, WrongState
from tests.custody.factories import World, make_world

pytestmark = pytest.mark.django_db
TEXT = LabelText(product="Fictionel (fictional autologous CAR-T)", storage="2 to 8 °C", zone="Europe/Berlin")


@pytest.fixture
def world() -> World:
    return make_world()


def print_for(world: World, bags, template: str = "collection", reason: str = "") -> list[Label]:
    with world.step():
        return labels.print_labels(world.stream, bags, template, reason, printing=None)


def test_printing_labels_planned_bags(world: World) -> None:
    bags = world.bags(2)
    printed = print_for(world, bags)
    assert [label.serial for label in printed] == [f"{bag.code}/1" for bag in bags]
    assert {bag.state for bag in bags} == {ContainerState.LABELLED}
    assert {label.printed_by_id for label in printed} == {world.nurse.person_id}


def test_a_reprint_needs_a_reason_and_voids_the_former(world: World) -> None:
    bag = world.bags()[0]
    former = print_for(world, [bag])[0]
    with pytest.raises(InvalidInput) as refusal:
        print_for(world, [bag], reason=" ")
    assert "reason" in refusal.value.fields
    newest = print_for(world, [bag], reason="smudged")[0]
    with reading(world.nurse):
        assert Label.unwalled.get(pk=former.pk).state == LabelState.VOID
        assert labels.unreconciled(world.stream.pk) == [Label.unwalled.get(pk=former.pk), newest]
    assert newest.serial == f"{bag.code}/2"


def test_the_database_allows_one_valid_label(world: World) -> None:
    bag = world.bags()[0]
    print_for(world, [bag])
    with world.step(), pytest.raises(IntegrityError, match="custody_one_valid_label"), transaction.atomic():
        Label.objects.create(stream=world.stream, container=bag, serial="x", template="collection")


def test_applying(world: World) -> None:
    bag = world.bags()[0]
    with pytest.raises(FactsMissing), world.step():
        labels.apply_to(bag)
    label = print_for(world, [bag])[0]
    with world.step():
        assert labels.apply_to(bag).pk == label.pk
        assert labels.apply_to(bag).state == LabelState.APPLIED
        assert labels.unreconciled(world.stream.pk) == []
    with pytest.raises(WrongState), world.step():
        labels.apply(Label.unwalled.get(pk=label.pk))


@pytest.mark.story("AN2")
@pytest.mark.parametrize("became", ["returned", "destroyed"])
def test_every_label_s_end_is_known_once(world: World, became: str) -> None:
    label = print_for(world, world.bags())[0]
    for wrong in ("printed", "eaten"):
        with pytest.raises(InvalidInput), world.step():
            labels.settle(label, wrong)
    with world.step():
        labels.settle(label, became)
        assert labels.unreconciled(world.stream.pk) == []
    with pytest.raises(WrongState), world.step():
        labels.settle(label, "applied")


def test_no_label_for_used_up_material_or_of_an_unknown_template(world: World) -> None:
    bag = world.bags()[0]
    with pytest.raises(InvalidInput):
        print_for(world, [bag], template="poster")
    with world.step():
        material.move(bag, ContainerState.DESTROYED)
    with pytest.raises(WrongState):
        print_for(world, [bag])


def pages(pdf: bytes, dpi: int):
    document = pypdfium2.PdfDocument(pdf)
    for page in document:
        assert page.get_size() == pytest.approx((283.46, 198.43), abs=0.1)
        yield page.render(scale=dpi / 72).to_pil()


def rendered(world: World, printed: list[Label], text: LabelText = TEXT) -> bytes:
    with reading(world.nurse):
        return label_pdf.render([content_of(label, text) for label in printed])


@pytest.mark.story("AN2")
def test_the_symbol_of_a_voided_label_is_refused_at_the_scan(world: World) -> None:
    bag = world.bags()[0]
    former = print_for(world, [bag])
    (image,) = pages(rendered(world, former), 203)
    old = zxingcpp.read_barcodes(image.convert("L"))[0].text
    newest = print_for(world, [bag], reason="smudged")[0]
    with reading(world.nurse):
        with pytest.raises(InvalidInput) as refusal:
            scans.expect(world.stream.pk, old, [bag])
        assert scans.expect(world.stream.pk, newest.serial, [bag]) == bag
    assert refusal.value.code == "label_void" and "void" in str(refusal.value.fields)


@pytest.mark.parametrize(("sheet", "places", "first"), [("a4", 8, 1), ("a4", 8, 8), ("letter", 6, 5)])
def test_every_label_of_a_sheet_is_scanned_back_once_wherever_the_sheet_begins(
    world: World, sheet: str, places: int, first: int
) -> None:
    printed = print_for(world, world.bags(10))
    with reading(world.nurse):
        pdf = label_pdf.render_sheets([content_of(label, TEXT) for label in printed], sheet, first)
    found = [
        {code.text for code in zxingcpp.read_barcodes(page.render(scale=203 / 72).to_pil().convert("L"))}
        for page in pypdfium2.PdfDocument(pdf)
    ]
    serials = [label.serial for label in printed]
    cuts = [0, *range(places - first + 1, len(serials), places), len(serials)]
    assert found == [set(serials[begin:end]) for begin, end in pairwise(cuts)]


def test_a_sheet_has_no_place_beyond_its_last(world: World) -> None:
    printed = print_for(world, world.bags())
    with reading(world.nurse):
        content = [content_of(label, TEXT) for label in printed]
    for wrong in (0, 9):
        with pytest.raises(ValueError, match="places 1 to 8"):
            label_pdf.render_sheets(content, "a4", wrong)


@pytest.mark.parametrize("stock", ["100x70", "102x76", "102x152"])
def test_each_stock_has_pages_of_its_size_and_is_scanned_back(world: World, stock: str) -> None:
    printed = print_for(world, world.bags())
    text = replace(TEXT, layout=Layout(stock=stock))
    (page,) = pypdfium2.PdfDocument(rendered(world, printed, text))
    width, height = (int(side) / 25.4 * 72 for side in stock.split("x"))
    assert page.get_size() == pytest.approx((width, height), abs=0.1)
    read = zxingcpp.read_barcodes(page.render(scale=203 / 72).to_pil().convert("L"))
    assert [code.text for code in read] == [printed[0].serial]


@pytest.mark.story("AN2")
@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("angle", [0, 90, 7])
def test_the_printed_code_is_scanned_back(world: World, dpi: int, angle: int) -> None:
    bags = world.bags(2)
    printed = print_for(world, bags)
    pdf = rendered(world, printed)
    for bag, label, image in zip(bags, printed, pages(pdf, dpi), strict=True):
        gray = image.convert("L").rotate(angle, expand=True, fillcolor=255)
        found = zxingcpp.read_barcodes(gray)
        assert [(code.format, code.text) for code in found] == [(zxingcpp.BarcodeFormat.DataMatrix, label.serial)]
        with reading(world.nurse):
            assert scans.expect(world.stream.pk, found[0].text, bags) == bag


def test_symbols_are_square() -> None:
    for content in ("CHA999926000001-SM01-K", "CHA999926000001-SM01-*", "X", "A" * 60):
        modules = data_matrix(content)
        assert {len(row) for row in modules} == {len(modules)}


def text_of(pdf: bytes) -> str:
    return pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_bounded()


def test_the_collection_label_says_what_it_must(world: World) -> None:
    bag = world.bags(2)[1]
    printed = print_for(world, [bag])
    ended = dt.datetime(2026, 5, 3, 12, 30, tzinfo=dt.UTC)
    with world.step():
        material.fill(bag, Decimal(250), ended - dt.timedelta(hours=3), ended, expires_at=ended + dt.timedelta(days=1))
    text = text_of(rendered(world, printed))
    for expected in (
        bag.code[:-2],
        world.coi.code,
        identity.check_of(world.coi),
        "2 of 2",
        "2026-05-03 14:30 CEST (2026-05-03 12:30 UTC)",
        "2026-05-04 14:30 CEST",
        "250 mL",
        "2 to 8 °C",
        "FOR AUTOLOGOUS USE ONLY",
        "NOT EVALUATED FOR INFECTIOUS SUBSTANCES",
        "FOR FURTHER MANUFACTURE",
        TEXT.product.split()[0],
        printed[0].serial,
    ):
        assert expected in text, expected
    assert world.person.family_name not in text


def test_patient_lines_only_when_the_caller_passes_them(world: World) -> None:
    printed = print_for(world, world.bags())
    lines = [f"Patient: {world.person.display_name}", f"MRN: {world.person.mrn}"]
    with_lines = LabelText(**{**TEXT.__dict__, "patient_lines": lines, "synthetic": True})
    text = text_of(rendered(world, printed, with_lines))
    assert world.person.family_name in text and world.person.mrn in text
    assert "FICTIONAL" in text


@pytest.mark.parametrize("name", ["王小明", "محمد", "שרה", "नेहा", "ก้อย", "Nguyễn", "x\u0323\u0307"])
def test_a_name_that_the_label_cannot_show_is_said_to_be_missing_and_never_set_wrongly(world: World, name: str) -> None:
    printed = print_for(world, world.bags())
    lines = LabelText(**{**TEXT.__dict__, "patient_lines": [name, name, "1961-04-05", "MRN-7"]})
    text = " ".join(text_of(rendered(world, printed, lines)).split())
    assert text.count("read the wristband") == 1
    assert "1961-04-05" in text and "MRN-7" in text and name not in text


def test_names_of_european_scripts_are_printed_as_they_are_written(world: World) -> None:
    printed = print_for(world, world.bags())
    names = ["Łukasiewicz-Åström", "Αλεξίου", "Щербакова"]
    text = text_of(rendered(world, printed, LabelText(**{**TEXT.__dict__, "patient_lines": names})))
    assert all(name in text for name in names) and "read the wristband" not in text


def test_the_product_label_of_a_unit_from_stock(world: World) -> None:
    kit = world.bags(1, "vector_kit")[0]
    printed = print_for(world, [kit], "product")
    kit.lot, kit.serial, printed[0].container = "L26", "0042", kit
    text = text_of(rendered(world, printed, LabelText("Fictivec", "≤ −60 °C", "UTC", autologous=False)))
    assert "Lot: L26" in text and "0042" in text and "DO NOT IRRADIATE" in text
    assert "AUTOLOGOUS" not in text


def test_long_names_shrink_and_nothing_is_left_out(world: World) -> None:
    printed = print_for(world, world.bags())
    long = LabelText(
        product="Fictionel " * 8,
        storage="2 to 8 °C",
        zone="America/New_York",
        patient_lines=["N" * 100 + ", " + "G" * 100, "Born 1961-04-05", "MRN " + "7" * 40],
    )
    text = text_of(rendered(world, printed, long)).replace("\r\n", "").replace("\n", "")
    assert text.count("N" * 20) and "G" * 20 in text and "7" * 40 in text
    page = pypdfium2.PdfDocument(rendered(world, printed, long))[0]
    textpage = page.get_textpage()
    boxes = [textpage.get_charbox(number) for number in range(textpage.count_chars())]
    width, height = page.get_size()
    assert all(left >= 0 and right <= width and low >= 0 and high <= height for left, low, right, high in boxes)
    too_long = LabelText(**{**long.__dict__, "patient_lines": ["x" * 5000]})
    with pytest.raises(ValueError, match="more text than fits"):
        rendered(world, printed, too_long)


def test_printed_time_is_recorded(world: World) -> None:
    assert abs(print_for(world, world.bags())[0].printed_at - timezone.now()) < dt.timedelta(minutes=1)
