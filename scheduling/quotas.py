"""The one place where a quota's places are taken and given back (``quota_rules`` holds the values a search asks with).

Within one quota a center takes from its own share first, then from its region's, then from the pool. A quota that binds
everybody always has a pool; one that binds whom it names has none. Every quota that has a share for the center must
give a place: all or none. Remanufacture may use the reserve of each. Nothing counts
bookings: the allotment's row says what is used, and one conditional update decides (DESIGN 8).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from ledger.context import Actor
from ledger.prepared import Prepared
from ledger.recording import open_event
from ledger.walls import visible
from scheduling.capacity import SlotFull, seen_by
from scheduling.models import Allotment, QuotaDue, QuotaUse
from scheduling.quota_rules import QuotaLeft, left_of, used_up_words
from scheduling.states import QuotaStage, Share

_ORDER = {share: position for position, share in enumerate(Share.values)}


class QuotaUsedUp(SlotFull):
    """A quota's shares for the center are used up for the period; ``offers`` as in ``SlotFull``."""

    code, title = "quota_used_up", "The quota is used up"
    remedy = "Choose a date in another period, or ask the manufacturer's planner for places."


def load(
    actor: Actor,
    therapy_id: UUID,
    country: str,
    center_id: UUID,
    since: dt.datetime,
    until: dt.datetime,
    *,
    beside: UUID | None = None,
) -> list[QuotaLeft]:
    """Return what a center in a country may still take of a therapy's quotas: one query, run inside ``reading``.

    ``beside``: what this holder has counts as free (one query more): it is to be replaced.
    """
    rows = _of_center(
        actor=actor, therapy_id=therapy_id, country=country, center_id=center_id, since=since, until=until
    )
    own = {use.allotment_id for use in _uses_of(beside) if not use.remade}
    found = []
    for row in rows:
        if row.pk in own:
            row = copy(row)  # what was read may be shared
            row.used -= 1
        found.append(_left(row))
    return found


def load_for(
    actor: Actor,
    therapy_id: UUID,
    centers: Mapping[UUID, tuple[UUID, str]],
    since: dt.datetime,
    until: dt.datetime,
    beside: Collection[UUID],
) -> tuple[dict[UUID, list[QuotaLeft]], dict[UUID, frozenset[UUID]]]:
    """Return what each of many centers may take of a therapy's quotas, and the rows that each holder has a place of.

    ``centers``: organization and country by the key that the answer has. ``beside``: holders that are all to be
    replaced; what they have counts as free. Two queries, run inside ``reading``.
    """
    rows = visible(Allotment, actor).filter(therapy_id=therapy_id, starts_at__lt=until, ends_at__gt=since)
    found = {row.pk: row for row in rows}
    held: dict[UUID, set[UUID]] = defaultdict(set)
    uses = visible(QuotaUse, actor).filter(holder_id__in=set(beside), given_back_at__isnull=True, remade=False)
    for use in uses if found else ():
        if use.allotment_id in found:
            found[use.allotment_id].used -= 1
            held[use.holder_id].add(use.allotment_id)
    left = {
        key: [_left(row) for row in found.values() if _serves(row, center_id, country)]
        for key, (center_id, country) in centers.items()
    }
    return left, {holder: frozenset(ids) for holder, ids in held.items()}


def _serves(row: Allotment, center_id: UUID, country: str) -> bool:
    """As ``_for_center``, for a row at hand."""
    if row.share == Share.CENTER:
        return bool(row.center_id == center_id)
    return row.share == Share.POOL or country in row.countries


def _left(row: Allotment) -> QuotaLeft:
    """Return what a row still offers, with the quota that it belongs to."""
    return replace(left_of(row), quota_id=row.quota_id, title=row.title)


def take(
    holder_id: UUID,
    *,
    therapy_id: UUID,
    manufacturer_ids: Iterable[UUID],
    center_id: UUID,
    country: str,
    starts: Mapping[str, dt.datetime],
    remanufacture: bool = False,
    beside: UUID | None = None,
) -> list[QuotaUse]:
    """Take one place of every quota that the stages' ``starts`` fall under; raise QuotaUsedUp when one has none.

    The caller's savepoint makes it all or none. ``beside``: a holder that is to be replaced; a quota and period that it
    uses is not taken from again (see ``succeed``). Runs in the center's sight, always in one order of quotas and
    shares, so that two takers never wait for each other.
    """
    open_event()
    moments = {stage: instant for stage, instant in starts.items() if stage in QuotaStage.values}
    if not moments:
        return []
    first, last = min(moments.values()), max(moments.values())
    makers = set(manufacturer_ids)
    rows = [
        row
        for row in _at_moments(therapy_id=therapy_id, country=country, center_id=center_id, first=first, last=last)
        if row.organization_id in makers and row.stage in moments and row.starts_at <= moments[row.stage] < row.ends_at
    ]
    shared = {use.allotment.quota_id for use in _uses_of(beside) if not use.remade and _is_at(use, starts)}
    uses = []
    for quota_id in sorted({row.quota_id for row in rows} - shared):
        mine = sorted((row for row in rows if row.quota_id == quota_id), key=lambda row: (_ORDER[row.share], row.pk))
        uses.append(_take_first(mine, holder_id, center_id, remanufacture=remanufacture))
    return QuotaUse.objects.bulk_create(uses) if uses else []


