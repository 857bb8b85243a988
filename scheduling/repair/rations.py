"""Quotas as places that orders compete for: each start under a quota takes a place of one of the shares open to it.

Every quota that counts a start has to give it a place. Within one, a center's own share serves the center alone, its
region's all of the region, the pool everybody: so whoever takes the narrowest first, as an acceptance does, never
spoils a plan that fits. Shares with places for all are no constraint.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from uuid import UUID

from scheduling.drafts import Draft
from scheduling.quota_rules import QuotaLeft
from scheduling.repair.snapshot import Affected, Offered

Shares = tuple["UUID | None", ...]  # rows of which one has to be taken


class Rations:
    """What quotas leave, and which of it is short."""

    def __init__(self, affected: Sequence[Affected], offered: Mapping[UUID, Offered]) -> None:
        self._rows: dict[tuple[UUID, UUID], Sequence[QuotaLeft]] = {
            (therapy, site): rows for therapy, one in offered.items() for site, rows in one.quotas.items()
        }
        wanted: Counter[UUID] = Counter()
        own = Counter(row_id for order in affected for row_id in order.quota_ids)
        self.left: dict[UUID, int] = {}
        for order in affected:
            for row in self.of(order):
                if row.row_id is not None:
                    wanted[row.row_id] += 1
                    self.left[row.row_id] = max(row.left, own[row.row_id])
        self.left = {row_id: left for row_id, left in self.left.items() if wanted[row_id] > left}

    def of(self, order: Affected) -> Sequence[QuotaLeft]:
        """Return the rows that are open to the order's center."""
        return self._rows.get((order.request.therapy_id, order.request.center_site_id), ())

    def kinds(self, order: Affected) -> frozenset[str]:
        """Return the kinds of links that a short quota counts for the order."""
        return frozenset(row.stage for row in self.of(order) if row.row_id in self.left)

    def periods(self, order: Affected, draft: Draft) -> tuple[tuple[str, Shares], ...]:
        """Return under which short shares the starts of the chain fall: chains that differ in it are no equals."""
        kinds = self.kinds(order) if self.left else None
        if not kinds:
            return ()
        return tuple(
            (kind, tuple(row.row_id for row in self.of(order) if row.row_id in self.left and row.covers(kind, start)))
            for kind, start in _starts(draft).items()
            if kind in kinds
        )

    def claims(self, order: Affected, draft: Draft) -> tuple[Shares, ...] | None:
        """Return of which shares the chain takes a place each, one claim per quota; None when one leaves it none.

        A start in a period in which the order has a place already stays with that place.
        """
        rows = self.of(order) if self._rows else ()
        if not rows:
            return ()
        found = []
        for kind, start in _starts(draft).items():
            by_quota: dict[UUID | None, list[QuotaLeft]] = {}
            for row in rows:
                if row.row_id is not None and row.covers(kind, start):
                    by_quota.setdefault(row.quota_id, []).append(row)
            for covering in by_quota.values():
                own = [row for row in covering if row.row_id in order.quota_ids]
                open_to = [row.row_id for row in own or covering if own or row.left > 0]
                if not open_to:
                    return None
                if all(row_id in self.left for row_id in open_to):
                    found.append(tuple(open_to))
        return tuple(found)


def choices(claims: Iterable[Shares]) -> Iterable[frozenset[UUID]]:
    """Yield every way to take a place of one of the shares of each claim."""
    return (frozenset(row_id for row_id in chosen if row_id) for chosen in product(*claims))


def _starts(draft: Draft) -> dict[str, dt.datetime]:
    """When each stage starts first (``slot_chains.starts_of``)."""
    found: dict[str, dt.datetime] = {}
    for pick in sorted(draft.picks, key=lambda pick: pick.starts_at):
        found.setdefault(pick.kind, pick.starts_at)
    return found
