"""A party that declined leaves at once: it reads nothing of the order from then on (T39, CC1).

Whoever has left could not write what it does, so it leaves in an event of its own, right after the one that it declined
in, written by the software inside the patient's center. Should that fail, the party leaves with the next hold.
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import DatabaseError

from ledger.context import Actor
from ledger.outbox import reason_of
from ledger.recording import acting
from ledger.refusals import Refusal
from orders import parties
from orders.locks import stream_of
from orders.models import Order
from personas.queries import organization_actor

JOB = "end-party"
logger = logging.getLogger(__name__)


def leave_at_once(actor: Actor, center_id: UUID, code: str) -> None:
    """End the acting organization's part in the order. What it declined is written already: a failure is logged."""
    try:
        _leave(actor, center_id, code)
    except (Refusal, DatabaseError) as error:
        logger.warning("a party of %s stays until the next hold: %s", code, reason_of(error))


def _leave(actor: Actor, center_id: UUID, code: str) -> None:
    job = organization_actor(center_id, JOB)
    subject = ("order", code)
    with acting(job, "orders.party_left", stream_id=stream_of(code), subject=subject) as event:
        order = Order.unwalled.get(code=code)
        parties.leave(order, actor.organization_id, actor.organization_role)
        parties.assign(order)
        event.note(organization=actor.organization_name, role=actor.organization_role)