def give_back_of(holder_id: UUID, center_id: UUID) -> int:
    """Give back whatever a holder took, in the sight of the center; return how many places. Twice gives back once.

    What comes back after its share was released is due for the pool at once.
    """
    open_event()
    with seen_by(center_id):
        return sum(_give_back(use) for use in _uses_of(holder_id))


def succeed(former_id: UUID, fresh_id: UUID, center_id: UUID, starts: Mapping[str, dt.datetime]) -> None:
    """Let one holder take the place of another: what both need is handed over, the rest is given back.

    ``starts`` are the successor's. A remanufacture stays counted where it was made.
    """
    open_event()
    with seen_by(center_id):
        own = {use.allotment.quota_id for use in _uses_of(fresh_id)}
        for use in _uses_of(former_id):
            if use.remade or (_is_at(use, starts) and use.allotment.quota_id not in own):
                QuotaUse.unwalled.filter(pk=use.pk).update(holder_id=fresh_id)
            else:
                _give_back(use)


def hand_over(from_id: UUID, to_id: UUID) -> None:
    """Give everything that one holder took to another: the dates went with it."""
    open_event()
    QuotaUse.unwalled.filter(holder_id=from_id, given_back_at__isnull=True).update(holder_id=to_id)


def _uses_of(holder_id: UUID | None) -> list[QuotaUse]:
    """Return what a holder has of quotas, in the order in which rows are locked."""
    if holder_id is None:
        return []
    own = QuotaUse.unwalled.filter(holder_id=holder_id, given_back_at__isnull=True).select_related("allotment")
    return sorted(own, key=lambda use: (use.allotment.quota_id, _ORDER[use.allotment.share], use.allotment_id))


def _is_at(use: QuotaUse, starts: Mapping[str, dt.datetime]) -> bool:
    instant = starts.get(use.allotment.stage)
    return instant is not None and use.allotment.starts_at <= instant < use.allotment.ends_at


@Prepared
def _of_center(
    actor: Actor, therapy_id: UUID, country: str, center_id: UUID, since: dt.datetime, until: dt.datetime
) -> QuerySet[Allotment]:
    """What a center may take of, in the actor's sight, between two instants."""
    rows = visible(Allotment, actor).filter(_for_center(center_id, country), therapy_id=therapy_id)
    return rows.filter(starts_at__lt=until, ends_at__gt=since)


@Prepared
def _at_moments(
    therapy_id: UUID, country: str, center_id: UUID, first: dt.datetime, last: dt.datetime
) -> QuerySet[Allotment]:
    """What binds a center somewhere between two instants, both among them."""
    rows = Allotment.unwalled.filter(_for_center(center_id, country), therapy_id=therapy_id)
    return rows.filter(starts_at__lte=last, ends_at__gt=first)


def _for_center(center_id: UUID, country: str) -> Q:
    region = Q(share=Share.REGION, countries__contains=[country])
    return Q(share=Share.CENTER, center_id=center_id) | region | Q(share=Share.POOL)


def _take_first(rows: Sequence[Allotment], holder_id: UUID, center_id: UUID, *, remanufacture: bool) -> QuotaUse:
    """Take a place of the first row that has one: decided by one conditional update each."""
    column = "remade" if remanufacture else "used"
    room = Q(places__gt=F("used") + F("remade"))
    if not remanufacture:
        room &= Q(places__gt=F("used") + F("reserve"))
    for row in rows:
        if Allotment.unwalled.filter(room, pk=row.pk).update(**{column: F(column) + 1}):
            return QuotaUse(
                allotment=row,
                organization_id=row.organization_id,
                center_id=center_id,
                holder_id=holder_id,
                remade=remanufacture,
            )
    raise QuotaUsedUp(used_up_words(rows[0].stage, rows[0].title))


def _give_back(use: QuotaUse) -> bool:
    """Give one place back; False when that was done already."""
    still = QuotaUse.unwalled.filter(pk=use.pk, given_back_at__isnull=True)
    if not still.update(given_back_at=timezone.now()):
        return False
    column = "remade" if use.remade else "used"
    row = use.allotment
    if not Allotment.unwalled.filter(pk=row.pk, **{f"{column}__gt": 0}).update(**{column: F(column) - 1}):
        raise RuntimeError(f"allotment {row.pk} has no place that could be given back here")
    now = timezone.now()
    if row.share != Share.POOL and row.releases_at is not None and row.releases_at <= now < row.ends_at:
        due = QuotaDue(organization_id=row.organization_id, allotment_id=row.pk, due_at=now)
        QuotaDue.objects.bulk_create([due], ignore_conflicts=True)
    return True
