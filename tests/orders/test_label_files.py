"""The page of an order's labels and what it prints: pages, sheets, ZPL; one record of prints behind all of them."""

from __future__ import annotations

import re

import pypdfium2
import pytest
import zxingcpp

from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, booked, patient, text_of
from tests.orders.factories import World
from tests.orders.test_pages import hidden
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
NURSE = ("center", "apheresis_nurse")


@pytest.fixture
def labeled(world: World, browse: Browse) -> str:
    """An order whose collection labels are printed."""
    code = booked(world, **patient())
    nurse, address = browse(*NURSE), f"/orders/{code}/steps/labels/"
    assert nurse.post(address, hidden(nurse, address)).status_code == 303
    return code


def scanned(pdf: bytes) -> list[str]:
    """Return what a scanner reads on the pages."""
    pictures = [page.render(scale=203 / 72).to_pil().convert("L") for page in pypdfium2.PdfDocument(pdf)]
    return sorted(code.text for picture in pictures for code in zxingcpp.read_barcodes(picture))


@pytest.mark.story("AN2")
def test_every_form_of_a_print_carries_the_same_serial_and_prints_nothing_anew(browse: Browse, labeled: str) -> None:
    nurse = browse(*NURSE)
    page = text_of(nurse.get(f"/orders/{labeled}/labels/"))
    (serial,) = set(re.findall(r"CH\w+-SM01-\S/1", page))
    assert "Issued" in page and "Label printer (ZPL)" in page
    pdf, sheet = (nurse.get(f"/orders/{labeled}/labels.pdf", given) for given in ({}, {"sheet": "a4", "first": "3"}))
    assert scanned(pdf.content) == scanned(sheet.content) == [serial]
    zpl = nurse.get(f"/orders/{labeled}/labels.zpl", {"dpi": "300"})
    assert zpl["Content-Type"] == "application/zpl" and f"^FD{serial}^FS" in text_of(zpl)
    assert text_of(nurse.get(f"/orders/{labeled}/labels/")).count(serial) == page.count(serial)


@pytest.mark.parametrize(
    ("file", "given"),
    [
        ("labels.pdf", {"sheet": "a3"}),
        ("labels.pdf", {"sheet": "a4", "first": "9"}),
        ("labels.pdf", {"sheet": "a4", "first": "0"}),
        ("labels.pdf", {"sheet": "a4", "first": "²"}),
        ("labels.zpl", {"dpi": "72"}),
        ("labels.zpl", {"dpi": "-203"}),
    ],
)
def test_a_form_that_no_printer_has_is_refused(browse: Browse, labeled: str, file: str, given: dict[str, str]) -> None:
    assert browse(*NURSE).get(f"/orders/{labeled}/{file}", given).status_code == 400


def test_couriers_and_the_center_next_door_have_no_labels(browse: Browse, labeled: str) -> None:
    stranger = signed_in(make_member(make_organization("treatment_center"), "apheresis_nurse"))
    for reader in (browse("courier", "courier_driver"), stranger):
        for file in ("labels/", "labels.pdf", "labels.zpl"):
            assert reader.get(f"/orders/{labeled}/{file}").status_code == 404, file


def test_the_printer_s_font_is_for_those_who_are_signed_in(browse: Browse, client: object) -> None:
    assert text_of(browse(*NURSE).get("/labels/printer-font.zpl")).startswith("~DYE:CGTMONO,A,T,")
    assert client.get("/labels/printer-font.zpl").status_code == 302  # type: ignore[attr-defined]
