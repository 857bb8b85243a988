"""What a change of dates costs, by the manufacturer's price list: effective-dated, summed, only one's own to see."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotAllowed
from orders.actions import rescheduling
from scheduling import costs
from scheduling.actions.prices import PriceInput, set_price
from scheduling.models import ChangePrice
from tests.api.conftest import make_partner
from tests.factories import connect, make_actor, make_organization, operator
from tests.orders.conftest import confirmed, patient
from tests.orders.factories import World, make_world
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.django_db
OWNER = ("maker", "product_owner")
CENTER, MAKER = "treatment_center", "manufacturer"


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


def today() -> dt.date:
    return timezone.now().date()


def price(world: World, kind: str, amount: str, **changes: Any) -> ChangePrice:
    given = {"therapy": world.therapy.code, "kind": kind, "amount": Decimal(amount), "currency": "EUR"}
    asked = {**given, "charged_to": CENTER, "starts_on": today() + dt.timedelta(days=1), **changes}
    row = set_price(operator(world.maker), PriceInput(**asked))
    if "starts_on" not in changes:  # it counts from yesterday on, as if it had been set then
        with acting(operator(world.maker), "scheduling.price_set"):
            ChangePrice.unwalled.filter(pk=row.pk).update(starts_on=today() - dt.timedelta(days=1))
    return row


def cost(world: World, code: str, actor: Actor, days: int = 20) -> Any:
    """What moving the order's collection some days ahead would cost, as the actor is told."""
    earliest = today() + dt.timedelta(days=days)
    coordinator = world.actor("center", "coordinator")
    token = rescheduling.search_dates(coordinator, code, earliest).offers[0].token
    return rescheduling.preview(actor, code, token).cost


def test_nothing_is_told_where_nothing_is_set(far: World) -> None:
    code = confirmed(far, 16, **patient())
    assert cost(far, code, far.actor("center", "coordinator")).lines == ()


@pytest.mark.story("CF3")
def test_the_preview_sums_what_is_given_up_by_how_near_it_is_and_each_new_transport(far: World) -> None:
    code = confirmed(far, 16, **patient())
    price(far, "line_cancelled", "900", days_before=60)
    price(far, "line_cancelled", "4000", days_before=5)
    price(far, "lane_cancelled", "150.50")
    price(far, "transport", "300")
    found = cost(far, code, far.actor("center", "coordinator"))
    assert sorted(line.amount for line in found.lines) == [Decimal("150.50"), Decimal(300), Decimal(900)]
    assert any("less than 60 days ahead" in line.what for line in found.lines)
    (total,) = found.sums
    assert (total.amount, total.currency, total.charged_to) == (Decimal("1350.50"), "EUR", CENTER)


def test_a_center_sees_only_what_it_is_charged_and_a_neighbor_nothing(far: World) -> None:
    code = confirmed(far, 16, **patient())
    price(far, "line_cancelled", "900")
    price(far, "line_cancelled", "7777", charged_to=MAKER)
    mine = cost(far, code, far.actor("center", "coordinator"))
    assert [line.amount for line in mine.lines] == [Decimal(900)]
    both = cost(far, code, far.actor("maker", "planner"))
    assert {line.charged_to: line.amount for line in both.sums} == {CENTER: Decimal(900), MAKER: Decimal(7777)}
    others = [make_actor(make_organization(role), persona) for role, persona in (
        ("treatment_center", "coordinator"), ("manufacturer", "planner")
    )]  # fmt: skip
    plant = make_organization("cmo")
    connect(far.maker, plant)
    for stranger in (*others, make_actor(plant, "cmo_planner"), far.actor("courier", "courier_dispatcher")):
        with reading(stranger):
            assert not costs.change_prices(stranger) and not ChangePrice.unwalled.all()
    with pytest.raises(DatabaseError), acting(others[1], "scheduling.price_set"), transaction.atomic():
        row = {"therapy_id": far.therapy.pk, "kind": "transport", "charged_to": CENTER, "amount": 1}
        ChangePrice.objects.create(organization_id=far.maker.pk, currency="EUR", starts_on=today(), **row)


