"""Fixtures: clients that are signed in as a new person, without the sign-in form."""

from collections.abc import Callable

import pytest
from django.test import Client

from personas.models import Membership, User
from tests.factories import make_member, make_organization

SignIn = Callable[..., tuple[Client, Membership]]


def signed_in(membership: Membership) -> Client:
    """A browser in which the membership's person is signed in and acts."""
    client = Client()
    client.force_login(User.objects.get(pk=membership.user_id), "cgt.backends.Accounts")
    return client


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """Make a person with a persona (in a new treatment center unless one is given) and sign them in."""

    def make(persona: str = "administrator", organization: object = None) -> tuple[Client, Membership]:
        membership = make_member(organization or make_organization(), persona)  # type: ignore[arg-type]
        return signed_in(membership), membership

    return make
