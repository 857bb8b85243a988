"""Fixtures: a real SMTP server on a free port, and a finder that tells the coordinators of the organization."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from ledger.context import Actor
from ledger.models import Event
from notifications import recipients
from notifications.recipients import Recipient
from personas.queries import people_with
from tests.notifications.receiver import Receiver, serve


class Post:
    """What arrived, and what the server answers to the next messages."""

    def __init__(self) -> None:
        self.arrived: list[EmailMessage] = []
        self.answers: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        if self.answers:
            return self.answers.pop(0)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        message["X-Envelope-To"] = ",".join(envelope.rcpt_tos)
        self.arrived.append(message)
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def post(settings: Any) -> Iterator[Post]:
    """A running SMTP server that the product sends to."""
    handler = Post()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = controller.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.BASE_URL = "https://cgt.example"
    yield handler
    controller.stop()


@pytest.fixture
def coordinators() -> Iterator[list[str]]:
    """While it lasts, whoever may book slots is told of every event; the list holds the kinds that were asked about."""
    asked: list[str] = []

    def finder(actor: Actor, event: Event) -> list[Recipient]:
        asked.append(event.kind)
        users = people_with(actor.organization_id, "book_slots")
        return [Recipient(user, "Order T-1: book the slots", "/orders/T-1/", event.recorded_at) for user in users]

    recipients.register(finder)
    yield asked
    recipients.unregister(finder)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A partner system's running HTTP server."""
    found = Receiver()
    server = serve(found)
    yield found
    server.shutdown()
    server.server_close()
