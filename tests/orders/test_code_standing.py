"""A scan tells what a bag or a box is, how it stands now and who has it: alike on the page and over REST."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cgt.demo import clock
from custody.actions.mismatch import stop_the_line
from custody.models import Container, Shipment
from ledger.context import reading
from orders.actions.dispositions import put_aside
from orders.flow import order_named
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("CL2", "CR2")]
NURSE, OPERATOR, DRIVER = ("center", "apheresis_nurse"), ("maker", "operator"), ("courier", "courier_driver")
HOLDERS = (NURSE, OPERATOR, DRIVER)


def things(world: World, code: str) -> tuple[list[Container], list[Shipment]]:
    actor = world.actor(*NURSE)
    with reading(actor):
        stream_id = order_named(actor, code).stream_id
        bags = Container.unwalled.filter(stream_id=stream_id).order_by("kind", "position")
        return list(bags), list(Shipment.unwalled.filter(stream_id=stream_id).order_by("packed_at"))


def asked(browser: Any, code: str) -> tuple[dict[str, Any] | None, str]:
    """Return what REST says of a code now, and the page's words after the form."""
    answer = browser.post("/api/v1/codes/read", json.dumps({"code": code}), "application/json")
    assert answer.status_code == 200, answer.content
    page = text_of(browser.post("/codes/", {"code": code}))
    return answer.json()["now"], page.split("What the code says")[-1]


def holders(browse: Browse, code: str) -> list[str]:
    """Return the organizations that list a bag among what is in their custody."""
    found = []
    for who in HOLDERS:
        browser, address = browse(*who), "/api/v1/custody"
        while address:
            answer = browser.get(address).json()
            found += [who[0] for row in answer["results"] if row["container"] == code]
            address = answer["next"]
    return found


def test_a_bag_is_followed_by_scanning_it(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    nurse, operator = browse(*NURSE), browse(*OPERATOR)
    journey.run(until="collect")
    (bag,), _ = things(world, journey.code)
    for until, organization, site, holder in (
        ("", world.center.name, world.clinic.name, "center"),
        ("pickup", world.courier.name, "", "courier"),
        ("delivery", world.maker.name, world.plant.name, "maker"),
        ("receipt", world.maker.name, world.plant.name, "maker"),
    ):
        if until:
            journey.run(until=until)
        for browser in (nurse, operator):
            now, page = asked(browser, bag.code)
            assert now is not None
            assert (now["kind"], now["code"], now["stop"]) == ("container", bag.code, ""), until
            assert (now["organization"], now["site"]) == (organization, site), until
            assert now["since"] and "1 of 1" in now["what"] and now["what"] in page and organization in page
        read = [holder] if holder != "courier" else []  # who drives a box reads nothing of what is inside
        assert holders(browse, bag.code) == read, "one has it at any instant"
    put_aside(world.actor("maker", "qa_reviewer"), journey.code, bag.code, "The port leaks.")
    now, page = asked(nurse, bag.code)
    assert now is not None and now["state"] == "quarantined" and "Do not use it" in now["stop"]
    assert now["stop"] in page and "Put aside: The port leaks." in page


def test_what_was_given_is_in_nobodys_hands(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(until="infuse")
    bag = next(one for one in things(world, journey.code)[0] if one.kind == "drug_product")
    now, page = asked(browse("center", "infusion_nurse"), bag.code)
    assert now is not None and (now["state"], now["organization"], now["since"]) == ("infused", "", None)
    assert "Nobody's any more" in page and holders(browse, bag.code) == []


def test_a_driver_reads_of_boxes_only_and_strangers_of_nothing(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="pickup")
    (bag,), (box,) = things(world, journey.code)
    driver, stranger = browse(*DRIVER), signed_in(make_member(make_organization("treatment_center"), "apheresis_nurse"))
    now, page = asked(driver, box.code)
    assert now is not None and (now["kind"], now["organization"], now["site"]) == ("box", "", world.clinic.name)
    journey.run(until="pickup")
    now, page = asked(driver, box.code)
    assert now is not None and (now["organization"], now["site"]) == (world.courier.name, "")
    assert f"{world.clinic.name} → {world.plant.name}" in page and bag.code not in page
    assert asked(driver, bag.code)[0] is None and world.courier.name not in asked(driver, bag.code)[1]
    for code in (bag.code, box.code):
        assert asked(stranger, code)[0] is None


def test_what_stops_the_order_stops_each_of_its_things(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(until="pickup")
    (bag,), (box,) = things(world, journey.code)
    nurse, driver = browse(*NURSE), browse(*DRIVER)
    assert browse("center", "coordinator").post(f"/orders/{journey.code}/hold/", {"reason": "Fever"}).status_code == 303
    for code in (bag.code, box.code):
        now, page = asked(nurse, code)
        assert now is not None and (now["stop"], now["reason"]) == ("Do not go on: the order is on hold.", "Fever")
        assert now["stop"] in page and "Fever" in page
    now, page = asked(driver, box.code)
    assert now is not None and (now["stop"], now["reason"]) == ("Do not move it: this box is stopped.", "")
    assert now["stop"] in page and "Fever" not in page
    stop_the_line(world.actor(*NURSE), bag.stream_id, [], "Another wristband was scanned.")
    now, _ = asked(nurse, bag.code)
    assert now is not None and "under query" in now["stop"]


def test_past_its_time_of_use_it_says_so(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="bedside")
    bag = next(one for one in things(world, journey.code)[0] if one.kind == "drug_product")
    nurse = browse("center", "infusion_nurse")
    assert asked(nurse, bag.code)[0]["stop"] == ""  # type: ignore[index]
    with clock.at(timezone.now() + dt.timedelta(hours=4)):
        assert asked(nurse, bag.code)[0]["stop"] == "Do not use it: its time of use is over."  # type: ignore[index]


def test_more_bags_take_no_more_queries(world: World, browse: Browse) -> None:
    nurse, counts = browse(*NURSE), []
    for until in ("collect", "finish"):
        journey = journey_of(world, **patient())
        journey.run(until=until)
        bag = things(world, journey.code)[0][-1]
        nurse.post("/codes/", {"code": bag.code})
        with CaptureQueriesContext(connection) as captured:
            nurse.post("/codes/", {"code": bag.code})
        counts.append(len(captured))
    assert counts[1] <= counts[0]
