"""One HTTP POST to a checked address: no redirects, no more than a few seconds, nothing read but the status."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping

from notifications.addresses import Target

CONNECT_SECONDS = 5
ALL_SECONDS = 15  # connecting, sending and answering together, however slowly the bytes come


class Answered(Exception):
    """The receiver answered, but not with 2xx; a redirect is no success either."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"HTTP {status}")


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was checked; certificate and Host are those of the name."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=CONNECT_SECONDS)
        self.target = target

    def connect(self) -> None:
        self.sock = socket.create_connection((self.target.connect_to, self.target.port), CONNECT_SECONDS)
        if self.target.secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.target.host)

    def cut(self) -> None:
        """Break off, from another thread, whatever is still going on."""
        if self.sock is not None:
            self.sock.shutdown(socket.SHUT_RDWR)


def post(target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    """Return the status of a success (2xx). Raises Answered for any other answer, OSError or HTTPException for none."""
    connection = _Pinned(target)
    limit = threading.Timer(ALL_SECONDS, _quietly, [connection])
    limit.daemon = True
    limit.start()
    try:
        connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
        sent = {"Host": target.authority, "Content-Length": str(len(body)), "Connection": "close", **headers}
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        status = connection.getresponse().status
    finally:
        limit.cancel()
        connection.close()
    if not 200 <= status < 300:
        raise Answered(status)
    return status


def _quietly(connection: _Pinned) -> None:
    try:
        connection.cut()
    except OSError:  # it had ended by itself
        return
