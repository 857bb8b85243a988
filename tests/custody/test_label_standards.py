"""A label's second symbol is for other people's systems: ISBT 128 and GS1, decoded again from paper and from ZPL."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from custody import label_pdf, label_standards, label_zpl
from custody.check_characters import check_character
from custody.decoding import decode
from custody.label_contents import LabelContent, LabelText, Layout, content_of
from custody.label_templates import specimen
from custody.models import ChainOfIdentity, Container, Label
from custody.states import LabelElement, LabelLanguage, LabelTemplate

pytestmark = pytest.mark.story("AN2")
COI, DIN, GTIN = "CHA999926000001", "A999926123456", "04012345123456"
TEXT = LabelText(product="Fictionel", storage="2 to 8 °C", zone="Europe/Berlin")


def label(template: str, code: str = f"{COI}-SM01-K", **facts: Any) -> Label:
    coi = ChainOfIdentity(code=facts.pop("coi", COI))
    bag = Container(coi=coi, code=code, kind="starting_material", position=1, count=1, **facts)
    return Label(
        container=bag, serial=f"{code}/1", template=template, printed_at=dt.datetime(2026, 5, 3, tzinfo=dt.UTC)
    )


def product(**facts: Any) -> LabelContent:
    facts = {"lot": "B-2026/7", "expires_at": dt.datetime(2027, 12, 31, tzinfo=dt.UTC), **facts}
    text = replace(TEXT, layout=Layout(product_code=GTIN))
    return content_of(label(LabelTemplate.PRODUCT, f"{COI}-DP01-{check_character(COI + 'DP01')}", **facts), text)


def read(content: LabelContent) -> list[Any]:
    (page,) = pypdfium2.PdfDocument(label_pdf.render([content]))
    return zxingcpp.read_barcodes(page.render(scale=300 / 72).to_pil().convert("L"))


def test_a_collection_label_names_donation_and_chain_of_identity_after_isbt_128() -> None:
    found = {code.text for code in read(content_of(label(LabelTemplate.COLLECTION, donation_number=DIN), TEXT))}
    assert found == {f"{COI}-SM01-K/1", f"=+02000={DIN}00&/{COI}"}
    reading = decode(f"=+02000={DIN}00&/{COI}").reading
    assert (reading.donation, reading.coi) == (DIN, COI)


def test_a_chain_that_is_numbered_otherwise_is_left_out_and_before_the_donation_there_is_no_symbol() -> None:
    numbered = {"coi": "MF7000000000123", "code": "MF7000000000123-SM01-K"}
    other = content_of(label(LabelTemplate.COLLECTION, donation_number=DIN, **numbered), TEXT)
    assert other.standard is not None and other.standard.content == f"={DIN}00"
    assert content_of(label(LabelTemplate.COLLECTION), TEXT).standard is None


def test_a_product_label_is_gs1_and_leads_back_to_its_bag() -> None:
    content = product()
    (symbol,) = [code for code in read(content) if code.content_type == zxingcpp.ContentType.GS1]
    assert symbol.symbology_identifier == "]d2"
    own = f"{content.codes[0].code}{content.codes[0].check}".replace("-", "")
    assert symbol.text == f"(01){GTIN}(17)271231(10)B-2026/7(21){own}"
    for scanned in (symbol.text, "]d2" + symbol.bytes.decode()):
        said = decode(scanned)
        assert said.reading.container == f"{COI}-DP01-{own[-1]}" and said.reading.coi == COI


@pytest.mark.parametrize("code", ["71287-119-02", "04012345123457", "4012", "", "٤٠١٢٣٤٥١"])
def test_what_is_no_gtin_gets_no_gs1_symbol(code: str) -> None:
    assert label_standards.gtin(code) == ""
    bag = label(LabelTemplate.PRODUCT, lot="L1").container
    assert label_standards.of_product(bag, code) is None


def test_a_serial_of_somebody_else_is_not_taken_for_a_bag() -> None:
    assert decode(f"(01){GTIN}(21)0042").reading.container == ""


@pytest.mark.parametrize("dpi", label_zpl.RESOLUTIONS)
def test_a_label_printer_draws_the_same_gs1_symbol(dpi: int) -> None:
    content = product()
    (picture,) = re.findall(r"\^GFA,(\d+),\d+,(\d+),([0-9A-F]+)\^FS", label_zpl.render([content], dpi))
    size, across, data = int(picture[0]), int(picture[1]), bytes.fromhex(picture[2])
    assert len(data) == size
    image = Image.frombytes("1", (across * 8, size // across), bytes(255 - byte for byte in data))
    framed = Image.new("L", (image.width + 80, image.height + 80), 255)
    framed.paste(image, (40, 40))
    (found,) = zxingcpp.read_barcodes(framed)
    assert found.text == content.standard.content  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", list(LabelTemplate))
@pytest.mark.parametrize("language", list(LabelLanguage))
def test_the_fullest_label_of_each_kind_fits_and_both_symbols_are_read(kind: str, language: str) -> None:
    elements = tuple(element for element in LabelElement if element != LabelElement.TEXTS)
    layout = Layout(
        elements=elements, languages=tuple({language: 0, LabelLanguage.ENGLISH: 0}), product_code=GTIN, stock="102x152"
    )
    content = specimen(layout, kind, "Fictionel (fictional autologous CAR-T)", autologous=True)
    assert content.standard is not None
    assert len(read(content)) == 2


@pytest.mark.story("AN3")
@pytest.mark.parametrize(
    ("tests", "said", "not_said"),
    [
        ("", "NOT EVALUATED FOR INFECTIOUS SUBSTANCES", "BIOHAZARD"),
        ("pending", "NOT EVALUATED FOR INFECTIOUS SUBSTANCES", "BIOHAZARD"),
        ("negative", "FOR FURTHER MANUFACTURE", "INFECTIOUS"),
        ("positive", "BIOHAZARD", "NOT EVALUATED"),
    ],
)
def test_infectious_disease_tests_speak_on_the_label(tests: str, said: str, not_said: str) -> None:
    content = content_of(label(LabelTemplate.COLLECTION), replace(TEXT, infectious_tests=tests))
    assert any(said in line for line in content.warnings)
    assert not any(not_said in line for line in content.warnings)


def test_a_sample_is_for_no_patient_and_the_donation_number_has_its_boxed_check_character() -> None:
    content = content_of(label(LabelTemplate.SAMPLE, donation_number=DIN), TEXT)
    assert "SAMPLE - NOT FOR PATIENT USE" in content.warnings
    assert not any("FURTHER MANUFACTURE" in line or "AUTOLOGOUS" in line for line in content.warnings)
    (din,) = [code for code in content.codes if code.title == "DIN"]
    assert (din.code, din.check) == (DIN, check_character(DIN))
