"""The renderer's version stands with each print, so that nobody changes the drawing without raising it."""

from __future__ import annotations

import hashlib
import re

import pytest

from custody import label_zpl
from custody.label_composition import RENDERER, compose
from custody.label_contents import Code, LabelContent
from custody.label_standards import StandardSymbol

DRAWN = {
    1: "a694072586279d1505921ba25bc26c8787b758700a2d11743da36e2368d75e21"
}  # version -> what it draws of FULL and of LONG; add a line when RENDERER is raised, and keep the others
FULL = LabelContent(
    symbol="CHA999900000000-SM01-K/1",
    product="Fictionel (fictional autologous CAR-T)",
    codes=(Code("CoI", "CHA999900000000", "K"), Code("DIN", "A999900123456", "7")),
    k_of_n="1 of 2",
    lines=(("patient", "Specimen, 1961-04-05"), ("volume", "Volume 250 mL"), ("storage", "2 … 8 °C")),
    warnings=("FOR AUTOLOGOUS USE ONLY", "NOT EVALUATED FOR INFECTIOUS SUBSTANCES"),
    footer="CHA999900000000-SM01-K/1 T3 printed 2026-01-31 14:05 CET",
    standard=StandardSymbol("ISBT 128", "&,1000"),
    stock="100x70",
)
LONG = LabelContent(**{**FULL.__dict__, "lines": FULL.lines * 6, "standard": None, "stock": "102x152"})


def rounded(text: str) -> str:
    """Places to the hundredth of a point: what no printer tells apart is no other drawing."""
    return re.sub(r"\d+\.\d+", lambda found: f"{float(found[0]):.2f}", text)


def test_the_same_content_is_drawn_alike_by_the_same_version() -> None:
    marks = "\n".join(rounded(repr(mark)) for content in (FULL, LONG) for mark in compose(content))
    drawn = hashlib.sha256((marks + label_zpl.render([LONG], 203)).encode()).hexdigest()
    assert DRAWN.get(RENDERER) == drawn, "raise RENDERER in custody/label_composition.py, and note here what it draws"


def test_versions_only_grow() -> None:
    assert sorted(DRAWN) == list(range(1, RENDERER + 1)) and len(set(DRAWN.values())) == len(DRAWN)


pytestmark = pytest.mark.story("AN2")
