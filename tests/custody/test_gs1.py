"""GS1 element strings and Digital Links, both ways; what is damaged is refused."""

from __future__ import annotations

import datetime as dt
import string

import pytest
from biip.checksums import gs1_standard_check_digit
from hypothesis import given
from hypothesis import strategies as st

from custody import gs1
from custody.isbt128 import Unreadable

GTIN, SSCC = "06291041500213", "106141412345678908"
TEXT = st.text(string.ascii_uppercase + string.digits + "-_./+", min_size=1, max_size=20)


def _checked(length: int) -> st.SearchStrategy[str]:
    body = st.text(string.digits, min_size=length - 1, max_size=length - 1)
    return body.map(lambda text: f"{text}{gs1_standard_check_digit(text)}")


def pairs(text: str) -> dict[str, str]:
    return {element.ai: element.value for element in gs1.parse(text)}


@given(serial=TEXT, lot=TEXT, day=st.dates(dt.date(2020, 1, 1), dt.date(2060, 12, 31)), ship_to=_checked(13))
def test_what_is_written_reads_back(serial: str, lot: str, day: dt.date, ship_to: str) -> None:
    given_pairs = [("01", GTIN), ("21", serial), ("10", lot), ("17", f"{day:%y%m%d}"), ("410", ship_to)]
    for text in (gs1.element_string(given_pairs), gs1.digital_link(given_pairs), gs1.written_out(given_pairs)):
        assert pairs(text) == dict(given_pairs)


@given(sscc=_checked(18), place=_checked(13), provider=_checked(18))
def test_keys_of_fixed_length_need_no_separator(sscc: str, place: str, provider: str) -> None:
    assert pairs(f"00{sscc}414{place}") == {"00": sscc, "414": place}
    assert pairs(gs1.element_string([("8017", provider)])) == {"8017": provider}


@pytest.mark.parametrize("ai", ["00", "01", "410", "414", "8017", "8018"])
@given(data=st.data())
def test_a_wrong_check_digit_is_refused(ai: str, data: st.DataObject) -> None:
    value = data.draw(_checked({"01": 14, "410": 13, "414": 13}.get(ai, 18)))
    wrong = value[:-1] + data.draw(st.sampled_from([d for d in string.digits if d != value[-1]]))
    assert pairs(f"{ai}{value}") == {ai: value}
    with pytest.raises(Unreadable):
        gs1.parse(f"{ai}{wrong}")


def test_the_published_check_digits() -> None:
    assert gs1_standard_check_digit("629104150021") == 3
    assert gs1_standard_check_digit("0320500000400") == 4


@pytest.mark.parametrize("separator", ["\x1d", "^", "~", "|", "{GS}"])
def test_separators_as_scanners_and_keyboards_deliver_them(separator: str) -> None:
    assert pairs(f"01{GTIN}10ABC12{separator}17261231{separator}21S-7") == {
        "01": GTIN,
        "10": "ABC12",
        "17": "261231",
        "21": "S-7",
    }


def test_a_date_is_a_day_and_day_00_the_last_of_its_month() -> None:
    assert gs1.parse("17280200")[0].day == dt.date(2028, 2, 29)
    assert gs1.parse("17261231")[0].day == dt.date(2026, 12, 31)
    with pytest.raises(Unreadable):
        gs1.parse("17261331")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01",
        f"01{GTIN[:-1]}",
        f"01{GTIN}99",
        f"01{GTIN}21",
        f"01{GTIN}10A^17261231~21B",
        f"01{GTIN}10A\x1d21B#",
        "(01)",
        "(99x)",
        "(0000)1",
        f"({GTIN})",
        f"01{GTIN}17261231\x1d17261130",
        "https://id.example.org/",
        "https://id.example.org/01/124",
        f"https://id.example.org/01/{GTIN}/21",
        f"https://id.example.org/01/{GTIN}/99/1",
        "https://[half",
        "01٠٦٢٩١٠٤١٥٠٠٢١٣",
        "ftp://id.example.org/01/" + GTIN,
    ],
)
def test_damaged_texts_are_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        gs1.parse(text)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    for attempt in (text, f"({text}", f"https://{text}", f"01{GTIN}{text}"):
        try:
            assert gs1.parse(attempt)
        except Unreadable:
            continue


def test_a_link_keeps_what_an_address_reserves_and_needs_one_key() -> None:
    text = gs1.digital_link([("01", GTIN), ("21", "A/B+C")], domain="id.example.org")
    assert text == f"https://id.example.org/01/{GTIN}/21/A%2FB%2BC"
    assert pairs(text)["21"] == "A/B+C"
    for wrong in ([("21", "A")], [("01", GTIN), ("00", SSCC)], [("01", "123")], [("xx", "1")]):
        with pytest.raises(Unreadable):
            gs1.digital_link(wrong)
