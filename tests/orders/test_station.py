"""The station: the steps of one persona on one order in a column, the open one done in place."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.factories import PASSWORD
from tests.orders.conftest import Browse, consented, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of

pytestmark = pytest.mark.usefixtures("committed_db")


def states(page: object) -> dict[str, str]:
    return {entry.step.key: entry.state for entry in page.context["entries"]}  # type: ignore[attr-defined]


def send(client: Client, code: str, step: str, **values: str) -> object:
    address = f"/orders/{code}/station/"
    page = client.get(address, {"step": step})
    version = page.context["step"].etag
    return client.post(address, {"step": step, "version": version, "once": "1", **values}, follow=True)


def test_steps_of_colleagues_are_named_and_those_of_others_end_the_column(world: World, browse: Browse) -> None:
    code = consented(world, **patient())
    page = browse("center", "treating_physician").get(f"/orders/{code}/station/")
    found = states(page)
    assert found["consent"] == "done"
    assert found["eligibility"] == "current"
    assert found["prescribe"] == "later"
    assert "confirm" not in found and "book" not in found
    other = browse("center", "coordinator").get(f"/orders/{code}/station/")
    assert states(other)["eligibility"] == "other"
    assert "waiting for Treating physician" in text_of(other)
    assert "Waiting for" in text_of(other)


def test_after_an_act_the_same_page_comes_back_with_the_next(world: World, browse: Browse) -> None:
    code = consented(world, **patient())
    physician = browse("center", "treating_physician")
    values = {"eligible": "yes", "weight_kg": "71.5", "infectious_tests": "negative"}
    page = send(physician, code, "eligibility", assessed_at="2026-01-05T10:00", **values)
    assert page.redirect_chain == [(f"/orders/{code}/station/", 303)]  # type: ignore[attr-defined]
    assert states(page)["eligibility"] == "done"
    assert states(page)["prescribe"] == "current"
    assert "signature.password" in text_of(page)
    assert "Noted without network" not in text_of(page)  # nothing was: the form is filled in here


def test_a_refusal_keeps_what_was_typed_beside_its_field(world: World, browse: Browse) -> None:
    code = consented(world, **patient())
    physician = browse("center", "treating_physician")
    values = {"eligible": "yes", "weight_kg": "heavy", "infectious_tests": "negative"}
    page = send(physician, code, "eligibility", assessed_at="2026-01-05T10:00", **values)
    assert page.status_code == 400  # type: ignore[attr-defined]
    weight = next(field for field in page.context["fields"] if field["name"] == "weight_kg")  # type: ignore[attr-defined]
    assert weight["errors"] and weight["value"] == "heavy"
    assert states(page)["eligibility"] == "current"


def test_an_old_page_is_told_so_and_shows_what_is_next(world: World, browse: Browse) -> None:
    code = consented(world, **patient())
    physician = browse("center", "treating_physician")
    values = {"eligible": "yes", "weight_kg": "71.5", "infectious_tests": "negative"}
    send(physician, code, "eligibility", assessed_at="2026-01-05T10:00", **values)
    again = {"step": "eligibility", "version": "1.1", "once": "2", "assessed_at": "2026-01-05T10:00", **values}
    page = physician.post(f"/orders/{code}/station/", again)
    assert page.status_code in (409, 412)
    assert states(page)["prescribe"] == "current"


def test_whoever_has_no_step_there_is_told_so(world: World, browse: Browse) -> None:
    code = consented(world, **patient())
    page = browse("center", "site_quality").get(f"/orders/{code}/station/")
    assert page.context["entries"] == []
    assert "Nothing on this order is yours to do" in text_of(page)
    assert PASSWORD not in text_of(page)


def test_a_step_that_does_not_exist_is_not_found(world: World, browse: Browse) -> None:
    code = consented(world, **patient())
    client = browse("center", "treating_physician")
    assert client.get(f"/orders/{code}/station/", {"step": "nonsense"}).status_code == 200
    assert client.post(f"/orders/{code}/station/", {"step": "nonsense"}).status_code == 404
    assert client.post(f"/orders/{code}/station/", {}).status_code == 404


def test_the_packing_list_is_one_click_away_once_the_box_is_closed(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="pack")
    nurse, station = browse("center", "apheresis_nurse"), f"/orders/{journey.code}/station/"
    assert "/packing-list/" not in text_of(nurse.get(station))
    journey.run(until="pack")
    page = text_of(nurse.get(station))
    (address,) = re.findall(rf'href="(/orders/{journey.code}/boxes/[^"]+/packing-list/)"', page)
    assert nurse.get(address).status_code == 200


def test_where_no_row_can_be_added_nothing_is_said_of_rows(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="receive_product")
    lab = browse("center", "cell_lab_technologist")
    page = lab.get(f"/orders/{journey.code}/steps/receive_product/")
    rows = [field for field in page.context["fields"] if field["type"] == "list"]
    assert rows and ("Choose before you type" in text_of(page)) is any(
        one.get("more") or one.get("fewer") for one in rows
    )
