"""A partner system that takes webhooks: a real HTTP server that keeps what came and answers as told."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ledger.context import Actor
from notifications.actions import webhooks
from notifications.models import Delivery
from tests.factories import make_actor
from tests.notifications.factories import Shared


@dataclass
class Arrived:
    """One request: its headers and body."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """``answers``: what the next requests get, 204 when empty; ``secret``: what signatures are checked with."""

    secret: str = ""
    answers: list[int] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    verified: list[Any] = field(default_factory=list)
    url: str = ""
    hangs: threading.Event | None = None

    def take(self, request: Arrived) -> int:
        self.arrived.append(request)
        if self.answers and self.answers[0] != 204:
            return self.answers.pop(0)
        del self.answers[:1]
        try:
            self.verified.append(Webhook(self.secret).verify(request.body, request.headers))
        except WebhookVerificationError:
            return 401
        return 204


def serve(receiver: Receiver) -> ThreadingHTTPServer:
    """Start a server for a receiver on a free port; ``shutdown()`` and ``server_close()`` end it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.take(Arrived(self.path, dict(self.headers.items()), body))
            if receiver.hangs is not None:
                receiver.hangs.wait(30)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{receiver.url}elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hooks?partner=1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Hooked:
    """Two organizations on a stream; the center's administrator has a webhook to the receiver."""

    def __init__(self, receiver: Receiver, **changes: Any) -> None:
        self.shared = Shared()
        self.admin: Actor = make_actor(self.shared.center, "administrator")
        given = {"name": "EHR", "url": receiver.url, **changes}
        self.hook, receiver.secret = webhooks.add_webhook(self.admin, **given)

    def deliveries(self) -> list[Delivery]:
        return list(Delivery.unwalled.filter(webhook_id=self.hook.pk).order_by("pk"))

    def make_due(self) -> None:
        Delivery.unwalled.filter(webhook_id=self.hook.pk).update(due_at=timezone.now())
