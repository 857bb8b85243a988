"""Where webhooks may go: addresses of the public internet, so that nobody reaches into the server's own network."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from ledger.refusals import InvalidInput

LONGEST = 500
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressNotAllowed(Exception):
    """The name leads to an address that webhooks may not reach."""


@dataclass(frozen=True)
class Target:
    """A checked address: ``connect_to`` is pinned, so that the name cannot lead elsewhere between check and call."""

    secure: bool
    host: str
    port: int
    path: str
    connect_to: str

    @property
    def authority(self) -> str:
        """Return what the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def refuse_bad_url(url: str) -> None:
    """Raise InvalidInput naming ``url`` for what can never be called; names are resolved when they are called."""
    fault = _fault(url)
    if fault:
        raise InvalidInput(fields={"url": [fault]})


def _fault(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "This is no web address."
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        return f"Give a web address of at most {LONGEST} plain characters."
    if parts.scheme not in ({"https"} if not settings.WEBHOOKS_WITHIN else {"https", "http"}) or not host or port == 0:
        return "Give an address that begins with https://."
    if parts.username or parts.password or parts.fragment:
        return "Leave user names, passwords and # out of the address."
    if not settings.WEBHOOKS_WITHIN and _is_inside(host):
        return "Give an address of the public internet."
    return ""


def _is_inside(host: str) -> bool:
    """Whether a host is plainly not of the public internet, before anybody asks a name server."""
    try:
        return not is_public(host)
    except ValueError:
        return "." not in host or host.rsplit(".", 1)[1] in ("local", "localhost", "internal", "test", "invalid")


def is_public(address: str) -> bool:
    """Whether an IP address is of the public internet; addresses that wrap another one are judged by that one too."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if found in _NAT64:
            wrapped.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        if any(inner is not None and not is_public(str(inner)) for inner in wrapped):
            return False
        if found.ipv4_mapped is not None:
            return True
    return found.is_global and not found.is_multicast


def resolve(url: str) -> Target:
    """Return where a webhook's address leads now; AddressNotAllowed if any answer leads inside, OSError if none."""
    fault = _fault(url)
    if fault:
        raise AddressNotAllowed(fault)
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    answers = [str(answer[4][0]) for answer in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not settings.WEBHOOKS_WITHIN and not all(is_public(answer) for answer in answers):
        raise AddressNotAllowed("the name leads inside")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port, path, answers[0])
