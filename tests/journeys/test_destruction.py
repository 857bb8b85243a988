"""Material is destroyed by two people who scan it: page, refusals, other tenants, two at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from custody import custody_periods, queries
from custody.states import ContainerState
from ledger.context import reading
from ledger.models import Signature
from ledger.refusals import FactsMissing, InvalidInput, Mismatch, NotAllowed, NotFound, WrongState
from orders.actions.destruction import destroy_material
from orders.actions.dispositions import decide_on_quarantine
from orders.actions.interruptions import cancel
from personas.models import User
from tests.journeys.conftest import refused
from tests.journeys.destroying import destroy, destruction
from tests.journeys.telling import events, told
from tests.journeys.test_under_query import browser, text
from tests.journeys.watching import bags, order_of
from tests.journeys.world import World
from tests.personas.conftest import signed_in
from tests.races.test_slots import together


def too_warm(world: World) -> tuple[Any, str]:
    """Return an order whose starting material is in quarantine at the manufacturer, and its code."""
    journey = world.journey()
    journey.run(before="receipt")
    journey.perform("receipt", {"temperature_c": "25.0"})
    return journey, next(iter(bags(world.player("maker", "qa_reviewer"), journey)))


def state_of(world: World, journey: Any, code: str) -> Any:
    return bags(world.player("maker", "qa_reviewer"), journey)[code]


@pytest.mark.story("PH4")
def test_two_people_scan_and_sign_and_custody_ends_when_they_say(world: World) -> None:
    journey, code = too_warm(world)
    quality, operator = world.player("maker", "qa_reviewer"), world.player("maker", "operator")
    at = timezone.now()
    destroy(quality, operator, journey.code, code, at=at.isoformat())
    assert state_of(world, journey, code) == ContainerState.DESTROYED
    with reading(quality.actor):
        bag = queries.containers_of(quality.actor, order_of(quality, journey).stream_id).get(code=code)
        assert custody_periods.periods_of(bag)[-1].until == at
        signed = Signature.unwalled.filter(event__stream_id=bag.stream_id, event__kind="orders.material_destroyed")
        assert [(row.person_id, row.meaning) for row in signed.order_by("position")] == [
            (quality.actor.person_id, "material destroyed"),
            (operator.actor.person_id, "destruction witnessed"),
        ]
        assert len({row.content_hash for row in signed}) == 1
    with refused(WrongState, "container_ended"):
        destroy(quality, operator, journey.code, code)


def test_what_is_left_of_a_cancelled_order_is_named_until_its_end_is_recorded(world: World) -> None:
    journey, coordinator = world.journey(), world.player("center", "coordinator")
    journey.run(before="finish")
    quality, operator = world.player("maker", "qa_reviewer"), world.player("maker", "operator")
    (code,) = bags(quality, journey)
    page = f"/orders/{journey.code}/"
    assert "Material is left" not in text(browser(coordinator), page)
    cancel(coordinator.actor, journey.code, "The patient withdrew.")
    (event,) = events(coordinator, journey, "orders.cancelled")
    assert operator.username in told(world.maker.pk, event), "it is no more on the operator's desk"
    assert world.player("courier", "courier_dispatcher").username in told(world.courier.pk, event)
    for reader in (coordinator, quality):
        shown = text(browser(reader), page)
        assert "The patient withdrew." in shown and "Material is left" in shown
        assert f"(in process, {world.maker.name})" in shown
    destroy(quality, operator, journey.code, code)
    assert "Material is left" not in text(browser(coordinator), page)


def test_one_human_being_is_not_two_people(world: World) -> None:
    journey, code = too_warm(world)
    quality = world.player("maker", "qa_reviewer")
    person = User.objects.get(username=quality.username).person
    second = world.add("maker", "operator", person=person)
    for witness in (quality, second):
        with refused(FactsMissing, "second_person_needed"):
            destroy(quality, witness, journey.code, code)
    assert state_of(world, journey, code) == ContainerState.QUARANTINED


def test_who_may_not(world: World) -> None:
    journey, code = too_warm(world)
    quality, operator = world.player("maker", "qa_reviewer"), world.player("maker", "operator")
    with refused(NotAllowed):  # who works with material carries out what quality answers for
        destroy(operator, quality, journey.code, code)
    with refused(NotAllowed, "signer_not_allowed"):  # a planner works with no material
        destroy(quality, world.player("maker", "planner"), journey.code, code)
    with refused(NotAllowed, "signer_not_allowed"):  # nor does anybody of another firm
        destroy(quality, world.player("center", "site_quality"), journey.code, code)
    with refused(NotAllowed, "not_custodian"):
        destroy(world.player("center", "site_quality"), world.player("center", "site_quality", 2), journey.code, code)
    for stranger in (world.player("next_maker", "qa_reviewer"), world.player("courier", "courier_driver")):
        with refused(NotFound):
            destroy(stranger, operator, journey.code, code)
    with refused(InvalidInput, "signature_not_accepted"):
        wrong = {"username": operator.username, "password": "not it", "scan": code}
        destroy(quality, operator, journey.code, code, witness=wrong)
    assert state_of(world, journey, code) == ContainerState.QUARANTINED


def test_each_of_them_scans_the_container(world: World) -> None:
    journey, code = too_warm(world)
    quality, operator = world.player("maker", "qa_reviewer"), world.player("maker", "operator")
    with refused(InvalidInput) as refusal:
        destroy(quality, operator, journey.code, code, scan="")
    assert "scan" in refusal.value.fields
    other = {"username": operator.username, "password": operator.password, "scan": "UNREADABLE"}
    with refused(InvalidInput, "unreadable") as refusal:
        destroy(quality, operator, journey.code, code, witness=other)
    assert set(refusal.value.fields) == {"witness.scan"}
    future = (timezone.now() + dt.timedelta(hours=1)).isoformat()
    with refused(InvalidInput) as refusal:
        destroy(quality, operator, journey.code, code, at=future, reason="", how="")
    assert set(refusal.value.fields) == {"at", "reason", "how"}
    before_custody = (timezone.now() - dt.timedelta(days=90)).isoformat()
    with refused(InvalidInput):
        destroy(quality, operator, journey.code, code, at=before_custody)
    assert state_of(world, journey, code) == ContainerState.QUARANTINED


def test_another_patients_container_stops_the_line(world: World) -> None:
    journey, code = too_warm(world)
    neighbor = world.journey()
    neighbor.run("receipt")
    quality, operator = world.player("maker", "qa_reviewer"), world.player("maker", "operator")
    foreign = next(iter(bags(quality, neighbor)))
    with pytest.raises(Mismatch):
        destroy(quality, operator, journey.code, code, scan=foreign)
    assert order_of(quality, neighbor).state == "open"
    assert bags(quality, neighbor)[foreign] != ContainerState.DESTROYED
    with reading(quality.actor):
        assert queries.identity_of(quality.actor, order_of(quality, journey).stream_id).state == "under_query"


def test_on_the_page(world: World) -> None:
    journey, code = too_warm(world)
    quality, operator = world.player("maker", "qa_reviewer"), world.player("maker", "operator", 2)
    page, order_page = f"/orders/{journey.code}/material/{code}/destroy/", f"/orders/{journey.code}/"
    client = signed_in(User.objects.get(username=quality.username).memberships.get())
    assert page in client.get(order_page).content.decode()
    decide_on_quarantine(quality.actor, journey.code, code, "reject", "Too warm.")
    assert page in client.get(order_page).content.decode()
    assert "Sign and record the destruction" in client.get(page).content.decode()
    sent = destruction(quality, operator, code)
    form = {name: value for name, value in sent.items() if isinstance(value, str)}
    form |= {f"signature.{name}": value for name, value in sent["signature"].items()}
    form |= {f"witness.{name}": value for name, value in sent["witness"].items()}
    wrong = client.post(page, form | {"witness.password": "no", "acting": str(quality.actor.membership_id)})
    told = wrong.content.decode()
    assert wrong.status_code == 400 and "do not match" in told and 'value="Incinerated."' in told
    for _ in range(2):  # a double click is one act
        done = client.post(page, form | {"once": "a3c4b8b0-52a9-4f5e-9c55-0c2b7e0b8f11"})
        assert done.status_code == 303, done.content.decode()
    assert state_of(world, journey, code) == ContainerState.DESTROYED
    assert page not in client.get(order_page).content.decode()
    assert "Not to be destroyed here" in client.get(page).content.decode()
    outside = signed_in(User.objects.get(username=world.player("next_maker", "qa_reviewer").username).memberships.get())
    assert outside.get(page).status_code == 404 and outside.post(page, form).status_code == 404


@pytest.mark.race
def test_two_pairs_destroy_one_container_once(committed_world: World) -> None:
    journey, code = too_warm(committed_world)
    quality = [committed_world.player("maker", "qa_reviewer", number) for number in (1, 2)]
    operators = [committed_world.player("maker", "operator", number) for number in (1, 2)]

    def act(number: int) -> str:
        sent = destruction(quality[number], operators[number], code)
        destroy_material(quality[number].actor, journey.code, code, sent)
        return "done"

    assert sorted(together([lambda: act(0), lambda: act(1)])) == ["container_ended", "done"]
