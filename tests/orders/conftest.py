"""A world that is made once for the pages' tests of a module, and browsers of its people."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from custody.schemes import printed
from ledger.context import reading
from orders import queries
from orders.flow import order_named, perform
from tests.factories import PASSWORD
from tests.orders.factories import World, make_world
from tests.personas.conftest import signed_in

Browse = Callable[..., Client]
numbers = itertools.count(5000)


def patient() -> dict[str, str]:
    number = next(numbers)
    letters = "".join("abcdefghij"[int(digit)] for digit in str(number))
    return {"mrn": f"MRN-{number}", "family_name": f"Invented{letters}", "given_name": letters[::-1].title()}


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: object) -> Iterator[World]:
    """Really committed and left in place: tests make their own orders in it."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield make_world()


@pytest.fixture
def browse(world: World, committed_db: None) -> Browse:
    """Return a browser in which a person of the world is signed in."""
    return lambda organization, persona, number=1: signed_in(world.member(organization, persona, number))


@pytest.fixture
def code(world: World, committed_db: None) -> str:
    """An order that was just opened."""
    return world.enrol(**patient())


def step(world: World, code: str, person: tuple[str, str, int], key: str, **inputs: object) -> None:
    """Perform a step through the engine, signed where it asks for signatures."""
    perform(world.actor(*person), code, key, {"signature": {"password": PASSWORD}, **inputs})


def consented(world: World, **patient: str) -> str:
    """Return an order whose identity is active and whose consent is on file."""
    code = world.enrol(**patient)
    with reading(world.actor("center", "coordinator")):
        order = order_named(world.actor("center", "coordinator"), code)
    step(
        world,
        code,
        ("center", "coordinator", 2),
        "activate_coi",
        scan=printed(order.identity_code),
        birth_date="1961-04-05",
        mrn=patient.get("mrn", "MRN-1001"),
    )
    given = {"therapy": True, "signed_on": "2026-01-05", "form_reference": "FORM-1"}
    step(world, code, ("center", "coordinator", 1), "consent", **given)
    return code


def prescribed(world: World, **patient: str) -> str:
    """Return an order that waits for its slots."""
    code = consented(world, **patient)
    physician = ("center", "treating_physician", 1)
    assessed = {"eligible": "yes", "weight_kg": "71.5", "infectious_tests": "negative"}
    step(world, code, physician, "eligibility", assessed_at="2026-01-05T10:00", **assessed)
    step(world, code, physician, "prescribe", indication="Fictional lymphoma")
    return code


def requested(world: World, days: int = 0, **patient: str) -> str:
    """Return an order whose slots are requested, with a collection ``days`` ahead at the earliest."""
    code = prescribed(world, **patient)
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        order = order_named(coordinator, code)
        earliest = order.opened_at.date() + dt.timedelta(days=days)
        found = queries.search_slots(coordinator, order, queries.step_of(coordinator, order, "book"), earliest)
    step(world, code, ("center", "coordinator", 1), "book", offer=found.offers[0].token)
    step(world, code, ("center", "coordinator", 1), "request")
    return code


def confirmed(world: World, days: int = 0, **patient: str) -> str:
    """Return an order whose slots are confirmed; the transport job waits for an answer."""
    code = requested(world, days, **patient)
    step(world, code, ("maker", "planner", 1), "confirm", decision="confirm")
    return code


def booked(world: World, **patient: str) -> str:
    """Return an order whose slots are confirmed: the courier is a party, the patient is identified, labels are due."""
    code = confirmed(world, **patient)
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        order = order_named(coordinator, code)
    step(world, code, ("courier", "courier_dispatcher", 1), "accept_job", decision="accept")
    step(world, code, ("center", "coordinator", 1), "kit", kit_code="K", complete="yes", condition="good")
    step(world, code, ("center", "treating_physician", 1), "readiness", decision="go")
    said = {"wristband": printed(order.identity_code), "patient_said": "matches"}
    colleague = verifier(world, ("center", "apheresis_nurse", 2), printed(order.identity_code))
    step(world, code, ("center", "apheresis_nurse", 1), "identify", **said, verifiers=[colleague])
    return code


def verifier(world: World, person: tuple[str, str, int], scan: str) -> dict[str, str]:
    """What a second person enters: name, password and their own scan."""
    return {"username": world.username(*person), "password": PASSWORD, "scan": scan}
