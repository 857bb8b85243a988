"""Without what counts failed attempts nobody signs in and nobody signs: refused in words on both faces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client
from redis.exceptions import ConnectionError as RedisAway

from ledger.context import reading
from orders.flow import current_step, order_named
from orders.states import StepState
from tests.factories import PASSWORD
from tests.orders.conftest import patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise RedisAway("no route to host 10.0.0.9")

    monkeypatch.setattr("axes.handlers.cache.AxesCacheHandler.get_failures", gone)


def test_nobody_signs_in_and_the_words_say_what_to_do(world: World, away: None, caplog: Any) -> None:
    client = Client()
    sent = {"login": world.username("center", "coordinator"), "password": PASSWORD}
    answer = client.post("/accounts/login/", sent)
    page = text_of(answer)
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "A part of the service does not answer" in page and "downtime procedure" in page
    assert "10.0.0.9" not in page and SESSION_KEY not in client.session
    assert "Redis does not answer: ConnectionError" in caplog.text and "10.0.0.9" not in caplog.text


@pytest.mark.parametrize("face", ["page", "rest"])
def test_nobody_signs_and_the_step_waits(
    world: World, face: str, monkeypatch: pytest.MonkeyPatch, request: Any
) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="prescribe")
    player, _, inputs = journey.prepared("prescribe")
    client = signed_in(world.member("center", "treating_physician"))
    request.getfixturevalue("away")
    if face == "rest":
        path = f"/api/v1/orders/{journey.code}/steps/prescribe"
        answer = client.post(path, json.dumps(inputs), content_type="application/json")
        assert answer.json()["code"] == "unavailable" and answer["Content-Type"] == "application/problem+json"
    else:
        flat = {"indication": inputs["indication"], "signature.password": PASSWORD}
        answer = client.post(f"/orders/{journey.code}/steps/prescribe/", flat)
        assert "A part of the service does not answer" in text_of(answer)
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    with reading(player.actor):
        assert current_step(order_named(player.actor, journey.code), "prescribe").state == StepState.READY
