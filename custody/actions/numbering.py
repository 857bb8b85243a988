"""How an organization numbers chains of identity: proposed by one person, approved by another, retired (CO3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from custody import numbering, schemes
from custody.models import NumberingScheme, NumberPrefix
from custody.policies import require
from custody.states import PrefixKind, SchemeKind, SchemeState
from ledger.context import Actor
from ledger.recording import Once, acting
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, NotAllowed, NotFound, WrongState
from ledger.states import Role
from personas.states import Capability

NUMBERING_ROLES = (Role.MANUFACTURER, Role.TREATMENT_CENTER)
_LETTERS = re.compile(rf"[{schemes.LETTERS}]{{3}}", re.ASCII)
_FACILITY = re.compile(schemes.isbt128.FACILITY, re.ASCII)


class SchemeInputs(serializers.Serializer[Any]):
    """How the organization's chains of identity are to be numbered from its approval on."""

    kind = serializers.ChoiceField(choices=SchemeKind.choices, label="Scheme")
    prefix = serializers.CharField(
        max_length=5,
        label="Prefix",
        help_text="ISBT 128: your registered facility number. Else three letters that nobody uses yet; no I, L, O, U.",
    )
    pattern = serializers.CharField(
        max_length=10,
        required=False,
        allow_blank=True,
        default="",
        label="Pattern",
        help_text="Drawn identifiers only: ten places, L letter, D digit, X either. For example LLDDDLLDDD.",
    )


class RetireInputs(serializers.Serializer[Any]):
    """Why a version numbers no more orders."""

    reason = serializers.CharField(max_length=300, label="Why")


def enter_facility_number(actor: Actor, text: str, reference: str) -> NumberPrefix:
    """Enter a facility number that is registered for the actor's organization: by the network's operator alone.

    Raises InvalidInput for another shape, the fictional number or no reference, Conflict ``prefix_taken``.
    """
    with acting(actor, "custody.facility_entered", subject=("facility", text)) as event:
        if not actor.system_job:
            raise NotAllowed("The network's operator enters facility numbers, from ICCBBA's registration.")
        faults = {}
        if not _FACILITY.fullmatch(text):
            faults["facility"] = ["Five characters as registered: no letter O, the last two are digits."]
        elif text == schemes.FICTIONAL_FACILITY:
            faults["facility"] = [f"{text} is fictional and belongs to nobody."]
        if not reference.strip():
            faults["reference"] = ["Say where the registration is found."]
        if actor.organization_role not in NUMBERING_ROLES:
            faults["organization"] = ["Manufacturers and treatment centers number chains of identity."]
        if faults:
            raise InvalidInput(fields=faults)
        row = numbering.enter_facility(actor.organization_id, text, reference.strip())
        event.note(facility=text, reference=row.reference)
    return row


def propose_scheme(actor: Actor, raw: Mapping[str, Any], *, once: Once | None = None) -> UUID:
    """Propose a version of the organization's scheme; return its id. It numbers nothing before its approval.

    Raises InvalidInput beside the fields: among them a facility number that is not the organization's own.
    """
    with acting(actor, "custody.scheme_proposed", subject=("numbering", ""), once=once) as event:
        _require_numbering(actor)
        given = _read(raw)
        require(actor, Capability.SET_NUMBERING)
        newest = NumberingScheme.unwalled.filter(organization_id=actor.organization_id).order_by("-version").first()
        row: NumberingScheme = NumberingScheme.objects.create(
            organization_id=actor.organization_id,
            version=newest.version + 1 if newest else 1,
            kind=given["kind"],
            prefix=_prefix(actor, given["kind"], given["prefix"]),
            pattern=given["pattern"],
            proposed_by_id=actor.person_id,
        )
        event.note(version=row.version, scheme=row.get_kind_display(), example=numbering.example(row))
        event.result = {"scheme": str(row.pk)}
    return row.pk


