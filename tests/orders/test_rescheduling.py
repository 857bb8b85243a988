"""Booked dates that move, on the page and in the record: at once, by agreement, or exchanged between two patients."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ledger.context import Actor, reading
from ledger.refusals import Conflict, FactsMissing, InvalidInput, NotAllowed, NotFound, Stale, WrongState
from orders.actions import date_wishing, interruptions, rescheduling, swaps
from orders.flow import current_step, order_named, perform
from orders.models import Order, SlotSwap
from scheduling import slot_chains
from scheduling.models import Slot
from scheduling.offers import ChainOffer
from tests.factories import PASSWORD, make_actor, make_organization, make_site
from tests.orders.conftest import Browse, booked, confirmed, patient, requested, step, text_of
from tests.orders.factories import World, make_world, second_therapy
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.django_db
WHY = {"code": "patient_condition", "reason": "Fever"}
COORDINATOR, PHYSICIAN = ("center", "coordinator"), ("center", "treating_physician")


@pytest.fixture
def far(db: None) -> World:
    """A world with capacity beyond the free window of its therapy (14 days)."""
    return make_world(days=30)


def coordinator(world: World) -> Actor:
    return world.actor(*COORDINATOR)


def order_of(world: World, code: str) -> Order:
    with reading(coordinator(world)):
        return order_named(coordinator(world), code)


def offers(world: World, code: str, days: int) -> list[ChainOffer]:
    """What the order could move to, from ``days`` ahead on."""
    earliest = timezone.now().date() + dt.timedelta(days=days)
    return rescheduling.search_dates(coordinator(world), code, earliest).offers


def at(world: World, days: int) -> str:
    """An order whose dates are confirmed, with a collection ``days`` ahead at the earliest."""
    return confirmed(world, days, **patient())


def taken(world: World) -> int:
    with reading(coordinator(world)):
        return sum(Slot.unwalled.values_list("taken", flat=True))


@pytest.mark.story("CO5")
def test_dates_far_ahead_move_at_once_and_what_was_done_for_the_day_is_done_again(far: World) -> None:
    code = at(far, 16)
    step(far, code, ("courier", "courier_dispatcher", 1), "accept_job", decision="accept")
    step(far, code, (*COORDINATOR, 1), "kit", kit_code="K", complete="yes", condition="good")
    before, places = order_of(far, code), taken(far)
    offer = offers(far, code, 20)[0]
    preview = rescheduling.preview(coordinator(far), code, offer.token)
    assert preview.at_once and not preview.stops
    assert [one.what for one in preview.follows] == ["“Check the collection kit” is done again"]
    assert {one.who for one in preview.agrees} == {"The courier"}
    changed = rescheduling.reschedule(coordinator(far), code, {"offer": offer.token, **WHY})
    assert changed.outcome == "moved"
    after = order_of(far, code)
    assert after.plan["collection_start"] == offer.collection_start.isoformat() != before.plan["collection_start"]
    assert after.identity_code == before.identity_code
    assert taken(far) == places
    with reading(coordinator(far)):
        for key in ("kit", "accept_job"):
            again = current_step(after, key)
            assert (again.attempt, again.state) == (2, "ready")
        chain = slot_chains.live_chain(after.stream_id)
    assert chain is not None and (chain.state, chain.change_code) == ("confirmed", "patient_condition")


@pytest.mark.story("CO5", "MP4")
def test_nearer_dates_move_when_the_manufacturer_agrees(far: World) -> None:
    code = at(far, 6)
    before, places = order_of(far, code), taken(far)
    offer = offers(far, code, 9)[0]
    preview = rescheduling.preview(coordinator(far), code, offer.token)
    assert not preview.at_once and far.maker.name in {one.who for one in preview.agrees}
    assert rescheduling.reschedule(coordinator(far), code, {"offer": offer.token, **WHY}).outcome == "proposed"
    assert order_of(far, code).plan == before.plan
    assert taken(far) == places + 4
    planner = far.actor("maker", "planner")
    with reading(planner):
        assert [order.code for order, _ in rescheduling.waiting_changes(planner)] == [code]
    with pytest.raises(NotAllowed):
        rescheduling.answer_change(coordinator(far), code, {"decision": "agree"})
    with pytest.raises(InvalidInput):
        rescheduling.answer_change(planner, code, {"decision": "refuse", "reason": " "})
    rescheduling.answer_change(planner, code, {"decision": "agree"})
    assert order_of(far, code).plan["collection_start"] == offer.collection_start.isoformat()
    assert taken(far) == places
    with pytest.raises(WrongState):
        rescheduling.answer_change(planner, code, {"decision": "agree"})


def test_a_refused_and_a_withdrawn_change_leave_the_dates(far: World) -> None:
    code = at(far, 6)
    before, places = order_of(far, code), taken(far)
    token = offers(far, code, 9)[0].token
    rescheduling.reschedule(coordinator(far), code, {"offer": token, **WHY})
    rescheduling.answer_change(far.actor("maker", "planner"), code, {"decision": "refuse", "reason": "Line full"})
    assert (order_of(far, code).plan, taken(far)) == (before.plan, places)
    rescheduling.reschedule(coordinator(far), code, {"offer": token, **WHY})
    rescheduling.withdraw_change(coordinator(far), code, {"reason": "Not needed"})
    assert (order_of(far, code).plan, taken(far)) == (before.plan, places)


def test_a_cancelled_order_gives_the_proposed_places_back_too(far: World) -> None:
    empty = taken(far)
    code = at(far, 6)
    rescheduling.reschedule(coordinator(far), code, {"offer": offers(far, code, 9)[0].token, **WHY})
    interruptions.cancel(far.actor(*PHYSICIAN), code, "Patient withdrew")
    assert taken(far) == empty


@pytest.mark.story("MP4")
def test_dates_that_are_near_are_frozen(far: World) -> None:
    code = at(far, 0)  # the first feasible day: within three days
    offer = offers(far, code, 9)[0]
    preview = rescheduling.preview(coordinator(far), code, offer.token)
    assert [fact.code for fact in preview.stops] == ["dates_frozen"]
    with pytest.raises(FactsMissing) as refusal:
        rescheduling.reschedule(coordinator(far), code, {"offer": offer.token, **WHY})
    assert "planner" in refusal.value.facts[0].remedy


def test_requested_dates_move_without_asking_and_nobody_confirms_the_new_ones_unseen(far: World) -> None:
    code = requested(far, **patient())
    with reading(coordinator(far)):
        seen = current_step(order_of(far, code), "confirm").etag
    offer = offers(far, code, 9)[0]
    assert rescheduling.reschedule(coordinator(far), code, {"offer": offer.token, **WHY}).outcome == "moved"
    planner = far.actor("maker", "planner")
    with pytest.raises(Stale):
        perform(planner, code, "confirm", {"decision": "confirm"}, version=seen)
    perform(planner, code, "confirm", {"decision": "confirm"})
    assert order_of(far, code).plan["collection_start"] == offer.collection_start.isoformat()


def test_nobody_else_moves_dates(far: World) -> None:
    code = at(far, 16)
    before, token = order_of(far, code).plan, offers(far, code, 20)[0].token
    for who in (("center", "apheresis_nurse"), ("maker", "qa_reviewer"), ("courier", "courier_dispatcher")):
        with pytest.raises((NotAllowed, NotFound)):
            rescheduling.reschedule(far.actor(*who), code, {"offer": token, **WHY})
    stranger = make_actor(make_organization("treatment_center"), "coordinator")
    with pytest.raises(NotFound):
        rescheduling.reschedule(stranger, code, {"offer": token, **WHY})
    assert order_of(far, code).plan == before


def approve(world: World, found: SlotSwap, code: str, number: int = 1, decision: str = "approve") -> SlotSwap:
    given = {"order": code, "decision": decision, "reason": "Too ill", "signature": {"password": PASSWORD}}
    return swaps.answer_swap(world.actor(*PHYSICIAN, number), found.pk, given)


@pytest.mark.story("CO6")
def test_two_patients_exchange_dates_once_a_physician_agreed_for_each(far: World) -> None:
    first, second = at(far, 6), at(far, 12)
    plans = [order_of(far, code).plan for code in (first, second)]
    identities = [order_of(far, code).identity_code for code in (first, second)]
    places = taken(far)
    found = swaps.propose_swap(coordinator(far), first, {"other": second, **WHY})
    approve(far, found, first)
    assert order_of(far, first).plan == plans[0]
    assert approve(far, found, second).state == "done"  # the same physician prescribed both
    assert [order_of(far, code).plan for code in (first, second)] == plans[::-1]
    assert [order_of(far, code).identity_code for code in (first, second)] == identities
    assert taken(far) == places
    with pytest.raises(WrongState):
        approve(far, found, second)


def test_a_physician_who_did_not_prescribe_agrees_for_one_patient_only(far: World) -> None:
    first, second = at(far, 6), at(far, 12)
    found = swaps.propose_swap(coordinator(far), first, {"other": second, **WHY})
    approve(far, found, first, number=2)
    with pytest.raises(FactsMissing) as refusal:
        approve(far, found, second, number=2)
    assert refusal.value.code == "second_person_needed"
    assert approve(far, found, second, number=1).state == "done"


def test_a_physician_of_another_site_of_the_center_agrees_for_nobody_here(far: World) -> None:
    first, second = at(far, 6), at(far, 12)
    found = swaps.propose_swap(coordinator(far), first, {"other": second, **WHY})
    elsewhere = make_actor(far.center, "treating_physician", site=make_site(far.center))
    given = {"order": first, "decision": "approve", "reason": "Too ill", "signature": {"password": PASSWORD}}
    with pytest.raises(NotAllowed) as refusal:
        swaps.answer_swap(elsewhere, found.pk, given)
    assert refusal.value.code == "signer_not_allowed"
    with reading(coordinator(far)):
        assert SlotSwap.unwalled.get(pk=found.pk).first_approved_by_id is None


def test_orders_of_two_therapies_never_exchange_dates(far: World) -> None:
    """The places are of another line's kind, and so is everything that the dates were reckoned with."""
    first, second = at(far, 6), at(second_therapy(far), 12)
    with pytest.raises(FactsMissing) as refusal:
        swaps.propose_swap(coordinator(far), first, {"other": second, **WHY})
    assert [fact.code for fact in refusal.value.facts] == ["not_alike"]


