"""What leaves the site on a whole journey (notices, e-mails, webhooks) holds nothing that identifies the patient."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from cgt.demo.journey import Journey
from ledger.context import reading
from ledger.models import OutboxMessage
from notifications.actions import relay, webhooks
from notifications.actions.webhook_deliveries import post_webhooks
from notifications.models import Delivery, Notice
from tests.factories import make_actor, operator
from tests.journeys.watching import bags, order_of
from tests.journeys.world import World
from tests.notifications.receiver import Receiver, serve

IDENTITY = {
    "family_name": "Vandermolenaar",
    "given_name": "Ottoline",
    "birth_date": "1943-07-19",
    "mrn": "MRN-88417-Q",
}
HIDDEN = ("vandermolenaar", "ottoline", "88417", "1943-07-19", "19 jul 1943", "19.07.1943")


@pytest.fixture
def receivers(world: World) -> Iterator[dict[str, Receiver]]:
    """A webhook of each organization for every kind of event."""
    found, servers = {}, []
    for name in ("center", "maker", "courier"):
        receiver = Receiver()
        servers.append(serve(receiver))
        admin = make_actor(getattr(world, name), "administrator")
        _, receiver.secret = webhooks.add_webhook(admin, name=name, url=receiver.url)
        found[name] = receiver
    yield found
    for server in servers:
        server.shutdown()
        server.server_close()


def make_due(model: Any) -> None:
    """A journey takes days of fictional time: what it left is due now, on the machine's clock."""
    model.unwalled.filter(sent_at__isnull=True).update(due_at=timezone.now())


def tell(*_: Any) -> None:
    """Relay what just happened, while its next steps are ready: what is settled is not sent any more."""
    make_due(OutboxMessage)
    relay.relay()
    make_due(Delivery)
    relay.send_mail()


def notices(world: World) -> dict[str, list[Notice]]:
    found = {}
    for name in ("center", "maker", "courier"):
        with reading(operator(getattr(world, name))):
            found[name] = list(Notice.unwalled.filter(organization_id=getattr(world, name).pk))
    return found


def test_no_patient_data_leaves_the_site(world: World, receivers: dict[str, Receiver], settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    journey = Journey(world.cast, random.Random(3))
    coordinator = world.player("center", "coordinator")
    journey.enrol(coordinator, world.car_t.code, world.clinic.code, IDENTITY)
    assert journey.run(on_step=tell) == ""
    tell()
    while post_webhooks():
        pass
    assert not OutboxMessage.unwalled.filter(sent_at__isnull=True).exists()

    told = notices(world)
    posted = {name: [request.body.decode() for request in receiver.arrived] for name, receiver in receivers.items()}
    written = [f"{message.subject}\n{message.body}\n{message.extra_headers}" for message in mail.outbox]
    titles = [f"{notice.title} {notice.path}" for found in told.values() for notice in found]
    assert len(written) > 30 and len(titles) > 30 and all(len(found) > 5 for found in posted.values())
    assert all(receiver.verified for receiver in receivers.values())
    for text in (*written, *titles, *(body for found in posted.values() for body in found)):
        assert not [word for word in HIDDEN if word in text.lower()], text

    order = order_of(coordinator, journey)
    codes = (order.identity_code, world.car_t.code, world.car_t.name, *bags(coordinator, journey))
    courier = [f"{notice.title} {notice.path}" for notice in told["courier"]] + posted["courier"]
    for text in courier:
        assert not [code for code in codes if code in text], text
    people = {player.actor.person_name for player in world.cast.players}
    for text in written:
        assert not [name for name in people if name in text], text
    assert not [notice for notice in told["center"] if notice.category == "task" and not notice.settled_at]
