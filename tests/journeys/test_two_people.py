"""Every act that takes two people, on one order's way: who can be the second, and that no key is ever one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

import cgt.demo.journey
from cgt.demo.journey import Player
from ledger.context import Actor, reading
from ledger.models import Event
from ledger.refusals import FactsMissing, InvalidInput, NotAllowed
from orders import flow, flow_files
from orders.step_kinds import all_kinds
from personas.models import User
from personas.queries import actor_of_membership
from tests.factories import PASSWORD, make_member, make_site
from tests.journeys.conftest import refused
from tests.journeys.test_signatures import key_of
from tests.journeys.watching import order_of
from tests.journeys.world import World

TWO_PEOPLE = {kind.key for kind in all_kinds().values() if kind.signatures >= 2}
STEPS = [step["key"] for step in flow_files.shipped("autologous_car_t")["steps"] if step["kind"] in TWO_PEOPLE]


def test_the_floor_of_two_people_is_the_reviewed_list() -> None:
    assert {
        "apply_labels",
        "check_bedside",
        "hand_over",
        "identify_patient",
        "label_product",
        "receive_material",
        "receive_product",
    } == TWO_PEOPLE
    assert all_kinds()["activate_identity"].signatures == 1, "and whoever enrolled is never the one who activates"
    assert len(STEPS) > 8


def test_who_can_be_the_second_person_at_every_step_of_the_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: dict[str, str] = {}
    journey = world.journey()
    names = {getattr(world, name).pk: name for name in ("center", "maker", "courier")}

    def perform(actor: Actor, code: str, key: str, inputs: Mapping[str, Any]) -> flow.StepResult:
        if key in STEPS:
            organization = names[actor.organization_id]
            count = _events(world, code)
            _refuses_everybody_else(world, organization, actor, lambda who, **changes: flow.perform(
                who, code, key, {**inputs, **changes}
            ), dict(inputs))  # fmt: skip
            assert _events(world, code) == count, f"a refused {key} leaves nothing on the order's record"
            tried[key] = organization
        return flow.perform(actor, code, key, inputs)

    monkeypatch.setattr(cgt.demo.journey, "flow", SimpleNamespace(**{**vars(flow), "perform": perform}))
    assert journey.run() == ""
    assert set(tried) == set(STEPS)
    assert {tried["identify"], tried["receipt"], tried["pickup"]} == {"center", "maker", "courier"}


def _events(world: World, code: str) -> int:
    player = world.player("center", "coordinator")
    with reading(player.actor):
        stream_id = flow.order_named(player.actor, code).stream_id
        return Event.unwalled.filter(stream_id=stream_id).count()


def _refuses_everybody_else(
    world: World, organization: str, actor: Actor, act: Callable[..., Any], inputs: dict[str, Any]
) -> None:
    (right,) = inputs["verifiers"]

    def with_second(username: str) -> Any:
        return act(actor, verifiers=[{**right, "username": username}])

    own = User.objects.get(pk=actor.user_id)
    twin = world.add(organization, actor.persona, person=own.person)
    for username in (own.username, twin.username):
        with refused(FactsMissing, "second_person_needed"):
            with_second(username)
    elsewhere = _at_another_site(world, right["username"])
    without_the_right = world.player("center", "site_quality")
    for stranger in (elsewhere, without_the_right, world.player("next_center", "apheresis_nurse")):
        if stranger is not None:
            with refused(NotAllowed, "signer_not_allowed"):
                with_second(stranger.username)
    for left_out in ("username", "password", "scan"):
        with refused(InvalidInput):
            act(actor, verifiers=[{name: value for name, value in right.items() if name != left_out}])
    with refused(InvalidInput):
        act(actor, verifiers=[])
    key = key_of(world, organization, actor.persona)
    with refused(NotAllowed, "key_cannot_sign"):
        act(key, signature={"password": PASSWORD})


def _at_another_site(world: World, username: str) -> Player | None:
    """Somebody with the second person's persona at another site of the same organization; a courier has no sites."""
    membership = next(p for p in world.cast.players if p.username == username).actor
    if membership.organization_id == world.courier.pk:
        return None
    organization = world.center if membership.organization_id == world.center.pk else world.maker
    fresh = make_member(organization, membership.persona, site=make_site(organization))
    actor = actor_of_membership(fresh, "browser")  # type: ignore[arg-type]
    return Player(actor, User.objects.get(pk=actor.user_id).username, PASSWORD)


@pytest.mark.story("CO3")
def test_the_second_account_of_whoever_enrolled_does_not_activate(world: World) -> None:
    journey, coordinator = world.journey(), world.player("center", "coordinator")
    person = User.objects.get(username=coordinator.username).person
    twin = world.add("center", "treating_physician", person=person)
    with refused(FactsMissing, "facts_missing") as refusal:
        journey.perform("activate_coi", player=twin)
    assert [fact.code for fact in refusal.value.facts] == ["second_person_needed"]
    assert order_of(coordinator, journey).phase == "enrolment"
