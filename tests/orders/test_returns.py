"""An empty shipper goes back to its keeper: expected, handed over, received, told when late, cleaned, charged."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from custody.actions.equipment import add_equipment, charge_shipper
from custody.actions.returns import due_returns, tell_overdue_return
from custody.models import Equipment, ReturnDue, Shipment, ShipperReturn
from ledger.context import reading
from ledger.models import Event
from ledger.refusals import FactsMissing
from notifications.recipients import recipients_of
from orders.flow import order_named
from orders.tasks import tell_overdue_returns
from personas.queries import organization_actor
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
KEEPER, DRIVER, DOCK = ("courier", "courier_dispatcher"), ("courier", "courier_driver"), ("maker", "operator")
NURSE = ("center", "apheresis_nurse")
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Any:
    """A world of its own: a register changes how everybody in it packs."""
    with django_db_blocker.unblock():
        yield make_world()


class Emptied:
    """A registered shipper whose box was received at the plant."""

    def __init__(self, world: World, **piece: Any) -> None:
        self.world, mark = world, uuid4().hex[:8]
        self.keeper = world.actor(*KEEPER)
        valid = {"valid_until": (timezone.now() + 90 * DAY).isoformat()}
        self.serial, logger = f"DRY-{mark}", f"LOG-{mark}"
        shipper = {"kind": "shipper", "serial": self.serial, "model": "Vapor 10", "hold_hours": "240"}
        self.piece = add_equipment(self.keeper, valid | shipper | piece)
        charge_shipper(self.keeper, self.piece, {"charged_at": timezone.now().isoformat()})
        add_equipment(self.keeper, valid | {"kind": "logger", "serial": logger, "model": "Tiny 2"})
        self.numbers = {"shipper_code": self.serial, "logger_code": logger}
        self.journey = journey_of(world, **patient())
        self.journey.run(before="pack")
        self.journey.perform("pack", self.numbers)
        self.journey.run(until="receipt")
        self.page = f"/equipment/returns/{self.row().pk}/"
        self.rest = f"/api/v1/equipment/returns/{self.row().pk}"

    def row(self) -> ShipperReturn:
        with reading(self.keeper):
            return ShipperReturn.unwalled.get(shipper_id=self.piece)

    def equipment(self) -> Equipment:
        with reading(self.keeper):
            return Equipment.unwalled.get(pk=self.piece)

    def box(self) -> Shipment:
        with reading(self.keeper):
            return Shipment.unwalled.get(stream_id=order_named(self.keeper, self.journey.code).stream_id)


def typed(moment: dt.datetime) -> str:
    return moment.isoformat()


@pytest.mark.story("DE4")
def test_an_empty_shipper_is_expected_handed_over_received_and_fit_again(world: World, browse: Browse) -> None:
    it = Emptied(world, return_days=3)
    row = it.row()
    assert it.box().state == "opened" and row.box_code == it.box().code
    assert row.expected_at == row.empty_since + 3 * DAY and row.holder_id == world.maker.pk
    keeper, dock = browse(*KEEPER), browse(*DOCK)
    register = text_of(keeper.get(f"/equipment/{it.piece}/"))
    assert "empty, at" in register and "expected back" in register
    assert it.serial in text_of(dock.get("/equipment/returns/")) and "To be handed over" in text_of(dock.get(it.page))
    early = dock.post(f"{it.page}hand-over/", {"handed_over_at": typed(row.empty_since - DAY)})
    assert early.status_code == 400 and "before it was empty" in text_of(early)
    sent = {"handed_over_at": typed(timezone.now()), "once": str(uuid4())}
    for _ in range(2):
        assert dock.post(f"{it.page}hand-over/", sent).status_code == 303
    assert "on its way back" in text_of(keeper.get(f"/equipment/{it.piece}/"))
    assert dock.post(f"{it.page}receive/", {"outcome": "fit", "received_at": typed(timezone.now())}).status_code == 403
    assert (
        keeper.post(f"{it.page}receive/", {"outcome": "fit", "received_at": typed(timezone.now())}).status_code == 303
    )
    assert it.serial not in text_of(keeper.get("/equipment/returns/"))
    assert it.serial in text_of(keeper.get("/equipment/returns/?show=closed"))
    shown = text_of(keeper.get(f"/equipment/{it.piece}/"))
    assert "at its depot" in shown and "Not charged, or not cleaned" in shown
    assert keeper.post(f"/equipment/{it.piece}/clean/", {"cleaned_at": typed(timezone.now())}).status_code == 303
    assert keeper.post(f"/equipment/{it.piece}/charge/", {"charged_at": typed(timezone.now())}).status_code == 303
    assert "Fit" in text_of(keeper.get(f"/equipment/{it.piece}/"))


def test_the_register_says_of_a_charged_shipper_that_it_is_not_back(world: World, browse: Browse) -> None:
    it, keeper = Emptied(world), browse(*KEEPER)
    for address in (f"/equipment/?serial={it.serial}", f"/equipment/{it.piece}/"):
        assert "Empty, not back" in text_of(keeper.get(address))
    back = {"outcome": "fit", "received_at": typed(timezone.now())}
    assert keeper.post(f"{it.rest}/receive", back, content_type="application/json").status_code == 200
    for address in (f"/equipment/?serial={it.serial}", f"/equipment/{it.piece}/"):
        assert "Empty, not back" not in text_of(keeper.get(address))


def test_until_then_it_is_not_packed_and_the_words_say_why(world: World, browse: Browse) -> None:
    it = Emptied(world, each_trip=True)
    it.journey.run(before="ship")
    dock, keeper = browse(*DOCK), browse(*KEEPER)

    def codes() -> set[str]:
        with pytest.raises(FactsMissing) as refused:
            it.journey.perform("ship", it.numbers)
        assert all(fact.text and fact.remedy for fact in refused.value.facts)
        return {fact.code for fact in refused.value.facts}

    assert codes() == {"shipper_not_returned"}
    back = {"outcome": "fit", "received_at": typed(timezone.now())}
    assert keeper.post(f"{it.rest}/receive", back, content_type="application/json").status_code == 200
    assert codes() == {"shipper_not_cleaned", "shipper_uncharged", "requalification_missing"}
    now = {"cleaned_at": typed(timezone.now()), "charged_at": typed(timezone.now())}
    for act in ("clean", "charge"):
        answer = keeper.post(f"/api/v1/equipment/{it.piece}/{act}", now, content_type="application/json")
        assert answer.status_code == 200
    assert codes() == {"requalification_missing"}
    valid = {"valid_until": typed(timezone.now() + 90 * DAY), "hold_hours": "230"}
    renewed = keeper.post(f"/api/v1/equipment/{it.piece}/renew", valid, content_type="application/json")
    assert renewed.status_code == 200 and renewed.json()["each_trip"] is True
    it.journey.perform("ship", it.numbers)
    assert dock.get(f"{it.rest}/receive").status_code == 405


def test_nor_is_it_packed_where_nobody_sees_its_return_though_its_keeper_was_told_that_it_is_late(
    world: World, browse: Browse
) -> None:
    it = Emptied(world)
    other = journey_of(world, **patient())
    other.run(before="pack")
    with reading(world.actor(*NURSE)):
        assert not ShipperReturn.unwalled.filter(shipper_id=it.piece).exists()
    assert tell_overdue_return(ReturnDue.unwalled.get(return_id=it.row().pk), it.row().expected_at + DAY)
    with pytest.raises(FactsMissing) as refused:
        other.perform("pack", it.numbers)
    (fact,) = refused.value.facts
    assert fact.code == "shipper_not_returned" and it.serial in fact.text and "another one" in fact.remedy
    back = {"outcome": "fit", "received_at": typed(timezone.now())}
    keeper = browse(*KEEPER)
    assert keeper.post(f"{it.rest}/receive", back, content_type="application/json").status_code == 200
    assert not ReturnDue.unwalled.filter(shipper_id=it.piece).exists()


@pytest.mark.story("DE5")
def test_a_late_return_is_told_once_per_date_and_listed_as_overdue(world: World, browse: Browse) -> None:
    it = Emptied(world)
    due = ReturnDue.unwalled.get(return_id=it.row().pk)
    late = it.row().expected_at + dt.timedelta(minutes=1)
    assert not tell_overdue_return(due, it.row().expected_at - DAY)
    assert [row.pk for row in due_returns(late) if row.return_id == it.row().pk] == [due.pk]
    assert tell_overdue_return(due, late) and not tell_overdue_return(due, late)
    with reading(it.keeper):
        (event,) = Event.unwalled.filter(kind="custody.return_overdue", subject_id=str(it.row().pk))
    relay = organization_actor(world.courier.pk, "relay")
    with reading(relay):
        told = {one.user.pk: one.title for one in recipients_of(relay, event)}
    assert told[it.keeper.user_id] == f"Not back: shipper {it.serial}"  # type: ignore[index]
    keeper = browse(*KEEPER)
    assert it.serial not in text_of(keeper.get("/equipment/returns/?show=overdue"))  # its date has not passed yet
    past = keeper.post(f"{it.page}expect/", {"expected_at": typed(timezone.now() - DAY), "reason": "Strike"})
    assert past.status_code == 400 and "time to come" in text_of(past)
    new = timezone.now() + 20 * DAY
    assert keeper.post(f"{it.page}expect/", {"expected_at": typed(new), "reason": "Strike"}).status_code == 303
    assert ReturnDue.unwalled.get(return_id=it.row().pk).due_at == it.row().expected_at == new
    tell_overdue_returns()
    with reading(it.keeper):
        assert Event.unwalled.filter(kind="custody.return_overdue", subject_id=str(it.row().pk)).count() == 1


def test_a_lost_or_damaged_one_goes_out_of_service_with_a_word(world: World, browse: Browse) -> None:
    it, keeper = Emptied(world), browse(*KEEPER)
    given = {"outcome": "lost", "received_at": typed(timezone.now())}
    refused = keeper.post(f"{it.page}receive/", given)
    assert refused.status_code == 400 and "Say what happened" in text_of(refused)
    assert keeper.post(f"{it.page}receive/", given | {"note": "Not found at the plant"}).status_code == 303
    assert it.equipment().retired_at is not None and it.row().outcome == "lost"
    again = keeper.post(f"{it.rest}/receive", given, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "return_closed")


def test_strangers_and_other_couriers_find_no_return_and_a_driver_fetches_only(world: World, browse: Browse) -> None:
    it, driver = Emptied(world), browse(*DRIVER)
    key: UUID = it.row().pk
    for role, persona in (("courier", "courier_dispatcher"), ("treatment_center", "apheresis_nurse")):
        stranger = signed_in(make_member(make_organization(role), persona))
        assert stranger.get(it.page).status_code == 404
        assert it.serial not in text_of(stranger.get("/equipment/returns/"))
        assert stranger.get("/api/v1/equipment/returns").json()["results"] == []
        for act in ("hand-over", "receive", "expect"):
            assert stranger.post(f"{it.page}{act}/", {}).status_code == 404
            body = {"outcome": "fit", "received_at": typed(timezone.now()), "handed_over_at": typed(timezone.now())}
            body |= {"expected_at": typed(timezone.now() + DAY), "reason": "x"}
            assert stranger.post(f"{it.rest}/{act}", body, content_type="application/json").status_code == 404
    nurse = browse(*NURSE)  # of the order, but the shipper does not stand there
    assert nurse.get(it.page).status_code == 404 and key
    fetched = driver.post(
        f"{it.rest}/hand-over", {"handed_over_at": typed(timezone.now())}, content_type="application/json"
    )
    assert fetched.status_code == 200 and fetched.json()["handed_over_at"]
