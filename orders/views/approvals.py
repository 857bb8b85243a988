"""What was proposed by one person and waits for another, on the desk of who may approve it (PC2)."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from custody import label_register, numbering_register
from ledger.context import Actor
from orders import queries
from personas.states import Capability

PROPOSED = "proposed"


@dataclass(frozen=True)
class ToApprove:
    """A version that waits for this person: what it is, in words, and where it is approved."""

    text: str
    url: str


def to_approve(actor: Actor) -> list[ToApprove]:
    """Return the firm's proposed versions that somebody else wrote: of flows, label templates and numbering."""
    found: list[ToApprove] = []
    if actor.can(Capability.APPROVE_FLOW):
        flows = queries.flows(actor).filter(state=PROPOSED, manufacturer_id=actor.organization_id)
        for flow in flows.exclude(proposed_by_id=actor.person_id):
            words = f"Flow of {flow.therapy.name}, version {flow.version}"
            found.append(ToApprove(words, reverse("orders:flow", args=[flow.pk])))
        designs = label_register.templates(actor).filter(state=PROPOSED).exclude(proposed_by_id=actor.person_id)
        for design in designs:
            words = f"Label template of {design.therapy.name}, version {design.version}"
            found.append(ToApprove(words, reverse("orders:label_templates")))
    if actor.can(Capability.APPROVE_NUMBERING):
        for version in numbering_register.versions(actor):
            if version.row.state == PROPOSED and not version.own:
                words = f"Numbering of chains of identity, version {version.row.version}"
                found.append(ToApprove(words, reverse("orders:numbering")))
    return found
