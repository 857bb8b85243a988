"""The certificate of an order's newest release, as a printed document for whoever may read it."""

from __future__ import annotations

from ledger import queries as record
from ledger.context import Actor
from orders.models import Order
from personas.states import Capability
from quality import queries as quality
from quality.certificate_pdf import certificate_pdf
from quality.states import Decision

SIGNED_BY_QUALITY = (Capability.REVIEW_BATCH.value, Capability.RELEASE_BATCH.value)


def printed(actor: Actor, order: Order) -> tuple[str, bytes] | None:
    """Return file name and PDF of the newest release (a revoked one says so); None when nothing was released."""
    release = quality.decisions_of(actor, order.stream_id).filter(decision=Decision.RELEASE).last()
    if release is None:
        return None
    plant = order.plant_site
    signatures = record.signatures_of(actor, order.stream_id).filter(capability__in=SIGNED_BY_QUALITY)
    content = certificate_pdf(
        quality.batch(actor, release.batch_id),
        release,
        identity_code=order.identity_code,
        therapy_name=order.therapy.name,
        plant_name=plant.name if plant else "",
        signatures=list(signatures),
        zone=plant.zone if plant else "UTC",
        synthetic=order.synthetic,
    )
    return f"certificate-{release.certificate_number}.pdf", content
