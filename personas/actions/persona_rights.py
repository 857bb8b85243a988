"""What a persona may do: data of the organization, within what no data relaxes (DESIGN 5, TA2)."""

from __future__ import annotations

from collections.abc import Iterable

from ledger.context import Actor
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import InvalidInput, Stale
from ledger.states import Role
from personas.models import Organization, OrganizationGroupPermission, Persona
from personas.persona_groups import grant_capability, withdraw_capability
from personas.policies import require, separation_conflicts
from personas.queries import administrators_left, own_persona, rights_version
from personas.states import Capability

LONGEST_TITLE = 120


def adapt_persona(
    actor: Actor,
    key: str,
    *,
    title: str | None = None,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    reason: str = "",
    version: str | None = None,
    once: Once | None = None,
) -> Persona:
    """Rename a persona, give it capabilities or take some away, with the reason; everybody in it is bound at once.

    ``version``: what the administrator saw (``rights_version``); Stale when a colleague changed it since. InvalidInput
    beside the field for what separates duties (``separation_of_duties``), what would leave nobody to administer, an
    identity outside the treatment center (DESIGN 1.6), no reason, and nothing that changes.
    """
    added, removed = frozenset(map(str, add)), frozenset(map(str, remove))
    subject = ("persona", key)
    with acting(actor, "personas.persona_adapted", subject=subject, reason=reason.strip(), once=once) as event:
        _refuse_unknown(added | removed)
        persona = own_persona(actor, key)
        if not actor.system_job:
            require(actor, Capability.ADMINISTER)
        organization = Organization.unwalled.get(pk=actor.organization_id)
        present = _present(persona, organization)
        if version is not None and version.strip('"') != rights_version(persona.title, present):
            raise Stale()
        wanted = (present | added) - removed
        named = _title_of(persona, title)
        _refuse_missing_reason(actor, reason)
        _refuse_nothing(named == persona.title and wanted == present)
        _refuse_forbidden(actor, persona, present, wanted)
        _write(event, persona, organization, present, wanted, named)
        event.result = key
    return persona


def _present(persona: Persona, organization: Organization) -> frozenset[str]:
    rows = OrganizationGroupPermission.objects.filter(group_id=persona.group_id, content_object=organization)
    return frozenset(rows.values_list("permission__codename", flat=True))


def _title_of(persona: Persona, title: str | None) -> str:
    if title is None:
        return str(persona.title)
    named = title.strip()
    if not named or len(named) > LONGEST_TITLE:
        raise InvalidInput(fields={"title": [f"Give a title of up to {LONGEST_TITLE} characters."]})
    return named


def _refuse_unknown(capabilities: frozenset[str]) -> None:
    if unknown := sorted(capabilities - set(Capability.values)):
        raise InvalidInput(fields={"capabilities": [f"Unknown capability: {', '.join(unknown)}."]})


def _refuse_missing_reason(actor: Actor, reason: str) -> None:
    if not actor.system_job and not reason.strip():
        raise InvalidInput(fields={"reason": ["Say why; the reason is part of the record."]})


def _refuse_nothing(nothing: bool) -> None:
    if nothing:
        raise InvalidInput(
            "Nothing would change.",
            code="nothing_changes",
            fields={"capabilities": ["The persona has exactly these rights already."]},
            remedy="Choose what the persona may do, then send again.",
        )


def _refuse_forbidden(actor: Actor, persona: Persona, present: frozenset[str], wanted: frozenset[str]) -> None:
    if conflicts := separation_conflicts(wanted):
        raise InvalidInput(
            "This would break a separation of duties.",
            code="separation_of_duties",
            fields={"capabilities": [f"{text}. Give the rights to two personas." for text in conflicts]},
            remedy="Give the rights to two personas.",
        )
    if Capability.READ_IDENTITY in wanted - present and actor.organization_role != Role.TREATMENT_CENTER:
        raise InvalidInput(
            fields={"capabilities": ["Only a treatment center reads who its patients are. Leave this right out."]}
        )
    if Capability.ADMINISTER in present - wanted and not administrators_left(actor, without=persona):
        raise InvalidInput(
            fields={
                "capabilities": [
                    "Nobody would be left to manage people, personas and keys. Give the right to another persona"
                    " that somebody has, first."
                ]
            },
            code="last_administrator",
        )


def _write(
    event: OpenEvent,
    persona: Persona,
    organization: Organization,
    present: frozenset[str],
    wanted: frozenset[str],
    title: str,
) -> None:
    for capability in sorted(wanted - present):
        grant_capability(persona, organization, capability)
    for capability in sorted(present - wanted):
        withdraw_capability(persona, organization, capability)
    event.note(persona=persona.key, title=title, added=sorted(wanted - present), removed=sorted(present - wanted))
    if title != persona.title:
        event.note(before=persona.title)
        persona.title = title
        persona.save(update_fields=["title"])
