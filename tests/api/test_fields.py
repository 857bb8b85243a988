"""Which fields each persona is answered, address by address, compared with a reviewed baseline.

When a change is meant: ``FIELDS=write .venv/bin/python -m pytest tests/api/test_fields.py``, and review the difference
line by line: a field that appears for a persona is data that leaves the house.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from personas.catalog import ACTORS
from tests.desks.world import make_plant_world
from tests.factories import make_member
from tests.orders.conftest import booked
from tests.orders.factories import World, make_world
from tests.personas.conftest import signed_in

BASELINE = Path(__file__).parent / "fields.csv"
OF_ORDER = (
    "",
    "/steps",
    "/steps/labels",
    "/events",
    "/signatures",
    "/material",
    "/shipments",
    "/labels",
    "/deviations",
    "/results",
)
LISTS = (
    "orders",
    "worklist",
    "me",
    "therapies",
    "sites",
    "flows",
    "slots?limit=5",
    "organizations",
    "lanes",
    "resources",
    "custody",
    "site-authorizations",
    "inbox?show=all",
    "inbox/preferences",
    "inbox/away",
    "personas/administrator/changes",
    "people",
    "keys",
    "personas",
    "credentials",
    "webhooks",
)
WHERE = {"treatment_center": "center", "manufacturer": "maker", "courier": "courier"}
FREE = ("plan", "initial", "facts", "definition", "tests", "limits")  # what is inside is data, not shape
IDENTITY = {"mrn": "MRN-F77", "family_name": "Fieldson", "birth_date": "1961-04-05"}
HOW = "The answers differ from their reviewed baseline. " + (__doc__ or "").split("\n\n")[1]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock():
        yield make_world()


@pytest.fixture(scope="module")
def answers(world: World, django_db_blocker: Any) -> dict[tuple[str, str], Any]:
    """(persona, address) → the status and JSON of an answer, on one order whose slots are confirmed.

    The contract manufacturer reads another order, whose cells it has received and makes for a sponsor.
    """
    with django_db_blocker.unblock():
        code = booked(world, **IDENTITY)
        found = {}
        for role, organization in WHERE.items():
            for persona in ACTORS[role].personas:
                client = signed_in(world.member(organization, persona.key))
                found |= asked(f"{role}.{persona.key}", client, code)
        plants = make_plant_world()
        made = plants.journey("one", before="start").code
        for persona in ACTORS["cmo"].personas:
            client = signed_in(make_member(plants.organizations["cmo"], persona.key))
            found |= asked(f"cmo.{persona.key}", client, made)
    return found


def asked(who: str, client: Client, code: str) -> dict[tuple[str, str], Any]:
    addresses = [*(f"orders/{code}{tail}" for tail in OF_ORDER), *LISTS]
    return {(who, address.replace(code, "{code}").split("?")[0]): read(client, address) for address in addresses}


def read(client: Client, address: str) -> tuple[int, Any]:
    answer = client.get(f"/api/v1/{address}")
    return answer.status_code, answer.json()


def fields(value: Any, prefix: str = "") -> set[str]:
    """Return the paths of all fields in an answer; rows of a list count as one."""
    if isinstance(value, list):
        return set().union(*(fields(item, prefix) for item in value)) if value else set()
    if not isinstance(value, dict):
        return {prefix}
    if prefix.rsplit(".", 1)[-1] in FREE:
        return {prefix}
    found: set[str] = {prefix} if prefix and not value else set()
    for name, inner in value.items():
        found |= fields(inner, f"{prefix}.{name}" if prefix else name)
    return found


def table(answers: dict[tuple[str, str], Any]) -> str:
    """One line per address and set of fields, with the personas that get exactly these."""
    groups: dict[tuple[str, str], list[str]] = {}
    for (persona, address), (status, body) in answers.items():
        shown = " ".join(sorted(fields(body))) if status == 200 else str(status)
        groups.setdefault((address, shown), []).append(persona)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["address", "personas", "fields"])
    for (address, shown), personas in sorted(groups.items()):
        writer.writerow([address, " ".join(sorted(personas)), shown])
    return text.getvalue()


@pytest.mark.slow
def test_each_persona_is_answered_the_reviewed_fields(answers: dict[tuple[str, str], Any], committed_db: None) -> None:
    found = table(answers)
    if os.environ.get("FIELDS") == "write":
        BASELINE.write_text(found)
    if not BASELINE.exists() or BASELINE.read_text() != found:
        known = BASELINE.read_text().splitlines() if BASELINE.exists() else []
        pytest.fail("\n".join([HOW, *(line for line in found.splitlines() if line not in known)]))


@pytest.mark.slow
def test_the_patient_is_for_the_own_center_and_those_who_may_read_identities(
    answers: dict[tuple[str, str], Any],
) -> None:
    seeing = {persona for (persona, _), (_, body) in answers.items() if "Fieldson" in str(body)}
    may = {
        f"treatment_center.{persona.key}"
        for persona in ACTORS["treatment_center"].personas
        if "read_identity" in persona.capabilities
    }
    assert seeing == may
    for (persona, address), (_, body) in answers.items():
        if address != "orders/{code}":
            assert "Fieldson" not in str(body) and "MRN-F77" not in str(body), (persona, address)


@pytest.mark.slow
def test_a_list_shows_no_more_than_the_detail(answers: dict[tuple[str, str], Any]) -> None:
    """Rows of orders, and what a worklist says of its orders and steps, are parts of what the detail shows."""
    for persona in {persona for persona, _ in answers}:
        status, detail = answers[(persona, "orders/{code}")]
        if status != 200:
            assert answers[(persona, "orders")][1].get("results", []) == []
            continue
        whole = fields(detail)
        rows = answers[(persona, "orders")][1]["results"]
        assert fields(rows) <= whole, persona
        steps = {path.removeprefix("steps.") for path in whole if path.startswith("steps.")}
        work = answers[(persona, "worklist")][1]["results"]
        of_order = {path.removeprefix("order.") for path in fields(work) if path.startswith("order.")}
        assert of_order <= whole, persona
        assert {path for path in fields(work) if not path.startswith("order.")} <= steps | {"site"}, persona


@pytest.mark.slow
def test_a_contract_manufacturer_works_without_identity_and_sees_its_own_batches_only(
    answers: dict[tuple[str, str], Any],
) -> None:
    """CM5: the chain of identity only; CM1: the one order that it makes, none of the sponsor's others."""
    mine = {key: body for key, (status, body) in answers.items() if key[0].startswith("cmo.") and status == 200}
    assert mine[("cmo.cmo_operator", "orders/{code}/material")]["results"]
    for (persona, address), body in mine.items():
        assert not {path for path in fields(body) if "patient" in path}, (persona, address)
        if address == "orders":
            assert len(body["results"]) == 1, persona


@pytest.mark.slow
def test_a_courier_is_answered_little(answers: dict[tuple[str, str], Any]) -> None:
    hidden = {"therapy", "identity_code", "patient", "slot_chain", "flow", "reason", "facts", "containers"}
    for (persona, address), (status, body) in answers.items():
        if persona.startswith("courier.") and status == 200 and address.startswith(("orders", "worklist")):
            parts = {part for path in fields(body) for part in path.split(".")}
            assert not hidden & parts, (persona, address)
            if address in ("orders", "orders/{code}"):
                assert not {"phase", "results.phase"} & fields(body), persona
