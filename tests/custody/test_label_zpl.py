"""ZPL says what the PDF says, field by field, and nothing in the data is ever a command."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody import label_pdf, label_zpl
from custody.label_composition import Symbol, Text, compose
from custody.label_contents import Code, LabelContent
from custody.label_fonts import FILES
from custody.label_symbols import data_matrix

CONTENT = LabelContent(
    symbol="CHA999926000001-SM01-K/2",
    product="Fictionel",
    codes=(Code("BAG", "CHA999926000001-SM01", "K"), Code("CoI", "CHA999926000001", "*")),
    k_of_n="1 of 2",
    lines=(("patient", "Łukasiewicz-Åström"), ("expires", "Expires: 2026-05-04 14:30 CEST (2026-05-04 12:30 UTC)")),
    warnings=("FOR AUTOLOGOUS USE ONLY",),
    footer="Label CHA999926000001-SM01-K/2 printed 2026-05-03 14:30 CEST (2026-05-03 12:30 UTC)",
)


@dataclass
class Field:
    """What a printer makes of one field: its commands, and its text after ``^FH``."""

    commands: list[str]
    text: str


def parsed(zpl: str) -> list[Field]:
    """Read ZPL as a printer does: ``^`` and ``~`` begin commands wherever they stand; ``^FS`` ends a field."""
    assert zpl.startswith("^XA") and zpl.rstrip().endswith("^XZ")
    fields, commands, raw = [], [], None
    for command in re.findall(r"[\^~][^\^~]*", zpl):
        command = command.rstrip("\n")
        if command.startswith("^FD"):
            raw = command[3:]
        elif command == "^FS":
            if raw is not None:
                assert "^FH_" in commands
                coded = re.sub(rb"_([0-9A-F]{2})", lambda hit: bytes([int(hit[1], 16)]), raw.encode("ascii"))
                fields.append(Field(commands, coded.decode()))
            commands, raw = [], None
        else:
            commands.append(command)
    return fields


@pytest.mark.parametrize("dpi", label_zpl.RESOLUTIONS)
def test_every_field_is_read_back(dpi: int) -> None:
    zpl = label_zpl.render([CONTENT], dpi)
    fields, marks = parsed(zpl), [mark for mark in compose(CONTENT) if isinstance(mark, Text | Symbol)]
    assert [field.text for field in fields] == [m.text if isinstance(m, Text) else m.content for m in marks]
    for field, mark in zip(fields, marks, strict=True):
        place = next(command for command in field.commands if command[:3] in ("^FT", "^FO"))
        x, y = map(int, place[3:].split(","))
        assert (x, y) == (round(mark.x * dpi / 72), round(mark.y * dpi / 72))
        assert 0 <= x < round(100 / 25.4 * dpi) and 0 < y <= round(70 / 25.4 * dpi)
    assert "^CI28" in zpl and f"^PW{round(100 / 25.4 * dpi)}" in zpl and f"^LL{round(70 / 25.4 * dpi)}" in zpl
    assert zpl.isascii()


@pytest.mark.parametrize("dpi", label_zpl.RESOLUTIONS)
def test_the_symbol_is_ecc_200_of_the_size_that_the_content_needs(dpi: int) -> None:
    symbol = parsed(label_zpl.render([CONTENT], dpi))[0]
    (command,) = [command for command in symbol.commands if command.startswith("^BX")]
    turned, dots, quality, columns, rows = command[3:].split(",")
    side = len(data_matrix(CONTENT.symbol))
    assert (turned, quality, int(columns), int(rows)) == ("N", "200", side, side)
    assert int(dots) / dpi * 25.4 >= 0.33 and int(dots) * side <= 24 / 25.4 * dpi, (
        "modules a scanner reads, in its place"
    )
    assert symbol.text == CONTENT.symbol


def test_pdf_and_zpl_say_the_same() -> None:
    page = pypdfium2.PdfDocument(label_pdf.render([CONTENT]))[0].get_textpage().get_text_bounded()
    for field in parsed(label_zpl.render([CONTENT], 203))[1:]:
        assert field.text.strip() in page, field.text


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_text_becomes_a_command(text: str) -> None:
    one = label_zpl.escaped(text)
    assert one.isascii() and not set(one) & set("^~\\,\n\r\x00")
    assert parsed(f"^XA^FT1,1^FH_^FD{one}^FS^XZ")[0].text == text


@given(st.text(st.sampled_from("^~_\\,FSXDZA0 é€\n"), min_size=1, max_size=40).filter(str.strip))
def test_a_label_with_commands_in_its_data_has_the_same_commands(text: str) -> None:
    harmless = LabelContent(**{**CONTENT.__dict__, "lines": (("texts", "x"),)})
    harmful = LabelContent(**{**CONTENT.__dict__, "lines": (("texts", text),)})
    commands = [field.commands for field in parsed(label_zpl.render([harmless], 203))]
    found = parsed(label_zpl.render([harmful], 203))
    assert [field.commands for field in found] == commands
    shown = next(mark.text for mark in compose(harmful) if isinstance(mark, Text) and mark.part == "texts")
    assert shown in [field.text for field in found]


def test_the_printer_gets_the_very_font_of_the_pdf() -> None:
    stored = re.findall(r"~DY(E:CGTMONOB?),A,T,(\d+),,([0-9A-F]+)\n", label_zpl.font_setup())
    assert [(name, bytes.fromhex(content)) for name, _, content in stored] == [
        ("E:CGTMONO", FILES["CgtMono"].read_bytes()),
        ("E:CGTMONOB", FILES["CgtMono-Bold"].read_bytes()),
    ]
    assert all(int(size) * 2 == len(content) for _, size, content in stored)
    assert {f"{name}.TTF" for name, _, _ in stored} == set(label_zpl.PRINTER_FONTS.values())


def test_a_resolution_that_no_printer_has_is_refused() -> None:
    with pytest.raises(ValueError, match="203"):
        label_zpl.render([CONTENT], 72)
