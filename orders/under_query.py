"""Identities under query, as quality reads them among its deviations: the record of a mismatch is its case (QA1).

A mismatch and how it was resolved stand on the order's record; nothing is kept twice. A courier reads none of it (T39).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from custody import queries as custody
from custody.states import IdentityState
from ledger import queries as record
from ledger.context import Actor
from ledger.states import Role
from ledger.walls import visible
from orders.models import Order
from orders.places import placed
from personas.states import Capability

STOPPED, LIFTED = "custody.identity_mismatch", "custody.query_lifted"
TITLE = "Identity under query"
MOST = 50
JUST_BEFORE = dt.timedelta(minutes=1)  # the attempt is refused first, then the line is stopped


@dataclass
class IdentityQuery:
    """One case: the scans that did not match until quality of two firms resolved it.

    ``found``: each in words, without patient data, with what was put aside; ``conclusion``: how it was resolved.
    """

    opened_at: dt.datetime
    found: list[str] = field(default_factory=list)
    closed_at: dt.datetime | None = None
    conclusion: str = ""
    is_open: bool = False

    @property
    def text(self) -> str:
        return " ".join(self.found)

    @property
    def state(self) -> str:
        return "open" if self.is_open else "closed"


@dataclass(frozen=True)
class Finding:
    """One scan that did not match and is not decided yet, as quality reads it before it signs.

    ``during``: the step or act, in words; ``scanned``: the code, only where the reader's own people scanned it.
    """

    at: dt.datetime
    by: str
    during: str
    detail: str
    aside: str
    scanned: str


@dataclass(frozen=True)
class Queried:
    """An order whose identity is under query; ``why``: what was found first, ``mine``: this persona may resolve it."""

    order: Order
    why: str
    mine: bool


def identity_queries(actor: Actor, order: Order) -> list[IdentityQuery]:
    """Return every identity query of an order, oldest first, as far as the actor may read it: two queries at most."""
    if actor.organization_role == Role.COURIER:
        return []
    cases: list[IdentityQuery] = []
    for event in record.events_of(actor, order.stream_id).filter(kind__in=(STOPPED, LIFTED)):
        if event.kind == STOPPED:
            if not cases or cases[-1].closed_at:
                cases.append(IdentityQuery(event.occurred_at))
            cases[-1].found.append(_words(event.payload))
        elif cases:
            cases[-1].closed_at, cases[-1].conclusion = event.occurred_at, event.reason
    if cases and not cases[-1].closed_at:
        chain = custody.identity_of(actor, order.stream_id)
        cases[-1].is_open = chain is not None and chain.state == IdentityState.UNDER_QUERY
    return cases


def standing(actor: Actor, order: Order) -> list[Finding]:
    """Return what stands against an order's identity now, oldest first; none for a courier. Two queries at most."""
    if actor.organization_role == Role.COURIER:
        return []
    events = list(record.events_of(actor, order.stream_id).filter(kind__in=(STOPPED, LIFTED)).order_by("-seq")[:MOST])
    open_now = list(takewhile(lambda event: event.kind == STOPPED, events))
    if not open_now:
        return []
    since = open_now[-1].occurred_at - JUST_BEFORE
    tried = record.refusals_about(actor, [order.code, str(order.stream_id)], since)
    scanned = {row.actor_name: row.payload["read"] for row in reversed(tried) if row.payload.get("read")}
    return [
        Finding(
            event.occurred_at,
            f"{event.actor_name}, {event.organization_name}",
            event.payload.get("during", ""),
            event.payload["detail"],
            event.payload.get("containers") or "none",
            scanned.get(event.actor_name, "") if event.organization_id == actor.organization_id else "",
        )
        for event in reversed(open_now)
    ]


def _words(payload: dict[str, Any]) -> str:
    aside = payload.get("containers") or "none"
    at = f"{payload['during']}: " if payload.get("during") else ""
    return f"{at}{payload['detail']} Quarantined: {aside}."


def orders_under_query(actor: Actor) -> list[Queried]:
    """Return the actor's orders whose identity is under query now, for who works in quality: two queries, none else."""
    quality = actor.can(Capability.RESOLVE_IDENTITY) or actor.can(Capability.MANAGE_DEVIATIONS)
    if actor.organization_role == Role.COURIER or not quality:
        return []
    chains = {chain.stream_id: chain for chain in custody.identities_under_query(actor)[:MOST]}
    if not chains:
        return []
    orders = placed(visible(Order, actor).filter(stream_id__in=list(chains)).order_by("opened_at", "pk"))
    may = actor.can(Capability.RESOLVE_IDENTITY)
    return [
        Queried(order, chains[order.stream_id].query_reason, may and actor.organization_id in order.party_ids)
        for order in orders
    ]
