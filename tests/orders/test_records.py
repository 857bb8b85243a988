"""The auditor's desk and the record of one order: any code leads there, and who looks is on record."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from custody import queries as custody
from ledger.context import reading
from ledger.models import Event
from ledger.recording import acting
from ledger.walls import visible
from orders.flow import order_named
from personas.models import Membership
from tests.factories import make_member, make_organization, operator
from tests.orders.conftest import Browse, consented, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import packed
from tests.own_keys import forget_own_keys
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.mark.story("RG2", "RG4")
def test_every_code_of_an_order_leads_to_its_record(world: World, browse: Browse) -> None:
    code = packed(world, picked_up=True, **patient())
    actor = world.actor("maker", "inspector")
    with reading(actor):
        order = order_named(actor, code)
        bag = custody.containers_of(actor, order.stream_id)[0]
        label = custody.labels_of(actor, order.stream_id)[0]
        box = custody.shipments_of(actor, order.stream_id)[0]
    names = [code, code.lower(), order.identity_code, bag.code, f"{label.serial}", box.code]
    next_door = signed_in(make_member(make_organization("manufacturer"), "inspector"))
    for name in names:
        answer = browse("maker", "inspector").get("/record/", {"code": name})
        assert (answer.status_code, answer["Location"]) == (302, f"/orders/{code}/record/"), name
        nothing = next_door.get("/record/", {"code": name})
        assert nothing.status_code == 404 and "names nothing" in text_of(nothing)
    assert next_door.get(f"/orders/{code}/record/").status_code == 404
    for odd in ("\x00", "x" * 500, "CT-2222-2222", "'; --"):
        assert browse("maker", "inspector").get("/record/", {"code": odd}).status_code in (200, 404)


@pytest.mark.story("RG3", "RG6")
def test_the_record_says_who_signed_what_and_what_was_refused(world: World, browse: Browse) -> None:
    code = packed(world, picked_up=True, **patient())
    browse("maker", "planner").post(f"/orders/{code}/cancel/", {"reason": "Trying"})
    page = browse("maker", "inspector").get(f"/orders/{code}/record/")
    parts = {part["name"]: part["rows"] for part in page.context["parts"]}
    said = text_of(page)
    assert len(parts["signatures"]) > 5 and len(parts["custody"]) >= 2
    assert "not_allowed" in said and "custody taken" in said and "Courier Driver" in said
    assert page.context["gaps"] == []
    assert len(page.content) < 60_000
    theirs = text_of(browse("center", "inspector").get(f"/orders/{code}/record/"))
    assert "not_allowed" not in theirs


@pytest.mark.story("RG5")
def test_reading_is_recorded_once_an_hour_and_reader(world: World, browse: Browse) -> None:
    code = consented(world, **patient())
    reader = world.actor("center", "inspector")

    def readings() -> int:
        with reading(reader):
            found = visible(Event, reader).filter(stream_id=reader.organization_id, kind="orders.record_read")
            return found.filter(subject_id=code, person_id=reader.person_id).count()

    for _ in range(3):
        assert browse("center", "inspector").get(f"/orders/{code}/record/").status_code == 200
    assert readings() == 1
    forget_own_keys()
    browse("center", "inspector").get(f"/orders/{code}/record/")
    assert readings() == 2
    assert "is itself recorded" in text_of(browse("center", "inspector").get("/"))


@pytest.mark.story("RG1")
def test_access_is_time_boxed_and_changes_nothing(world: World) -> None:
    code = consented(world, **patient())
    member = make_member(world.center, "inspector")
    client = signed_in(member)

    def ends(at: dt.datetime) -> None:
        with acting(operator(world.center), "personas.member_moved") as event:
            event.note(person="", persona="", site="")
            Membership.unwalled.filter(pk=member.pk).update(until=at)

    ends(timezone.now() + dt.timedelta(days=3))
    assert "your access ends on" in text_of(client.get("/"))
    for act in ("hold", "lift", "cancel"):
        assert client.post(f"/orders/{code}/{act}/", {"reason": "Trying"}).status_code == 403
    assert client.post(f"/orders/{code}/steps/eligibility/", {}).status_code in (400, 403)
    ends(timezone.now() - dt.timedelta(seconds=1))
    for address in ("/", f"/orders/{code}/record/", f"/orders/{code}/dossier.zip", "/record/verify/"):
        assert client.get(address).status_code == 403, address


@pytest.mark.story("AC1")
def test_the_desk_lists_orders_between_days_and_no_patient(world: World, browse: Browse) -> None:
    person = patient()
    code = consented(world, **person)
    client = browse("center", "inspector")
    page = text_of(client.get("/"))
    assert code in page and person["family_name"] not in page
    assert code not in text_of(client.get("/record/", {"until": "2001-01-01"}))
    for odd in ("9999-12-31", "yesterday", "0001-01-01"):
        assert client.get("/record/", {"since": odd, "until": odd}).status_code == 200
    assert browse("center", "administrator").get(f"/orders/{code}/record/").status_code == 403
    assert person["family_name"] not in text_of(client.get(f"/orders/{code}/record/"))


def test_the_desk_costs_the_same_queries_for_more_orders(world: World, browse: Browse) -> None:
    client = browse("center", "inspector")
    consented(world, **patient())
    client.get("/")
    with CaptureQueriesContext(connection) as few:
        client.get("/")
    world.enrol(**patient())
    world.enrol(**patient())
    with CaptureQueriesContext(connection) as many:
        page = client.get("/")
    assert len(many) == len(few)
    assert len(page.content) < 60_000
