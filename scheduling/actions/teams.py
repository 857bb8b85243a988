"""Who is there: people with a competence on a shift. Without them a shift has no places (AU1, MP10)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from ledger.bulk import update_each
from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput
from personas.queries import own_site
from scheduling import opening_sources
from scheduling.actions.openings import make_openings
from scheduling.models import Team
from scheduling.policies import require_publisher
from scheduling.rules import TeamInput, team_faults


def set_team(actor: Actor, site_code: str, given: TeamInput) -> Team:
    """Let a team have these people from ``given.first_date`` on; its version of before ends the day before.

    Raises CapacityInUse when a shift would lose places that are taken.
    """
    with acting(actor, "scheduling.team_set", subject=("team", given.code)) as event:
        require_publisher(actor)
        columns, faults = team_faults(given)
        site = own_site(actor, site_code)
        if site is None:
            faults["site"] = ["Not a site of your organization."]
        mine = Team.unwalled.select_for_update().filter(
            organization_id=actor.organization_id, code=given.code, withdrawn_at__isnull=True
        )
        versions = list(mine.order_by("first_date"))
        _make_room(versions, given, faults)
        if faults or site is None:
            raise InvalidInput(fields=faults)
        update_each(versions, ["last_date", "withdrawn_at"])
        team: Team = Team.objects.create(organization_id=actor.organization_id, site=site, **columns)
        places = opening_sources.load(actor).places
        make_openings(actor, touched={pk for pk, place in places.items() if place.pk == site.pk})
        event.note(
            team=team.code,
            people=team.people,
            competence=team.competence,
            shift=team.shift,
            first_date=team.first_date,
        )
    return team


def _make_room(versions: list[Team], given: TeamInput, faults: dict[str, Any]) -> None:
    """End the version that holds on the first day; one that begins later must be named, not overrun."""
    for version in versions:
        if version.first_date > given.first_date and version.first_date <= (given.last_date or dt.date.max):
            text = f"A version from {version.first_date} on is set already: end this one before, or set that one anew."
            faults.setdefault("last_date", [text])
        elif version.first_date == given.first_date:
            version.withdrawn_at = timezone.now()
        elif version.first_date < given.first_date <= (version.last_date or dt.date.max):
            version.last_date = given.first_date - dt.timedelta(days=1)
