"""ISBT 128 structures: the published examples, each trap of the standard, and whatever is written reads back."""

from __future__ import annotations

import datetime as dt
import random
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody import isbt128, isbt_contents
from custody.check_characters import ALPHABET, check_character
from custody.isbt128 import Structure, Unreadable

pytestmark = pytest.mark.story("AN2")
COMPOUND = "=+05000=A99992500000100=<S1234100&*0261231430&>0261251430&/CHA999925000001"
CAPITALS = string.ascii_uppercase + string.digits

FACILITIES = st.from_regex(r"[A-NP-Z1-9][A-NP-Z0-9]{2}[0-9]{2}", fullmatch=True)
DINS = st.from_regex(r"[A-NP-Z1-9][A-NP-Z0-9]{2}[0-9]{10}", fullmatch=True)
MOMENTS = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2099, 12, 31))

SLOW = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


def _text(length: int) -> st.SearchStrategy[str]:
    return st.text(CAPITALS, min_size=length, max_size=length)


def _flagged(din: str, flag: int) -> str:
    return din + (f"{flag:02d}" if flag < 60 else f"{60 + ALPHABET.index(check_character(din)):02d}")


STRUCTURES = {
    "din": st.builds(_flagged, DINS, st.integers(0, 60)),
    "coi": st.builds(lambda f, n, s: f"CH{f}{n:02d}{s}", FACILITIES, st.integers(0, 99), _text(6)),
    "product": st.from_regex(r"[A-Z][A-Z0-9]{5}(?:[A-Z][a-z]|00)", fullmatch=True),
    "expires": st.builds(lambda m: f"{m:0%y%j%H%M}", MOMENTS),
    "collected": st.builds(lambda m: f"{m:0%y%j%H%M}", MOMENTS),
    "produced_on": st.builds(lambda m: f"{m:0%y%j}", MOMENTS),
    "date": st.builds(lambda z, t, m: f"{z}0{t:02d}{m:%Y%m%d%H%M}", st.integers(1, 2), st.integers(1, 9), MOMENTS),
    "birth_date": st.builds(lambda m: f"AB{m:%Y%m%d}", MOMENTS),
    "patient_id": st.integers(1, 40).flatmap(lambda n: _text(n).map(lambda t: f"AB{n:02d}{t}")),
    "division": _text(6),
    "facility_product": st.builds(str.__add__, FACILITIES, _text(6)),
    "lot": _text(7).map(lambda text: text.zfill(18)),
    "supplementary": _text(18),
    "grid": st.builds(lambda t, n: f"{t}{n:02d}", _text(17), st.integers(0, 99)),
    "sec": st.builds(lambda t, m: f"PL{t}A{t[:10]}{m:%Y%m%d}", _text(19), MOMENTS),
}
MESSAGES = st.lists(st.sampled_from(sorted(STRUCTURES)), min_size=1, max_size=8, unique=True).flatmap(
    lambda names: st.tuples(*(STRUCTURES[name].map(lambda c, n=name: Structure(n, c)) for name in names))
)


@SLOW
@given(MESSAGES)
def test_every_structure_reads_back_alone_and_in_a_compound_message(message: tuple[Structure, ...]) -> None:
    for structure in message:
        assert isbt128.parse(isbt128.write(structure)) == [structure]
    assert isbt128.parse(isbt128.compound(message)) == list(message)


@SLOW
@given(MESSAGES, st.randoms())
def test_the_order_of_a_compound_message_means_nothing(message: tuple[Structure, ...], draw: random.Random) -> None:
    mixed = list(message)
    draw.shuffle(mixed)
    assert set(isbt128.parse(isbt128.compound(mixed))) == set(message)


@SLOW
@given(MESSAGES, st.data())
def test_a_compound_message_that_lost_its_end_is_refused(message: tuple[Structure, ...], data: st.DataObject) -> None:
    whole = isbt128.compound(message)
    with pytest.raises(Unreadable):
        isbt128.parse(whole[: data.draw(st.integers(1, len(whole) - 1))])


@SLOW
@given(MESSAGES, st.integers(0, 99))
def test_a_compound_message_with_another_count_is_refused(message: tuple[Structure, ...], count: int) -> None:
    whole = isbt128.compound(message)
    if count == len(message):
        return
    with pytest.raises(Unreadable):
        isbt128.parse(f"=+{count:02d}{whole[4:]}")


