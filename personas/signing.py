"""Re-authentication for a signature: both components again, lock-out counted, on the signer's own membership (T3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils import timezone

from ledger.context import Actor
from ledger.directory import Shelf
from ledger.recording import Signing
from ledger.refusals import InvalidInput, NotAllowed
from ledger.states import Channel
from personas.models import User
from personas.queries import acting_through, held_now, what_is_kept


@dataclass(frozen=True)
class Credentials:
    """What a signer enters: sign-in name and password."""

    username: str
    password: str


class SignatureNotAccepted(InvalidInput):
    """Wrong components, or an account locked after failures; recorded, so that guessing shows in the record (T7)."""

    code = "signature_not_accepted"
    remedy = "Type your own user name and password again. After five failed attempts wait 15 minutes."
    recorded = True


_address: ContextVar[str] = ContextVar("cgt_client_address", default="127.0.0.1")


@contextmanager
def asked_from(address: str) -> Iterator[None]:
    """Say from which address the request comes: failed signatures and failed sign-ins count together."""
    token = _address.set(address or "127.0.0.1")
    try:
        yield
    finally:
        _address.reset(token)


def identify(credentials: Credentials, field: str) -> User:
    """Return the account whose credentials these are; raise SignatureNotAccepted beside ``field`` otherwise."""
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = _address.get()
    request.path = request.path_info = "/signature"
    user = authenticate(request, username=credentials.username, password=credentials.password)
    if not isinstance(user, User) or user.person_id is None:
        raise SignatureNotAccepted(
            "The signature was not accepted.",
            fields={field: ["User name and password do not match, or the account is locked after failed attempts."]},
        )
    return user


def signer_in(
    user: User,
    organization_ids: set[UUID],
    capability: str,
    field: str,
    site_ids: set[UUID],
    shelf: Shelf | None = None,
) -> Actor:
    """Return the account acting in a membership of one of the organizations that has the capability at the site.

    ``shelf``: ``what_is_kept()`` as it was asked for the act's other signers. Raises NotAllowed when the person has no
    such right there.
    """
    shelf = what_is_kept() if shelf is None else shelf
    for membership in held_now(shelf, user.pk):
        if membership.organization_id not in organization_ids:
            continue
        if membership.site_id is not None and site_ids and membership.site_id not in site_ids:
            continue
        actor = acting_through(membership, Channel.BROWSER, shelf=shelf)
        if actor.can(capability):
            return actor
    raise NotAllowed(
        f"{user.person.name if user.person else user.username} may not sign this here.",
        code="signer_not_allowed",
        fields={field: ["This person's persona does not have the right to sign this step at this site."]},
        remedy="Ask a colleague whose persona may sign this step.",
    )


def sign(
    signer: Actor, *, capability: str, meaning: str, content_hash: str, zone: str, at: dt.datetime | None = None
) -> Signing:
    """Return the signature to bind to the open event."""
    if signer.person_id is None:
        raise NotAllowed(
            "A key alone never signs.", code="key_cannot_sign", remedy="Send the credentials of the person who signs."
        )
    return Signing(
        person_id=signer.person_id,
        person_name=signer.person_name,
        organization_id=signer.organization_id,
        organization_name=signer.organization_name,
        persona=signer.persona,
        capability=capability,
        method="password",
        meaning=meaning,
        content_hash=content_hash,
        signed_at=at or timezone.now(),
        zone=zone,
    )
