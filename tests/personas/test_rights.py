"""An administrator adapts what a persona may do, within what no data relaxes; the history stays (TA2)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from personas.actions.persona_rights import adapt_persona
from personas.models import Membership
from tests.factories import make_member, make_organization, operator
from tests.personas.conftest import SignIn, signed_in

pytestmark = pytest.mark.django_db


def address(key: str = "coordinator") -> str:
    return f"/personas/people/personas/{key}/"


def filled(client: Client, key: str = "coordinator", **changes: Any) -> dict[str, Any]:
    """Return the form as the page shows it, with some fields typed anew."""
    page = client.get(address(key))
    held = page.context["persona"].rights
    fields = {
        field["name"]: [one for one, _ in field["choices"] if one in held] for field in page.context["fields"][1:3]
    }
    sent = {"title": page.context["persona"].title, "reason": "Agreed with quality.", **fields}
    return sent | {"version": page.context["persona"].version, "once": str(page.context["once"])} | changes


def may(client: Client) -> set[str]:
    return set(client.get("/api/v1/me").json()["capabilities"])


@pytest.mark.story("TA2")
def test_a_right_is_given_and_counts_from_the_next_request(sign_in: SignIn) -> None:
    organization = make_organization()
    admin, _ = sign_in("administrator", organization)
    colleague = signed_in(make_member(organization, "coordinator"))
    assert "publish_capacity" not in may(colleague)
    sent = filled(admin, title="Coordinator and scheduler")
    sent["capabilities"] += ["publish_capacity"]
    sent["capabilities"].remove("cancel_order")
    assert admin.post(address(), sent).status_code == 302
    assert "publish_capacity" in may(colleague) and "cancel_order" not in may(colleague)
    page = admin.get(address())
    (change,) = page.context["changes"]
    assert (change["added"], change["removed"]) == (["Publish capacity"], ["Cancel an order"])
    assert "Agreed with quality." in page.content.decode() and change["before"] == "Cell therapy coordinator"


def test_a_second_click_changes_nothing_and_another_form_is_refused(sign_in: SignIn) -> None:
    admin, _ = sign_in()
    sent = filled(admin, title="Coordinator II")
    assert admin.post(address(), sent).status_code == 302
    assert admin.post(address(), sent).status_code == 302
    assert len(admin.get(address()).context["changes"]) == 1
    stale = admin.post(address(), sent | {"once": "another", "title": "Coordinator III"})
    assert stale.status_code == 412 and "Coordinator III" in stale.content.decode()


def test_what_separates_duties_is_refused_beside_the_field_and_nothing_typed_is_lost(sign_in: SignIn) -> None:
    admin, _ = sign_in("administrator", make_organization("manufacturer"))
    sent = filled(admin, "operator", title="Operator of everything")
    sent["capabilities"] += ["release_batch"]
    page = admin.post(address("operator"), sent)
    said = page.content.decode()
    assert page.status_code == 400 and 'id="id_capabilities-error"' in said
    assert "need two people. Give the rights to two personas." in said
    assert "Operator of everything" in said and "Agreed with quality." in said
    checked = next(field for field in page.context["fields"] if field["name"] == "capabilities")
    assert "release_batch" in checked["value"]
    assert admin.get(address("operator")).context["changes"] == []


@pytest.mark.parametrize(
    ("key", "field", "right", "words"),
    [
        ("administrator", "more", "release_batch", "An administrator never signs"),
        ("planner", "more", "read_identity", "Only a treatment center reads who its patients are"),
        ("planner", "more", "fly", "not one of the available choices"),
    ],
)
@pytest.mark.story("TA2")
def test_rights_that_no_data_gives(sign_in: SignIn, key: str, field: str, right: str, words: str) -> None:
    admin, _ = sign_in("administrator", make_organization("manufacturer"))
    sent = filled(admin, key)
    usual = {one for one, _ in admin.get(address(key)).context["fields"][1]["choices"]}
    sent["capabilities" if right in usual else field] += [right]
    page = admin.post(address(key), sent)
    assert page.status_code == 400 and words in page.content.decode()


def test_somebody_must_be_left_to_administer(sign_in: SignIn) -> None:
    organization = make_organization()
    admin, _ = sign_in("administrator", organization)
    sent = filled(admin, "administrator")
    sent["capabilities"].remove("administer")
    page = admin.post(address("administrator"), sent)
    assert page.status_code == 400 and "Nobody would be left" in page.content.decode()
    make_member(organization, "site_quality")
    adapt_persona(operator(organization), "site_quality", add=["administer"])
    assert (
        admin.post(
            address("administrator"),
            filled(admin, "administrator") | sent | {"version": filled(admin, "administrator")["version"]},
        ).status_code
        == 302
    )
    assert admin.get(address()).status_code == 403


def test_no_reason_and_nothing_changed_are_said_beside_the_field(sign_in: SignIn) -> None:
    admin, _ = sign_in()
    page = admin.post(address(), filled(admin, reason=" ", title="Other"))
    assert page.status_code == 400 and 'id="id_reason-error"' in page.content.decode()
    page = admin.post(address(), filled(admin))
    assert page.status_code == 400 and "exactly these rights already" in page.content.decode()


def test_it_is_the_administrators_page_of_the_own_organization(sign_in: SignIn) -> None:
    organization = make_organization()
    admin, own = sign_in("administrator", organization)
    colleague = signed_in(make_member(organization, "coordinator"))
    assert colleague.get(address()).status_code == 403
    assert colleague.post(address(), filled(admin, title="Mine")).status_code == 403
    stranger, _ = sign_in()
    assert admin.post(address(), filled(admin, title="Ours")).status_code == 302
    page = stranger.get(address())
    assert "Ours" not in page.content.decode() and page.context["changes"] == []
    assert stranger.get(address("qualified_person")).status_code == 404
    assert Membership.unwalled.get(pk=own.pk).until is None
    assert address() in admin.get("/personas/people/").content.decode()
