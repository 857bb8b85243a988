"""Therapies, their specification versions and what they disclose, as data (PC1, PC2)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput
from network.models import DisclosurePolicy, Specification, Therapy
from network.policies import require_or_operate, require_own
from network.specifications import clean_limits, clean_tests
from network.states import DisclosedField, Modality
from personas.states import Capability

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,39}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


def refuse_unknown_country(country: Any, field: str) -> None:
    """Raise InvalidInput unless ``country`` has the form of an ISO 3166-1 alpha-2 code."""
    if not isinstance(country, str) or not _COUNTRY.fullmatch(country):
        raise InvalidInput(fields={field: ["Use two capital letters, for example DE."]})


def add_therapy(
    actor: Actor, *, code: str, name: str, modality: str, required_trainings: Iterable[str] = ()
) -> Therapy:
    """Add a therapy of the acting manufacturer. ``code`` is unique in the network."""
    with acting(actor, "network.therapy_added", subject=("therapy", str(code)[:64])) as event:
        _refuse_bad_therapy(code, name, modality)
        require_or_operate(actor, Capability.CONFIGURE_THERAPY)
        if actor.organization_role != "manufacturer":
            raise InvalidInput("Therapies belong to manufacturers.", remedy="Act for the manufacturer.")
        if Therapy.unwalled.filter(code=code).exists():
            raise InvalidInput(fields={"code": ["This code is taken."]})
        therapy = Therapy.objects.create(
            manufacturer_id=actor.organization_id,
            code=code,
            name=name.strip(),
            modality=modality,
            required_trainings=sorted(set(required_trainings)),
            synthetic=actor.synthetic,
        )
        event.note(therapy=code, modality=modality)
    return therapy


def _refuse_bad_therapy(code: str, name: str, modality: str) -> None:
    faults = {}
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        faults["code"] = ["Use 2 to 40 lower-case letters, digits and hyphens."]
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 200:
        faults["name"] = ["Give a name of at most 200 characters."]
    if modality not in Modality.values:
        faults["modality"] = [f"Use one of {', '.join(Modality.values)}."]
    if faults:
        raise InvalidInput(fields=faults)


def publish_specification(
    actor: Actor,
    therapy: Therapy,
    *,
    tests: Sequence[Mapping[str, Any]],
    limits: Mapping[str, Any],
    effective_from: dt.datetime | None = None,
) -> Specification:
    """Publish the next version of a therapy's tests and limits; running orders keep theirs (PC2).

    Only the first version may take effect in the past: nobody rewrites what was in force. Times are aware.
    """
    with acting(actor, "network.specification_published", subject=("therapy", therapy.code)) as event:
        require_own(actor, therapy.manufacturer_id)
        tests, limits = clean_tests(tests), clean_limits(limits)
        require_or_operate(actor, Capability.CONFIGURE_THERAPY)
        last = Specification.unwalled.filter(therapy=therapy).order_by("-version").first()
        effective_from = effective_from or event.occurred_at
        _refuse_rewriting(last, effective_from, event.occurred_at)
        specification = Specification.objects.create(
            therapy=therapy,
            manufacturer_id=therapy.manufacturer_id,
            version=last.version + 1 if last else 1,
            effective_from=effective_from,
            tests=tests,
            limits=limits,
            published_by_id=actor.person_id,
        )
        event.note(
            therapy=therapy.code,
            version=specification.version,
            effective_from=effective_from.isoformat(),
            tests=[test["key"] for test in tests],
        )
    return specification


def _refuse_rewriting(last: Specification | None, effective_from: dt.datetime, now: dt.datetime) -> None:
    if effective_from.tzinfo is None:
        raise InvalidInput(fields={"effective_from": ["Give the time with its zone."]})
    if last is not None and effective_from < now - dt.timedelta(minutes=1):
        raise InvalidInput(
            fields={"effective_from": ["A new version cannot take effect in the past."]},
            remedy="Choose now or a later time.",
        )


def set_disclosure(actor: Actor, therapy: Therapy, country: str, fields: Iterable[str]) -> DisclosurePolicy:
    """Say which identifying fields a therapy discloses in a market, beyond the chain of identity (T39)."""
    with acting(actor, "network.disclosure_set", subject=("therapy", therapy.code)) as event:
        require_own(actor, therapy.manufacturer_id)
        refuse_unknown_country(country, "country")
        wanted = sorted(set(fields))
        if unknown := [name for name in wanted if name not in DisclosedField.values]:
            raise InvalidInput(fields={"fields": [f"Unknown field: {', '.join(map(str, unknown))}."]})
        require_or_operate(actor, Capability.CONFIGURE_THERAPY)
        policy = DisclosurePolicy.unwalled.filter(therapy=therapy, country=country).first()
        before = list(policy.fields) if policy else []
        if policy is None:
            policy = DisclosurePolicy.objects.create(
                therapy=therapy, manufacturer_id=therapy.manufacturer_id, country=country, fields=wanted
            )
        else:
            policy.fields = wanted
            policy.save(update_fields=["fields"])
        event.note(therapy=therapy.code, country=country, fields=wanted, before=before)
    return policy
