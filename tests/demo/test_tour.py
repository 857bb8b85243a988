"""The guided tour: a click takes you there as the right person; a check turns green when the record says so."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from cgt.demo import seeding, tour_stops
from cgt.demo.tour import Checked, StopOnTour
from custody.actions.mismatch import stop_the_line
from ledger.context import Actor, reading
from ledger.refusals import NotFound
from orders import flow_files, queries
from orders.actions.dossiers import Forgery, check_copy, take_dossier, take_tampered
from orders.flow import order_named
from quality.actions.deviations import close_deviation, open_deviation
from tests.factories import make_actor
from tests.orders.conftest import patient, prescribed, step, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of

pytestmark = pytest.mark.usefixtures("demonstration")


def panel(page: str) -> str:
    return page.split('aria-label="Guided tour"')[1].split("</section>")[0]


def happened(panel: str, check: str) -> bool:
    """Whether the panel shows a check as passed."""
    row = next(row for row in panel.split("<li") if check in row)
    return "Happened:" in row


def test_the_tour_begins_at_the_sign_in_page_and_a_check_follows_the_record(
    world: World, stops: tuple[tour_stops.Stop, ...]
) -> None:
    code, client = prescribed(world, **patient()), Client()
    assert "Start the tour of five minutes" in text_of(client.get("/accounts/login/"))
    page = text_of(client.post("/demo/tour/list", follow=True))
    assert "1. Two manufacturers in one list" in panel(page) and code in page
    assert "Not yet:" in panel(page) and "Happened:" not in panel(page)
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        order = order_named(coordinator, code)
        found = queries.search_slots(
            coordinator, order, queries.step_of(coordinator, order, "book"), order.opened_at.date()
        )
    step(world, code, ("center", "coordinator", 1), "book", offer=found.offers[0].token)
    held = panel(text_of(client.get("/orders/")))
    assert happened(held, "Slots are held") and not happened(held, "Dates were refused")


def test_refused_dates_count_when_a_page_has_shown_them(world: World, stops: tuple[tour_stops.Stop, ...]) -> None:
    code, client = prescribed(world, **patient()), Client()
    client.post("/demo/tour/list")
    refused = "Dates were refused, each with its reason"
    assert not happened(panel(text_of(client.get("/orders/"))), refused)
    page = panel(text_of(client.get(f"/orders/{code}/steps/book/")))
    assert happened(page, refused)
    assert happened(panel(text_of(client.get("/orders/"))), refused)
    client.post("/demo/tour/begin")
    client.post("/demo/tour/list")
    assert not happened(panel(text_of(client.get("/orders/"))), refused), "a new tour has seen nothing yet"


def test_an_altered_copy_counts_when_it_is_verified_after_the_tour_began(world: World) -> None:
    inspector = world.actor("center", "inspector")
    code = world.enrol(**patient())
    found = next(stop for stop in tour_stops.STOPS if stop.key == "copy").checks[-1]
    with reading(inspector):
        since = order_named(inspector, code).opened_at

    check_copy(inspector, take_dossier(inspector, code).content)
    with reading(inspector):
        assert not found.happened(inspector, since), "an intact copy is no tampered one"

    check_copy(inspector, take_tampered(inspector, code, Forgery.values[0]).content)
    with reading(inspector):
        assert found.happened(inspector, since)
        assert not found.happened(inspector, timezone.now())


def test_a_stop_that_finds_nothing_says_so(world: World, stops: tuple[tour_stops.Stop, ...]) -> None:
    client = Client()
    client.post("/demo/tour/list")
    page = text_of(client.post("/demo/tour/release", {"next": "/orders/"}, follow=True))
    assert "nothing in the demonstration fits any more" in page and "--fresh" in page
    assert Client().post("/demo/tour/nowhere").status_code == 404


def test_the_second_box_is_another_one_when_the_first_was_stopped(world: World) -> None:
    first, second = (journey_of(world, **patient()) for _ in range(2))
    for journey in (first, second):
        journey.run(before="receipt")
    stop, operator = next(stop for stop in tour_stops.STOPS if stop.key == "bag"), world.actor("maker", "operator")
    found = address_of(stop, operator)
    stopped, other = (first, second) if first.code in found else (second, first)
    with reading(operator):
        stream_id = order_named(operator, stopped.code).stream_id
    stop_the_line(operator, stream_id, [], "A foreign bag was scanned.")
    assert other.code in address_of(stop, operator)


def test_half_of_a_stop_passed_the_way_to_the_other_half_is_what_comes_next() -> None:
    two_boxes, one_release = (next(stop for stop in tour_stops.STOPS if stop.key == key) for key in ("bag", "release"))

    def half(stop: tour_stops.Stop, *passed: bool) -> bool:
        return StopOnTour(1, stop, [Checked("", one) for one in passed], current=True).half

    assert half(two_boxes, True, False)
    assert not half(two_boxes, False, False) and not half(two_boxes, True, True)
    assert not half(one_release, True, False), "its rest is on the same page"


def test_the_release_stop_leads_to_a_release_that_one_open_item_really_blocks(world: World) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="release")
    stop = next(stop for stop in tour_stops.STOPS if stop.key == "release")
    reviewer, qualified = world.actor("maker", "qa_reviewer"), world.actor("maker", "qualified_person")
    with reading(reviewer):
        stream_id = order_named(reviewer, journey.code).stream_id
    minor = open_deviation(reviewer, stream_id, kind="storage", severity="minor", text="An alarm rang.")
    with pytest.raises(NotFound):
        address_of(stop, qualified)
    close_deviation(qualified, minor.pk, conclusion="No effect on the product.")
    open_deviation(reviewer, stream_id, kind="storage", severity="major", text="The door stood open.")
    assert journey.code in address_of(stop, qualified)


def address_of(stop: tour_stops.Stop, actor: Actor) -> str:
    with reading(actor):
        return stop.find(actor)


def test_the_tour_survives_being_somebody_else_and_ends_on_request(
    world: World, stops: tuple[tour_stops.Stop, ...]
) -> None:
    client = Client()
    client.post("/demo/tour/list")
    client.post("/demo/sign-in", {"username": world.username("courier", "courier_driver")})
    page = text_of(client.get("/orders/"))
    assert "Guided tour" in page and "Cell therapy coordinator" not in page
    client.post("/demo/tour/end")
    assert 'aria-label="Guided tour"' not in text_of(client.get("/orders/"))


def test_the_release_stop_waits_for_the_open_item_to_be_closed(world: World) -> None:
    """Its check reads the closing, by whomever, since the tour began."""
    reviewer, other = world.actor("maker", "qa_reviewer"), make_actor(world.maker, "qualified_person")
    code = world.enrol(**patient())
    with reading(reviewer):
        order = order_named(reviewer, code)
    deviation = open_deviation(reviewer, order.stream_id, kind="storage", severity="minor", text="An alarm rang.")
    closed = next(stop for stop in tour_stops.STOPS if stop.key == "release").checks[0]
    since = order.opened_at
    with reading(other):
        assert not closed.happened(other, since)
    close_deviation(other, deviation.pk, conclusion="No effect on the product.")
    with reading(other):
        assert closed.happened(other, since)


USUAL = ("", "too_warm", "failed_result", "ahead")  # what such a plot tells, its steps do


def test_the_demonstrations_orders_are_told_in_terms_of_their_flows() -> None:
    flows = {
        name: [row["key"] for row in flow_files.shipped(name)["steps"]] for name in ("autologous_car_t", "in_vivo")
    }
    for plot in seeding.plots():
        keys = flows["in_vivo" if plot.therapy == "auravec" else "autologous_car_t"]
        assert plot.before in ("", *keys), plot
        assert hasattr(seeding.Story, f"_twist_{plot.twist}") or plot.twist in USUAL, plot
    told = {plot.before for plot in seeding.plots() if plot.therapy != "auravec"}
    for desk in (
        "book",
        "request",
        "confirm",
        "accept_job",
        "kit",
        "collect",
        "pickup",
        "receipt",
        "qc",
        "review",
        "release",
    ):
        assert desk in told
    only_if_lost = {"confirm_reserve", "release_reserve"}
    assert set(flows["autologous_car_t"]) - {"enrol"} - only_if_lost == set(seeding.CAR_T_ORDER)
    assert set(flows["in_vivo"]) - {"enrol"} == set(seeding.IN_VIVO_ORDER)


def test_at_the_couriers_stop_the_same_order_is_seen_from_both_sides(
    world: World, stops: tuple[tour_stops.Stop, ...]
) -> None:
    person = patient()
    journey = journey_of(world, **person)
    journey.run(before="pickup")
    client = Client()
    here = text_of(client.post("/demo/tour/courier", follow=True))
    code = re.search(r"CT-[A-Z0-9]{4}-[A-Z0-9]{4}", here.split("<h1")[1])
    assert code and "See this order as" in panel(here)

    def cross(page: str) -> str:
        form = panel(page).split("See this order as")[0].rsplit("<form", 1)[1]
        sent = dict(re.findall(r'name="(username|membership|next)" value="([^"]*)"', form))
        assert sent["next"] == f"/orders/{code[0]}/"
        return text_of(client.post("/demo/sign-in", sent, follow=True))

    there = cross(here)
    assert "Medical record number" in there and "Medical record number" not in here
    assert "Courier driver" in panel(there)
    assert "Medical record number" not in cross(there)


def test_the_last_stop_opens_an_orders_history_and_leads_on_to_the_copy(
    world: World, stops: tuple[tour_stops.Stop, ...]
) -> None:
    journey = journey_of(world, **patient())
    journey.run()
    client = Client()
    page = text_of(client.post("/demo/tour/copy", follow=True))
    assert happened(panel(page), "history was opened") and not happened(panel(page), "A tampered copy was detected")
    assert re.search(r'href="/record/verify/\?order=CT-[A-Z0-9-]+"', page)