def approve_scheme(actor: Actor, scheme: UUID, *, once: Once | None = None) -> None:
    """Make a proposed version live, by another person than proposed it; the former live version retires."""
    with acting(actor, "custody.scheme_approved", subject=("numbering", str(scheme)), once=once) as event:
        row = _own(actor, scheme)
        require(actor, Capability.APPROVE_NUMBERING)
        if row.state != SchemeState.PROPOSED:
            raise WrongState(f"This version is {row.get_state_display().lower()}, not proposed.")
        if actor.person_id is None or actor.person_id == row.proposed_by_id:
            text = "Who proposed a scheme does not approve it."
            remedy = "Ask a colleague with the right to approve numbering."
            raise FactsMissing(
                text, code="second_person_needed", facts=[MissingFact("second_person_needed", text, remedy)]
            )
        for live in NumberingScheme.unwalled.filter(organization_id=actor.organization_id, state=SchemeState.LIVE):
            live.state = SchemeState.RETIRED
            live.save(update_fields=["state"])
        row.state, row.approved_by_id, row.approved_at = SchemeState.LIVE, actor.person_id, timezone.now()
        row.save(update_fields=["state", "approved_by_id", "approved_at"])
        event.note(version=row.version, example=numbering.example(row))


def retire_scheme(actor: Actor, scheme: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Let a version number no more orders; the codes it gave stay what they are. WrongState when it is retired."""
    with acting(actor, "custody.scheme_retired", subject=("numbering", str(scheme)), once=once) as event:
        row = _own(actor, scheme)
        asked = RetireInputs(data=raw)
        if not asked.is_valid():
            raise InvalidInput(fields=asked.errors)
        require(actor, Capability.APPROVE_NUMBERING)
        if row.state == SchemeState.RETIRED:
            raise WrongState("This version is retired already.")
        event.reason = asked.validated_data["reason"]
        row.state = SchemeState.RETIRED
        row.save(update_fields=["state"])
        event.note(version=row.version)


def _require_numbering(actor: Actor) -> None:
    if actor.organization_role not in NUMBERING_ROLES:
        raise NotFound()


def _own(actor: Actor, scheme: UUID) -> NumberingScheme:
    row: NumberingScheme | None = (
        NumberingScheme.unwalled.select_for_update(of=("self",))
        .select_related("prefix")
        .filter(pk=scheme, organization_id=actor.organization_id)
        .first()
    )
    if row is None:
        raise NotFound()
    return row


def _read(raw: Mapping[str, Any]) -> dict[str, str]:
    asked = SchemeInputs(data=raw)
    if not asked.is_valid():
        raise InvalidInput(fields=asked.errors)
    given: dict[str, str] = {name: str(value).strip() for name, value in asked.validated_data.items()}
    given["prefix"], given["pattern"] = given["prefix"].upper(), given["pattern"].upper()
    faults = {}
    if given["kind"] == SchemeKind.DRAWN:
        if not schemes.PATTERN.fullmatch(given["pattern"]):
            faults["pattern"] = ["Ten places, each L, D or X. For example LLDDDLLDDD."]
    elif given["pattern"]:
        faults["pattern"] = ["Only drawn identifiers have a pattern. Leave it empty."]
    if given["kind"] != SchemeKind.ISBT_040 and not _LETTERS.fullmatch(given["prefix"]):
        faults["prefix"] = ["Three letters; I, L, O and U look like something else and are not used."]
    if faults:
        raise InvalidInput(fields=faults)
    return given


def _prefix(actor: Actor, kind: str, text: str) -> NumberPrefix:
    if kind != SchemeKind.ISBT_040:
        try:
            return numbering.take_letters(actor.organization_id, text)
        except WrongState as taken:
            raise InvalidInput(
                code=taken.code, fields={"prefix": ["These letters cannot be had. Choose others."]}
            ) from None
    own = NumberPrefix.unwalled.filter(organization_id=actor.organization_id, kind=PrefixKind.FACILITY)
    found: NumberPrefix | None = own.filter(text=text).first()
    if found is not None:
        return found
    registered = ", ".join(sorted(own.values_list("text", flat=True)))
    what = f"Yours: {registered}." if registered else "None is entered for your organization."
    told = f"That is no facility number of your organization. {what}"
    raise InvalidInput(
        told,
        code="not_your_facility",
        fields={"prefix": [f"{told} Ask the network's operator to enter your registration."]},
        remedy="Register with ICCBBA, and ask the network's operator to enter the number.",
    )
