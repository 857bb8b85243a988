"""What happens to a release after the decision, outside the order's steps."""

from __future__ import annotations

from uuid import UUID

from ledger.context import Actor, reading
from ledger.recording import acting
from personas.policies import require
from personas.states import Capability
from quality import queries, release
from quality.models import Release
from quality.policies import require_party


def revoke_release(actor: Actor, batch_id: UUID, *, reason: str, person_id: UUID | None = None) -> Release:
    """Revoke the release of a batch on new facts (QA9). The reason stays with quality, the event names the batch.

    ``person_id``: who signed for it, where a partner's key acts.
    """
    with reading(actor):
        batch = queries.batch(actor, batch_id)
    with acting(actor, "quality.release_revoked", stream_id=batch.stream_id, subject=("batch", batch.number)) as event:
        release.refuse_bad_reason(reason)
        require(actor, Capability.RELEASE_BATCH)
        require_party(event)
        before = release.live_decision(batch)
        revocation = release.revoke(batch, reason, person_id or actor.person_id)
        event.note(batch=batch.number, certificate=before.certificate_number if before else "")
    return revocation
