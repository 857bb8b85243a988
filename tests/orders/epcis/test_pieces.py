"""A GS1 key of a shipper is the same one in each of its forms; nothing else is guessed."""

from __future__ import annotations

import pytest

from orders.epcis.pieces import spellings

GRAI = "04012345000016SH-77"  # 0, asset number with its check digit, serial number
GRAIS = [
    "urn:epc:id:grai:4012345.00001.SH-77",
    "https://id.gs1.org/8003/04012345000016SH-77",
    "https://example.org/some/path/8003/04012345000016SH-77?more=1",
    "(8003)04012345000016SH-77",
    "800304012345000016SH-77",
    "]C1800304012345000016SH-77",
]
SSCC = "140123450000000075"
SSCCS = ["urn:epc:id:sscc:4012345.1000000007", f"https://id.gs1.org/00/{SSCC}", f"(00){SSCC}", f"00{SSCC}"]
GIAIS = ["urn:epc:id:giai:4012345.DRY-9", "https://id.gs1.org/8004/4012345DRY-9", "(8004)4012345DRY-9"]
ITEMS = ["urn:epc:id:sgtin:4012345.000001.77", "https://id.gs1.org/01/04012345000016/21/77", "(01)04012345000016(21)77"]


@pytest.mark.parametrize(
    ("forms", "value"),
    [(GRAIS, GRAI), (SSCCS, SSCC), (GIAIS, "4012345DRY-9"), (ITEMS, "04012345000016/77")],
    ids=["grai", "sscc", "giai", "sgtin"],
)
def test_each_form_of_a_key_meets_every_other(forms: list[str], value: str) -> None:
    for one in forms:
        assert value in spellings(one), one
        for other in forms:
            assert {text.upper() for text in spellings(one)} & {text.upper() for text in spellings(other)}, (one, other)


@pytest.mark.parametrize(
    "text",
    [
        "SH-4045",
        "",
        "8003",
        "(8003)04012345000017SH-77",
        f"(00){SSCC[:-1]}0",
        "urn:epc:id:grai:4012345",
        "https://example.org/shippers/SH-77",
        "8003 of the lab",
    ],
)
def test_whatever_is_no_sound_key_is_what_it_is(text: str) -> None:
    assert spellings(text) == [text]
