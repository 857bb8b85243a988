"""Deviations of an order, opened and closed by people outside the order's steps."""

from __future__ import annotations

from uuid import UUID

from ledger.context import Actor, reading
from ledger.recording import Once, acting
from personas.policies import require
from personas.states import Capability
from quality import deviations, queries, results
from quality.models import Deviation, QCResult
from quality.policies import require_party


def open_deviation(
    actor: Actor, stream_id: UUID, *, kind: str, severity: str, text: str, once: Once | None = None
) -> Deviation:
    """Open a deviation on an order of which the actor's organization is a party."""
    subject = ("order", str(stream_id))
    with acting(actor, "quality.deviation_opened", stream_id=stream_id, subject=subject, once=once) as event:
        deviations.refuse_bad_deviation(kind, severity, text)
        require(actor, Capability.MANAGE_DEVIATIONS)
        require_party(event)
        deviation = deviations.open_deviation(stream_id, kind, severity, text)
        event.note(number=deviation.number, kind=kind, severity=severity)
    return deviation


def close_deviation(
    actor: Actor, deviation_id: UUID, *, conclusion: str, person_id: UUID | None = None, once: Once | None = None
) -> Deviation:
    """Close a deviation with its conclusion; who opened a major or critical one does not close it.

    ``person_id``: who answers for it, where a partner's key acts.
    """
    with reading(actor):
        deviation = queries.deviation(actor, deviation_id)
    with acting(
        actor,
        "quality.deviation_closed",
        stream_id=deviation.stream_id,
        subject=("deviation", deviation.number),
        once=once,
    ) as event:
        deviations.refuse_bad_conclusion(conclusion)
        require(actor, Capability.MANAGE_DEVIATIONS)
        require_party(event)
        deviations.close_deviation(deviation, conclusion, person_id or actor.person_id)
        event.note(number=deviation.number, severity=deviation.severity)
    return deviation


def invalidate_result(
    actor: Actor, result_id: UUID, *, deviation_id: UUID, person_id: UUID | None = None, once: Once | None = None
) -> QCResult:
    """Declare a result invalid on the conclusion of a closed deviation, so that the test may be repeated (QC3).

    ``person_id``: who answers for it, where a partner's key acts.
    """
    with reading(actor):
        result = queries.result(actor, result_id)
        deviation = queries.deviation(actor, deviation_id)
    subject = ("result", str(result_id))
    with acting(actor, "quality.result_invalidated", stream_id=result.stream_id, subject=subject, once=once) as event:
        require(actor, Capability.REVIEW_BATCH)
        require_party(event)
        invalid = results.invalidate(result, deviation, person_id or actor.person_id)
        event.note(batch=result.batch.number, test=result.test_key, deviation=deviation.number)
    return invalid
