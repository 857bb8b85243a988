"""A party that declined leaves at once: it reads nothing of the order from then on (T39, CC1).

Whoever has left could not write what it does, so it leaves in an event of its own, right after the one that it declined
in, written by the software inside the patient's center. Should that fail, the party leaves with the next hold.
"""

from __future__ import annotations

from uuid import UUID

from ledger.context import Actor
from ledger.recording import acting
from orders import parties
from orders.models import Order
from personas.queries import organization_actor

JOB = "end-party"


def leave_at_once(actor: Actor, center_id: UUID, code: str) -> None:
    """End the acting organization's part in the order, if it is still a party; once is enough, twice does nothing."""
    job = organization_actor(center_id, JOB)
    stream_id = Order.unwalled.filter(code=code).values("stream_id")
    subject = ("order", code)
    with acting(job, "orders.party_left", stream_id=stream_id, subject=subject) as event:
        order = Order.unwalled.get(code=code)
        parties.leave(order, actor.organization_id, actor.organization_role)
        parties.assign(order)
        event.note(organization=actor.organization_name, role=actor.organization_role)
