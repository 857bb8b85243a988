"""A disruption begins and ends: its windows are not offered meanwhile, what is booked stays until it moves (MP6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor, reading
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotFound, WrongState
from scheduling import freed_places
from scheduling.disrupted import chains_hit, disruptions
from scheduling.models import Disruption, Resource
from scheduling.policies import require_publisher
from scheduling.states import DisruptionKind

LONGEST = dt.timedelta(days=366)


def open_disruption(
    actor: Actor,
    *,
    kind: str,
    resources: Sequence[str],
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    reason: str,
    once: Once | None = None,
) -> Disruption:
    """Take own resources (by code) out of every search from ``starts_at`` to ``ends_at``. Moves and frees nothing.

    The parties of the orders that it hits are told, each on its own order: nobody learns of the others. What a waiting
    list offers of these places is taken back by a job of its center (``actions.waiting.take_back_disrupted``). Raises
    InvalidInput beside the field, NotAllowed without PUBLISH_CAPACITY. Partners read the reason.
    """
    subject = ("disruption", kind)
    with reading(actor):
        own = Resource.unwalled.filter(organization_id=actor.organization_id, code__in=resources)
        also = _streams_hit(actor, [row.pk for row in own], starts_at, ends_at)
    with acting(actor, "scheduling.disruption_opened", also=also, subject=subject, reason=reason, once=once) as event:
        require_publisher(actor)
        found = list(
            Resource.unwalled.filter(organization_id=actor.organization_id, code__in=resources).order_by("code")
        )
        _refuse_bad(kind, resources, {row.code for row in found}, starts_at, ends_at, reason)
        disruption: Disruption = Disruption.objects.create(
            organization_id=actor.organization_id,
            kind=kind,
            resource_ids=[row.pk for row in found],
            resource_names=", ".join(row.name for row in found),
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason.strip(),
            opened_by_name=actor.display_name,
            opened_at=timezone.now(),
        )
        freed_places.note(freed_places.served(found))  # waiting lists are looked at: their offers may be hit
        event.note(
            kind=DisruptionKind(kind).label,
            resources=disruption.resource_names,
            starts_at=starts_at,
            ends_at=ends_at,
        )
        event.result = {"disruption": str(disruption.pk)}
    return disruption


def close_disruption(actor: Actor, disruption_id: UUID) -> Disruption:
    """Offer the windows again, and tell the parties of the orders that it still hits.

    By the organization that opened it; NotFound for anybody else's.
    """
    with reading(actor):
        known = disruptions(actor).filter(pk=disruption_id, organization_id=actor.organization_id).first()
        also = _streams_hit(actor, known.resource_ids, known.starts_at, known.ends_at) if known else []
    with acting(actor, "scheduling.disruption_closed", also=also, subject=("disruption", str(disruption_id))) as event:
        require_publisher(actor)
        own = Disruption.unwalled.select_for_update().filter(organization_id=actor.organization_id)
        disruption = own.filter(pk=disruption_id).first()
        if disruption is None:
            raise NotFound()
        if disruption.closed_at is not None:
            raise WrongState("This disruption has ended already.")
        disruption.closed_at = timezone.now()
        disruption.save(update_fields=["closed_at"])
        freed_places.note(freed_places.served(Resource.unwalled.filter(pk__in=disruption.resource_ids)))
        event.note(kind=DisruptionKind(disruption.kind).label, resources=disruption.resource_names)
    return disruption


def _streams_hit(actor: Actor, resource_ids: Sequence[UUID], since: dt.datetime, until: dt.datetime) -> list[UUID]:
    return sorted({chain.stream_id for chain in chains_hit(actor, resource_ids, since, until)})


def _refuse_bad(
    kind: str, wanted: Sequence[str], known: set[str], since: dt.datetime, until: dt.datetime, reason: str
) -> None:
    faults: dict[str, list[str]] = {}
    if kind not in DisruptionKind.values:
        faults["kind"] = [f"Unknown kind. Use one of {', '.join(DisruptionKind.values)}."]
    unknown = sorted(set(wanted) - known)
    if not wanted or unknown:
        nothing = "Choose what cannot be used."
        faults["resources"] = [f"Not a resource of your organization: {', '.join(unknown)}." if unknown else nothing]
    if not since < until <= since + LONGEST:
        faults["ends_at"] = ["It ends after it begins, within a year."]
    if not reason.strip():
        faults["reason"] = ["Say why; partners read it."]
    if faults:
        raise InvalidInput(fields=faults)
