"""Chain of custody: every container has exactly one custodian at any instant; no gap, no overlap (I2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from custody import material
from custody.keys import Named, key_of, optional_key
from custody.models import Container, CustodyPeriod
from custody.states import TERMINAL_STATES, ContainerState
from ledger.prepared import Prepared
from ledger.refusals import Conflict, InvalidInput, WrongState


def begin(
    container: Container, organization: Named, site: Named | None, person_id: UUID | None, at: dt.datetime
) -> CustodyPeriod:
    """Start a container's chain of custody. Conflict if it has begun."""
    if CustodyPeriod.unwalled.filter(container=container).exists():
        raise Conflict(
            f"The chain of custody of {container.code} has begun already.",
            code="custody_begun",
            remedy="Hand it over instead.",
        )
    return _open(container, key_of(organization), optional_key(site), person_id, at)


def hand_over(
    container: Container,
    to_organization: Named,
    to_site: Named | None,
    person_id: UUID | None,
    at: dt.datetime,
    *,
    becomes: ContainerState | None = None,
) -> CustodyPeriod:
    """Give a container into other hands: the old period ends and the new one begins at the same instant.

    ``becomes``: the state that it is in from then on, as ``material.observe`` records it. Handing it to whoever has it
    there already changes nothing else. Raises WrongState when its chain of custody has not
    begun or has ended, InvalidInput when ``at`` lies before the present custodian took it.
    """
    current = _open_period(container, lock=True)
    if current is None:
        raise WrongState(f"Nobody has custody of {container.code}.", code="no_custodian")
    organization_id, site_id = key_of(to_organization), optional_key(to_site)
    if (current.organization_id, current.site_id) == (organization_id, site_id):
        if becomes is not None:
            material.observe(container, becomes)
        return current
    _close(current, at)
    return _open(container, organization_id, site_id, person_id, at, becomes)


def hand_over_late(
    container: Container,
    to_organization: Named,
    to_site: Named | None,
    person_id: UUID | None,
    at: dt.datetime,
) -> CustodyPeriod:
    """Record a hand-over after later ones were recorded: the period that covers ``at`` is divided there.

    Raises WrongState when the chain of custody has not begun or had ended by then, InvalidInput before it began.
    """
    rows = CustodyPeriod.unwalled.select_for_update().filter(container=container)
    covering = rows.filter(since__lte=at).order_by("-since", "-id").first()
    if covering is None and rows.exists():
        raise _too_early()
    if covering is None or covering.until is None:
        return hand_over(container, to_organization, to_site, person_id, at)
    if covering.until <= at:
        raise WrongState(f"The chain of custody of {container.code} has ended.", code="no_custodian")
    organization_id, site_id, until = key_of(to_organization), optional_key(to_site), covering.until
    if (covering.organization_id, covering.site_id) == (organization_id, site_id):
        return covering
    _close(covering, at)
    return CustodyPeriod.objects.create(
        stream_id=container.stream_id,
        container=container,
        organization_id=organization_id,
        site_id=site_id,
        person_id=person_id,
        since=at,
        until=until,
    )


def finish(container: Container, at: dt.datetime) -> CustodyPeriod | None:
    """End a container's chain of custody where the container itself ends (consumed, infused, destroyed)."""
    current = _open_period(container, lock=True)
    return _close(current, at) if current else None


def custodian(container: Container) -> CustodyPeriod | None:
    """Return the open period: who has it, where, since when."""
    return _open_period(container)


def periods_of(container: Container) -> list[CustodyPeriod]:
    """Return a container's chain of custody, oldest first."""
    found = CustodyPeriod.unwalled.filter(container=container).select_related("organization", "site")
    return list(found.order_by("since", "id"))


BEFORE_CUSTODY = (ContainerState.PLANNED, ContainerState.LABELLED)  # nothing is in anybody's hands yet


@dataclass(frozen=True)
class Gap:
    """A time in which nobody is known to have had a container; ``until`` is None while it lasts."""

    since: dt.datetime | None
    until: dt.datetime | None

    @property
    def words(self) -> str:
        if self.since is None:
            return "nobody ever took custody of it"
        since = f"{self.since.astimezone(dt.UTC):%d %b %Y %H:%M}"
        if self.until is None:
            return f"nobody has custody of it since {since} UTC"
        return f"nobody had custody of it from {since} to {self.until.astimezone(dt.UTC):%d %b %Y %H:%M} UTC"


def gaps(container: Container, periods: Sequence[CustodyPeriod]) -> list[Gap]:
    """Return where a container's chain of custody is broken; ``periods`` are its own, oldest first."""
    if not periods:
        return [] if container.state in BEFORE_CUSTODY else [Gap(None, None)]
    found = [
        Gap(before.until, after.since)
        for before, after in zip(periods, periods[1:], strict=False)
        if before.until is not None and after.since > before.until
    ]
    last = periods[-1].until
    if last is not None and container.state not in TERMINAL_STATES:
        found.append(Gap(last, None))
    return found


def _open_period(container: Container, *, lock: bool = False) -> CustodyPeriod | None:
    found = _locked(container_id=container.pk) if lock else _open_now(container_id=container.pk)
    return next(iter(found), None)


@Prepared
def _open_now(container_id: UUID) -> QuerySet[CustodyPeriod]:
    return CustodyPeriod.unwalled.filter(container_id=container_id, until__isnull=True).order_by("pk")


@Prepared
def _locked(container_id: UUID) -> QuerySet[CustodyPeriod]:
    rows = CustodyPeriod.unwalled.select_for_update().filter(container_id=container_id, until__isnull=True)
    return rows.order_by("pk")


def _close(period: CustodyPeriod, at: dt.datetime) -> CustodyPeriod:
    if at < period.since:
        raise _too_early()
    period.until = at
    period.save(update_fields=["until"])
    return period


def _too_early() -> InvalidInput:
    return InvalidInput(
        "That is before the present custodian took the material.",
        fields={"at": ["The time lies before the previous hand-over."]},
        remedy="Check the time of the hand-over, and the time zone of the site.",
    )


def _open(
    container: Container,
    organization_id: UUID,
    site_id: UUID | None,
    person_id: UUID | None,
    at: dt.datetime,
    becomes: ContainerState | None = None,
) -> CustodyPeriod:
    container.custodian_id, container.custodian_site_id = organization_id, site_id
    if becomes is None:
        container.save(update_fields=["custodian", "custodian_site"])
    else:
        material.observe(container, becomes, custodian_id=organization_id, custodian_site_id=site_id)
    return CustodyPeriod.objects.create(
        stream_id=container.stream_id,
        container=container,
        organization_id=organization_id,
        site_id=site_id,
        person_id=person_id,
        since=at,
    )
