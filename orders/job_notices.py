"""Who hears of a courier's job without patient material: the courier, who gives it, and who waits for it."""

from __future__ import annotations

from uuid import UUID

from custody.job_register import one
from ledger.context import Actor
from ledger.models import Event
from ledger.refusals import NotFound
from ledger.states import Role
from notifications import recipients
from notifications.recipients import Recipient
from notifications.states import NoticeClass
from personas.queries import people_with
from personas.states import Capability as C

TOLD = "custody.job_told"
LISTENS: dict[Role, tuple[C, ...]] = {
    Role.COURIER: (C.TAKE_CUSTODY, C.MANAGE_LANES),
    Role.TREATMENT_CENTER: (C.CHECK_KIT, C.PACK_MATERIAL),
    Role.MANUFACTURER: (C.MANAGE_LANES, C.RECEIVE_MATERIAL, C.KEEP_EQUIPMENT),
    Role.CMO: (C.RECEIVE_MATERIAL, C.KEEP_EQUIPMENT),
}


@recipients.register
def of_jobs(actor: Actor, event: Event) -> list[Recipient]:
    """Return the people of the organization in which a job was told of."""
    if event.kind != TOLD or event.organization_id != actor.organization_id:
        return []
    try:
        job = one(actor, UUID(event.subject_id))
    except NotFound:
        return []
    due = job.window_until if job.picked_up_at is None else job.deliver_by
    found = {
        user.pk: Recipient(user, event.payload["words"], f"/jobs/{job.pk}/", due, category=NoticeClass.NEWS)
        for capability in LISTENS.get(Role(actor.organization_role), ())
        for user in people_with(actor.organization_id, capability)
    }
    return list(found.values())
