"""Material that nobody finds: told at once, the order goes on without it; found again, it is put aside."""

from __future__ import annotations

import pytest

from custody import custody_periods, queries
from custody.states import ContainerState
from ledger.context import reading
from ledger.refusals import FactsMissing, NotAllowed, NotFound, WrongState
from orders.actions import remanufacture
from orders.actions.dispositions import decide_on_quarantine, record_found, record_loss
from orders.epcis import documents
from orders.flow import order_named
from personas.models import User
from quality.actions.deviations import close_deviation
from tests.journeys import telling
from tests.journeys.conftest import refused
from tests.journeys.test_epcis import told
from tests.journeys.test_safety_faces import key
from tests.journeys.watching import bags, open_deviations, order_of
from tests.journeys.world import World
from tests.orders.epcis.validation import faults
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.story("QA1")]


def on_the_way(world: World):  # type: ignore[no-untyped-def]
    """Return an order whose starting material was picked up, its bag's code, and the manufacturer's quality."""
    journey, quality = world.journey(), world.player("maker", "qa_reviewer")
    journey.run("pickup")
    return journey, next(iter(bags(quality, journey))), quality


def test_a_box_that_never_arrives_lets_the_physician_decide(world: World) -> None:
    journey, code, quality = on_the_way(world)
    record_loss(quality.actor, journey.code, code, "The courier's search found nothing.")
    assert bags(quality, journey) == {code: ContainerState.LOST}
    (deviation,) = open_deviations(quality, journey)
    assert deviation.severity == "critical" and code in deviation.text
    physician = world.player("center", "treating_physician")
    with reading(physician.actor):
        order = order_named(physician.actor, journey.code)
        assert remanufacture.COLLECT in remanufacture.open_ways(physician.actor, order)
        bag = queries.containers_of(physician.actor, order.stream_id).get(code=code)
        last = custody_periods.periods_of(bag)[-1]
        assert last.organization_id == world.courier.pk and last.until is None, "its custodian answers for it"
    with refused(WrongState):
        record_loss(quality.actor, journey.code, code, "Again")


def test_what_is_found_is_put_aside_and_goes_on_from_where_it_was_lost(world: World) -> None:
    journey, code, quality = on_the_way(world)
    with refused(WrongState, "not_lost"):
        record_found(quality.actor, journey.code, code, "It is here.")
    record_loss(quality.actor, journey.code, code, "Not on the aircraft.")
    with refused(WrongState):
        decide_on_quarantine(quality.actor, journey.code, code, "release", "It will turn up.")
    record_found(quality.actor, journey.code, code, "Left in the hub.")
    with reading(quality.actor):
        bag = queries.containers_of(quality.actor, order_of(quality, journey).stream_id).get(code=code)
        assert (bag.state, bag.quarantine_reason) == (ContainerState.QUARANTINED, "Found again: Left in the hub.")
    with refused(FactsMissing):  # the deviation first
        decide_on_quarantine(quality.actor, journey.code, code, "release", "Cold all the time.")
    for row in open_deviations(quality, journey):
        close_deviation(quality.actor, row.pk, conclusion="Logger shows no excursion.")
    decide_on_quarantine(quality.actor, journey.code, code, "release", "Cold all the time.")
    assert bags(quality, journey) == {code: ContainerState.IN_TRANSIT}
    assert journey.run("receipt") == "start"
    events = told(world.player("center", "coordinator"), journey)
    assert faults(documents.document(events)) == []
    assert [event["disposition"] for event in events if event["bizStep"] == "stock_taking"] == ["unknown"]


def test_an_order_closes_while_a_bag_is_lost(world: World) -> None:
    journey = world.journey()
    journey.run(before="infuse")
    quality = world.player("center", "site_quality")
    one, two = bags(quality, journey, "drug_product")
    record_loss(quality.actor, journey.code, two, "Not on the tray, not in the lab.")
    (event,) = telling.events(quality, journey, "orders.material_lost")
    heard = telling.told(world.center.pk, event)[world.player("center", "treating_physician").username]
    assert heard.critical, "after the go for lymphodepletion the patient cannot wait"
    for row in open_deviations(quality, journey):
        close_deviation(quality.actor, row.pk, conclusion="Searched everywhere.")
    assert journey.run() == ""
    assert order_of(quality, journey).state == "closed"
    assert bags(quality, journey, "drug_product") == {one: ContainerState.INFUSED, two: ContainerState.LOST}


def test_who_says_so_and_who_hears_it(world: World) -> None:
    journey, code, quality = on_the_way(world)
    for stranger in (world.player("next_maker", "qa_reviewer"), world.player("next_center", "coordinator")):
        with refused(NotFound):
            record_loss(stranger.actor, journey.code, code, "Gone")
    with refused(NotAllowed):
        record_loss(world.player("maker", "planner").actor, journey.code, code, "Gone")
    with refused(NotAllowed, "not_custodian"):
        record_loss(world.player("center", "site_quality").actor, journey.code, code, "Gone")
    send = key(world, "maker", quality)
    assert send("POST", f"{journey.code}/material/{code}/lost", {"reason": " "}).status_code == 400
    assert send("POST", f"{journey.code}/material/{code}/lost", {"reason": "Not at the hub."}).status_code == 200
    (event,) = telling.events(quality, journey, "orders.material_lost")
    heard = telling.told(world.center.pk, event) | telling.told(world.maker.pk, event)
    for player in (world.player("center", "treating_physician"), world.player("center", "coordinator"), quality):
        assert heard[player.username].critical and "Material is lost" in heard[player.username].title
    assert not telling.told(world.courier.pk, event), "a container's code holds the chain of identity"
    assert send("POST", f"{journey.code}/material/{code}/found", {"reason": "In the hub."}).status_code == 200
    assert bags(quality, journey) == {code: ContainerState.QUARANTINED}


def test_on_the_orders_page(world: World) -> None:
    journey, code, quality = on_the_way(world)
    client = signed_in(User.objects.get(username=quality.username).memberships.get())
    page, decide = f"/orders/{journey.code}/", f"/orders/{journey.code}/material/{code}/decide/"
    assert "Lost: nobody finds it" in client.get(page).content.decode()
    assert client.post(decide, {"decision": "lost", "reason": "Not on the aircraft."}).status_code == 303
    html = client.get(page).content.decode()
    assert "Found again: into quarantine" in html and "Lost" in html
    assert client.post(decide, {"decision": "found", "reason": "In the hub."}).status_code == 303
    assert bags(quality, journey) == {code: ContainerState.QUARANTINED}