def test_a_swap_keeps_to_what_is_wished_of_either_order_s_dates(far: World) -> None:
    first, second = at(far, 6), at(far, 12)
    early, late = (parse_datetime(order_of(far, code).plan["collection_start"]).date() for code in (first, second))
    since = timezone.now().date() - dt.timedelta(days=1)
    washout = {"washout_since": str(since), "washout_days": (late - since).days}  # over on the very day that is booked
    date_wishing.state_wishes(coordinator(far), second, washout)
    with pytest.raises(FactsMissing) as refusal:
        swaps.propose_swap(coordinator(far), first, {"other": second, **WHY})
    (fact,) = refusal.value.facts
    assert (fact.code, second in fact.text) == ("wish_unmet", True)
    assert f"{early.day} {early:%b %Y}: Washout of" in fact.text
    date_wishing.state_wishes(coordinator(far), second, {"washout_since": None})
    found = swaps.propose_swap(coordinator(far), first, {"other": second, **WHY})
    approve(far, found, first)
    date_wishing.state_wishes(coordinator(far), first, {"weekdays": [late.isoweekday() % 7 + 1]})
    with pytest.raises(FactsMissing) as refusal:
        approve(far, found, second)  # it is asked again when the dates are exchanged
    assert [fact.code for fact in refusal.value.facts] == ["wish_unmet"]


