"""What a repair costs by the manufacturer's price list: weighed, told move by move, and only to whom it may be told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ledger.context import reading
from ledger.recording import acting
from scheduling.models import RepairMove, RepairRun
from tests.api.conftest import make_partner
from tests.orders.conftest import confirmed, patient
from tests.orders.factories import World, make_world
from tests.orders.test_repairs import coordinator, order_of, planner, proposed, signed, stopped
from tests.personas.conftest import signed_in
from tests.scheduling.test_prices import price

pytestmark = pytest.mark.django_db
CENTER, MAKER = "treatment_center", "manufacturer"


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


def component(run: RepairRun, name: str) -> dict[str, Any] | None:
    return next((one for one in run.result["components"] if one["name"] == name), None)


def charged(row: dict[str, Any]) -> Decimal:
    return sum((Decimal(line["amount"]) for line in row["costs"]), Decimal())


@pytest.mark.story("MP6")
def test_a_repair_weighs_and_tells_what_its_moves_cost(far: World) -> None:
    code = confirmed(far, 16, **patient())
    price(far, "line_cancelled", "900", days_before=60)
    price(far, "line_cancelled", "70", charged_to=MAKER)
    price(far, "lane_cancelled", "150.50")
    price(far, "transport", "300")
    run = proposed(far, stopped(far, code))
    (row,) = run.plan
    assert row["chosen"] is not None and charged(row) >= Decimal(970)  # the line is given up, whatever else
    fees = component(run, "fees")
    assert fees is not None and fees["currency"] == "EUR"
    assert Decimal(fees["value"]) / 100 == charged(row) == Decimal(fees["bound"]) / 100
    cheapest = min(charged(choice) for choice in row["choices"] if choice["infusion"] == infusion(row))
    assert charged(row) == cheapest
    page = signed_in(far.member("maker", "planner")).get(f"/disruptions/repairs/{run.pk}/").content.decode()
    assert "Cost by the price list" in page and f"{charged(row):,.2f} EUR" in page
    assert "70.00 EUR, manufacturer" in page


def infusion(row: dict[str, Any]) -> str:
    return str(row["choices"][row["chosen"]]["infusion"])


def test_the_centers_hear_nothing_of_what_the_manufacturer_is_charged(far: World) -> None:
    code = confirmed(far, 16, **patient())
    price(far, "line_cancelled", "7777", charged_to=MAKER)
    run = proposed(far, stopped(far, code))
    assert charged(run.plan[0]) >= Decimal(7777)
    (move,) = signed(far, run)
    assert "7777" not in move.text and "7,777" not in move.text
    with reading(coordinator(far)):
        assert not any("7777" in one.text or "7,777" in one.text for one in RepairMove.unwalled.all())


@pytest.mark.story("MP6")
def test_a_center_that_is_asked_to_move_sees_what_it_pays_and_no_more(far: World) -> None:
    """On its page and over REST, as the plan told the planner; the manufacturer's share, other sponsors' and other
    centers' prices stay out."""
    code = confirmed(far, 16, **patient())
    price(far, "line_cancelled", "900.25", days_before=60)
    price(far, "line_cancelled", "7777", charged_to=MAKER)
    price(far, "transport", "41")
    other = make_world(days=3)
    price(other, "line_cancelled", "5555")
    run = proposed(far, stopped(far, code))
    mine = [line for line in run.plan[0]["costs"] if line["charged_to"] == CENTER]
    (move,) = signed(far, run)
    center = signed_in(far.member("center", "coordinator"))
    page = center.get("/disruptions/").content.decode()
    assert "What accepting costs you today" in page and "900.25 EUR" in page
    assert f"{sum(Decimal(line['amount']) for line in mine):,.2f} EUR" in page
    assert not [amount for amount in ("7,777.00", "7777.00", "5,555.00", "5555.00") if amount in page]
    rest = make_partner(far.center, "coordinator", responsible=far.member("center", "coordinator"))
    (row,) = rest.get("moves").json()["results"]
    assert row["costs"] == mine and any(line["amount"] == "900.25" for line in mine)
    maker = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    assert maker.get("moves").json()["results"][0]["costs"] == run.plan[0]["costs"]
    courier = make_partner(far.courier, "courier_dispatcher")
    assert all(not row["costs"] for row in courier.get("moves").json().get("results", []))
    center.post(f"/disruptions/moves/{move.pk}/", {"decision": "accept"})
    assert rest.get("moves").json()["results"][0]["costs"] == []


