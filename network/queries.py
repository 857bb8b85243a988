"""Reads of the network.

Those that take an actor narrow by the belt; the others answer facts inside an open transaction, where the row policies
decide what the acting organization may know.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, Func, OuterRef, Q, QuerySet
from django.utils import timezone

from ledger import directory
from ledger.context import Actor
from ledger.prepared import Prepared
from ledger.refusals import FactsMissing, MissingFact, NotFound
from ledger.walls import visible
from network import lane_plans, readiness
from network.models import (
    Credential,
    DisclosurePolicy,
    Lane,
    SiteAuthorization,
    Specification,
    Therapy,
    TherapyPlant,
    Training,
)
from network.states import AuthorizationState, CredentialKind, DisclosedField


def _in_force(at: dt.datetime) -> Q:
    return Q(since__lte=at) & (Q(until__isnull=True) | Q(until__gt=at))


def therapies(actor: Actor, *, active: bool = True) -> QuerySet[Therapy]:
    """Return the therapies of the actor's organization and of its partners, by name."""
    found = visible(Therapy, actor).order_by("name", "code")
    return found.filter(active=True) if active else found


def therapy(actor: Actor, key: UUID | str) -> Therapy:
    """Return one therapy by id or code; raise NotFound when there is none, or none the actor may see."""
    wanted = Q(pk=key) if isinstance(key, UUID) else Q(code=key)
    found = visible(Therapy, actor).filter(wanted).first()
    if found is None:
        raise NotFound()
    return found


def therapies_by_id(actor: Actor, ids: Collection[UUID]) -> dict[UUID, Therapy]:
    """Return those of the therapies that the actor may see, by id."""
    return {therapy.pk: therapy for therapy in visible(Therapy, actor).filter(pk__in=ids)} if ids else {}


def specifications(actor: Actor, therapy_id: UUID) -> QuerySet[Specification]:
    """Return all versions of a therapy's specification, newest first."""
    return visible(Specification, actor).filter(therapy_id=therapy_id).order_by("-version")


def specification_in_force(therapy_id: UUID, at: dt.datetime | None = None) -> Specification:
    """Return the specification version in force; FactsMissing ``no_specification`` when none is."""
    at = at or timezone.now()
    found = Specification.unwalled.filter(therapy_id=therapy_id, effective_from__lte=at).order_by("-version").first()
    if found is None:
        fact = MissingFact(
            "no_specification",
            "No specification of this therapy is in force.",
            "Ask the manufacturer's product owner to publish one.",
        )
        raise FactsMissing(fact.text, facts=[fact])
    return found


def specification(specification_id: UUID) -> Specification:
    """Return the version that an order or batch keeps, whatever has been published since."""
    found = Specification.unwalled.filter(pk=specification_id).first()
    if found is None:
        raise NotFound()
    return found


def site_is_authorized(therapy_id: UUID, site_id: UUID, at: dt.datetime | None = None) -> bool:
    """Whether a center's site may give a therapy. Answered truly only inside the center's or manufacturer's context."""
    return bool(_authorizations(therapy_id=therapy_id, site_id=site_id, at=at or timezone.now()))


@Prepared
def _authorizations(therapy_id: UUID, site_id: UUID, at: dt.datetime) -> QuerySet[SiteAuthorization]:
    rows = SiteAuthorization.unwalled.filter(_in_force(at), therapy_id=therapy_id, site_id=site_id)
    return rows.filter(state=str(AuthorizationState.ACTIVE))


def lymphodepletion_on_release(therapy_id: UUID, site_id: UUID) -> bool:
    """Whether a site may begin lymphodepletion before the product arrives; true inside the two firms' contexts only."""
    rows = SiteAuthorization.unwalled.filter(therapy_id=therapy_id, site_id=site_id, lymphodepletion_on_release=True)
    return rows.exists()


