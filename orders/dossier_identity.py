"""The part of a dossier about identities under query: what was asked, compared and decided, by whom (RG6, SQ6)."""

from __future__ import annotations

from typing import Any

from ledger import queries as record
from ledger.context import Actor
from ledger.states import Role
from orders.models import Order
from orders.under_query import LIFTED, STOPPED


def queries_in_full(actor: Actor, order: Order) -> list[dict[str, Any]]:
    """Return each finding of each identity query as a dossier tells it: by whom, what was compared, how it was decided.

    ``query`` numbers the cases of the order from 1; none for a courier (T39). Call inside ``reading(actor)``; two
    queries at most.
    """
    if actor.organization_role == Role.COURIER:
        return []
    events = list(record.events_of(actor, order.stream_id).filter(kind__in=(STOPPED, LIFTED)).order_by("seq"))
    rows: list[dict[str, Any]] = []
    open_rows: list[dict[str, Any]] = []
    case = 0
    signers = _signers(actor, order, [event.pk for event in events if event.kind == LIFTED])
    for event in events:
        if event.kind == STOPPED:
            case += not open_rows
            open_rows.append(_finding(case, event))
            rows.append(open_rows[-1])
            continue
        for row in open_rows:
            row |= {
                "decided_at": event.occurred_at,
                "how_it_was_decided": event.reason,
                "decided_by": signers.get(event.pk, event.actor_name),
                "released": event.payload.get("containers", ""),
            }
        open_rows = []
    return rows


def _finding(case: int, event: Any) -> dict[str, Any]:
    asked = f"Whether what was scanned belongs to chain of identity {event.payload.get('identity', '')}."
    return {
        "query": case,
        "event": event.seq,
        "asked_at": event.occurred_at,
        "asked_by": f"{event.actor_name}, {event.organization_name}",
        "during": event.payload.get("during", ""),
        "what_was_asked": asked,
        "what_was_compared": event.payload.get("detail", ""),
        "put_aside": event.payload.get("containers") or "none",
        "decided_at": None,
        "how_it_was_decided": "Not decided: the line is stopped.",
        "decided_by": "",
        "released": "",
    }


def _signers(actor: Actor, order: Order, event_ids: list[Any]) -> dict[Any, str]:
    found: dict[Any, list[str]] = {}
    if event_ids:
        for row in record.signatures_on(actor, order.stream_id, event_ids):
            found.setdefault(row.event_id, []).append(f"{row.person_name}, {row.organization_name}")
    return {pk: "; ".join(names) for pk, names in found.items()}