def test_where_the_center_pays_nothing_its_page_tells_no_cost(far: World) -> None:
    code = confirmed(far, 16, **patient())
    price(far, "line_cancelled", "7777", charged_to=MAKER)
    signed(far, proposed(far, stopped(far, code)))
    page = signed_in(far.member("center", "coordinator")).get("/disruptions/").content.decode()
    assert "Moves to answer" in page and "What accepting costs" not in page and "7,777.00" not in page


def test_without_prices_nothing_is_told_and_changes_decide(far: World) -> None:
    code = confirmed(far, 16, **patient())
    run = proposed(far, stopped(far, code))
    assert run.plan[0]["costs"] == [] and component(run, "fees") is None
    assert component(run, "changes") is not None


def test_amounts_of_another_currency_are_told_and_not_added(far: World) -> None:
    code = confirmed(far, 16, **patient())
    price(far, "line_cancelled", "900")
    price(far, "lane_cancelled", "10")
    price(far, "transport", "555", currency="CHF")
    run = proposed(far, stopped(far, code))
    assert run.result["not_weighed"] == ["CHF"]
    fees = component(run, "fees")
    assert fees is not None and fees["currency"] == "EUR"
    euros = sum((Decimal(line["amount"]) for line in run.plan[0]["costs"] if line["currency"] == "EUR"), Decimal())
    assert Decimal(fees["value"]) / 100 == euros


def test_a_move_signed_before_costs_were_kept_says_that_its_cost_is_not_known(far: World) -> None:
    code = confirmed(far, 16, **patient())
    price(far, "line_cancelled", "900.25", days_before=60)
    run = proposed(far, stopped(far, code))
    (move,) = signed(far, run)
    rest = make_partner(far.center, "coordinator", responsible=far.member("center", "coordinator"))
    center, said = signed_in(far.member("center", "coordinator")), "What accepting costs is not known"
    assert rest.get("moves").json()["results"][0]["costs_known"] is True
    assert said not in center.get("/disruptions/").content.decode()
    with acting(planner(far), "orders.step_done", stream_id=move.stream_id):
        RepairMove.unwalled.filter(pk=move.pk).update(starts=[])
    (row,) = rest.get("moves").json()["results"]
    assert row["costs"] == [] and row["costs_known"] is False
    page = center.get("/disruptions/").content.decode()
    assert said in page and "900.25" not in page


def test_a_plan_from_before_costs_were_kept_says_so_beside_each_order(far: World) -> None:
    code = confirmed(far, 16, **patient())
    run = proposed(far, stopped(far, code))
    desk, address = signed_in(far.member("maker", "planner")), f"/disruptions/repairs/{run.pk}/"
    assert "Cost not known" not in desk.get(address).content.decode()
    for one in (run.plan[0], *run.plan[0]["choices"]):
        del one["costs"]
    with acting(planner(far), "orders.step_done", stream_id=order_of(far, code).stream_id):
        RepairRun.unwalled.filter(pk=run.pk).update(plan=run.plan)
    assert "Cost not known" in desk.get(address).content.decode()
    rest = make_partner(far.maker, "planner", responsible=far.member("maker", "planner"))
    assert rest.get(f"repairs/{run.pk}").json()["plan"][0]["costs_known"] is False
    desk.post(f"{address}edit/", {"order": code, "choice": "0"})
    assert "Cost not known" in desk.get(address).content.decode()
