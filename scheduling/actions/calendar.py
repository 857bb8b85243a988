"""Opening rules and closures: from when they hold, and what they would cost whoever has a place already (AU1, MP1)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from ledger.bulk import update_each
from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotFound, WrongState
from ledger.walls import visible
from personas.queries import Site, own_site
from scheduling import recurrence
from scheduling.actions.openings import make_openings
from scheduling.booked import Hit, refuse
from scheduling.models import Closure, OpeningRule, Resource, Slot
from scheduling.opening_sources import places_of
from scheduling.policies import require_publisher
from scheduling.rules import Faults, RuleInput, refuse_overlap, refuse_second_version, rule_faults
from scheduling.states import ClosureKind
from scheduling.wall_clock import instant

LONGEST_CLOSURE = dt.timedelta(days=400)
AHEAD = dt.timedelta(days=5 * 366)


def add_rule(actor: Actor, resource_code: str, given: RuleInput) -> OpeningRule:
    """Open a resource on a shift; its windows are published up to the horizon at once.

    Raises InvalidInput beside the fields: overlapping shifts, dates on which another version holds, an unknown region.
    """
    with acting(actor, "scheduling.rule_set", subject=("resource", resource_code)) as event:
        require_publisher(actor)
        resource, site = _own_resource(actor, resource_code)
        rule = _write(actor, resource, site, given)
        make_openings(actor, touched={resource.pk})
        event.note(**_told(rule, resource))
    return rule


def change_rule(actor: Actor, rule_id: UUID, given: RuleInput) -> OpeningRule:
    """Let a new version of a shift hold from ``given.first_date``; the one before ends the day before.

    A version that has not begun by then is replaced. Raises CapacityInUse when taken places would be lost.
    """
    with acting(actor, "scheduling.rule_set", subject=("opening_rule", str(rule_id))) as event:
        require_publisher(actor)
        before = _own_rule(actor, rule_id)
        resource, site = _own_resource(actor, before.resource.code)
        if given.first_date < _today(site):
            raise InvalidInput(
                fields={"first_date": ["What was offered in the past stays: give today or a later day."]}
            )
        _end(before, given.first_date - dt.timedelta(days=1))
        rule = _write(actor, resource, site, replace(given, shift=before.shift))
        make_openings(actor, touched={resource.pk})
        event.note(**_told(rule, resource))
    return rule


def end_rule(actor: Actor, rule_id: UUID, last_date: dt.date) -> OpeningRule:
    """Let a shift end with a day; before its first day it is withdrawn. Raises CapacityInUse for taken places."""
    with acting(actor, "scheduling.rule_ended", subject=("opening_rule", str(rule_id))) as event:
        require_publisher(actor)
        rule = _own_rule(actor, rule_id)
        resource, site = _own_resource(actor, rule.resource.code)
        if last_date < _today(site) - dt.timedelta(days=1):
            raise InvalidInput(fields={"last_date": ["What was offered stays: give a later day."]})
        if rule.last_date is not None and last_date > rule.last_date:
            raise InvalidInput(fields={"last_date": [f"It ends on {rule.last_date} already."]})
        _end(rule, last_date)
        make_openings(actor, touched={resource.pk})
        event.note(resource=resource.code, shift=rule.shift, last_date=last_date)
    return rule


def close(
    actor: Actor,
    *,
    first_date: dt.date,
    reason: str,
    last_date: dt.date | None = None,
    starts: dt.time | None = None,
    ends: dt.time | None = None,
    resource_code: str = "",
    site_code: str = "",
    kind: str = ClosureKind.CLOSURE,
) -> Closure:
    """Close a resource, or all of a site, from a local day (and time) to another; windows there lose their places.

    Windows by hand are closed too. Raises CapacityInUse when a place is taken in one of them.
    """
    with acting(actor, "scheduling.closed", subject=("resource", resource_code or site_code), reason=reason) as event:
        require_publisher(actor)
        resource, site = _closed_place(actor, resource_code, site_code)
        zone = ZoneInfo(site.zone)
        starts_at, ends_at = _closed_span(first_date, last_date or first_date, starts, ends, zone, reason, kind)
        closure: Closure = Closure.objects.create(
            organization_id=actor.organization_id,
            site_id=None if resource else site.pk,
            resource=resource,
            kind=kind,
            reason=reason.strip(),
            starts_at=starts_at,
            ends_at=ends_at,
        )
        touched = _resources_of(actor, closure)
        _close_windows_by_hand(actor, closure, touched, site.zone)
        make_openings(actor, touched=touched)
        event.note(
            place=resource_code or site_code, kind=kind, starts_at=starts_at, ends_at=ends_at, why=closure.reason
        )
    return closure


def lift_closure(actor: Actor, closure_id: UUID) -> Closure:
    """Open again what a closure closed; windows by hand stay closed until somebody gives them places."""
    with acting(actor, "scheduling.closure_lifted", subject=("closure", str(closure_id))) as event:
        require_publisher(actor)
        mine = Closure.unwalled.filter(organization_id=actor.organization_id, pk=closure_id)
        closure = mine.select_related("resource", "site").first()
        if closure is None:
            raise NotFound()
        if not mine.filter(lifted_at__isnull=True).update(lifted_at=timezone.now()):
            raise WrongState("This closure was lifted already.")
        make_openings(actor)
        place = closure.resource or closure.site
        event.note(place=place.code if place else "", starts_at=closure.starts_at)
    return closure


def _own_resource(actor: Actor, code: str) -> tuple[Resource, Site]:
    """Return a resource of the acting organization, locked, with the site where its clock hangs."""
    mine = Resource.unwalled.select_for_update(of=("self",))
    resource = mine.filter(organization_id=actor.organization_id, code=code).first()
    if resource is None:
        raise NotFound("Your organization has no such resource.")
    site = places_of(actor, [resource]).get(resource.pk)
    if site is None:
        raise InvalidInput("Nobody knows where this resource stands, so it has no clock.")
    return resource, site


def _own_rule(actor: Actor, rule_id: UUID) -> OpeningRule:
    mine = OpeningRule.unwalled.select_related("resource").select_for_update(of=("self",))
    rule = mine.filter(organization_id=actor.organization_id, pk=rule_id, withdrawn_at__isnull=True).first()
    if rule is None:
        raise NotFound()
    return rule


def _write(actor: Actor, resource: Resource, site: Site, given: RuleInput) -> OpeningRule:
    columns, faults = rule_faults(given, site)
    others = list(OpeningRule.unwalled.filter(resource=resource, withdrawn_at__isnull=True))
    refuse_second_version(
        [rule for rule in others if rule.shift == given.shift], given.first_date, given.last_date, faults
    )
    if not faults:
        refuse_overlap(given, [rule for rule in others if rule.shift != given.shift], faults)
    if faults:
        raise InvalidInput(fields=faults)
    rule: OpeningRule = OpeningRule.objects.create(organization_id=actor.organization_id, resource=resource, **columns)
    return rule


def _end(rule: OpeningRule, last_date: dt.date) -> None:
    """End a version with the day, or withdraw it when it begins later."""
    rule.last_date = max(last_date, rule.first_date)
    rule.withdrawn_at = timezone.now() if last_date < rule.first_date else None
    update_each([rule], ["last_date", "withdrawn_at"])


def _told(rule: OpeningRule, resource: Resource) -> dict[str, Any]:
    words = f"{recurrence.words(rule.pattern)}, {rule.starts:%H:%M}–{rule.ends:%H:%M}, {rule.places} places"
    last = rule.last_date or ""
    return {
        "resource": resource.code,
        "shift": rule.shift,
        "first_date": rule.first_date,
        "last_date": last,
        "words": words,
    }


def _today(site: Site) -> dt.date:
    return timezone.now().astimezone(ZoneInfo(site.zone)).date()


def _closed_place(actor: Actor, resource_code: str, site_code: str) -> tuple[Resource | None, Site]:
    if bool(resource_code) == bool(site_code):
        raise InvalidInput(fields={"resource": ["Say either which resource or which site is closed."]})
    if resource_code:
        return _own_resource(actor, resource_code)
    site = own_site(actor, site_code)
    if site is None:
        raise InvalidInput(fields={"site": ["Not a site of your organization."]})
    return None, site


def _closed_span(
    first: dt.date,
    last: dt.date,
    starts: dt.time | None,
    ends: dt.time | None,
    zone: ZoneInfo,
    reason: str,
    kind: str,
) -> tuple[dt.datetime, dt.datetime]:
    faults: Faults = {}
    if not reason.strip() or len(reason.strip()) > 160:
        faults["reason"] = ["Say why, in up to 160 characters: whoever finds no place reads it."]
    if kind not in ClosureKind.values:
        faults["kind"] = [f"Use one of {', '.join(ClosureKind.values)}."]
    today = timezone.now().astimezone(zone).date()
    if not today <= first <= today + AHEAD:
        faults["first_date"] = ["Give a day from today on, within five years."]
    elif not first <= last <= first + LONGEST_CLOSURE:
        faults["last_date"] = [f"The last day comes after the first, within {LONGEST_CLOSURE.days} days."]
    if faults:
        raise InvalidInput(fields=faults)
    starts_at = instant(first, starts or dt.time(), zone)
    ends_at = instant(last, ends, zone) if ends else instant(last + dt.timedelta(days=1), dt.time(), zone)
    if starts_at >= ends_at:
        raise InvalidInput(fields={"ends": ["It ends after it begins."]})
    return starts_at, ends_at


def _resources_of(actor: Actor, closure: Closure) -> set[UUID]:
    if closure.resource_id:
        return {closure.resource_id}
    mine = list(visible(Resource, actor).filter(organization_id=actor.organization_id))
    return {pk for pk, site in places_of(actor, mine).items() if site.pk == closure.site_id}


def _close_windows_by_hand(actor: Actor, closure: Closure, resource_ids: set[UUID], zone: str) -> None:
    """Take the places out of windows by hand that the closure touches; what rules made follows from the rules."""
    windows = Slot.unwalled.select_for_update(of=("self",)).select_related("resource")
    overlapping = windows.filter(
        resource_id__in=resource_ids, starts_at__lt=closure.ends_at, ends_at__gt=closure.starts_at
    )
    found = list(overlapping.filter(shift="", capacity__gt=0).order_by("pk"))
    refuse(actor, [Hit(slot, slot.resource.name, zone) for slot in found if slot.taken])
    for slot in found:
        slot.capacity, slot.closed_reason = 0, f"Closed: {closure.reason}."[:160]
    update_each(found, ["capacity", "closed_reason"])
