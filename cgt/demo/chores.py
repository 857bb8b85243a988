"""What a fictional firm's people do every day, unseen: whoever plays one persona does not wait for their chores."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.utils import timezone

from custody import equipment_register, return_register
from custody.actions.equipment import charge_shipper, clean_shipper
from custody.actions.returns import receive_empty
from ledger.context import reading
from personas.queries import organization_actor, organizations_at_work

ENOUGH = dt.timedelta(days=5)  # a charge that holds longer than this is left alone


def make_ready(organization_id: UUID, shipper_id: UUID) -> None:
    """Fetch a shipper that stands empty somewhere, clean and charge it, as its keeper's staff would."""
    job = organization_actor(organization_id, "demo")
    with reading(job):
        out = list(return_register.returns(job).filter(shipper_id=shipper_id).values_list("pk", flat=True))
    now = timezone.now().isoformat()
    for key in out:
        receive_empty(job, key, {"outcome": "fit", "received_at": now})
    clean_shipper(job, shipper_id, {"cleaned_at": timezone.now().isoformat()})
    charge_shipper(job, shipper_id, {"charged_at": timezone.now().isoformat()})


def charge_shippers() -> int:
    """Charge every registered shipper whose hold will end soon, as its owner's staff would; return how many."""
    now, charged = timezone.now(), 0
    for organization_id in organizations_at_work():
        job = organization_actor(organization_id, "demo")
        with reading(job):
            kept = equipment_register.kept_by(job, organization_id)
        due = [
            piece for piece in kept if piece.is_shipper and (not piece.holds_until or piece.holds_until < now + ENOUGH)
        ]
        for piece in due:
            charge_shipper(job, piece.pk, {"charged_at": now.isoformat()})
        charged += len(due)
    return charged
