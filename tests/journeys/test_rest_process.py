"""Both flows over real HTTP: a client process, keys of every party, people's credentials where somebody signs."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cgt.demo.journey
from cgt.demo.journey import Player
from ledger.canonical import plain
from ledger.context import Actor
from orders import flow
from personas.actions.people import issue_api_key
from personas.queries import Organization, User
from personas.states import Capability
from tests.factories import operator
from tests.journeys.world import World, make_world

CLIENT = Path(__file__).with_name("partner_client.py")


class Partners:
    """The client process, and one key per organization and persona that it uses."""

    def __init__(self, base_url: str, world: World) -> None:
        self.base_url, self.world, self.tokens = base_url, world, {}
        self.process = subprocess.Popen(
            [sys.executable, str(CLIENT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def token_of(self, player: Player) -> str:
        actor = player.actor
        known = (actor.organization_id, actor.persona)
        if known not in self.tokens:
            pairs = (self.world.center, self.world.maker, self.world.courier, self.world.next_center)
            organization: Organization = next(found for found in pairs if found.pk == actor.organization_id)
            _, self.tokens[known] = issue_api_key(
                operator(organization),
                name="Partner system",
                persona_key=actor.persona,
                scopes=Capability.values,
                responsible=User.objects.get(pk=actor.user_id),
            )
        return str(self.tokens[known])

    def send(self, player: Player, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        asked = {
            "method": method,
            "url": f"{self.base_url}/api/v1/{path}",
            "token": self.token_of(player),
            "body": body,
            "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        }
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=10)


@pytest.fixture
def partners(committed_db: None, live_site: str) -> Iterator[Partners]:
    found = Partners(live_site, make_world())
    yield found
    found.stop()


@pytest.mark.parametrize("therapy", ["car_t", "in_vivo"])
@pytest.mark.story("AP2")
def test_a_partner_takes_an_order_from_enrolment_to_closing(
    partners: Partners, therapy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = partners.world
    by_person = {player.actor.person_id: player for player in world.cast.players}
    journey = world.journey(therapy)

    def perform(actor: Actor, code: str, key: str, inputs: dict[str, Any]) -> flow.StepResult:
        player = by_person[actor.person_id]
        signed = {"signature": {"username": player.username, "password": player.password}, **plain(inputs)}
        path = f"orders/{code}/steps/{key}"
        seen = partners.send(player, "GET", path)
        answer = partners.send(
            player, "POST", path, signed, If_Match=seen["headers"]["ETag"], Idempotency_Key=str(uuid.uuid4())
        )
        assert answer["status"] == 200, answer["body"]
        return flow.StepResult(**answer["body"]["result"])

    monkeypatch.setattr(cgt.demo.journey, "flow", SimpleNamespace(**{**vars(flow), "perform": perform}))
    assert journey.run() == ""

    coordinator = world.player("center", "coordinator")
    order = partners.send(coordinator, "GET", f"orders/{journey.code}")["body"]
    assert (order["state"], order["phase"], order["available_actions"]) == ("closed", "closed", [])
    stranger = world.player("next_center", "coordinator")
    foreign = partners.send(stranger, "GET", f"orders/{journey.code}")
    nothing = partners.send(stranger, "GET", "orders/CT-0000-0000")
    assert (foreign["status"], nothing["status"]) == (404, 404)
    assert foreign["body"] == nothing["body"]
    assert journey.code not in json.dumps(partners.send(stranger, "GET", "orders")["body"])


def test_a_partner_opens_an_order_by_http(partners: Partners) -> None:
    world, coordinator = partners.world, partners.world.player("center", "coordinator")
    identity = {"family_name": "Fictional", "given_name": "Patient", "birth_date": "1960-05-05", "mrn": "REST-1"}
    body = {"therapy": world.car_t.code, "site": world.clinic.code, "identity": identity}
    first, again = (partners.send(coordinator, "POST", "orders", body, Idempotency_Key="one-order") for _ in range(2))
    assert (first["status"], first["body"]["code"]) == (201, again["body"]["code"])
    twin = partners.send(coordinator, "POST", "orders", body)
    assert (twin["status"], twin["body"]["code"]) == (409, "possible_duplicate")
