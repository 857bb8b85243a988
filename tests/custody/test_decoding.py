"""What a code says, in words; what keyboards did to it; and that a code of a patient is not repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody import codes, scans
from custody.decoding import Reading, decode
from custody.isbt128 import Unreadable
from custody.scanned_text import _FRENCH, _GERMAN, _US
from ledger.refusals import InvalidInput

GTIN, SSCC = "06291041500213", "106141412345678908"
BAG = codes.container_code("CHA999926000001", "starting_material", 1)
TO_FRENCH, TO_GERMAN = str.maketrans(_US, _FRENCH), str.maketrans(_US, _GERMAN)


@pytest.mark.parametrize(
    ("scanned", "words"),
    [
        ("CHA999925000001", "Chain of identity CHA999925000001, check character G"),
        ("]d1&/CHA999925000001", "Chain of identity CHA999925000001, check character G"),
        ("A9999 25 000001 P", "Donation number A9999 25 000001, check character P"),
        ("]C0=A99992500000102", "Donation number A9999 25 000001, check character P, container 2 of a set"),
        ("=<S1234100", "Product code S1234100: cellular therapy, autologous use only, undivided"),
        ("&>0261251430", "Expiry 2026-05-05 14:30 local time"),
        ("=(2002202605031430", "Collected 2026-05-03 14:30 UTC"),
        ("=>026125", "Expiry 2026-05-05"),
        ("&zWARD7", "A facility's own code, which only that facility can read: &zWARD7"),
        (f"]C100{SSCC}", f"Number of a logistic unit (SSCC) {SSCC}"),
        (f"]d201{GTIN}17261231\x1d21S7", f"Article number (GTIN) {GTIN}; Expiry 2026-12-31; Serial number S7"),
        (f"]Q3https://id.example.org/01/{GTIN}/10/L1", f"Article number (GTIN) {GTIN}; Lot L1"),
        (f"(01){GTIN}(10)L1", f"Article number (GTIN) {GTIN}; Lot L1"),
        (
            "SEC: PL001499Z549917123456 A00T041600320171231",
            "Single European Code: donation Z549917123456 of establishment PL 001499, split 003, expiry 2017-12-31",
        ),
    ],
)
def test_a_code_in_words(scanned: str, words: str) -> None:
    assert decode(scanned).sentence == words


@pytest.mark.parametrize("scanned", ["=#AB19610405", "&#AB05FM123", "(8018)" + SSCC])
def test_what_identifies_a_patient_is_not_repeated(scanned: str) -> None:
    found = decode(scanned)
    assert "patient" in found.sentence and "not shown" in found.sentence
    assert not any(text in found.sentence for text in ("1961", "FM123", SSCC))


@pytest.mark.parametrize(
    ("scanned", "names"),
    [
        (f"]C100{SSCC}", {("sscc", SSCC)}),
        (f"01{GTIN}21S7\x1d10L1", {("gtin_serial", f"{GTIN}/S7"), ("lot", "L1")}),
        ("=+02000=A99992500000100=<S12341Aa", {("donation_product", "A999925000001/S12341Aa")}),
        ("&,1" + "0" * 14 + "LOT7", {("lot", "LOT7")}),
        ("=A99992500000100", {("donation", "A999925000001")}),
    ],
)
def test_what_a_code_may_be_registered_as(scanned: str, names: set[tuple[str, str]]) -> None:
    assert set(decode(scanned).names) == names


@pytest.mark.parametrize(
    "sent",
    [BAG, "=A99992500000185", f"01{GTIN}21S7", "CHA999925000001G", "SHP-7K3M9QXB-" + codes.check_character("7K3M9QXB")],
)
def test_a_code_that_proves_itself_is_read_through_a_french_keyboard(sent: str) -> None:
    typed = sent.translate(TO_FRENCH)
    assert typed != sent
    assert decode(typed) == decode(sent)


def test_a_code_that_proves_itself_is_read_through_a_german_keyboard() -> None:
    assert decode(BAG.translate(TO_GERMAN)) == decode(BAG)


@pytest.mark.parametrize("sent", ["CHA999925000001", "=A99992500000100", "&/CHA999925000001", "&>0261251430"])
def test_one_that_does_not_is_scanned_again_and_told_why(sent: str) -> None:
    typed = sent.translate(TO_FRENCH)
    with pytest.raises(Unreadable):
        decode(typed)
    with pytest.raises(InvalidInput, match="keyboard layout") as refusal:
        scans.read(typed)
    assert refusal.value.code == "unreadable"


@given(st.sampled_from([BAG, "CHA999925000001G", "=A99992500000185"]), st.data())
def test_a_wrong_character_through_a_wrong_keyboard_never_names_another_thing(sent: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(3, len(sent) - 1))
    letter = data.draw(st.sampled_from([c for c in "23456789ABCDEF" if c != sent[at]]))
    try:
        found = decode((sent[:at] + letter + sent[at + 1 :]).translate(TO_FRENCH))
    except Unreadable:
        return
    assert found.reading == decode(sent).reading  # only its separators or its check may differ


@pytest.mark.parametrize("scanned", ["=<S1234100", "&>0261251430", f"]C100{SSCC}", "&zWARD7", f"(01){GTIN}(17)261231"])
def test_what_names_nothing_is_refused_with_what_it_is(scanned: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        scans.read(scanned)
    assert refusal.value.code == "not_an_identity"
    assert decode(scanned).sentence in refusal.value.detail
    assert decode(scanned).reading == Reading()


def test_a_typed_donation_number_with_a_wrong_check_or_flags_is_unreadable() -> None:
    for wrong in ("A999925000001Q", "A99992500000186", "A9999250000010X", "A99992500000100000"):
        with pytest.raises(Unreadable):
            decode(wrong)
    assert decode("A99992500000185").checked and not decode("A999925000001").checked


def test_a_facility_that_begins_with_ch_is_told_from_a_chain_of_identity_by_its_data_identifier() -> None:
    assert decode("=CHA999925000001").reading == Reading(donation="CHA9999250000")
    assert decode("CHA999925000001").reading == Reading(coi="CHA999925000001")
