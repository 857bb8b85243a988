"""Who may see what of quality, and who may change it.

The wall shows an order's rows to its parties; here it narrows: a courier reads no result and no deviation, a treatment
center reads the results of a batch once it has been decided (its certificate of analysis).
"""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from ledger.context import Actor
from ledger.recording import OpenEvent
from ledger.refusals import NotAllowed
from ledger.states import Role
from ledger.walls import visible
from quality.models import Batch, Deviation, QCResult, Release
from quality.states import Decision

MAKERS = frozenset({str(Role.MANUFACTURER), str(Role.CMO)})


def visible_batches(actor: Actor) -> QuerySet[Batch]:
    return visible(Batch, actor)


def visible_decisions(actor: Actor) -> QuerySet[Release]:
    return visible(Release, actor)


def visible_results(actor: Actor) -> QuerySet[QCResult]:
    found: QuerySet[QCResult] = visible(QCResult, actor)
    if actor.organization_role in MAKERS:
        return found
    if actor.organization_role != Role.TREATMENT_CENTER:
        return found.none()
    decided: Any = Release.unwalled.filter(Q(decision=Decision.RELEASE), batch_id=OuterRef("batch_id"))
    return found.filter(Exists(decided))


def visible_deviations(actor: Actor) -> QuerySet[Deviation]:
    found: QuerySet[Deviation] = visible(Deviation, actor)
    return found.none() if actor.organization_role == Role.COURIER else found


def require_party(event: OpenEvent) -> None:
    """Raise NotAllowed ``not_a_party`` for whoever may read the order by a grant only: a reader changes nothing."""
    if event.actor.organization_id not in event.stream.party_ids:
        raise NotAllowed(
            "Your organization may read this order, but is not a party of it.",
            code="not_a_party",
            remedy="Ask a party of the order to do this.",
        )
