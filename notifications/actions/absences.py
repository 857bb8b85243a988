"""Saying that one is away, with a deputy, and that one is back (CO8)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotAllowed, WrongState
from notifications import absences
from notifications.models import Absence
from notifications.queries import preferences_of
from personas.queries import User, colleague, rights_missing
from personas.states import Capability


def set_away(actor: Actor, *, first_day: dt.date, last_day: dt.date, deputy: str = "") -> Absence:
    """Say that the acting person is away on these days (both included, in their own zone), and who is their deputy.

    ``deputy`` is a user name of the organization, or empty: then only those are told who hold the right anyway. Raises
    InvalidInput beside the field for days that are none, and for a deputy who is away too or may not do what the person
    may at the same site.
    """
    with acting(actor, "notifications.away_set", subject=("inbox", str(actor.user_id or ""))) as event:
        user_id = _person(actor)
        zone = preferences_of(actor).zone
        since, until = _span(first_day, last_day, zone)
        chosen = _deputy(actor, deputy.strip(), since, until)
        row = _own(actor) or Absence(organization_id=actor.organization_id, user_id=user_id)
        row.since, row.until, row.zone, row.deputy = since, until, zone, chosen
        row.save()
        event.note(
            person=actor.person_name,
            first_day=first_day.isoformat(),
            last_day=last_day.isoformat(),
            deputy=absences.name_of(chosen) if chosen else "",
        )
    return row


def end_away(actor: Actor) -> Absence:
    """Say that the acting person is back, or will not be away after all; WrongState when they are not away."""
    with acting(actor, "notifications.away_ended", subject=("inbox", str(actor.user_id or ""))) as event:
        _person(actor)
        row, now = _own(actor), timezone.now()
        if row is None or row.until <= now:
            raise WrongState("You are not away.", code="not_away", remedy="There is nothing to end.")
        row.since, row.until = min(row.since, now), now
        row.save()
        event.note(person=actor.person_name)
    return row


def _person(actor: Actor) -> UUID:
    if not actor.is_human or actor.user_id is None:
        raise NotAllowed("A key is never away.", code="not_a_person", remedy="Sign in as a person.")
    return actor.user_id


def _own(actor: Actor) -> Absence | None:
    return Absence.unwalled.filter(organization_id=actor.organization_id, user_id=actor.user_id).first()


def _span(first_day: dt.date, last_day: dt.date, zone: str) -> tuple[dt.datetime, dt.datetime]:
    place = ZoneInfo(zone)
    if last_day < timezone.now().astimezone(place).date():
        raise InvalidInput(fields={"last_day": ["This day has passed."]})
    if last_day < first_day:
        raise InvalidInput(fields={"last_day": ["Must not lie before the first day."]})
    if (last_day - first_day).days > absences.MOST_DAYS:
        raise InvalidInput(fields={"last_day": [f"Give at most {absences.MOST_DAYS} days."]})
    since = dt.datetime.combine(first_day, dt.time(), place)
    until = dt.datetime.combine(last_day + dt.timedelta(days=1), dt.time(), place)
    return since.astimezone(dt.UTC), until.astimezone(dt.UTC)


def _deputy(actor: Actor, username: str, since: dt.datetime, until: dt.datetime) -> User | None:
    if not username:
        return None
    found = colleague(actor, username)
    if found is None or found.pk == actor.user_id:
        raise InvalidInput(fields={"deputy": ["Choose a colleague of your organization."]})
    name = absences.name_of(found)
    others = Absence.unwalled.filter(organization_id=actor.organization_id, user=found)
    if others.filter(since__lt=until, until__gt=since).exists():
        raise InvalidInput(fields={"deputy": [f"{name} is away then too. Choose somebody who is there."]})
    if missing := rights_missing(actor, found.pk):
        words = ", ".join(Capability(right).label.lower() for right in missing)
        raise InvalidInput(
            fields={"deputy": [f"{name} may not do here what you may: {words}. Choose a colleague who may, or nobody."]}
        )
    return found
