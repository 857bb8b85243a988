"""The same request sent twice happens once and is answered alike; its key with another request is refused (AP2)."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.context import reading
from ledger.models import Event, Replay
from ledger.recording import acting
from personas.asking import SHOWN_ONCE
from tests.api.conftest import Partner, PartnerOf, make_partner, problem
from tests.factories import make_member, make_organization, operator, unique
from tests.notifications.receiver import Receiver, serve
from tests.orders.factories import World

Case = tuple[Partner, str, dict[str, Any], dict[str, Any]]


def cases(world: World, partner: PartnerOf) -> dict[str, Case]:
    """operation → (who asks, address, body, another body) of the administrative ones."""
    center, maker = partner("center", "administrator"), partner("maker", "administrator")
    manager, owner = partner("maker", "site_network_manager"), partner("maker", "product_owner")
    site = {"therapy": world.therapy.code, "site": world.clinic.code, "reason": "Audit."}
    person = make_member(world.center, "treating_physician")
    member, leaver = make_member(world.center, "coordinator"), make_member(world.center, "coordinator")
    key = center.post("keys", {"name": "EHR", "persona": "coordinator", "scopes": ["view_orders"]}).json()["prefix"]
    address = f"therapies/{world.therapy.code}/specifications"
    now = owner.get(address).json()["results"][0]
    slot = partner("center", "apheresis_scheduler").get("slots?kind=apheresis_chair").json()["results"][0]
    window = {"resource": slot["resource"], "starts_at": slot["starts_at"], "ends_at": slot["ends_at"]}
    invited = {"username": f"{unique('n')}@example.org", "name": "Nurse", "persona": "apheresis_nurse"}
    issued = {"name": "LIS", "persona": "coordinator", "scopes": ["view_orders"]}
    return {
        "add_person": (center, "people", invited, invited | {"persona": "coordinator"}),
        "change_site": (center, f"people/{member.pk}/site", {"site": world.clinic.code}, {"site": None}),
        "end_membership": (center, f"people/{leaver.pk}/end", {}, {"more": 1}),
        "issue_key": (center, "keys", issued, issued | {"name": "Other"}),
        "revoke_key": (center, f"keys/{key}/revoke", {}, {"more": 1}),
        "adapt_persona": (
            maker,
            "personas/operator",
            {"title": "Op", "reason": "Shorter."},
            {"title": "Operator II", "reason": "Longer."},
        ),
        "authorize_site": (manager, "site-authorizations", site, site | {"reason": "Other."}),
        "suspend_site": (manager, "site-authorizations/suspend", site, site | {"reason": "Other."}),
        "set_lymphodepletion_policy": (
            manager,
            "site-authorizations/lymphodepletion",
            site | {"on_release": True},
            site | {"on_release": False},
        ),
        "add_credential": (
            center,
            "credentials",
            {"person": str(person.user.person_id)},
            {"person": str(person.user.person_id), "therapy": world.therapy.code},
        ),
        "publish_specification": (
            owner,
            address,
            {"tests": now["tests"], "limits": now["limits"]},
            {"tests": now["tests"], "limits": now["limits"] | {"thaw_minutes": 30}},
        ),
        "publish_capacity": (
            partner("center", "apheresis_scheduler"),
            "capacity",
            {"rows": [window | {"capacity": 25}]},
            {"rows": [window | {"capacity": 26}]},
        ),
        "set_escalation": (
            center,
            "inbox/escalation",
            {"minutes": 20, "persona": "site_quality"},
            {"minutes": 30, "persona": "site_quality"},
        ),
    }


def events(world: World) -> int:
    """Count what the center's and the manufacturer's own streams hold."""
    found = 0
    for organization in (world.center, world.maker):
        with reading(operator(organization)):
            found += Event.unwalled.filter(stream_id=organization.pk).count()
    return found


@pytest.mark.story("AP2")
def test_administrative_requests_happen_once(world: World, partner: PartnerOf) -> None:
    for name, (asking, address, body, other) in cases(world, partner).items():
        before = events(world)
        first = asking.post(address, body, Idempotency_Key=name)
        assert first.status_code in (200, 201), (name, first.content)
        again = asking.post(address, body, Idempotency_Key=name)
        once = {shown: None for shown in SHOWN_ONCE if shown in first.json()}
        assert (again.status_code, again.json()) == (first.status_code, first.json() | once), name
        assert events(world) == before + 1, name
        problem(asking.post(address, other, Idempotency_Key=name), 409, "idempotency_key_reused")
        assert events(world) == before + 1, name


def test_a_refused_request_may_be_sent_again_with_its_key(world: World, partner: PartnerOf) -> None:
    manager, planner = partner("maker", "site_network_manager"), partner("maker", "planner")
    named = {"therapy": world.therapy.code, "site": world.clinic.code}
    for _ in range(2):
        problem(manager.post("site-authorizations/suspend", named, Idempotency_Key="r"), 400, "invalid_input")
        asked = planner.post("site-authorizations/suspend", named | {"reason": "x"}, Idempotency_Key="q")
        problem(asked, 403, "not_allowed")
    assert manager.post("site-authorizations", named, Idempotency_Key="r").status_code == 200


def test_a_key_is_its_senders(world: World, partner: PartnerOf) -> None:
    body = {"name": "LIS", "persona": "coordinator", "scopes": ["view_orders"]}
    first = partner("center", "administrator")
    issued = first.post("keys", body, Idempotency_Key="k").json()
    problem(partner("center", "administrator").post("keys", body, Idempotency_Key="k"), 409, "idempotency_key_reused")
    next_door = make_partner(make_organization(), "administrator")
    assert next_door.post("keys", body, Idempotency_Key="k").json()["prefix"] != issued["prefix"]
    problem(first.post("keys", body, Idempotency_Key="k" * 300), 400, "invalid_input")
    with reading(operator(world.center)):
        kept = str(list(Replay.unwalled.values_list("result", flat=True)))
    assert issued["token"] not in kept and issued["prefix"] in kept


def test_webhooks_are_changed_once(world: World, partner: PartnerOf) -> None:
    receiver = Receiver()
    server = serve(receiver)
    admin = partner("center", "administrator")
    href = admin.post("webhooks", {"name": unique("hook"), "url": receiver.url})["Location"]
    server.shutdown()
    server.server_close()
    for address, body in ((href, {"name": "Other"}), (f"{href}/rotate-secret", None), (f"{href}/test", None)):
        before = events(world)
        first = admin.post(address, body, Idempotency_Key=address)
        again = admin.post(address, body, Idempotency_Key=address)
        assert again.status_code == 200
        assert again.json() == first.json() | {name: None for name in SHOWN_ONCE if name in first.json()}
        assert events(world) == before + 1
        problem(admin.post(address, {"name": "x"}, Idempotency_Key=address), 409, "idempotency_key_reused")


def test_an_answer_that_was_lost_is_never_done_twice(world: World, partner: PartnerOf) -> None:
    manager = partner("maker", "site_network_manager")
    named = {"therapy": world.therapy.code, "site": world.clinic.code}
    manager.post("site-authorizations", named, Idempotency_Key="lost")
    with acting(operator(world.maker), "network.site_suspended"):
        Replay.unwalled.filter(key="rest:lost").update(result=None)
    before = events(world)
    problem(manager.post("site-authorizations", named, Idempotency_Key="lost"), 409, "answered_before")
    assert events(world) == before
