"""Opening an order: patient sealed, chain of identity issued, parties joined, the flow's steps laid out (CO3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from custody import identity, vault
from custody.queries import patient_of
from ledger.context import Actor
from ledger.identifiers import new_id
from ledger.models import Stream
from ledger.recording import Once, OpenEvent, Replayed, acting
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, NotFound, Unauthenticated
from ledger.states import Role, StreamKind
from ledger.walls import visible
from network import queries as network
from network.queries import Therapy
from orders import attempts, parties
from orders.codes import new_code
from orders.enrolment_inputs import EnrolmentInputs
from orders.flow_validation import FIRST_KIND
from orders.inputs import read
from orders.models import Flow, Order, OrderStep
from orders.states import FlowState, StepState
from orders.step_kinds import kind_of
from personas.policies import require
from personas.queries import Organization, Site
from personas.states import Capability


def enrol(actor: Actor | None, raw: Mapping[str, Any], *, once: Once | None = None) -> str:
    """Open an order for a patient; return its code. ``raw``: see EnrolmentInputs.

    Raises InvalidInput per field, FactsMissing when the site is not authorized,
    Duplicate for a patient who may be known.
    """
    if actor is None:
        raise Unauthenticated()
    stream = Stream(
        id=new_id(),
        kind=StreamKind.ORDER,
        organization_id=actor.organization_id,
        party_ids=[actor.organization_id],
        synthetic=actor.synthetic,
    )
    try:
        with acting(
            actor,
            "orders.enrolled",
            new_stream=stream,
            subject=("order", ""),
            once=once,
            capability=Capability.ENROL_PATIENT,
        ) as event:
            order = _enrol(actor, raw, stream, event)
            event.result = {"order": order.code}
    except Replayed as replayed:
        return str(replayed.result["order"])
    return order.code


def _enrol(actor: Actor, raw: Mapping[str, Any], stream: Stream, event: OpenEvent) -> Order:
    given = read(EnrolmentInputs, raw)
    require(actor, Capability.ENROL_PATIENT)
    therapy, site = _therapy(actor, given["therapy"]), _site(actor, given["site"])
    flow = Flow.unwalled.filter(therapy=therapy, state=FlowState.LIVE).first()
    specification = network.specification_in_force(therapy.pk, timezone.now())
    _require_ready_network(therapy, site, flow, specification)
    assert flow is not None and specification is not None  # noqa: S101 - just required
    patient = _patient(actor, site, given)
    center = Organization.unwalled.get(pk=actor.organization_id)
    manufacturer = Organization.unwalled.get(pk=therapy.manufacturer_id)
    chain = identity.issue(stream, patient, center, manufacturer)
    order = Order.objects.create(
        stream=stream,
        party_ids=[actor.organization_id],
        code=new_code(),
        therapy=therapy,
        specification=specification,
        flow=flow,
        center=center,
        center_site=site,
        manufacturer=manufacturer,
        patient_id=patient.pk,
        identity_code=chain.code,
        enrolled_by_id=actor.person_id,
        synthetic=actor.synthetic,
    )
    parties.join(
        order,
        parties.Newcomer(center.pk, Role.TREATMENT_CENTER, site.pk),
        parties.Newcomer(manufacturer.pk, Role.MANUFACTURER),
    )
    order.refresh_from_db()
    attempts.open_steps(order)
    _finish_enrolment(actor, order, event)
    return order


def _therapy(actor: Actor, code: str) -> Therapy:
    therapy = visible(Therapy, actor).filter(code=code, active=True).first()
    if therapy is None:
        raise InvalidInput(fields={"therapy": ["No such therapy is offered to your organization."]})
    return therapy


def _site(actor: Actor, code: str) -> Site:
    site = visible(Site, actor).filter(code=code, organization_id=actor.organization_id).first()
    if site is None:
        raise InvalidInput(fields={"site": ["Your organization has no such site."]})
    if actor.site_id is not None and actor.site_id != site.pk:
        raise InvalidInput(fields={"site": ["You work at another site of your organization."]})
    return site


def _require_ready_network(therapy: Therapy, site: Site, flow: Flow | None, specification: Any) -> None:
    missing = []
    if not network.site_is_authorized(therapy.pk, site.pk):
        missing.append(
            MissingFact(
                "site_not_authorized",
                f"{site.name} is not authorized for {therapy.name}.",
                "Ask the manufacturer's site network manager to authorize the site.",
            )
        )
    if flow is None or specification is None:
        missing.append(
            MissingFact(
                "therapy_not_configured",
                f"{therapy.name} has no live flow and specification.",
                "Ask the manufacturer's configuration owner.",
            )
        )
    if missing:
        raise FactsMissing(missing[0].text, facts=missing)


def _patient(actor: Actor, site: Site, given: dict[str, Any]) -> Any:
    if given.get("patient"):
        patient = patient_of(actor, given["patient"])
        if patient is None:
            raise NotFound()
        return patient
    identity_given = vault.PatientIdentity(**given["identity"])
    return vault.seal_patient(actor, site, identity_given, confirmed_distinct=given.get("confirmed_distinct", False))


def _finish_enrolment(actor: Actor, order: Order, event: OpenEvent) -> None:
    first = OrderStep.unwalled.select_related("flow_step").get(order=order, flow_step__kind=FIRST_KIND)
    first.state, first.done_at = StepState.DONE, timezone.now()
    first.done_by, first.done_by_id = actor.display_name, actor.person_id
    first.summary = "Order opened, chain of identity issued."
    first.version += 1
    first.save()
    event.subject_id = order.code
    event.zone = order.center_site.zone
    event.audience = kind_of(FIRST_KIND).audience
    event.note(
        order=order.code,
        therapy=order.therapy.name,
        step=first.key,
        title=first.flow_step.title,
        kind=FIRST_KIND,
        attempt=1,
        summary=first.summary,
        flow_version=order.flow.version,
        facts={"identity_code": order.identity_code},
    )
    attempts.advance(order, event.id)