def test_a_refused_or_withdrawn_swap_moves_nothing(far: World) -> None:
    first, second = at(far, 6), at(far, 12)
    plans = [order_of(far, code).plan for code in (first, second)]
    found = swaps.propose_swap(coordinator(far), first, {"other": second, **WHY})
    assert approve(far, found, first, decision="refuse").state == "refused"
    again = swaps.propose_swap(coordinator(far), first, {"other": second, **WHY})
    assert swaps.withdraw_swap(coordinator(far), again.pk, {"reason": "Changed my mind"}).state == "withdrawn"
    assert [order_of(far, code).plan for code in (first, second)] == plans


def test_a_swap_is_the_center_s_own(far: World) -> None:
    first, second = at(far, 6), at(far, 12)
    with pytest.raises(InvalidInput) as refusal:
        swaps.propose_swap(coordinator(far), first, {"other": "CT-0000-0000", **WHY})
    assert "other" in refusal.value.fields
    with pytest.raises(FactsMissing):
        swaps.propose_swap(coordinator(far), first, {"other": first, **WHY})
    found = swaps.propose_swap(coordinator(far), first, {"other": second, **WHY})
    for stranger in (far.actor("maker", "planner"), make_actor(make_organization("treatment_center"), "coordinator")):
        with reading(stranger), pytest.raises(NotFound):
            swaps.swap_named(stranger, found.pk)


