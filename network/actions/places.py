"""Where a therapy is given, where it is made, and on which lanes it travels (SN1, SN5, LM1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import Conflict, InvalidInput, NotFound
from network.actions.therapies import refuse_unknown_country
from network.exact_numbers import exact_number
from network.models import Lane, SiteAuthorization, Therapy, TherapyPlant
from network.policies import require_or_operate, require_own
from network.states import NO_LYMPHODEPLETION, AuthorizationState, Direction
from personas.actions.organizations import connect_partners
from personas.queries import Organization, Site, organizations, sites
from personas.states import Capability

# How a lane is run (``actions.lane_plans``) stays as it is when its hours change.
RUN_AS = ("alert_minutes", "routes", "papers", "minimum_c", "maximum_c", "minutes_outside")


def _meet(actor: Actor, partner: Organization | None) -> None:
    """Let the network's operator introduce a partner; anybody else deals only with organizations it knows already."""
    if partner is not None and actor.system_job and partner.pk != actor.organization_id:
        connect_partners(actor, partner)


def _known(actor: Actor, site: Site, role: str = "") -> None:
    found = sites(actor).filter(pk=site.pk).first()
    if found is None:
        raise NotFound("No such site.", remedy="Ask the network's operator to connect your organizations first.")
    if role and found.organization.role != role:
        raise InvalidInput(fields={"site": ["Choose a site of a treatment center."]})


def authorize_site(
    actor: Actor,
    therapy: Therapy,
    site: Site,
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    reason: str = "",
    lymphodepletion_on_release: bool | None = None,
    partner: Organization | None = None,
) -> SiteAuthorization:
    """Authorize a center's site for a therapy, or reinstate it. ``partner``: its organization, if not yet connected.

    ``lymphodepletion_on_release``: see ``set_lymphodepletion_policy``; None leaves it as it is.
    """
    with acting(actor, "network.site_authorized", subject=("site", site.code), reason=reason) as event:
        require_own(actor, therapy.manufacturer_id)
        _meet(actor, partner)
        _known(actor, site, "treatment_center")
        since = since or event.occurred_at
        if until is not None and until <= since:
            raise InvalidInput(fields={"until": ["Must lie after the beginning."]})
        require_or_operate(actor, Capability.AUTHORIZE_SITES)
        found = SiteAuthorization.unwalled.filter(therapy=therapy, site=site).first()
        authorization = found or SiteAuthorization(
            therapy=therapy, manufacturer_id=therapy.manufacturer_id, center_id=site.organization_id, site=site
        )
        authorization.state = AuthorizationState.ACTIVE
        authorization.since, authorization.until, authorization.reason = since, until, reason
        if lymphodepletion_on_release is not None:
            authorization.lymphodepletion_on_release = lymphodepletion_on_release
        authorization.save(force_insert=found is None)
        event.note(therapy=therapy.code, site=site.code, until=until.isoformat() if until else "")
    return authorization


def set_lymphodepletion_policy(
    actor: Actor, therapy: Therapy, site: Site, *, on_release: bool, reason: str
) -> SiteAuthorization:
    """Say whether a site may begin lymphodepletion on the release alone, or waits until it has the product (TP2).

    Running orders follow at their next gate. InvalidInput without a reason, and for a therapy that is made of nobody's
    cells and needs no lymphodepletion (``NO_LYMPHODEPLETION``).
    """
    kind, subject = "network.lymphodepletion_policy_set", ("site", site.code)
    with acting(actor, kind, subject=subject, reason=reason.strip()) as event:
        require_own(actor, therapy.manufacturer_id)
        authorization = SiteAuthorization.unwalled.filter(therapy=therapy, site=site).first()
        if authorization is None:
            raise NotFound("This site was never authorized for this therapy.")
        if therapy.modality in NO_LYMPHODEPLETION:
            raise InvalidInput(fields={"therapy": [f"{therapy.name} needs no lymphodepletion."]})
        if not reason.strip():
            raise InvalidInput(fields={"reason": ["Say why; the reason is part of the record."]})
        require_or_operate(actor, Capability.AUTHORIZE_SITES)
        authorization.lymphodepletion_on_release = on_release
        authorization.save(update_fields=["lymphodepletion_on_release"])
        event.note(therapy=therapy.code, site=site.code, begins="on release" if on_release else "with the product")
    return authorization


def suspend_site(actor: Actor, therapy: Therapy, site: Site, *, reason: str) -> SiteAuthorization:
    """Suspend a site for a therapy, with the reason: no new order from there; reinstate with ``authorize_site``."""
    with acting(actor, "network.site_suspended", subject=("site", site.code), reason=reason) as event:
        require_own(actor, therapy.manufacturer_id)
        authorization = SiteAuthorization.unwalled.filter(therapy=therapy, site=site).first()
        if authorization is None:
            raise NotFound("This site was never authorized for this therapy.")
        if not reason.strip():
            raise InvalidInput(fields={"reason": ["Say why."]})
        require_or_operate(actor, Capability.AUTHORIZE_SITES)
        authorization.state, authorization.reason = AuthorizationState.SUSPENDED, reason
        authorization.save(update_fields=["state", "reason"])
        event.note(therapy=therapy.code, site=site.code)
    return authorization


