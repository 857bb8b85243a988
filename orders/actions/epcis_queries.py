"""Queries that an organization's systems keep under a name, to ask them again (EPCIS 2.0, named queries)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import Conflict, InvalidInput, NotAllowed, NotFound
from orders.epcis.filters import criteria
from orders.models import EpcisQuery, EpcisSubscription
from personas.states import Capability

MOST_QUERIES = 50
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")


def keep_query(actor: Actor, name: str, parameters: Mapping[str, Any]) -> EpcisQuery:
    """Keep a query under a free name. Raises InvalidInput for what could not be asked, Conflict for a name in use."""
    with acting(actor, "orders.epcis_query_kept", subject=("epcis_query", name[:60])) as event:
        if not _NAME.fullmatch(name):
            raise InvalidInput(fields={"name": ["Use up to 60 letters, digits, dots, hyphens and underscores."]})
        _require_reader(actor)
        criteria(parameters)
        mine = EpcisQuery.unwalled.filter(organization_id=actor.organization_id, dropped_at__isnull=True)
        if mine.filter(name=name).exists():
            raise Conflict(
                f"A query “{name}” is kept already.",
                code="name_in_use",
                remedy="Drop it first, or choose another name.",
            )
        if mine.count() >= MOST_QUERIES:
            raise InvalidInput(f"{MOST_QUERIES} queries are kept already.", remedy="Drop one that nobody asks.")
        query: EpcisQuery = EpcisQuery.objects.create(
            organization_id=actor.organization_id, name=name, parameters=dict(parameters), kept_at=timezone.now()
        )
        event.note(name=name)
    return query


def drop_query(actor: Actor, name: str) -> None:
    """Let a name be free again; NotFound where nothing is kept under it."""
    with acting(actor, "orders.epcis_query_dropped", subject=("epcis_query", name[:60])) as event:
        _require_reader(actor)
        mine = EpcisQuery.unwalled.filter(organization_id=actor.organization_id, dropped_at__isnull=True, name=name)
        if EpcisSubscription.unwalled.filter(query__in=mine, ended_at__isnull=True).exists():
            raise InvalidInput(
                f"Subscriptions of the query “{name}” run.",
                code="has_subscriptions",
                fields={"name": ["It has subscriptions."]},
                remedy="End its subscriptions first.",
            )
        if not mine.update(dropped_at=timezone.now()):
            raise NotFound()
        event.note(name=name)


def _require_reader(actor: Actor) -> None:
    if not (actor.can(Capability.VIEW_RECORD) or actor.can(Capability.ADMINISTER)):  # who connects systems reads none
        raise NotAllowed(f"{actor.persona_title or 'This key'} may not keep EPCIS queries.")
