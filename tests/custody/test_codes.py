"""Codes and ISBT 128 messages: what is made can be read, and nothing damaged is read as something else."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody import codes, isbt128
from ledger.refusals import InvalidInput

KINDS = st.sampled_from(["starting_material", "drug_product", "vector_kit"])
COIS = st.from_regex(r"CHA9999[0-9]{2}[A-Z0-9]{6}", fullmatch=True)
COMPOUND = "=+05000=A99992500000100=<S1234100&*0261231430&>0261251430&/CHA999925000001"


@given(COIS, KINDS, st.integers(1, 99))
def test_a_container_code_reads_back_with_and_without_separators(coi: str, kind: str, position: int) -> None:
    code = codes.container_code(coi, kind, position)
    for typed in (code, code.lower(), code.replace("-", ""), f"  {code[:5]} {code[5:]} "):
        assert codes.read_container(codes.compact(typed)) == (coi, code, "")


@given(COIS, KINDS, st.integers(1, 99), st.data())
def test_a_mistyped_container_code_is_never_another_one(coi: str, kind: str, position: int, data) -> None:
    code = codes.compact(codes.container_code(coi, kind, position))
    place = data.draw(st.integers(0, len(code) - 1))
    other = data.draw(st.sampled_from([c for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c != code[place]]))
    typed = code[:place] + other + code[place + 1 :]
    with contextlib.suppress(ValueError):
        assert codes.read_container(typed) is None


def test_a_label_serial_names_its_container() -> None:
    code = codes.container_code("CHA999926000001", "starting_material", 2)
    assert codes.read_container(codes.compact(codes.label_serial(code, 3))) == ("CHA999926000001", code, "3")


def test_box_codes_are_opaque_safe_and_read_back() -> None:
    drawn = {codes.box_code() for _ in range(50)}
    assert len(drawn) == 50
    for code in drawn:
        assert set(code[4:].replace("-", "")) <= set(codes.SAFE)
        assert codes.read_box(codes.compact(code.lower())) == code


def test_a_compound_message_gives_its_structures() -> None:
    found = {s.name: s.content for s in isbt128.parse(COMPOUND)}
    assert found == {
        "din": "A99992500000100",
        "product": "S1234100",
        "collected": "0261231430",
        "expires": "0261251430",
        "coi": "CHA999925000001",
    }


@pytest.mark.parametrize(
    "damaged",
    [
        COMPOUND[:-1],
        COMPOUND.replace("=+05", "=+04"),
        COMPOUND.replace("=+05", "=+06"),
        COMPOUND.replace("=+05", "=+AB"),
        COMPOUND[8:],
        "&/XX",
        "&/CHO999925000001",
        "&Z123",
        "=",
        "&",
        "",
    ],
)
def test_a_damaged_message_is_unreadable(damaged: str) -> None:
    with pytest.raises(isbt128.Unreadable):
        isbt128.parse(damaged)


def test_division_and_lot_identifiers_are_told_apart() -> None:
    assert isbt128.parse("=,00000A") == [isbt128.Structure("division", "00000A")]
    assert isbt128.parse("&,1" + "0" * 17 + "7") == [isbt128.Structure("lot", "0" * 17 + "7")]
    assert isbt128.parse("&#US05AB123") == [isbt128.Structure("patient_id", "US05AB123")]


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    from custody.decoding import Reading
    from custody.scans import read

    try:
        assert read(text) != Reading()
    except InvalidInput as refusal:
        assert refusal.code in ("unreadable", "not_an_identity")