def authorizations(actor: Actor, therapy_id: UUID | None = None) -> QuerySet[SiteAuthorization]:
    """Return site authorizations: all of a manufacturer's own, a center's own only."""
    found = visible(SiteAuthorization, actor).order_by("since", "pk")
    return found.filter(therapy_id=therapy_id) if therapy_id else found


def plants_of(therapy_id: UUID, country: str) -> list[TherapyPlant]:
    """Return the plants licensed to make a therapy for a market (ISO 3166-1 alpha-2), in a stable order.

    Names of site and organization are not joined: a reader need not know the organization of every plant.
    """
    return [plant for plant in _plants(therapy_id) if not plant.markets or country in plant.markets]


def _plants(therapy_id: UUID) -> list[TherapyPlant]:
    """Return every plant that makes a therapy, from the directory."""

    def read() -> list[TherapyPlant]:
        return list(TherapyPlant.unwalled.filter(therapy_id=therapy_id, active=True).order_by("pk"))

    return directory.kept("plants", therapy_id, read)


def may_make(organization_id: UUID) -> Exists:
    """Return the condition on rows with ``therapy_id`` and ``country``: the organization's own plant may make it."""
    for_market = Q(markets=[]) | Q(markets__contains=Func(OuterRef("country"), template="array[%(expressions)s]"))
    mine = TherapyPlant.unwalled.filter(organization_id=organization_id, therapy_id=OuterRef("therapy_id"), active=True)
    return Exists(mine.filter(for_market))


def plants_barred(therapy_id: UUID, country: str) -> list[UUID]:
    """Return the sites of plants that make a therapy, but are not licensed for a market, in a stable order."""
    return [plant.site_id for plant in _plants(therapy_id) if plant.markets and country not in plant.markets]


def authorized_until(therapy_id: UUID, site_id: UUID) -> dt.datetime | None:
    """Return when a center's authorization for a therapy ends, None for one without an end (or none at all).

    Answered truly only inside the center's or manufacturer's context.
    """

    def read() -> dt.datetime | None:
        rows = SiteAuthorization.unwalled.filter(therapy_id=therapy_id, site_id=site_id)
        return rows.values_list("until", flat=True).first()

    return directory.kept("authorized until", (therapy_id, site_id), read)


def lanes_of_site(manufacturer_id: UUID, site_id: UUID) -> list[Lane]:
    """Return a sponsor's lanes in force to and from a site, both ways, in a stable order."""

    def read() -> list[Lane]:
        ends = Q(origin_id=site_id) | Q(destination_id=site_id)
        return list(Lane.unwalled.filter(ends, manufacturer_id=manufacturer_id).order_by("pk"))

    known = directory.kept("lanes of a site", (manufacturer_id, site_id), read)
    now = timezone.now()
    return [lane for lane in known if lane.since <= now and (lane.until is None or lane.until > now)]


def lanes(actor: Actor, *, at: dt.datetime | None = None) -> QuerySet[Lane]:
    """Return the lanes in force that the actor's organization sponsors, drives, sends from or receives at."""
    return visible(Lane, actor).filter(_in_force(at or timezone.now())).order_by("since", "pk")


def lanes_from(actor: Actor, origin_ids: Collection[UUID]) -> dict[tuple[UUID, UUID, UUID], Lane]:
    """Return the fastest lane in force by (manufacturer, origin, destination) of every lane from these sites."""
    found: dict[tuple[UUID, UUID, UUID], Lane] = {}
    for lane in lanes(actor).filter(origin_id__in=origin_ids).order_by("-transit_hours", "-pk"):
        found[lane.manufacturer_id, lane.origin_id, lane.destination_id] = lane
    return found


