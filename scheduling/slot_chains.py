"""Slot chains: search, hold, renew, request, answer, free (DOMAIN 10.2; stories CO1, CO2).

``search`` reads; everything else runs inside an action, on the order's locked stream.
"""

from __future__ import annotations

from uuid import UUID

from ledger.context import Actor
from ledger.models import Stream
from scheduling.models import ChainLink, SlotChain
from scheduling.offers import (
    ChainOffer,
    ChainRequest,
    LinkRequest,
    OfferLink,
    RefusedDate,
    SearchResult,
)

__all__ = ["ChainOffer", "ChainRequest", "LinkRequest", "OfferLink", "RefusedDate", "SearchResult"]


def search(actor: Actor, request: ChainRequest) -> SearchResult:
    raise NotImplementedError


def hold(actor: Actor, stream: Stream | UUID, request: ChainRequest, token: str, hours: float = 48) -> SlotChain:
    raise NotImplementedError


def renew(chain: SlotChain, hours: float = 48) -> SlotChain:
    raise NotImplementedError


def submit(chain: SlotChain) -> SlotChain:
    raise NotImplementedError


def confirm(chain: SlotChain, actor: Actor) -> SlotChain:
    raise NotImplementedError


def decline(chain: SlotChain, actor: Actor, reason: str) -> SlotChain:
    raise NotImplementedError


def free(chain: SlotChain, reason: str) -> SlotChain:
    raise NotImplementedError


def live_chain(stream_id: UUID) -> SlotChain | None:
    raise NotImplementedError


def links_of(chain: SlotChain) -> list[ChainLink]:
    raise NotImplementedError
