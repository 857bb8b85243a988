"""Who may see what of quality, and who may change it.

The wall shows an order's rows to its parties; here it narrows: a courier reads no result and no deviation, a treatment
center reads the results of a batch once it has been decided (its certificate of analysis).
"""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from ledger.context import Actor
from ledger.models import WalledModel
from ledger.recording import OpenEvent
from ledger.refusals import NotAllowed
from ledger.states import Role
from ledger.walls import on_stream, visible
from quality.models import Batch, Deviation, QCResult, Release
from quality.states import Decision

M = TypeVar("M", bound=WalledModel)
MAKERS = frozenset({str(Role.MANUFACTURER), str(Role.CMO)})


def _rows(model: type[M], actor: Actor, stream_id: UUID | None) -> QuerySet[M]:
    return visible(model, actor) if stream_id is None else on_stream(model, actor, stream_id)


def visible_batches(actor: Actor, stream_id: UUID | None = None) -> QuerySet[Batch]:
    return _rows(Batch, actor, stream_id)


def visible_decisions(actor: Actor, stream_id: UUID | None = None) -> QuerySet[Release]:
    return _rows(Release, actor, stream_id)


def visible_results(actor: Actor, stream_id: UUID | None = None) -> QuerySet[QCResult]:
    found: QuerySet[QCResult] = _rows(QCResult, actor, stream_id)
    if actor.organization_role in MAKERS:
        return found
    if actor.organization_role != Role.TREATMENT_CENTER:
        return found.none()
    decided: Any = Release.unwalled.filter(Q(decision=Decision.RELEASE), batch_id=OuterRef("batch_id"))
    return found.filter(Exists(decided))


def visible_deviations(actor: Actor, stream_id: UUID | None = None) -> QuerySet[Deviation]:
    found: QuerySet[Deviation] = _rows(Deviation, actor, stream_id)
    return found.none() if actor.organization_role == Role.COURIER else found


def require_party(event: OpenEvent) -> None:
    """Raise NotAllowed ``not_a_party`` for whoever may read the order by a grant only: a reader changes nothing."""
    if event.actor.organization_id not in event.stream.party_ids:
        raise NotAllowed(
            "Your organization may read this order, but is not a party of it.",
            code="not_a_party",
            remedy="Ask a party of the order to do this.",
        )