@pytest.mark.story("CO5")
def test_the_page_leads_from_the_order_to_the_knock_on_and_moves_the_dates(far: World) -> None:
    code = at(far, 16)
    browser = signed_in(far.member(*COORDINATOR))
    assert f"/orders/{code}/dates/" in text_of(browser.get(f"/orders/{code}/"))
    offer = offers(far, code, 20)[0]
    page = text_of(browser.get(f"/orders/{code}/dates/", {"offer": offer.token}))
    assert "What moves" in page and "Move the dates" in page and "Apheresis chair" in page
    bad = browser.post(f"/orders/{code}/dates/", {"offer": offer.token, "code": "other", "reason": ""})
    assert bad.status_code == 400 and "Move the dates" in text_of(bad)
    done = browser.post(f"/orders/{code}/dates/", {"offer": offer.token, **WHY, "once": "one"}, follow=True)
    assert "The dates have moved" in text_of(done)
    again = browser.post(f"/orders/{code}/dates/", {"offer": offer.token, **WHY, "once": "one"}, follow=True)
    assert "nothing was done twice" in text_of(again)


def test_the_planner_answers_from_the_desk(far: World) -> None:
    code = at(far, 6)
    rescheduling.reschedule(coordinator(far), code, {"offer": offers(far, code, 9)[0].token, **WHY})
    planner = signed_in(far.member("maker", "planner"))
    assert "Changes of dates to agree to" in text_of(planner.get("/"))
    page = text_of(planner.get(f"/orders/{code}/dates/"))
    assert "Agree to the new dates" in page and "Feasible dates" not in page
    bad = planner.post(f"/orders/{code}/dates/answer/", {"decision": "refuse", "reason": ""})
    assert bad.status_code == 400 and "Say why you refuse" in text_of(bad)
    assert "moved" in text_of(planner.post(f"/orders/{code}/dates/answer/", {"decision": "agree"}, follow=True))
    courier = signed_in(far.member("courier", "courier_dispatcher"))
    assert courier.get(f"/orders/{code}/dates/").status_code == 404


def proposed(world: World, code: str, days: int) -> ChainOffer:
    """Other dates for an order, ``days`` ahead at the earliest, proposed by the manufacturer's planner."""
    planner = world.actor("maker", "planner")
    earliest = timezone.now().date() + dt.timedelta(days=days)
    offer = rescheduling.search_dates(planner, code, earliest).offers[0]
    assert not rescheduling.preview(planner, code, offer.token).at_once
    why = {"offer": offer.token, "code": "plant_capacity", "reason": "Line service"}
    assert rescheduling.reschedule(planner, code, why).outcome == "proposed"
    return offer


