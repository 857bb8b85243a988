"""A manufacturer's price list of changed dates: one price for one thing, from a day on; nothing is ever rewritten."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import timezone

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotAllowed
from ledger.states import Role
from network.queries import therapies
from personas.policies import require
from personas.states import Capability
from scheduling.models import ChangePrice
from scheduling.states import PriceKind

MOST, MOST_DAYS = Decimal("99999999.99"), 365
CHARGED = (Role.TREATMENT_CENTER, Role.MANUFACTURER)


@dataclass(frozen=True)
class PriceInput:
    """A price as it is asked for; see ``ChangePrice``. ``therapy`` is a code."""

    therapy: str
    kind: str
    amount: Decimal
    currency: str
    starts_on: dt.date
    charged_to: str = Role.TREATMENT_CENTER
    days_before: int | None = None


def set_price(actor: Actor, given: PriceInput) -> ChangePrice:
    """Let something about a change of dates cost ``amount`` from ``starts_on`` on; 0 lets it cost nothing any more.

    Raises InvalidInput beside the fields, also for a day that is past or has a price of the same thing already.
    """
    with acting(actor, "scheduling.price_set", subject=("therapy", given.therapy)) as event:
        require_price_setter(actor)
        own = therapies(actor, active=False).filter(manufacturer_id=actor.organization_id)
        therapy = own.filter(code=given.therapy).first()
        faults = _faults(given, timezone.now().astimezone(ZoneInfo(actor.zone)).date())
        if therapy is None:
            faults["therapy"] = ["Not a therapy of your organization."]
        same = {"kind": given.kind, "days_before": given.days_before, "charged_to": given.charged_to}
        if therapy is not None and not faults:
            key = {"organization_id": actor.organization_id, "therapy_id": therapy.pk, "starts_on": given.starts_on}
            if ChangePrice.unwalled.filter(**key, **same).exists():
                faults["starts_on"] = ["This has a price from that day on already: choose a later day."]
        if faults or therapy is None:
            raise InvalidInput(fields=faults)
        row: ChangePrice = ChangePrice.objects.create(
            organization_id=actor.organization_id,
            therapy_id=therapy.pk,
            amount=given.amount,
            currency=given.currency,
            starts_on=given.starts_on,
            **same,
        )
        event.note(
            therapy=therapy.code,
            what=PriceKind(given.kind).label,
            amount=f"{given.amount:.2f} {given.currency}",
            starts_on=given.starts_on,
            charged_to=Role(given.charged_to).label,
        )
        event.result = {"price": str(row.pk)}
    return row


def require_price_setter(actor: Actor) -> None:
    """Raise NotAllowed unless the actor configures the manufacturer's therapies."""
    if actor.organization_role != Role.MANUFACTURER:
        raise NotAllowed("Only a therapy's manufacturer keeps its prices.")
    if not actor.system_job:
        require(actor, Capability.CONFIGURE_THERAPY)


def _faults(given: PriceInput, today: dt.date) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    if given.kind not in PriceKind.values:
        faults["kind"] = [f"Use one of {', '.join(PriceKind.values)}."]
    if given.charged_to not in CHARGED:
        faults["charged_to"] = ["The treatment center or the manufacturer is charged."]
    if not given.amount.is_finite() or not 0 <= given.amount <= MOST or given.amount != round(given.amount, 2):
        faults["amount"] = [f"Give an amount from 0 to {MOST}, with two decimals at most."]
    if not re.fullmatch(r"[A-Z]{3}", given.currency):
        faults["currency"] = ["Use a three-letter code such as EUR."]
    if given.starts_on < today:
        faults["starts_on"] = ["What was charged so far stays: give today or a later day."]
    if given.days_before is not None and given.kind in (PriceKind.TRANSPORT, PriceKind.RECOLLECTION):
        faults["days_before"] = [f"{PriceKind(given.kind).label} costs the same whenever it is: leave this empty."]
    elif given.days_before is not None and not 1 <= given.days_before <= MOST_DAYS:
        faults["days_before"] = [f"Give 1 to {MOST_DAYS} days, or nothing."]
    return faults
