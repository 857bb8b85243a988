"""The evidence that review and release stand on: batch, results, deviations, material, identity, labels (QA1)."""

from __future__ import annotations

from custody import identity, labels, material
from custody.queries import Container
from custody.states import ContainerKind
from ledger.context import Actor
from ledger.refusals import FactsMissing, MissingFact
from orders.models import Order
from orders.step_kinds import StepContext
from quality import batches, release
from quality import queries as quality
from quality.queries import Batch
from quality.states import BatchState

REVOKED = "Release revoked"  # begins the reason of every quarantine that follows from a revocation


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
    return [bag for bag in bags if bag.kind != ContainerKind.DRUG_PRODUCT or bag.lot in ("", batch.number)]


def identity_and_material_missing(order: Order, batch: Batch) -> list[MissingFact]:
    """Return what stands against a batch's material: an identity under query, a quarantine, an open label."""
    found = identity.query_facts(order.stream_id)
    # What only waits for the release itself does not stand against it.
    bags = [bag for bag in material.of_stream(order.stream_id) if not bag.quarantine_reason.startswith(REVOKED)]
    found += material.quarantine_facts(of_batch(bags, batch))
    for label in labels.unreconciled(order.stream_id):
        found.append(
            MissingFact(
                "label_open",
                f"Label {label.serial} is not accounted for.",
                "Record it as applied, returned or destroyed.",
            )
        )
    return found


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
    """Return what reviewer and releaser see, and sign: results against limits, deviations, identity."""
    batch = current_batch(actor, order)
    if batch is None:
        return []
    rows = [
        ("Batch", f"{batch.number} ({batch.get_state_display()})"),
        ("Batch record", batch.record_reference),
        ("Specification", f"version {order.specification.version}"),
        ("Chain of identity", order.identity_code),
    ]
    tests = {test["key"]: test["label"] for test in order.specification.tests}
    for result in quality.results_of(actor, order.stream_id).filter(batch=batch):
        verdict = result.get_verdict_display()
        rows.append((tests.get(result.test_key, result.test_key), f"{result.outcome} – {verdict}"))
    for deviation in quality.deviations_of(actor, order.stream_id):
        rows.append(
            (
                f"Deviation {deviation.number}",
                f"{deviation.get_severity_display()}, {deviation.get_state_display().lower()}: {deviation.text}",
            )
        )
    return rows


def _not_released_words(batch: Batch) -> str:
    if batch.state == BatchState.REVOKED:
        return f"The release of batch {batch.number} was revoked."
    return f"Batch {batch.number} is {batch.get_state_display().lower()}."


def revoked_missing(actor: Actor, order: Order) -> list[MissingFact]:
    """Return what is missing when the release was revoked or never given; a product from stock has no batch here."""
    batch = current_batch(actor, order)
    if batch is None or batch.state == BatchState.RELEASED:
        return []
    return [
        MissingFact(
            "release_revoked" if batch.state == BatchState.REVOKED else "not_released",
            _not_released_words(batch),
            "Put the product aside and call the manufacturer.",
        )
    ]