@pytest.mark.story("MP2")
@pytest.mark.parametrize("days", [16, 6])  # the center alone could move the first at once, the second by agreement
def test_a_planner_proposes_other_dates_and_they_move_when_the_center_agrees(far: World, days: int) -> None:
    code = at(far, days)
    before, places = order_of(far, code), taken(far)
    offer = proposed(far, code, days + 4)
    assert order_of(far, code).plan == before.plan
    assert taken(far) == places + 4
    planner, center = far.actor("maker", "planner"), coordinator(far)
    with reading(planner):
        assert rescheduling.waiting_changes(planner) == []
    with reading(center):
        assert [order.code for order, _ in rescheduling.waiting_changes(center)] == [code]
    for wrong in (planner, far.actor("center", "apheresis_nurse")):
        with pytest.raises(NotAllowed):
            rescheduling.answer_change(wrong, code, {"decision": "agree"})
    with pytest.raises(NotAllowed):
        rescheduling.withdraw_change(center, code, {"reason": "Not mine"})
    rescheduling.answer_change(center, code, {"decision": "agree"})
    after = order_of(far, code)
    assert after.plan["collection_start"] == offer.collection_start.isoformat()
    assert after.identity_code == before.identity_code
    assert taken(far) == places


@pytest.mark.story("MP2")
def test_what_a_planner_proposes_can_be_refused_and_withdrawn(far: World) -> None:
    code = at(far, 6)
    before, places = order_of(far, code), taken(far)
    proposed(far, code, 9)
    with pytest.raises(InvalidInput):
        rescheduling.answer_change(coordinator(far), code, {"decision": "refuse", "reason": ""})
    rescheduling.answer_change(coordinator(far), code, {"decision": "refuse", "reason": "Patient travels"})
    assert (order_of(far, code).plan, taken(far)) == (before.plan, places)
    proposed(far, code, 9)
    with pytest.raises(Conflict):
        rescheduling.reschedule(coordinator(far), code, {"offer": offers(far, code, 11)[0].token, **WHY})
    rescheduling.withdraw_change(far.actor("maker", "planner"), code, {"reason": "Line is back"})
    assert (order_of(far, code).plan, taken(far)) == (before.plan, places)


@pytest.mark.story("MP2")
def test_a_planner_proposes_nothing_for_frozen_or_unconfirmed_dates(far: World) -> None:
    planner = far.actor("maker", "planner")
    for code, why in ((at(far, 0), "dates_frozen"), (requested(far, 6, **patient()), "not_confirmed")):
        earliest = timezone.now().date() + dt.timedelta(days=9)
        offer = rescheduling.search_dates(planner, code, earliest).offers[0]
        assert [fact.code for fact in rescheduling.preview(planner, code, offer.token).stops] == [why]
        with pytest.raises(FactsMissing):
            rescheduling.reschedule(planner, code, {"offer": offer.token, **WHY})
    page, center = (signed_in(far.member(*who)) for who in (("maker", "planner"), COORDINATOR))
    address = f"/orders/{code}/dates/"
    assert "made at once" not in text_of(page.get(address)), "a planner changes nothing at once"
    assert "made at once" in text_of(center.get(address))


@pytest.mark.story("MP2")
def test_the_center_answers_a_planner_s_proposal_from_its_desk(far: World) -> None:
    code = at(far, 6)
    proposed(far, code, 9)
    center = signed_in(far.member(*COORDINATOR))
    desk = text_of(center.get("/"))
    assert "Other dates proposed by the manufacturer" in desk and f"{code}: look and answer" in desk
    planner = signed_in(far.member("maker", "planner"))
    page = text_of(planner.get(f"/orders/{code}/dates/"))
    assert "Withdraw the change" in page and "Agree to the new dates" not in page
    assert "Agree to the new dates" in text_of(center.get(f"/orders/{code}/dates/"))
    done = center.post(f"/orders/{code}/dates/answer/", {"decision": "agree"}, follow=True)
    assert "The dates have moved" in text_of(done)
    record = text_of(center.get(f"/orders/{code}/"))
    assert "Proposed dates agreed" in record