@given(st.text(CAPITALS + "=&<>+*,:/#(}%abz", max_size=60).map(lambda text: "=" + text))
def test_no_text_breaks_the_parser_and_what_it_reads_it_writes(text: str) -> None:
    try:
        found = isbt128.parse(text)
    except Unreadable:
        return
    if not text.startswith("=+"):
        assert isbt128.write(found[0]) == text


def test_the_composed_example() -> None:
    found = isbt128.parse(COMPOUND)
    assert [structure.name for structure in found] == ["din", "product", "collected", "expires", "coi"]
    collected, expires = (isbt_contents.moment(one) for one in found[2:4])
    assert (collected.at, expires.at) == (dt.datetime(2026, 5, 3, 14, 30), dt.datetime(2026, 5, 5, 14, 30))
    assert isbt128.compound(found) == COMPOUND


@pytest.mark.parametrize(
    ("din", "flags"),
    [
        ("G123417654321", "70"),
        ("G123498654321", "77"),
        ("A999818123456", "83"),
        ("A999917345628", "96"),
        ("A999917345658", "84"),
        ("A999918000001", "68"),
        ("A999921123456", "63"),
        ("A999917123456", "69"),
        ("A999925000001", "85"),
    ],
)
def test_published_donation_numbers_with_the_flags_of_their_check_character(din: str, flags: str) -> None:
    assert isbt128.parse(f"={din}{flags}") == [Structure("din", din + flags)]
    for wrong in range(60, 100):
        if f"{wrong}" != flags:
            with pytest.raises(Unreadable):
                isbt128.parse(f"={din}{wrong}")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("00", ""),
        ("01", "container 1 of a set"),
        ("04", "container 4 of a set"),
        ("15", "container 5 of a set"),
        ("19", "container 9 of a set"),
        ("06", "sample tube"),
        ("07", "sample tube"),
        ("20", "flag 20, given a meaning by the facility"),
        ("59", "flag 59, given a meaning by the facility"),
        ("85", "checked by its flags"),
        ("11", "flag 11"),
    ],
)
def test_flags_in_words(flags: str, words: str) -> None:
    assert isbt128.parse(f"=A999925000001{flags}")
    assert isbt_contents.flag_words(flags) == words


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("=A99992500000", "a donation number without its flags"),
        ("=A9999250000010", "half of the flags"),
        ("=A9999250000010X", "flags that are letters"),
        ("=O999925000001 0", "a facility never begins with O"),
        ("=A9O9925000001 0", "nor holds one"),
        ("=0999925000001 0", "nor begins with zero"),
        ("&/CHO999925000001", "the same in a chain of identity"),
        ("&/CHA9999250000", "a chain of identity cut short"),
        ("&/CHA999925000001G", "its check character is print only"),
        ("=<s1234100", "a product code in lower case"),
        ("=<S12341aA", "a division the wrong way round"),
        ("=<S1234", "a product code cut short"),
        ("=(3000120260503143", "a flexible date of neither zone"),
        ("=#AB1961040", "a birth date cut short"),
        ("&#AB05AB12", "a patient number shorter than it says"),
        ("&#AB05AB1234", "and a longer one"),
        ("&#AB00", "and an empty one"),
        ("&#ABxxAB123", "and one without a length"),
        ("=,0000A", "a division cut short"),
        ("&,5" + "0" * 18, "an identifier nobody assigned"),
        ("&,", "half an identifier"),
        ("=+", "a header alone"),
        ("=+00000", "a compound message of nothing"),
        ("=+01000=+01000=A99992500000100", "one within another"),
        ("=+02000=A99992500000100=A99992600000200", "two donations"),
        ("=+02000=A99992500000100&z12", "with a facility's own code"),
        ("=+02000&a1=A99992500000100", "and before the rest"),
        ("=A99992500000100=<S1234100", "several structures with nothing around them"),
        ("=+05000=<S1234100&*0261231430", "a count that does not fit"),
        ("=+0A000=A99992500000100", "a count that is no number"),
        ("=A٩٩992500000100", "digits of another script"),
    ],
)
def test_traps_of_the_standard(text: str, why: str) -> None:
    with pytest.raises(Unreadable):
        isbt128.parse(text)


