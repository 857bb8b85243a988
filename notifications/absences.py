"""Who is away, until when, and who is told too meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone

from notifications.models import Absence
from notifications.recipients import Recipient
from personas.queries import still_members

MOST_DAYS = 366


@dataclass(frozen=True)
class Away:
    """One person's absence: its last day there, and who is told too (None: nobody but those who are told anyway)."""

    user_id: UUID
    name: str
    first_day: dt.date
    last_day: dt.date
    zone: str
    deputy: Any = None

    @property
    def words(self) -> str:
        """Return what stands beside the person's name."""
        deputy = f", deputy: {name_of(self.deputy)}" if self.deputy else ""
        return f"away until {self.last_day.isoformat()}{deputy}"


def name_of(user: Any) -> str:
    return str(user.person.name if user.person else user.username)


def days_of(row: Absence) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of an absence, in its zone."""
    zone = ZoneInfo(row.zone)
    last = row.until.astimezone(zone) - dt.timedelta(seconds=1)
    return row.since.astimezone(zone).date(), last.date()


def away(organization_id: UUID, user_ids: Iterable[UUID] | None = None) -> dict[UUID, Away]:
    """Return who of an organization is away now, by account; ``user_ids`` narrows it. One query."""
    now = timezone.now()
    found = _rows(organization_id).filter(since__lte=now, until__gt=now)
    if user_ids is not None:
        found = found.filter(user_id__in=set(user_ids))
    return {row.user_id: _away(row) for row in found}


def _rows(organization_id: UUID) -> QuerySet[Absence]:
    rows = Absence.unwalled.filter(organization_id=organization_id)
    return rows.select_related("user__person", "deputy__person")


def _away(row: Absence) -> Away:
    return Away(row.user_id, name_of(row.user), *days_of(row), row.zone, row.deputy)


def with_deputies(organization_id: UUID, recipients: list[Recipient]) -> list[Recipient]:
    """Return the recipients with the deputies of those who are away (CO8).

    A deputy who is told anyway reads for whom; one who is not told (the right was lost since) hears of what is
    critical only: tasks go to everybody who holds the right.
    """
    absent = away(organization_id, [recipient.user.pk for recipient in recipients])
    deputies = {found.deputy.pk for found in absent.values() if found.deputy}
    if not deputies:
        return recipients
    there = still_members(organization_id, deputies)
    told = {recipient.user.pk: recipient for recipient in recipients}
    for recipient in recipients:
        found = absent.get(recipient.user.pk)
        if found is None or found.deputy is None or found.deputy.pk not in there:
            continue
        own = told.get(found.deputy.pk)
        if own is not None or recipient.critical:
            told[found.deputy.pk] = _for(found, own or replace(recipient, user=found.deputy), recipient.critical)
    return list(told.values())


def _for(found: Away, recipient: Recipient, critical: bool) -> Recipient:
    title = f"For {found.name}, who is away: {recipient.title}"
    return replace(recipient, title=title, critical=recipient.critical or critical)
