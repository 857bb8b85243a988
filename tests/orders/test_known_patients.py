"""A patient whom the center knows: nothing is asked twice, neither data nor a consent that still holds."""

from __future__ import annotations

import pytest

from custody.schemes import printed
from custody.vault import open_identity
from ledger.context import reading
from orders.actions.interruptions import cancel
from orders.flow import order_named
from tests.factories import PASSWORD, make_member, make_organization
from tests.orders.conftest import Browse, consented, patient, text_of
from tests.orders.factories import World
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")


def patient_of(world: World, code: str) -> str:
    with reading(world.actor("center", "coordinator")):
        return str(order_named(world.actor("center", "coordinator"), code).patient_id)


def activate(world: World, browse: Browse, code: str) -> None:
    """Let a second coordinator activate the chain of identity on its page."""
    actor = world.actor("center", "coordinator")
    with reading(actor):
        order = order_named(actor, code)
    values = {
        "scan": printed(order.identity_code),
        "birth_date": "1961-04-05",
        "mrn": open_identity(actor, order.patient_id).mrn,
    }
    values |= {"signature.password": PASSWORD, "once": code}
    done = browse("center", "coordinator", 2).post(f"/orders/{code}/steps/activate_coi/", values)
    assert done.status_code == 303, text_of(done)


def again(world: World, browse: Browse, code: str) -> str:
    """Open another order for the patient of an order, on the page; return its code."""
    posted = {
        "therapy": world.therapy.code,
        "site": world.clinic.code,
        "patient": patient_of(world, code),
        "once": code,
    }
    answer = browse("center", "coordinator").post("/orders/new/", posted)
    assert answer.status_code == 303, text_of(answer)
    return str(answer.headers["Location"].split("/")[2])


def test_a_known_patient_is_found_and_shown_instead_of_asked(world: World, browse: Browse) -> None:
    who = patient()
    code = world.enrol(**who)
    client = browse("center", "coordinator")
    found = client.post("/orders/new/", {"find": who["mrn"]})
    assert who["mrn"] not in found.headers["Location"]
    page = client.get(found.headers["Location"])
    assert who["family_name"] in text_of(page)
    assert 'name="identity.family_name"' not in text_of(page)
    other = again(world, browse, code)
    assert other != code
    assert patient_of(world, other) == patient_of(world, code)


def test_who_is_not_found_is_asked_for(world: World, browse: Browse) -> None:
    page = browse("center", "coordinator").post("/orders/new/", {"find": "Nobody 1950-01-01"})
    assert "No patient of your center is called that" in text_of(page)
    assert "Nobody 1950-01-01" in text_of(page)
    assert 'name="identity.family_name"' in text_of(page)


def test_a_possible_duplicate_is_offered_by_name(world: World, browse: Browse) -> None:
    who = patient()
    code = world.enrol(**who)
    identity = {f"identity.{name}": value for name, value in {**who, "birth_date": "1961-04-05"}.items()}
    posted = {"therapy": world.therapy.code, "site": world.clinic.code, "once": "2", **identity}
    page = browse("center", "coordinator").post("/orders/new/", posted)
    assert page.status_code == 409
    assert f"?patient={patient_of(world, code)}" in text_of(page)


def test_enrolling_a_patient_twice_says_so_and_leads_to_the_open_order(world: World, browse: Browse) -> None:
    who = patient()
    code = world.enrol(**who)
    identity = {f"identity.{name}": value for name, value in {**who, "birth_date": "1961-04-05"}.items()}
    posted = {"therapy": world.therapy.code, "site": world.clinic.code, "once": "3", **identity}
    page = text_of(browse("center", "coordinator").post("/orders/new/", posted))
    assert "This patient already has an open order" in page and "Somebody was faster" not in page
    assert f'href="/orders/{code}/"' in page


def test_a_known_patient_without_an_open_order_is_no_open_order(world: World, browse: Browse) -> None:
    who = patient()
    code = world.enrol(**who)
    cancel(world.actor("center", "coordinator"), code, "The patient chose another therapy.")
    identity = {f"identity.{name}": value for name, value in {**who, "birth_date": "1961-04-05"}.items()}
    posted = {"therapy": world.therapy.code, "site": world.clinic.code, "once": "4", **identity}
    page = text_of(browse("center", "coordinator").post("/orders/new/", posted))
    assert "Your center may know this patient already" in page and code not in page


def test_a_known_patients_open_order_is_shown_before_another_is_opened(world: World, browse: Browse) -> None:
    code = world.enrol(**patient())
    page = text_of(browse("center", "coordinator").get("/orders/new/", {"patient": patient_of(world, code)}))
    assert "already has an open order" in page and f'href="/orders/{code}/"' in page


def test_another_centers_patient_is_neither_shown_nor_taken(world: World) -> None:
    who = patient()
    key = patient_of(world, world.enrol(**who))
    stranger = signed_in(make_member(make_organization("treatment_center"), "coordinator"))
    page = stranger.get("/orders/new/", {"patient": key})
    assert page.status_code == 200
    assert who["family_name"] not in text_of(page)
    assert stranger.post("/orders/new/", {"find": who["mrn"]}).status_code == 200


def test_a_consent_to_the_same_therapy_is_offered_with_date_and_reference(world: World, browse: Browse) -> None:
    code = consented(world, **patient())
    other = again(world, browse, code)
    activate(world, browse, other)
    page = browse("center", "coordinator").get(f"/orders/{other}/steps/consent/")
    offered = {field["name"]: field["value"] for field in page.context["fields"]}
    assert offered["signed_on"] == "2026-01-05"
    assert offered["form_reference"] == "FORM-1"
    assert f"(order {code})" in text_of(page)


def test_the_first_consent_is_asked_for(world: World, browse: Browse) -> None:
    code = world.enrol(**patient())
    activate(world, browse, code)
    page = browse("center", "coordinator").get(f"/orders/{code}/steps/consent/")
    assert {field["name"]: field["value"] for field in page.context["fields"]}["form_reference"] == ""


def test_a_refused_consent_says_what_to_do_once_and_does_not_call_to_act_again(world: World, browse: Browse) -> None:
    code = world.enrol(**patient())
    activate(world, browse, code)
    values = {"signed_on": "2026-01-05", "form_reference": "FORM-1", "signature.password": PASSWORD, "once": code + "n"}
    answer = browse("center", "coordinator").post(f"/orders/{code}/steps/consent/", values)
    page = text_of(answer)
    assert answer.status_code == 422
    assert page.count("Record consent when it is signed, or cancel the order.") == 1
    assert "act again" not in page
