"""Check characters against published and printed examples, and against every single mistyping."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.check_characters import check_character, is_valid

CAPITALS = string.digits + string.ascii_uppercase
BODIES = st.text(CAPITALS, min_size=2, max_size=24)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("G123417654321", "A"),
        ("G123498654321", "H"),
        ("A999818123456", "N"),
        ("A999917345628", "*"),
        ("A999917345658", "O"),
        ("A999918000001", "8"),
        ("A999921123456", "3"),
        ("A999917123456", "9"),
        ("A999925000001", "P"),
        ("CHA999923000001", "D"),
        ("CHA999925000001", "G"),
        ("CHA999925ABC123", "X"),
        ("CHW123426000042", "X"),
        ("CHA9999250000ZZ", "U"),
        ("CHA999923ABC123", "U"),
    ],
)
def test_known_examples(text: str, expected: str) -> None:
    assert check_character(text) == expected


def test_all_525_substitutions_and_11_transpositions_are_found() -> None:
    text = "CHA999925ABC123"
    check = check_character(text)
    substituted = {text[:i] + c + text[i + 1 :] for i in range(15) for c in CAPITALS if c != text[i]}
    swapped = {text[:i] + text[i + 1] + text[i] + text[i + 2 :] for i in range(14) if text[i] != text[i + 1]}
    assert len(substituted) == 525
    assert len(swapped) == 11
    assert [wrong for wrong in substituted | swapped if check_character(wrong) == check] == []


@given(BODIES, st.data())
def test_any_substitution_is_found(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from([c for c in CAPITALS if c != text[place]]))
    assert not is_valid(text[:place] + other + text[place + 1 :], check_character(text))


@given(BODIES, st.data())
def test_any_adjacent_transposition_is_found(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 2))
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    assert is_valid(swapped, check_character(text)) == (swapped == text)


@given(BODIES)
def test_verification_sum_is_one(text: str) -> None:
    alphabet = CAPITALS + "*"
    total = 0
    for character in text:
        total = (total + alphabet.index(character)) * 2 % 37
    assert (total + alphabet.index(check_character(text))) % 37 == 1


@pytest.mark.parametrize("wrong", ["", "abc", "A*", "A B", "Ä1"])
def test_texts_outside_the_alphabet_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError):
        check_character(wrong)
    assert not is_valid(wrong, "A")