def add_plant(
    actor: Actor, therapy: Therapy, site: Site, *, markets: Iterable[str] = (), partner: Organization | None = None
) -> TherapyPlant:
    """License a plant (own or a contract manufacturer's) to make a therapy for ``markets`` (none: all).

    Done again for the same plant it replaces the markets. ``partner``: the plant's organization, if not yet connected.
    """
    with acting(actor, "network.plant_added", subject=("site", site.code)) as event:
        require_own(actor, therapy.manufacturer_id)
        _meet(actor, partner)
        _known(actor, site)
        wanted = sorted(set(markets))
        for country in wanted:
            refuse_unknown_country(country, "markets")
        require_or_operate(actor, Capability.CONFIGURE_THERAPY)
        found = TherapyPlant.unwalled.filter(therapy=therapy, site=site).first()
        plant = found or TherapyPlant(
            therapy=therapy, manufacturer_id=therapy.manufacturer_id, site=site, organization_id=site.organization_id
        )
        plant.markets, plant.active = wanted, True
        plant.save(force_insert=found is None)
        event.note(therapy=therapy.code, site=site.code, markets=wanted)
    return plant


def add_lane(
    actor: Actor,
    *,
    manufacturer: Organization,
    courier: Organization,
    origin: Site,
    destination: Site,
    direction: str,
    transit_hours: Any,
    qualified_hours: Any,
    cutoff: dt.time,
    weekdays: Iterable[int] = range(5),
    temperature: str = "",
) -> Lane:
    """Add a lane, or its next version, which ends the one before (T36). The sponsor answers for its qualification.

    ``cutoff``: local time at the origin. ``weekdays``: days of pick-up, 0 is Monday. Hours may have two decimals.
    """
    with acting(actor, "network.lane_added", subject=("site", origin.code)) as event:
        require_own(actor, manufacturer.pk)
        _meet(actor, courier)
        _refuse_no_courier(actor, courier)
        _known(actor, origin)
        _known(actor, destination)
        _refuse_circle(actor, origin, destination, direction)
        plan = _plan(direction, transit_hours, qualified_hours, cutoff, weekdays, temperature)
        require_or_operate(actor, Capability.MANAGE_LANES)
        ends = {"manufacturer": manufacturer, "courier": courier, "origin": origin, "destination": destination}
        older = Lane.unwalled.filter(**ends, direction=direction).order_by("-version")
        version = older[0].version + 1 if older else 1
        older.filter(until__isnull=True).update(until=event.occurred_at)
        kept = {name: getattr(older[0], name) for name in RUN_AS} if older else {}
        lane = Lane(
            **ends,
            **plan,
            **kept,
            origin_organization_id=origin.organization_id,
            destination_organization_id=destination.organization_id,
            version=version,
            since=event.occurred_at,
        )
        _insert_once(lane)
        event.note(origin=origin.code, destination=destination.code, version=version, direction=direction)
    return lane


def _refuse_no_courier(actor: Actor, courier: Organization) -> None:
    found = organizations(actor).filter(pk=courier.pk).first()
    if found is None:
        raise NotFound("No such organization.", remedy="Ask the network's operator to connect your organizations.")
    if found.role != "courier":
        raise InvalidInput(fields={"courier": ["Choose a courier."]})


def _refuse_circle(actor: Actor, origin: Site, destination: Site, direction: str) -> None:
    """Raise InvalidInput for a lane that leads back to where it begins, or the wrong way round."""
    if origin.pk == destination.pk:
        raise InvalidInput(fields={"destination": ["A lane leads to another place than where it begins."]})
    ends = {"origin": origin.organization_id, "destination": destination.organization_id}
    centers = organizations(actor).filter(pk__in=ends.values(), role="treatment_center").values_list("pk", flat=True)
    wrong = {Direction.INBOUND.value: "destination", Direction.OUTBOUND.value: "origin"}.get(direction)
    if wrong and ends[wrong] in set(centers):
        words = "An inbound lane leads to a plant." if wrong == "destination" else "An outbound lane begins at a plant."
        raise InvalidInput(fields={wrong: [words]})


def _plan(
    direction: str, transit_hours: Any, qualified_hours: Any, cutoff: Any, weekdays: Iterable[int], temperature: str
) -> dict[str, Any]:
    faults: dict[str, list[str]] = {}
    hours: dict[str, Decimal] = {}
    for name, raw in (("transit_hours", transit_hours), ("qualified_hours", qualified_hours)):
        try:
            hours[name] = exact_number(raw, whole_digits=4, decimals=2)
        except ValueError as error:
            faults[name] = [str(error)]
    if "transit_hours" in hours and hours["transit_hours"] <= 0:
        faults["transit_hours"] = ["Must be more than zero."]
    if len(hours) == 2 and hours["qualified_hours"] < hours["transit_hours"]:
        faults["qualified_hours"] = ["The shipper must hold at least as long as the transit takes."]
    if direction not in Direction.values:
        faults["direction"] = [f"Use one of {', '.join(Direction.values)}."]
    if not isinstance(cutoff, dt.time):
        faults["cutoff"] = ["Give a local time of day."]
    days = sorted(set(weekdays))
    if not days or any(type(day) is not int or not 0 <= day <= 6 for day in days):
        faults["weekdays"] = ["Give days from 0 (Monday) to 6 (Sunday)."]
    if faults:
        raise InvalidInput(fields=faults)
    return {**hours, "direction": direction, "cutoff": cutoff, "weekdays": days, "temperature": temperature}


def _insert_once(lane: Lane) -> None:
    try:
        with transaction.atomic():
            lane.save(force_insert=True)
    except IntegrityError:
        raise Conflict("Another version of this lane was just added.", remedy="Look at it, then add yours.") from None
