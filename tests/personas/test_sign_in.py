"""Sign-in with the form, and the lock-out that failed sign-ins and failed signatures share (T3, T7)."""

import pytest
from django.test import Client

from ledger.context import reading
from ledger.models import Event
from ledger.recording import acting
from personas import signing
from personas.models import Membership, User
from tests.factories import PASSWORD, make_actor, make_member, make_organization, operator, unique

pytestmark = pytest.mark.django_db


def username_of(membership: Membership) -> str:
    return User.objects.get(pk=membership.user_id).username


def test_the_form_signs_in() -> None:
    name = username_of(make_member(make_organization(), "administrator"))
    client = Client()
    assert client.post("/accounts/login/", {"login": name, "password": PASSWORD}).status_code == 302
    assert client.get("/personas/people/").status_code == 200


def test_case_does_not_dodge_the_lock() -> None:
    name = username_of(make_member(make_organization(), "administrator"))
    for spelling in (name, name.upper(), name.title(), name.lower()):
        assert Client().post("/accounts/login/", {"login": spelling, "password": "wrong"}).status_code == 200
    assert Client().post("/accounts/login/", {"login": name, "password": "wrong"}).status_code == 429
    assert Client().post("/accounts/login/", {"login": name, "password": PASSWORD}).status_code == 429


def test_a_name_signs_in_and_signs_however_its_capitals_are_typed() -> None:
    """As allauth finds accounts: in any case, no sign stands for others, and never one of two that differ in case."""
    organization = make_organization()
    name = f"Capital.{unique('person')}@Example.org"
    member = make_member(organization, "administrator", username=name)
    for spelling in (name, name.lower(), name.upper()):
        assert Client().post("/accounts/login/", {"login": spelling, "password": PASSWORD}).status_code == 302
        assert signing.identify(signing.Credentials(spelling, PASSWORD), "signature").pk == member.user_id
    wildcard = "%" + name[1:]
    assert Client().post("/accounts/login/", {"login": wildcard, "password": PASSWORD}).status_code == 200
    make_member(organization, "administrator", username=name.lower())
    assert Client().post("/accounts/login/", {"login": name, "password": PASSWORD}).status_code == 200


def test_wrong_signatures_lock_although_their_transaction_is_rolled_back() -> None:
    organization = make_organization()
    actor = make_actor(organization, "treating_physician")
    name = User.objects.get(pk=actor.user_id).username
    assert signing.identify(signing.Credentials(name, PASSWORD), "signature").pk == actor.user_id
    for _ in range(5):
        with (
            pytest.raises(signing.SignatureNotAccepted) as refused,
            acting(actor, "personas.site_added", subject=("site", "none")),
        ):
            signing.identify(signing.Credentials(name, "wrong"), "signature")
        assert "signature" in refused.value.fields
    with pytest.raises(signing.SignatureNotAccepted):
        signing.identify(signing.Credentials(name, PASSWORD), "signature")
    assert Client().post("/accounts/login/", {"login": name, "password": PASSWORD}).status_code == 429


def test_a_wrong_signature_is_on_the_record() -> None:
    organization = make_organization()
    actor = make_actor(organization, "treating_physician")
    name = User.objects.get(pk=actor.user_id).username
    with (
        pytest.raises(signing.SignatureNotAccepted),
        acting(actor, "personas.site_added", subject=("site", "none")),
    ):
        signing.identify(signing.Credentials(name, "wrong"), "signature")
    with reading(operator(organization)):
        event = Event.unwalled.filter(stream_id=organization.pk, kind="ledger.refused").get()
    assert event.payload["code"] == "signature_not_accepted"
    assert event.person_name == actor.person_name


def test_addresses_are_locked_apart() -> None:
    name = username_of(make_member(make_organization(), "administrator"))
    for _ in range(5):
        with signing.asked_from("192.0.2.1"), pytest.raises(signing.SignatureNotAccepted):
            signing.identify(signing.Credentials(name, "wrong"), "signature")
    with signing.asked_from("192.0.2.2"):
        assert signing.identify(signing.Credentials(name, PASSWORD), "signature").username == name