def test_a_later_price_takes_its_place_on_its_day_and_zero_ends_it(far: World) -> None:
    code = confirmed(far, 16, **patient())
    coordinator = far.actor("center", "coordinator")
    price(far, "line_cancelled", "900")
    price(far, "line_cancelled", "50", starts_on=today() + dt.timedelta(days=2))
    assert [line.amount for line in cost(far, code, coordinator).lines] == [Decimal(900)]
    with reading(coordinator):
        later = costs.in_force(coordinator, far.therapy.pk, today() + dt.timedelta(days=2))
        assert [row.amount for row in later] == [Decimal(50)]
    price(far, "line_cancelled", "0", starts_on=today() + dt.timedelta(days=3))
    with reading(coordinator):
        assert costs.in_force(coordinator, far.therapy.pk, today() + dt.timedelta(days=3)) == []


def test_bad_prices_are_refused_beside_the_field(far: World) -> None:
    maker = operator(far.maker)
    bad = PriceInput(far.therapy.code, "gift", Decimal("-1"), "euro", today() - dt.timedelta(days=1), "courier", 0)
    with pytest.raises(InvalidInput) as refusal:
        set_price(maker, bad)
    assert set(refusal.value.fields) == {"kind", "amount", "currency", "starts_on", "charged_to", "days_before"}
    with pytest.raises(InvalidInput) as refusal:
        price(far, "transport", "NaN", days_before=3, therapy="nothing", starts_on=today())
    assert set(refusal.value.fields) == {"amount", "days_before", "therapy"}
    price(far, "transport", "10", starts_on=today())
    with pytest.raises(InvalidInput) as refusal:
        price(far, "transport", "11", starts_on=today())
    assert set(refusal.value.fields) == {"starts_on"}
    good = PriceInput(far.therapy.code, "transport", Decimal(5), "EUR", today())
    for actor in (far.actor("center", "coordinator"), far.actor("maker", "planner")):
        with pytest.raises(NotAllowed):
            set_price(actor, good)


def test_on_the_page_and_over_rest(far: World) -> None:
    owner = signed_in(far.member(*OWNER))
    owners_day = timezone.now().astimezone(ZoneInfo(far.actor(*OWNER).zone)).date().isoformat()
    typed = {"therapy": far.therapy.code, "kind": "line_cancelled", "currency": "eur", "charged_to": CENTER}
    bad = owner.post("/scheduling/prices/", {**typed, "amount": "much", "starts_on": "soon"})
    assert bad.status_code == 400 and 'value="much"' in bad.content.decode()
    good = {**typed, "amount": "1250.50", "starts_on": owners_day, "days_before": "30"}
    assert owner.post("/scheduling/prices/", good).status_code == 303
    html = owner.get("/scheduling/prices/").content.decode()
    assert "1,250.50 EUR" in html and "Counts" in html
    assert signed_in(far.member("center", "coordinator")).get("/scheduling/prices/").status_code == 403

    key = make_partner(far.maker, "product_owner", responsible=far.member(*OWNER))
    row = {**typed, "currency": "EUR", "kind": "transport", "amount": "80.00", "starts_on": owners_day}
    made = key.post("change-prices", row)
    assert made.status_code == 201 and made.json()["amount"] == "80.00"
    assert key.post("change-prices", {**row, "currency": "Euro"}).status_code == 400
    center = make_partner(far.center, "coordinator", responsible=far.member("center", "coordinator"))
    assert len(center.get("change-prices").json()["results"]) == 2
    code = confirmed(far, 16, **patient())
    offers = center.get(f"orders/{code}/dates?earliest={today() + dt.timedelta(days=20)}").json()["offers"]
    told = center.get(f"orders/{code}/dates/preview?offer={offers[0]['token']}").json()
    assert {line["amount"] for line in told["costs"]} == {"1250.50", "80.00"} and told["sums"][0]["amount"] == "1330.50"
    page = signed_in(far.member("center", "coordinator")).get(f"/orders/{code}/dates/", {"offer": offers[0]["token"]})
    assert "What it costs" in page.content.decode() and "1,330.50 EUR" in page.content.decode()