def lane_between(
    manufacturer_id: UUID,
    origin_id: UUID,
    destination_id: UUID,
    *,
    courier_id: UUID | None = None,
    at: dt.datetime | None = None,
) -> Lane | None:
    """Return a sponsor's lane in force between two sites: the fastest, or the named courier's. None without one."""
    way, moment = (manufacturer_id, origin_id, destination_id), at or timezone.now()
    found = directory.kept("lanes", way, lambda: list(_lanes_between(*way)))
    in_force = (lane for lane in found if lane.since <= moment and (lane.until is None or lane.until > moment))
    return next((lane for lane in in_force if courier_id in (None, lane.courier_id)), None)


def _lanes_between(manufacturer_id: UUID, origin_id: UUID, destination_id: UUID) -> QuerySet[Lane]:
    ends = {"origin_id": origin_id, "destination_id": destination_id}
    return Lane.unwalled.filter(manufacturer_id=manufacturer_id, **ends).order_by("transit_hours", "pk")


def lead_minutes(manufacturer_id: UUID, lane: Lane | None) -> dict[str, int]:
    """Return how many minutes before each milestone of a box people are told (see ``lane_plans``)."""
    return lane_plans.lead_minutes(manufacturer_id, lane)


def disclosed_fields(therapy_id: UUID, country: str) -> frozenset[str]:
    """Return the identifying fields that a therapy discloses in a market (T39): none unless a policy names them."""
    policy = DisclosurePolicy.unwalled.filter(therapy_id=therapy_id, country=country).first()
    return frozenset(policy.fields) & frozenset(DisclosedField.values) if policy else frozenset()


def credentials(actor: Actor) -> QuerySet[Credential]:
    """Return what the acting organization's people are credentialed for, ended ones included."""
    return visible(Credential, actor).select_related("therapy").order_by("pk")


def is_credentialed(
    person_id: UUID, therapy_id: UUID, kind: str = CredentialKind.PRESCRIBER, at: dt.datetime | None = None
) -> bool:
    """Whether the acting center has credentialed the person for this therapy, or for all."""
    return bool(_credentials(person_id=person_id, therapy_id=therapy_id, kind=str(kind), at=at or timezone.now()))


@Prepared
def _credentials(person_id: UUID, therapy_id: UUID, kind: str, at: dt.datetime) -> QuerySet[Credential]:
    rows = Credential.unwalled.filter(_in_force(at), person_id=person_id, kind=kind)
    return rows.filter(Q(therapy_id=therapy_id) | Q(therapy__isnull=True))


def training_is_valid(person_id: UUID, therapy_id: UUID, at: dt.datetime | None = None) -> bool:
    """Whether each training that the therapy requires, or that the person once did for it, has not expired."""
    return not lapsed_trainings(person_id, therapy_id, at)


def lapsed_trainings(person_id: UUID, therapy_id: UUID, at: dt.datetime | None = None) -> list[str]:
    """Return the kinds of training that the person lacks for the therapy: never done though required, or expired.

    A therapy that the acting organization cannot see lapses everything: an unreadable fact is no permission.
    """
    at = at or timezone.now()
    found = directory.rows(Therapy, [therapy_id]).get(therapy_id)
    if found is None:
        return ["unknown_therapy"]
    rows = _trainings(person_id=person_id, therapy_id=therapy_id, at=at)
    valid = {row.kind for row in rows if row.until is None or row.until > at}
    return sorted(({row.kind for row in rows} | set(found.required_trainings)) - valid)


@Prepared
def _trainings(person_id: UUID, therapy_id: UUID, at: dt.datetime) -> QuerySet[Training]:
    any_or_this = Q(therapy_id=therapy_id) | Q(therapy__isnull=True)
    return Training.unwalled.filter(any_or_this, person_id=person_id, completed_at__lte=at)


def site_readiness(actor: Actor) -> list[readiness.Readiness]:
    """Return each authorized site of the actor's therapies with what stands in the way of an order (SN1)."""
    return readiness.by_therapy(actor)


def expiring(actor: Actor) -> list[readiness.Expiring]:
    """Return credentials and trainings of the own people that run out within 30 days, or have (SQ3)."""
    return readiness.expiring(actor)
