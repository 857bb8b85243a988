"""What is wished when dates are searched holds when they are held, on the page and over REST; the picker's filters."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ledger.context import reading
from ledger.refusals import Conflict, InvalidInput
from orders import queries
from orders.flow import current_step, order_named, perform
from scheduling import slot_chains
from scheduling.offers import ChainOffer
from tests.api.conftest import make_partner, problem
from tests.orders.conftest import patient, prescribed, text_of
from tests.orders.factories import World, make_world
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.django_db
COORDINATOR = ("center", "coordinator")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


def today() -> dt.date:
    return timezone.localdate(timezone=BERLIN)


def offered(world: World, code: str, days: int) -> ChainOffer:
    """What a search without wishes offers, ``days`` ahead at the earliest."""
    actor = world.actor(*COORDINATOR)
    with reading(actor):
        order = order_named(actor, code)
        return queries.search_slots(
            actor, order, queries.step_of(actor, order, "book"), today() + dt.timedelta(days=days)
        ).offers[0]


def unfit(offer: ChainOffer) -> list[tuple[dict[str, Any], str]]:
    """Wishes that the offer does not fit, each with a word of the reason."""
    date = offer.collection_start.astimezone(BERLIN).date()
    return [
        ({"washout_since": today().isoformat(), "washout_days": 21}, "Washout"),
        ({"weekdays": [n for n in range(1, 8) if n != date.isoweekday()]}, date.strftime("%A")),
        ({"earliest": (date + dt.timedelta(days=1)).isoformat()}, "earliest day"),
    ]


def is_booked(world: World, code: str) -> bool:
    actor = world.actor(*COORDINATOR)
    with reading(actor):
        return slot_chains.live_chain(order_named(actor, code).stream_id) is not None


@pytest.mark.story("CO1", "CO2")
def test_an_offer_that_the_wishes_refuse_is_not_held(far: World) -> None:
    code = prescribed(far, **patient())
    offer, actor = offered(far, code, 6), far.actor(*COORDINATOR)
    for wishes, words in unfit(offer):
        with pytest.raises(Conflict) as refusal:
            perform(actor, code, "book", {"offer": offer.token, **wishes})
        assert refusal.value.code == "offer_gone" and words in str(refusal.value), wishes
        assert not is_booked(far, code)
    for field, value in (("weekdays", 8), ("washout_since", "31 June"), ("washout_days", -1), ("earliest", "soon")):
        with pytest.raises(InvalidInput) as bad:
            perform(actor, code, "book", {"offer": offer.token, field: value})
        assert field in bad.value.fields
    date = offer.collection_start.astimezone(BERLIN).date()
    fitting = {
        "earliest": date.isoformat(),
        "weekdays": [date.isoweekday(), date.isoweekday() % 7 + 1],
        "washout_since": "2026-01-01",
    }
    perform(actor, code, "book", {"offer": offer.token, **fitting, "washout_days": 21})
    assert is_booked(far, code)


@pytest.mark.story("CO1")
def test_the_page_sends_its_wishes_with_the_hold_and_says_why_not(far: World) -> None:
    code = prescribed(far, **patient())
    browser, offer = signed_in(far.member(*COORDINATOR)), offered(far, code, 6)
    since = today() - dt.timedelta(days=1)
    address = f"/orders/{code}/steps/book/?washout_since={since}&washout_days=21"
    page = browser.get(address)
    html = text_of(page)
    assert f'name="washout_since" value="{since}"' in html and 'name="washout_days" value="21"' in html
    days = [row["offer"].collection_start.astimezone(BERLIN).date() for row in page.context["offers"]["found"]]
    assert days and min(days) >= since + dt.timedelta(days=21)
    assert any("Washout" in group["text"] for group in page.context["offers"]["refused"])
    with reading(far.actor(*COORDINATOR)):
        version = current_step(order_named(far.actor(*COORDINATOR), code), "book").etag
    sent = {"offer": offer.token, "washout_since": str(since), "washout_days": "21", "version": version}
    refused = browser.post(address, sent)
    assert refused.status_code == 409 and "Washout of the last treatment: 21 days" in text_of(refused)
    assert not is_booked(far, code)
    for nonsense in ("washout_since=yesterday", "washout_days=many", "washout_days=-3", "washout_days=99999"):
        assert browser.get(f"/orders/{code}/steps/book/?{nonsense}").status_code == 200


@pytest.mark.story("CO1")
def test_a_partner_s_wishes_are_checked_when_it_holds(far: World) -> None:
    code = prescribed(far, **patient())
    partner = make_partner(far.center, "coordinator", responsible=far.member(*COORDINATOR))
    offer = offered(far, code, 6)
    for wishes, words in unfit(offer):
        answer = partner.post(f"orders/{code}/slot-chains/hold", {"offer": offer.token, **wishes})
        refused = problem(answer, 409, "offer_gone")
        assert words in refused["detail"]
        (reason,) = refused["reasons"]
        assert reason["code"] in ("weekday", "before_earliest", "washout") and reason["text"] == refused["detail"]
        assert reason["date"] == offer.collection_start.astimezone(BERLIN).date().isoformat()
    bad = partner.post(f"orders/{code}/slot-chains/hold", {"offer": offer.token, "weekdays": [9]})
    assert "weekdays" in problem(bad, 400, "invalid_input")["fields"]
    assert partner.post(f"orders/{code}/slot-chains/hold", {"offer": offer.token}).status_code == 200


@pytest.mark.story("CO1")
def test_the_former_key_for_one_weekday_is_refused_and_names_the_new_one(far: World) -> None:
    code = prescribed(far, **patient())
    partner = make_partner(far.center, "coordinator", responsible=far.member(*COORDINATOR))
    old = {"weekday": 3}
    held = partner.post(f"orders/{code}/slot-chains/hold", {"offer": offered(far, code, 6).token, **old})
    answers = [
        held,
        partner.post(f"orders/{code}/date-wishes", old),
        partner.post(f"orders/{code}/dates/move", {"offer": "x", "code": "delay", "reason": "Fever", **old}),
        partner.get(f"orders/{code}/slot-chains?weekday=3"),
        partner.get(f"orders/{code}/dates?weekday=3"),
    ]
    for answer in answers:
        assert "weekdays" in problem(answer, 400, "invalid_input")["fields"]["weekday"][0]
    both = partner.post(f"orders/{code}/date-wishes", old | {"weekdays": [9]})
    assert set(problem(both, 400, "invalid_input")["fields"]) == {"weekday", "weekdays"}
    assert not is_booked(far, code)
    assert partner.post(f"orders/{code}/date-wishes", {"weekdays": [3]}).status_code == 200
