"""The evidence that review and release stand on: batch, results, deviations, material, identity, labels (QA1)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from custody import findings
from custody.queries import Container
from ledger.context import Actor
from ledger.refusals import FactsMissing, MissingFact
from orders import evidence_sections
from orders.models import Order
from orders.step_kinds import StepContext
from quality import batches, deviations, release, stops
from quality import open_items as quality_items
from quality import queries as quality
from quality.queries import Batch
from quality.states import BatchState

REVOKED = "Release revoked"  # begins the reason of every quarantine that follows from a revocation
CUSTODY_GAP = "custody_gap"


def current_batch(actor: Actor, order: Order) -> Batch | None:
    """Return the order's newest batch."""
    return quality.batch_of(actor, order.stream_id)


def require_batch(actor: Actor, order: Order) -> Batch:
    """Return the order's batch; raise FactsMissing when there is none."""
    batch = current_batch(actor, order)
    if batch is None:
        raise FactsMissing("There is no batch.", facts=[no_batch()])
    return batch


def no_batch() -> MissingFact:
    return MissingFact("no_batch", "There is no batch.", "Start the manufacture first.")


def of_batch(bags: list[Container], batch: Batch) -> list[Container]:
    """Return the bags less the product of another batch: what became of a lost batch says nothing about this one."""
    return findings.of_lot(bags, batch.number)


def identity_and_material_missing(order: Order, batch: Batch) -> list[MissingFact]:
    """Return what stands against a batch's identity, material, labels and custody."""
    return material_findings([batch])[order.stream_id]


def material_findings(found: Sequence[Batch]) -> dict[UUID, list[MissingFact]]:
    """Return the same for many batches, by stream.

    A custody gap that a closed deviation explains does not count, nor a quarantine that only waits for the release.
    """
    by_stream = findings.against({batch.stream_id: batch.number for batch in found}, awaiting=REVOKED)
    broken = [key for key, facts in by_stream.items() if any(fact.code == CUSTODY_GAP for fact in facts)]
    for stream_id in deviations.explained(broken, CUSTODY_GAP):
        by_stream[stream_id] = [fact for fact in by_stream[stream_id] if fact.code != CUSTODY_GAP]
    return by_stream


def open_items(found: Sequence[Batch]) -> dict[UUID, list[MissingFact]]:
    """Return, by batch, everything that stands against its release: what ``release_missing`` says, for many batches."""
    by_stream = material_findings(found)
    by_batch = quality_items.against(found)
    return {batch.pk: [*by_batch[batch.pk], *by_stream[batch.stream_id]] for batch in found}


def release_missing(actor: Actor, order: Order) -> list[MissingFact]:
    """Return every open item that stands against the release."""
    batch = current_batch(actor, order)
    if batch is None:
        return [no_batch()]
    return release.blockers(batch, identity_and_material_missing(order, batch))


def note_makers(batch: Batch, ctx: StepContext) -> None:
    """Everybody who signed a manufacturing step made the batch, and so will not decide on it."""
    signers = [signing.person_id for signing in ctx.event.signatures] if ctx.event else []
    if signers:
        batches.add_performers(batch, signers)


def shown(actor: Actor, order: Order) -> list[tuple[str, str]]:
    """Return what reviewer and releaser see, and sign: every line of the evidence page, in its order."""
    return evidence_sections.as_shown(evidence_sections.sections(actor, order))


def _not_released_words(batch: Batch) -> str:
    if batch.state == BatchState.REVOKED:
        return f"The release of batch {batch.number} was revoked."
    return f"Batch {batch.number} is {batch.get_state_display().lower()}."


def revoked_missing(actor: Actor, order: Order) -> list[MissingFact]:
    """Return what stands against going on with the product: a stop; a release that was revoked or never given.

    A product from stock has no batch here.
    """
    stopped = stops.facts(order.stream_id)
    batch = current_batch(actor, order)
    if batch is None or batch.state == BatchState.RELEASED:
        return stopped
    return [
        *stopped,
        MissingFact(
            "release_revoked" if batch.state == BatchState.REVOKED else "not_released",
            _not_released_words(batch),
            "Put the product aside and call the manufacturer.",
        ),
    ]
