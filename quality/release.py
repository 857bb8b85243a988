"""QA's decision on a batch: reviewed and decided by people who neither made nor tested it (QA1, QA2, QA9, T15, T22)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction

from ledger.refusals import Conflict, FactsMissing, InvalidInput, MissingFact, NotAllowed
from network.specifications import rules_of
from quality import open_items
from quality.batches import fresh, require_person
from quality.models import Batch, QCResult, Release
from quality.order_streams import locked_event
from quality.results import current_results
from quality.states import BatchState, Decision

REVIEWABLE = (BatchState.IN_QC, BatchState.REVOKED)
MAX_REASON = 2000


def blockers(batch: Batch, extra: Sequence[MissingFact] = ()) -> list[MissingFact]:
    """Return all that stands against a release; ``extra``: what the caller knows (quarantine, identity query)."""
    return [*open_items.against([batch])[batch.pk], *extra]


def missing_results(batch: Batch) -> list[MissingFact]:
    """Return each required test without a valid result: never done (``result_missing``) or ``result_invalid``."""
    return open_items.missing_results(rules_of(batch.specification), current_results(batch))


def review(batch: Batch, person_id: UUID | None) -> Batch:
    """Note the review of the whole record, before the decision; a failed result does not stop it, a missing one does.

    Raises NotAllowed ``performer_cannot_review``, FactsMissing, WrongState. A batch whose release was revoked may be
    reviewed again on the new facts.
    """
    event = locked_event(batch.stream_id)
    _refuse_performer(batch, person_id, "review")
    fresh(batch, *REVIEWABLE)
    if facts := missing_results(batch):
        raise FactsMissing("The record is not complete.", facts=facts)
    batch.state, batch.reviewed_at, batch.reviewed_by_id = BatchState.UNDER_REVIEW, event.occurred_at, person_id
    batch.save(update_fields=["state", "reviewed_at", "reviewed_by_id"])
    return batch


def decide(
    batch: Batch,
    decision: str,
    reason: str,
    person_id: UUID | None,
    content_hash: str,
    *,
    extra: Sequence[MissingFact] = (),
) -> Release:
    """Release a reviewed batch that nothing stands against, or reject it with the reason.

    ``content_hash``: of exactly what the decider was shown and signed. Raises NotAllowed ``performer_cannot_release``,
    FactsMissing listing each blocker, WrongState, and Conflict when somebody else decided meanwhile. A batch may also
    be rejected before its tests are complete.
    """
    if decision not in (Decision.RELEASE, Decision.REJECT):
        raise InvalidInput(fields={"decision": [f"Use {Decision.RELEASE} or {Decision.REJECT}."]})
    refuse_bad_reason(reason, needed=decision != Decision.RELEASE)
    event = locked_event(batch.stream_id)
    decider = _refuse_performer(batch, person_id, "release")
    if decision == Decision.RELEASE:
        fresh(batch, BatchState.UNDER_REVIEW)
        if facts := blockers(batch, extra):
            raise FactsMissing("The batch cannot be released.", facts=facts)
        state, certificate = BatchState.RELEASED, _certificate_number(batch)
    else:
        fresh(batch, BatchState.IN_QC, BatchState.UNDER_REVIEW, BatchState.REVOKED)
        state, certificate = BatchState.REJECTED, None
    row = Release(
        stream_id=batch.stream_id,
        batch=batch,
        decision=decision,
        reason=reason.strip(),
        decided_by_id=decider,
        decided_at=event.occurred_at,
        certificate_number=certificate,
        content_hash=content_hash,
    )
    _insert_once(row)
    batch.state = state
    batch.save(update_fields=["state"])
    return row


def revoke(batch: Batch, reason: str, person_id: UUID | None) -> Release:
    """End a release on new facts. Safety first: whoever made or tested the batch may do it too.

    Returns the row of the revocation; the revoked decision and its certificate stay in the record.
    """
    refuse_bad_reason(reason)
    event = locked_event(batch.stream_id)
    decider = require_person(person_id)
    fresh(batch, BatchState.RELEASED)
    Release.unwalled.filter(batch=batch, decision=Decision.RELEASE, revoked_at__isnull=True).update(
        revoked_at=event.occurred_at
    )
    batch.state = BatchState.REVOKED
    batch.save(update_fields=["state"])
    return Release.objects.create(
        stream_id=batch.stream_id,
        batch=batch,
        decision=Decision.REVOKE,
        reason=reason.strip(),
        decided_by_id=decider,
        decided_at=event.occurred_at,
    )


def live_decision(batch: Batch) -> Release | None:
    """Return the decision in force on a batch, or None."""
    decided = Release.unwalled.filter(batch=batch, revoked_at__isnull=True)
    return decided.exclude(decision=Decision.REVOKE).first()


def refuse_bad_reason(reason: object, *, needed: bool = True) -> None:
    """Raise InvalidInput naming ``reason``."""
    if not isinstance(reason, str) or len(reason) > MAX_REASON:
        raise InvalidInput(fields={"reason": [f"Use at most {MAX_REASON} characters."]})
    if needed and not reason.strip():
        raise InvalidInput(fields={"reason": ["Say why."]})


def _refuse_performer(batch: Batch, person_id: UUID | None, verb: str) -> UUID:
    person = require_person(person_id)
    analysts = QCResult.unwalled.filter(batch=batch).values_list("analyst_id", flat=True)
    batch.refresh_from_db(fields=["performers"])
    if person in {*batch.performers, *analysts}:
        raise NotAllowed(
            f"Who made or tested a batch may not {verb} it.",
            code=f"performer_cannot_{verb}",
            remedy="Ask a colleague who took no part in making or testing it.",
        )
    return person


def _certificate_number(batch: Batch) -> str:
    return f"C{batch.number[1:]}-{Release.unwalled.filter(batch=batch, decision=Decision.RELEASE).count() + 1}"


def _insert_once(row: Release) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Conflict("This batch has been decided already.", code="already_decided") from None
