"""Where webhooks may go: in production only to https addresses of the public internet, pinned when called."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ledger.refusals import InvalidInput
from notifications.addresses import AddressNotAllowed, is_public, refuse_bad_url, resolve


@pytest.fixture
def production(settings: Any) -> None:
    settings.WEBHOOKS_WITHIN = False


INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - an address to be refused
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_addresses_of_the_internet_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://",
        "https://user:word@example.org/",
        "https://example.org/#part",
        "https://exa mple.org/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://[::1",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.0.0.8/",
        "https://localhost/",
        "https://printer.local/",
        "https://" + "x" * 500 + ".org/",
        "https://exämple.org/",
        "javascript:alert(1)",
        "",
    ],
)
def test_what_can_never_be_called_is_refused_beside_its_field(production: None, url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        refuse_bad_url(url)
    assert set(refused.value.fields) == {"url"}


def test_a_public_https_address_is_taken(production: None) -> None:
    refuse_bad_url("https://hooks.example.org:8443/cgt?key=1")


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)


def test_a_name_that_leads_inside_is_not_called(production: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for addresses in (["10.0.0.8"], ["93.184.216.34", "127.0.0.1"], ["169.254.169.254"]):
        answering(monkeypatch, *addresses)
        with pytest.raises(AddressNotAllowed):
            resolve("https://rebound.example.org/")


def test_the_address_that_was_checked_is_the_one_that_is_called(
    production: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "93.184.216.34")
    target = resolve("https://hooks.example.org/a?b=c")
    answering(monkeypatch, "127.0.0.1")
    assert (target.connect_to, target.host, target.path) == ("93.184.216.34", "hooks.example.org", "/a?b=c")
    assert (target.authority, target.secure) == ("hooks.example.org", True)
