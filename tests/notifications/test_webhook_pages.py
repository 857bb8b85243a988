"""The administrator's pages of webhooks: add, see what is dead, post again, rotate; nobody else's business."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.context import reading
from notifications import queries
from notifications.actions import relay, webhooks
from notifications.actions.webhook_deliveries import ATTEMPTS, post_webhooks
from personas.queries import actor_of_membership
from tests.factories import make_member
from tests.notifications.factories import Shared
from tests.notifications.receiver import Receiver
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.django_db


class Desk:
    """An administrator's browser at a center that hears of events."""

    def __init__(self) -> None:
        self.shared = Shared()
        self.member = make_member(self.shared.center, "administrator")
        self.actor = actor_of_membership(self.member, "browser")  # type: ignore[arg-type]
        self.client: Client = signed_in(self.member)

    def add(self, url: str, **more: object) -> str:
        return self.client.post("/inbox/webhooks/add/", {"name": "EHR", "url": url, **more}).content.decode()

    def address(self) -> str:
        with reading(self.actor):
            return f"/inbox/webhooks/{queries.webhooks(self.actor).get().pk}/"


def test_the_secret_is_shown_once_and_the_event_arrives(receiver: Receiver) -> None:
    desk = Desk()
    answer = desk.client.post("/inbox/webhooks/add/", {"name": "EHR", "url": receiver.url})
    (receiver.secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.content.decode()))
    assert answer["Cache-Control"] == "no-store"
    for page in ("/inbox/webhooks/", desk.address()):
        assert "whsec_" not in desk.client.get(page).content.decode()
    desk.client.post(f"{desk.address()}test/")
    post_webhooks()
    assert [said["type"] for said in receiver.verified] == ["notifications.webhook_tested"]
    assert "Webhook tested" in desk.client.get(f"{desk.address()}?show=sent").content.decode()


def test_what_was_typed_stays_beside_what_is_wrong() -> None:
    desk = Desk()
    page = desk.add("gopher://old.example.org/", kinds=["orders.cancelled"])
    assert "gopher://old.example.org/" in page and "begins with https" in page
    assert re.search(r'value="orders.cancelled" checked', page)
    assert (
        "This field is required"
        in desk.client.post("/inbox/webhooks/add/", {"url": "https://a.example.org"}).content.decode()
    )


@pytest.mark.story("AP3")
def test_a_dead_letter_is_seen_and_posted_again(receiver: Receiver) -> None:
    desk = Desk()
    page = desk.add(receiver.url)
    (receiver.secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", page))
    relay.relay()
    receiver.answers = [500] * ATTEMPTS
    for _ in range(ATTEMPTS):
        with reading(desk.actor):
            hook = queries.webhooks(desk.actor).get()
        queries.webhook_deliveries(desk.actor, hook.pk).update(due_at=hook.made_at)
        post_webhooks()
    assert "1 dead" in desk.client.get("/inbox/webhooks/").content.decode()
    assert '<span class="cgt-count">1</span>' in desk.client.get("/").content.decode()
    dead = desk.client.get(f"{desk.address()}?show=dead").content.decode()
    assert "HTTP 500" in dead
    delivery = re.findall(r'name="delivery" value="([^"]+)"', dead)[0]
    assert desk.client.post(f"{desk.address()}replay/", {"delivery": delivery}).status_code == 302
    post_webhooks()
    assert len(receiver.verified) == 1
    refused = desk.client.post(f"{desk.address()}replay/", {"since": "yesterday"})
    assert refused.status_code == 400 and "Give date and time" in refused.content.decode()
    assert desk.client.post(f"{desk.address()}replay/", {"since": "2026-01-01T00:00"}).status_code == 302
    post_webhooks()
    assert len(receiver.verified) == 2


def test_it_is_changed_paused_and_rotated(receiver: Receiver) -> None:
    desk = Desk()
    desk.add(receiver.url)
    changed = {"name": "LIMS", "url": receiver.url, "kinds": ["orders.cancelled"]}
    assert desk.client.post(f"{desk.address()}change/", changed).status_code == 302
    assert desk.client.post(f"{desk.address()}change/", {**changed, "url": "x"}).status_code == 400
    assert desk.client.post(f"{desk.address()}pause/", {"active": "false"}).status_code == 302
    page = desk.client.get(desk.address()).content.decode()
    assert "LIMS" in page and "Paused" in page and "Post a test event" not in page
    assert desk.client.post(f"{desk.address()}test/").status_code == 409
    assert "whsec_" in desk.client.post(f"{desk.address()}rotate/").content.decode()


def test_others_find_no_webhook(receiver: Receiver) -> None:
    desk = Desk()
    desk.add(receiver.url)
    stranger = signed_in(make_member(desk.shared.plant, "administrator"))
    nurse = signed_in(make_member(desk.shared.center, "apheresis_nurse"))
    for tail in ("", "change/", "pause/", "rotate/", "test/", "replay/"):
        method = stranger.get if not tail else stranger.post
        assert method(f"{desk.address()}{tail}").status_code == 404, tail
    assert nurse.get("/inbox/webhooks/").status_code == 403
    assert receiver.url not in stranger.get("/inbox/webhooks/").content.decode()


def test_the_pages_cost_the_same_for_one_and_for_three(receiver: Receiver) -> None:
    desk = Desk()
    desk.add(receiver.url)
    relay.relay()
    pages = ["/inbox/webhooks/", desk.address()]
    costs = []
    for number in range(2):
        counts = []
        for page in pages:
            desk.client.get(page)
            with CaptureQueriesContext(connection) as made:
                assert desk.client.get(page).status_code == 200
            counts.append(len(made))
        costs.append(counts)
        if not number:
            for extra in ("b", "c"):
                webhooks.add_webhook(desk.actor, name=extra, url=f"{receiver.url}&{extra}")
                desk.shared.happen()
            relay.relay()
    assert costs[0] == costs[1]
