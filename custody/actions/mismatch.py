"""The line stops at once at a mismatch, in an act of its own; quality assurance lets it go on (DOMAIN 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from custody import identity, material
from custody.models import Container
from custody.policies import require
from custody.states import IdentityState
from ledger.context import Actor
from ledger.recording import Signing, acting
from ledger.refusals import FactsMissing, InvalidInput, Mismatch, MissingFact, NotFound
from personas.states import Capability


@contextmanager
def stopping_the_line(actor: Actor, stream_id: UUID, during: str) -> Iterator[None]:
    """Around an act: let a mismatch that rolled everything back stop the line in an event of its own.

    ``during``: the act in words, as quality reads it among what was found.
    """
    try:
        yield
    except Mismatch as mismatch:
        stop_the_line(actor, stream_id, list(getattr(mismatch, "container_ids", [])), mismatch.detail, during)
        raise


def stop_the_line(actor: Actor, stream_id: UUID, container_ids: Sequence[UUID], detail: str, during: str = "") -> None:
    """Record an identity mismatch: the containers go into quarantine, the chain of identity comes under query.

    Anybody on the order who may scan stops the line; what is final already stays as it is. ``detail`` and
    ``during`` (the act at which it was found, in words) hold no patient data.
    """
    with acting(actor, "custody.identity_mismatch", stream_id=stream_id, subject=("order", str(stream_id))) as event:
        coi = identity.identity_of_stream(stream_id)
        stopped = []
        for container in _containers(stream_id, container_ids):
            if material.can_be_quarantined(container):
                material.quarantine(container, f"Identity mismatch: {detail}")
                stopped.append(container.code)
        if coi.state != IdentityState.CLOSED:
            identity.put_under_query(coi, detail)
        event.note(identity=coi.code, containers=", ".join(stopped) or "none", detail=detail, during=during)


def lift_query(
    actor: Actor,
    stream_id: UUID,
    reason: str,
    signers: Sequence[Signing] = (),
    release: Sequence[UUID] = (),
) -> None:
    """Let the line go on after the mismatch was resolved, and release the named containers from quarantine.

    ``signers``: the signatures of at least two people, bound to the event. Raises NotAllowed without RESOLVE_IDENTITY,
    InvalidInput without a reason, FactsMissing ``second_person_needed``, WrongState when there is no query.
    """
    with acting(
        actor,
        "custody.query_lifted",
        stream_id=stream_id,
        subject=("order", str(stream_id)),
        capability=Capability.RESOLVE_IDENTITY,
        reason=reason.strip(),
    ) as event:
        if not reason.strip():
            raise InvalidInput(fields={"reason": ["Say how the mismatch was resolved."]})
        require(actor, Capability.RESOLVE_IDENTITY)
        coi = identity.identity_of_stream(stream_id)
        _require_two_people(signers)
        identity.clear_query(coi)
        containers = _containers(stream_id, release)
        if len(containers) != len(set(release)):
            raise NotFound()
        for container in containers:
            material.release_from_quarantine(container)
        event.signatures.extend(signers)
        event.note(identity=coi.code, containers=", ".join(c.code for c in containers) or "none")


def _containers(stream_id: UUID, container_ids: Sequence[UUID]) -> list[Container]:
    wanted = Container.unwalled.filter(stream_id=stream_id, pk__in=list(container_ids))
    return list(wanted.select_for_update(of=("self",)).order_by("pk"))


def _require_two_people(signers: Sequence[Signing]) -> None:
    if len({signing.person_id for signing in signers}) < 2:
        raise FactsMissing(
            "Lifting an identity query needs two people.",
            code="second_person_needed",
            facts=[MissingFact("second_person_needed", "Two people sign.", "Ask a colleague in quality to sign too.")],
        )
