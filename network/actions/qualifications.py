"""What people are credentialed and trained for. The organization keeps its own people's records (SN4)."""

from __future__ import annotations

import datetime as dt
import re
from uuid import UUID

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotFound
from network.models import Credential, Therapy, Training
from network.policies import require_or_operate
from network.queries import therapies
from network.states import CredentialKind
from personas.queries import people_with
from personas.states import Capability

_KIND = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


def _name_of(actor: Actor, person_id: UUID) -> str:
    for account in people_with(actor.organization_id, Capability.VIEW_ORDERS):
        if account.person_id == person_id and account.person is not None:
            return account.person.name
    raise InvalidInput(fields={"person": ["Nobody in your organization has this id."]})


def _code_of(actor: Actor, therapy: Therapy | None) -> str:
    if therapy is None:
        return ""
    if not therapies(actor, active=False).filter(pk=therapy.pk).exists():
        raise NotFound()
    return therapy.code


def _refuse_backwards(since: dt.datetime, until: dt.datetime | None) -> None:
    if until is not None and until <= since:
        raise InvalidInput(fields={"until": ["Must lie after the beginning."]})


def add_credential(
    actor: Actor,
    *,
    person_id: UUID,
    therapy: Therapy | None = None,
    kind: str = CredentialKind.PRESCRIBER,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Credential:
    """Credential a person of the acting organization for a therapy (None: all), from–to."""
    with acting(actor, "network.credential_added", subject=("person", str(person_id))) as event:
        code = _code_of(actor, therapy)
        name = _name_of(actor, person_id)
        if kind not in CredentialKind.values:
            raise InvalidInput(fields={"kind": [f"Use one of {', '.join(CredentialKind.values)}."]})
        since = since or event.occurred_at
        _refuse_backwards(since, until)
        require_or_operate(actor, Capability.ADMINISTER)
        credential = Credential.objects.create(
            organization_id=actor.organization_id,
            person_id=person_id,
            therapy=therapy,
            kind=kind,
            since=since,
            until=until,
        )
        event.note(therapy=code, person=name, kind=kind, until=until.isoformat() if until else "")
    return credential


def record_training(
    actor: Actor,
    *,
    person_id: UUID,
    kind: str,
    therapy: Therapy | None = None,
    completed_at: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Training:
    """Record a training that a person of the acting organization completed; at ``until`` it expires."""
    with acting(actor, "network.training_recorded", subject=("person", str(person_id))) as event:
        code = _code_of(actor, therapy)
        name = _name_of(actor, person_id)
        if not isinstance(kind, str) or not _KIND.fullmatch(kind):
            raise InvalidInput(fields={"kind": ["Use lower-case letters, digits, - and _."]})
        completed_at = completed_at or event.occurred_at
        _refuse_backwards(completed_at, until)
        require_or_operate(actor, Capability.ADMINISTER)
        training = Training.objects.create(
            organization_id=actor.organization_id,
            person_id=person_id,
            therapy=therapy,
            kind=kind,
            completed_at=completed_at,
            until=until,
        )
        event.note(therapy=code, person=name, kind=kind, until=until.isoformat() if until else "")
    return training
