"""Codes as URIs and back, under any base; no company prefix is shipped."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from orders.epcis import identifiers
from orders.epcis.gs1_uris import canonical
from orders.epcis.identifiers import KINDS, DigitalLinks, WebIdentifiers

FICTIONAL = DigitalLinks("https://id.cgt.example", "9999999")
SCHEMES = [WebIdentifiers("https://id.cgt.example"), WebIdentifiers("urn:cgt:demo"), FICTIONAL]


@given(st.sampled_from(SCHEMES), st.sampled_from(KINDS), st.text(min_size=1, max_size=40))
def test_every_code_reads_back(scheme: identifiers.Identifiers, kind: str, code: str) -> None:
    assert scheme.read(scheme.uri(kind, code)) == (kind, code)


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "container/X",
        "https://id.cgt.example.evil.example/container/X",
        "https://id.cgt.example/other/X",
        "urn:epc:id:x",
    ],
)
def test_a_foreign_uri_names_nothing(foreign: str) -> None:
    assert [scheme.read(foreign) for scheme in SCHEMES] == [None] * 3


def test_bags_become_individual_assets_under_the_own_prefix() -> None:
    uri = FICTIONAL.uri("container", "CHA999926000001-SM1-K")
    assert uri == "https://id.cgt.example/8004/9999999CCHA999926000001-SM1-K"
    assert canonical(uri) == "https://id.gs1.org/8004/9999999CCHA999926000001-SM1-K"


@pytest.mark.parametrize(
    ("scheme", "base", "prefix"),
    [
        ("web", "not a base", ""),
        ("digital_link", "https://id.cgt.example", ""),
        ("other", "https://id.cgt.example", "1"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(scheme: str, base: str, prefix: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CGT_EPCIS"):
        identifiers._made(scheme, base, prefix)