def test_a_facilitys_own_code_is_opaque() -> None:
    assert isbt128.parse("&zWARD 7/3") == [Structure("local", "&zWARD 7/3")]


def test_identifiers_that_share_characters_are_told_apart() -> None:
    assert isbt128.parse("=,00000A")[0].name == "division"
    assert isbt128.parse("&,1" + "0" * 17 + "7")[0].name == "lot"
    assert isbt128.parse("&,2" + "0" * 17 + "7")[0].name == "supplementary"
    assert isbt128.parse("=>026125")[0].name == "expires_on"
    assert isbt128.parse("&>0261251430")[0].name == "expires"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("expires", "0180292359", dt.datetime(2018, 1, 29, 23, 59)),
        ("expires", "0243660000", dt.datetime(2024, 12, 31)),
        ("produced", "9983650800", dt.datetime(1998, 12, 31, 8)),
        ("collected_on", "026123", dt.datetime(2026, 5, 3)),
        ("date", "1001202605031430", dt.datetime(2026, 5, 3, 14, 30)),
        ("date", "2003202605031430", dt.datetime(2026, 5, 3, 14, 30, tzinfo=dt.UTC)),
    ],
)
def test_dates(name: str, content: str, expected: dt.datetime) -> None:
    found = isbt_contents.moment(Structure(name, content))
    assert found.at == expected
    assert found.at.tzinfo == expected.tzinfo
    assert found.has_time != name.endswith("_on")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("expires", "0263660000"),
        ("expires", "0260000000"),
        ("expires", "0269990000"),
        ("expires", "0261232400"),
        ("expires", "0261231260"),
        ("expires", "5261231200"),
        ("date", "1001202602301430"),
        ("date", "1001202605032430"),
        ("product", "S1234100"),
    ],
)
def test_days_and_times_that_do_not_exist(name: str, content: str) -> None:
    with pytest.raises(Unreadable):
        isbt_contents.moment(Structure(name, content))


def test_local_times_become_utc_by_the_zone_of_the_place_also_when_clocks_change() -> None:
    def in_utc(local: dt.datetime, zone: str) -> dt.datetime:
        return isbt_contents.Moment(local).in_utc(zone)

    assert in_utc(dt.datetime(2026, 5, 3, 14, 30), "Europe/Vienna") == dt.datetime(2026, 5, 3, 12, 30, tzinfo=dt.UTC)
    twice = dt.datetime(2026, 10, 25, 2, 30)
    assert in_utc(twice, "Europe/Vienna") == dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)
    with pytest.raises(Unreadable, match="skip"):
        in_utc(dt.datetime(2026, 3, 29, 2, 30), "Europe/Vienna")
    said = isbt_contents.moment(Structure("date", "2001202605031430"))
    assert said.in_utc("America/New_York") == dt.datetime(2026, 5, 3, 14, 30, tzinfo=dt.UTC)


def test_a_divided_product_needs_its_second_code() -> None:
    divided = Structure("product", "S1234199")
    assert isbt128.parse("=<S1234199") == [divided]
    assert isbt_contents.product(divided).needs_divisions
    with pytest.raises(Unreadable, match="second code"):
        isbt_contents.require_division([divided])
    isbt_contents.require_division([divided, Structure("division", "00000A")])


def test_a_single_european_code_as_scanned_and_as_printed() -> None:
    printed = "SEC: PL001499Z549917123456 A00T041600320171231"
    code = isbt_contents.printed_european_code(printed)
    assert code is not None
    assert (code.country, code.establishment, code.donation) == ("PL", "001499", "Z549917123456")
    assert (code.system, code.product, code.split, code.expires_on) == (
        "A",
        "00T0416",
        "003",
        dt.date(2017, 12, 31),
    )
    assert isbt128.parse(f"&,4{code.sequence}") == [Structure("sec", code.sequence)]
    assert isbt_contents.european_code(code.sequence[:32] + "0" * 8).expires_on is None
    with pytest.raises(Unreadable):
        isbt_contents.european_code(code.sequence[:32] + "20171331")
    assert isbt_contents.printed_european_code("SEC: PL0014") is None
