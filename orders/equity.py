"""How long patients of a center waited for a place, by group: only in sum, and no group that would show one person.

The groups come from what the center itself holds: sites from the register, sex and age band from its own vault. Nothing
of it leaves the center, and nothing is stored.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import UUID

from custody import vault
from ledger.context import Actor
from ledger.walls import visible
from orders.models import Order
from personas.queries import sites
from personas.states import Capability
from scheduling.waiting import WaitingEntry

SMALLEST = 5
BANDS = ((0, 17, "0–17"), (18, 39, "18–39"), (40, 64, "40–64"), (65, 200, "65 and older"))
UNKNOWN = "Not recorded"


@dataclass(frozen=True)
class Cell:
    """One group: how many, how many have a place, and half of them after how many days. None: too few to show."""

    group: str
    label: str
    entries: int | None
    placed: int | None = None
    median_days: float | None = None

    @property
    def is_suppressed(self) -> bool:
        return self.entries is None


@dataclass(frozen=True)
class Waited:
    """One entry as the report sees it."""

    groups: Mapping[str, str]
    days: int
    is_placed: bool


def report(actor: Actor, since: dt.date | None = None) -> list[Cell]:
    """Return time-to-slot by site, region, sex and age band, over everybody who was added since a day.

    Sex and age band only for a reader who may read the identity of the center's patients.
    """
    rows = visible(WaitingEntry, actor)
    rows = rows.filter(added_at__date__gte=since) if since else rows
    return cells(_waited(actor, list(rows.order_by("pk"))))


def cells(waited: Sequence[Waited]) -> list[Cell]:
    """Return the groups in order; those below ``SMALLEST`` are suppressed, and one more where only one would be.

    With a single suppressed group its number would follow from the others and the total.
    """
    found: list[Cell] = [_cell("all", "Everybody", waited)]
    for group in ("site", "region", "sex", "age"):
        members: dict[str, list[Waited]] = defaultdict(list)
        for one in waited:
            if group in one.groups:
                members[one.groups[group]].append(one)
        made = [_cell(group, label, members[label]) for label in sorted(members)]
        hidden = [cell for cell in made if cell.is_suppressed]
        if len(hidden) == 1 and len(made) > 1:
            least = min((c for c in made if not c.is_suppressed), key=lambda c: (c.entries or 0, c.label))
            made = [Cell(group, c.label, None) if c is least else c for c in made]
        found += made
    return found


def _cell(group: str, label: str, members: Sequence[Waited]) -> Cell:
    if len(members) < SMALLEST:
        return Cell(group, label, None)
    placed = [one.days for one in members if one.is_placed]
    enough = len(placed) >= SMALLEST
    return Cell(group, label, len(members), len(placed) if enough else None, median(placed) if enough else None)


def _waited(actor: Actor, entries: Sequence[WaitingEntry]) -> list[Waited]:
    places = {site.pk: site for site in sites(actor).filter(pk__in={entry.site_id for entry in entries})}
    people = _people(actor, entries)
    found = []
    for entry in entries:
        site = places.get(entry.site_id)
        groups = {"site": site.name, "region": site.country} if site else {}
        groups |= people.get(entry.stream_id, {})
        until = entry.placed_at or entry.ended_at
        days = max(0, (until - entry.added_at).days) if until else entry.waited_days()
        found.append(Waited(groups, days, entry.placed_at is not None))
    return found


def _people(actor: Actor, entries: Iterable[WaitingEntry]) -> dict[UUID, dict[str, str]]:
    """Return sex and age band when each was added, by the order's stream: opened for the sum, and let go of at once."""
    if not actor.can(Capability.READ_IDENTITY):
        return {}
    added = {entry.stream_id: entry.added_at.date() for entry in entries}
    own = visible(Order, actor).filter(stream_id__in=list(added), center_id=actor.organization_id)
    patients = dict(own.values_list("stream_id", "patient_id"))
    known = vault.open_identities(actor, set(patients.values())) if patients else {}
    return {
        stream_id: {"sex": _sex(known[patient_id]), "age": _band(known[patient_id], added[stream_id])}
        for stream_id, patient_id in patients.items()
        if patient_id in known
    }


def _sex(identity: Any) -> str:
    return identity.sex.strip().capitalize() or UNKNOWN


def _band(identity: Any, day: dt.date) -> str:
    born = identity.birth_date
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return next((label for low, high, label in BANDS if low <= years <= high), UNKNOWN)