@pytest.mark.story("MP2")
def test_a_line_and_a_day_in_the_address_show_what_such_a_start_would_move(far: World) -> None:
    code = at(far, 6)
    planner = signed_in(far.member("maker", "planner"))
    with reading(far.actor("maker", "planner")):
        line = Slot.unwalled.filter(kind="manufacturing_line", site=far.plant).values_list("resource_id", flat=True)[0]
    start = dt.datetime.fromisoformat(order_of(far, code).plan["manufacture_start"]).date() + dt.timedelta(days=3)
    page = planner.get(f"/orders/{code}/dates/", {"line": str(line), "start": start.isoformat()})
    assert "What moves" in text_of(page) and "Ask the treatment center" in text_of(page)
    found = page.context["preview"].offer
    assert found.manufacture_start.astimezone(ZoneInfo("America/New_York")).date() == start
    assert far.center.name in {one.who for one in page.context["preview"].agrees}
    gone = text_of(planner.get(f"/orders/{code}/dates/", {"line": str(line), "start": "2020-01-01"}))
    assert "No chain starts on" in gone and "What moves" not in gone
    for nonsense in ({"line": "x", "start": start.isoformat()}, {"line": str(line), "start": "31 June"}):
        assert planner.get(f"/orders/{code}/dates/", nonsense).status_code == 200


def test_the_swap_s_page_shows_both_patients_to_their_own_center_only(far: World) -> None:
    first, second = at(far, 6), at(far, 12)
    browser = signed_in(far.member(*COORDINATOR))
    assert second in text_of(browser.get(f"/orders/{first}/swap/"))
    browser.post(f"/orders/{first}/swap/", {"other": second, **WHY})
    physician = signed_in(far.member(*PHYSICIAN))
    assert f"{first} and {second}" in text_of(physician.get("/"))
    assert "Sign and approve" in text_of(physician.get(f"/orders/{first}/swap/"))
    assert signed_in(far.member("maker", "planner")).get(f"/orders/{first}/swap/").status_code == 404


def test_what_is_being_collected_is_not_offered_for_a_swap(far: World) -> None:
    code, journey, reader = at(far, 16), journey_of(far, **patient()), coordinator(far)

    def offered() -> set[str]:
        with reading(reader):
            return {other.code for other, _ in swaps.candidates(reader, order_named(reader, code))}

    journey.run(before="start_collection")
    assert journey.code in offered()
    journey.run(before="collect")
    assert journey.code not in offered()


def test_the_page_of_an_order_offers_no_change_to_others(world: World, browse: Browse) -> None:
    code = booked(world, **patient())
    assert f"/orders/{code}/dates/" not in text_of(browse("center", "apheresis_nurse").get(f"/orders/{code}/"))


@pytest.mark.story("MP2")
def test_a_day_that_the_planner_proposes_is_where_the_center_s_next_search_begins(far: World) -> None:
    code = requested(far, **patient())
    day = timezone.now().date() + dt.timedelta(days=12)
    declined = {"decision": "decline", "reason": "Line service", "proposed_date": day.isoformat()}
    perform(far.actor("maker", "planner"), code, "confirm", declined)
    page = signed_in(far.member(*COORDINATOR)).get(f"/orders/{code}/steps/book/")
    assert "Line service" in text_of(page) and "would fit" in text_of(page)
    offers = page.context["offers"]
    assert offers["earliest"] == day
    zone = dt.timezone(dt.timedelta(hours=1))
    assert all(row["offer"].collection_start.astimezone(zone).date() >= day for row in offers["found"])
    other = signed_in(far.member(*COORDINATOR)).get(f"/orders/{code}/steps/book/?earliest={timezone.now().date()}")
    assert other.context["offers"]["earliest"] != day
