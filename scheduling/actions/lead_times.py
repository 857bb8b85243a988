"""Overriding lead times: a step takes another time in a market, at a site, for a therapy, from a day on (F21)."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

from ledger.bulk import update_each
from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotFound, WrongState
from ledger.states import Role
from network.queries import therapies
from personas.queries import Site, sites
from scheduling.lead_time_register import lead_time_entries
from scheduling.lead_times import STEPS
from scheduling.models import LeadTimeOverride
from scheduling.policies import require_lead_time_setter
from scheduling.rules import Faults

MOST, MOST_PRIORITY, LONGEST_REASON = 1000, 100, 200
AHEAD = dt.timedelta(days=5 * 366)


@dataclass(frozen=True)
class OverrideInput:
    """An override as it is asked for; see ``LeadTimeOverride``. ``site`` and ``therapy`` are codes, empty for any."""

    step: str
    first_date: dt.date
    reason: str
    at_least: float | None = None
    at_most: float | None = None
    market: str = ""
    site: str = ""
    therapy: str = ""
    priority: int = 0
    last_date: dt.date | None = None


def set_lead_time(actor: Actor, given: OverrideInput) -> LeadTimeOverride:
    """Let a step take another time for collections from ``first_date`` on, wherever dates are searched or held.

    Raises InvalidInput beside the fields, also for an override of equal scope and priority on one of these days.
    """
    subject = ("lead_time", given.step)
    with acting(actor, "scheduling.lead_time_set", subject=subject, reason=given.reason[:LONGEST_REASON]) as event:
        require_lead_time_setter(actor)
        faults = _faults(given, _today(actor))
        site = _site(actor, given, faults)
        therapy_id = _therapy(actor, given, faults)
        if not faults:
            _refuse_twin(actor, given, site, therapy_id, faults)
        if faults:
            raise InvalidInput(fields=faults)
        row: LeadTimeOverride = LeadTimeOverride.objects.create(
            organization_id=actor.organization_id,
            step=given.step,
            market=given.market,
            site=site,
            center_id=site.organization_id if site and site.organization.role == Role.TREATMENT_CENTER else None,
            therapy_id=therapy_id,
            priority=given.priority,
            at_least=given.at_least,
            at_most=given.at_most,
            reason=given.reason.strip(),
            first_date=given.first_date,
            last_date=given.last_date,
        )
        (entry,) = lead_time_entries(actor, [row])
        event.note(step=row.step, words=entry.public_words, priority=row.priority, why=row.reason)
        event.note(first_date=row.first_date, last_date=row.last_date or "")
    return row


def end_lead_time(actor: Actor, override_id: UUID, last_date: dt.date, reason: str) -> LeadTimeOverride:
    """Let an override count for collections until ``last_date`` (yesterday: from now on no more).

    Before its first day it never comes into effect. Dates that are held or booked stay as they are.
    """
    subject = ("lead_time", str(override_id))
    with acting(actor, "scheduling.lead_time_ended", subject=subject, reason=reason[:LONGEST_REASON]) as event:
        mine = LeadTimeOverride.unwalled.select_for_update(of=("self",)).filter(organization_id=actor.organization_id)
        row = mine.filter(pk=override_id).first()
        if row is None:
            raise NotFound()
        require_lead_time_setter(actor)
        today = _today(actor)
        if row.withdrawn_at is not None or (row.last_date and row.last_date < today):
            raise WrongState("This override has ended already.")
        faults: Faults = {}
        _check_reason(reason, faults)
        if last_date < today - dt.timedelta(days=1):
            faults["last_date"] = ["What counted so far stays: give yesterday or a later day."]
        elif row.last_date is not None and last_date > row.last_date:
            faults["last_date"] = [f"It ends on {row.last_date:%d %b %Y} already: give that day or an earlier one."]
        if faults:
            raise InvalidInput(fields=faults)
        row.withdrawn_at = timezone.now() if last_date < row.first_date else None
        row.last_date = max(last_date, row.first_date)
        row.why_ended = reason.strip()
        update_each([row], ["last_date", "withdrawn_at", "why_ended"])
        (entry,) = lead_time_entries(actor, [row])
        event.note(step=row.step, words=entry.public_words, last_date=last_date, why=row.why_ended)
    return row


def _today(actor: Actor) -> dt.date:
    return timezone.now().astimezone(ZoneInfo(actor.zone)).date()


def _faults(given: OverrideInput, today: dt.date) -> Faults:
    faults: Faults = {}
    if given.step not in STEPS:
        faults["step"] = [f"Use one of {', '.join(STEPS)}."]
    bounds = {name: getattr(given, name) for name in ("at_least", "at_most")}
    for name, bound in bounds.items():
        if bound is not None and not (math.isfinite(bound) and 0 <= bound <= MOST):
            faults[name] = [f"Give a number from 0 to {MOST}."]
    if given.at_least is None and given.at_most is None:
        faults["at_least"] = ["Say how long it takes at least, at most, or both."]
    elif not faults and None not in bounds.values() and bounds["at_least"] > bounds["at_most"]:
        faults["at_most"] = ["The most cannot be less than the least."]
    if given.market and not re.fullmatch("[A-Z]{2}", given.market):
        faults["market"] = ["Give the two letters of a country, for example DE."]
    if not 0 <= given.priority <= MOST_PRIORITY:
        faults["priority"] = [f"Give a whole number from 0 to {MOST_PRIORITY}."]
    _check_reason(given.reason, faults)
    if not today <= given.first_date <= today + AHEAD:
        faults["first_date"] = ["Give a day from today on, within five years."]
    elif given.last_date is not None and not given.first_date <= given.last_date <= today + 2 * AHEAD:
        faults["last_date"] = ["The last day comes after the first, within ten years."]
    return faults


def _check_reason(reason: str, faults: Faults) -> None:
    if not reason.strip() or len(reason.strip()) > LONGEST_REASON:
        faults["reason"] = [f"Say why, in up to {LONGEST_REASON} characters: whoever searches reads it."]


def _site(actor: Actor, given: OverrideInput, faults: Faults) -> Site | None:
    if not given.site:
        return None
    site = sites(actor).filter(code=given.site).first()
    if site is None:
        faults["site"] = ["Not a site that your organization knows: choose one of the list."]
    elif site.organization.role == Role.TREATMENT_CENTER and given.market not in ("", site.country):
        faults["market"] = [f"{site.name} is in {site.country}: leave the market empty."]
    return site


def _therapy(actor: Actor, given: OverrideInput, faults: Faults) -> UUID | None:
    if not given.therapy:
        return None
    own = therapies(actor, active=False).filter(manufacturer_id=actor.organization_id, code=given.therapy)
    found = own.values_list("pk", flat=True).first()
    if found is None:
        faults["therapy"] = ["Not a therapy of your organization: choose one of the list."]
    return found


def _refuse_twin(
    actor: Actor, given: OverrideInput, site: Site | None, therapy_id: UUID | None, faults: Faults
) -> None:
    """Of two overrides that are alike in scope and priority nobody could say which counts."""
    until = Q() if given.last_date is None else Q(first_date__lte=given.last_date)
    twin = LeadTimeOverride.unwalled.filter(
        until,
        Q(last_date__isnull=True) | Q(last_date__gte=given.first_date),
        organization_id=actor.organization_id,
        step=given.step,
        market=given.market,
        site=site,
        therapy_id=therapy_id,
        priority=given.priority,
        withdrawn_at__isnull=True,
    ).first()
    if twin is not None:
        days = f"from {twin.first_date:%d %b %Y}" + (f" to {twin.last_date:%d %b %Y}" if twin.last_date else "")
        faults["priority"] = [
            f"One of equal scope and priority counts {days}: give another priority, other days, or end that one."
        ]
