"""Proposal, approval and retirement of a flow version: by two people, effective for new orders only (PC2)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, NotFound, WrongState
from network.queries import Therapy
from orders import flow_files
from orders.flow_validation import faults
from orders.models import Flow, FlowStep
from orders.states import FlowState
from orders.step_kinds import kind_of
from personas.policies import require
from personas.states import Capability


def propose_flow(actor: Actor, therapy: Therapy, definition: dict[str, Any]) -> Flow:
    """Store a definition as the therapy's next version, proposed; InvalidInput names every fault of it."""
    with acting(actor, "orders.flow_proposed", subject=("therapy", therapy.code)) as event:
        if therapy.manufacturer_id != actor.organization_id:
            raise NotFound()
        found = faults(definition)
        if found:
            raise InvalidInput("The flow has faults.", code="flow_faults", fields={"steps": found})
        if not actor.system_job:
            require(actor, Capability.CONFIGURE_THERAPY)
        newest = Flow.unwalled.filter(therapy=therapy).order_by("-version").first()
        flow = Flow.objects.create(
            therapy=therapy,
            manufacturer_id=actor.organization_id,
            name=definition["name"],
            title=definition["title"],
            version=newest.version + 1 if newest else 1,
            state=FlowState.PROPOSED,
            proposed_by_id=actor.person_id,
        )
        FlowStep.objects.bulk_create(
            [_flow_step(flow, position, step) for position, step in enumerate(definition["steps"], start=1)]
        )
        event.note(flow=flow.name, version=flow.version, checksum=flow_files.checksum(definition))
    return flow


def _flow_step(flow: Flow, position: int, step: dict[str, Any]) -> FlowStep:
    kind = kind_of(step["kind"])
    return FlowStep(
        flow=flow,
        manufacturer_id=flow.manufacturer_id,
        position=position,
        key=step["key"],
        kind=step["kind"],
        title=step["title"],
        actor=step["actor"],
        capability=step.get("capability", kind.capability),
        phase=step["phase"],
        after=step.get("after", []),
        condition=step.get("condition", []),
        sooner=step.get("sooner", {}),
        may_repeat=step.get("may_repeat", False),
        due=step.get("due", {}),
        planned=step.get("planned", ""),
        signatures=step.get("signatures", kind.signatures),
        market_signatures=step.get("market_signatures", {}),
        meaning=step.get("meaning", kind.meaning),
        parameters=step.get("parameters", {}),
    )


def approve_flow(actor: Actor, flow_id: UUID) -> Flow:
    """Make a proposed version live: by another person than its author. The former live version retires."""
    with acting(actor, "orders.flow_approved", subject=("flow", str(flow_id))) as event:
        flow = _own_flow(actor, flow_id)
        require(actor, Capability.APPROVE_FLOW)
        if flow.state != FlowState.PROPOSED:
            raise WrongState(f"This version is {flow.get_state_display().lower()}, not proposed.")
        if actor.person_id is None or actor.person_id == flow.proposed_by_id:
            raise FactsMissing(
                "The author of a flow version cannot approve it.",
                code="second_person_needed",
                facts=[
                    MissingFact(
                        "second_person_needed",
                        "A second person approves.",
                        "Ask a colleague with the right to approve flows.",
                    )
                ],
            )
        for live in Flow.unwalled.filter(therapy_id=flow.therapy_id, state=FlowState.LIVE):
            live.state = FlowState.RETIRED
            live.save(update_fields=["state"])
        flow.state, flow.approved_by_id, flow.approved_at = FlowState.LIVE, actor.person_id, timezone.now()
        flow.save()
        event.note(flow=flow.name, version=flow.version)
    return flow


def retire_flow(actor: Actor, flow_id: UUID, reason: str) -> Flow:
    """Retire a version: no new order starts on it; running orders keep it (PC5)."""
    with acting(actor, "orders.flow_retired", subject=("flow", str(flow_id)), reason=reason) as event:
        flow = _own_flow(actor, flow_id)
        require(actor, Capability.APPROVE_FLOW)
        if flow.state == FlowState.RETIRED:
            raise WrongState("This version is retired already.")
        flow.state = FlowState.RETIRED
        flow.save(update_fields=["state"])
        event.note(flow=flow.name, version=flow.version)
    return flow


def _own_flow(actor: Actor, flow_id: UUID) -> Flow:
    flow = Flow.unwalled.select_for_update().filter(pk=flow_id, manufacturer_id=actor.organization_id).first()
    if flow is None:
        raise NotFound()
    return flow
