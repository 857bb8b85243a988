"""How orders and steps look to an actor: fields listed by hand. A courier sees neither therapy, phase nor identity."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.urls import get_script_prefix, reverse

from custody import vault
from custody.schemes import check
from ledger.context import Actor
from ledger.refusals import MissingFact, NotFound
from orders import queries
from orders.actions.remanufacture import may_decide
from orders.api.step_inputs import inputs_component
from orders.flow import NextAction, next_actions
from orders.states import PHASE_LABELS
from orders.views import order_cards
from scheduling.queries import chain_of

COURIER_PLAN = ("pickup", "arrival")


def href(name: str, *args: Any) -> str:
    """Return an address below ``/api/``; a list needs hundreds, so each route is reversed once."""
    if not all(isinstance(value, str) for value in args):
        return reverse(f"api:{name}", args=args)
    return _route(name, len(args), get_script_prefix()).format(*args)


@cache
def _route(name: str, places: int, prefix: str) -> str:
    marks = [f"place{number}" for number in range(places)]
    route = reverse(f"api:{name}", args=marks)
    for number, mark in enumerate(marks):
        route = route.replace(mark, f"{{{number}}}")
    return route


def place(site: Any) -> dict[str, Any] | None:
    """Return a site; None where there is none yet."""
    return {"code": site.code, "name": site.name, "country": site.country, "zone": site.zone} if site else None


def order_row(actor: Actor, order: Any) -> dict[str, Any]:
    """Return an order as lists show it."""
    row = {
        "code": order.code,
        "href": href("order", order.code),
        "state": order.state,
        "on_hold": order.on_hold,
        "opened_at": order.opened_at,
        "closed_at": order.closed_at,
        "center": {"name": order.center.name, "site": place(order.center_site)},
        "manufacturer": order.manufacturer.name,
        "synthetic": order.synthetic,
        "version": order.version,
    }
    if queries.may_see_therapy(actor):
        row |= {
            "identity_code": order.identity_code,
            "identity_check": check(order.identity_code) if order.identity_code else "",
            "therapy": therapy_row(order.therapy),
            "phase": order.phase,
            "phase_label": PHASE_LABELS.get(order.phase, order.phase),
            "plant_site": place(order.plant_site),
            "flow": {"id": order.flow_id, "name": order.flow.name, "version": order.flow.version},
            "specification_version": order.specification.version,
        }
    return row


def therapy_row(therapy: Any) -> dict[str, Any]:
    return {"code": therapy.code, "name": therapy.name, "modality": therapy.modality}


def order_detail(actor: Actor, order: Any) -> dict[str, Any]:
    """Return an order with its steps, parties, whose turn it is, and what this actor may do now."""
    steps = queries.timeline(actor, order)
    acts = next_actions(actor, order)
    detail = order_row(actor, order) | {
        "plan": plan(actor, order),
        "parties": [party_row(party, found) for party, found in queries.parties_of(actor, order)],
        "steps": [step_row(order.code, step) for step in steps],
        "whose_turn": turns(actor, acts, {step.pk for step in steps}),
        "available_actions": actions(actor, order, acts),
    }
    if queries.may_see_therapy(actor):
        detail |= {
            "hold_reason": order.hold_reason,
            "end_reason": order.end_reason,
            "slot_chain": slot_chain(actor, order),
        }
    if queries.may_see_identity(actor, order):
        detail["patient"] = patient(actor, order)
    return detail


def patient(actor: Actor, order: Any) -> dict[str, Any] | None:
    """Return the identity of an own patient; None once it was erased."""
    try:
        found = vault.open_identity(actor, order.patient_id)
    except NotFound:
        return None
    return {
        "id": order.patient_id,
        "family_name": found.family_name,
        "given_name": found.given_name,
        "birth_date": found.birth_date,
        "mrn": found.mrn,
        "sex": found.sex,
    }


def plan(actor: Actor, order: Any) -> dict[str, str]:
    """Return the times of the slot chain by name; a courier sees its own two."""
    if queries.may_see_therapy(actor):
        return {name: at for name, at in order.plan.items() if isinstance(at, str)}
    return {name: order.plan[name] for name in COURIER_PLAN if name in order.plan}


def party_row(party: Any, organization: Any) -> dict[str, Any]:
    return {
        "role": party.role,
        "organization": organization.name if organization else None,
        "since": party.since,
        "until": party.until,
    }


def step_row(code: str, step: Any) -> dict[str, Any]:
    """Return one attempt of a step."""
    return {
        "key": step.key,
        "attempt": step.attempt,
        "kind": step.flow_step.kind,
        "title": step.flow_step.title,
        "phase": step.flow_step.phase,
        "after": step.flow_step.after,
        "state": step.state,
        "organization": step.responsible.name if step.responsible else None,
        "site": place(step.site),
        "capability": step.capability,
        "signatures": step.signatures,
        "planned_at": step.planned_at,
        "due_at": step.due_at,
        "late": step.is_late(),
        "done_at": step.done_at,
        "done_by": step.done_by,
        "summary": step.summary,
        "etag": step.etag,
        "href": href("step", code, step.key),
    }


def facts(missing: Iterable[MissingFact]) -> list[dict[str, str]]:
    return [{"code": fact.code, "text": fact.text, "remedy": fact.remedy} for fact in missing]


def turns(actor: Actor, acts: Iterable[NextAction], visible: set[Any]) -> list[dict[str, Any]]:
    """Return the ready steps that the actor may know of, with whose turn it is."""
    acts = list(acts)
    owners = queries.owners(actor, [act.step for act in acts])
    return [
        {
            "step": act.step.key,
            "title": act.step.flow_step.title,
            "organization": act.step.responsible.name if act.step.responsible else None,
            "site": place(act.step.site),
            "due_at": act.step.due_at,
            "mine": act.mine,
            "owner": owners.get(act.step.pk, ""),
            "why_not": act.refusal,
        }
        for act in acts
        if act.step.pk in visible
    ]


def actions(actor: Actor, order: Any, acts: Iterable[NextAction] | None = None) -> list[dict[str, Any]]:
    """Return what this actor may do on the order now: its ready steps, then what may be done to the order itself."""
    found = next_actions(actor, order) if acts is None else acts
    mine = [_step_action(order, act) for act in found if act.mine]
    return mine + [_order_action(order, *verb) for verb in _verbs(actor, order)]


def _step_action(order: Any, act: NextAction) -> dict[str, Any]:
    step = act.step
    return {
        "step": step.key,
        "kind": act.kind.key,
        "title": step.flow_step.title,
        "method": "POST",
        "href": href("step", order.code, step.key),
        "etag": step.etag,
        "inputs_schema": schema_href(inputs_component(act.kind)),
        "signatures": step.signatures,
        "missing": facts(act.missing),
    }


def _order_action(order: Any, verb: str, title: str, inputs: str, signatures: int) -> dict[str, Any]:
    return {
        "step": None,
        "kind": verb,
        "title": title,
        "method": "POST",
        "href": href(verb, order.code),
        "etag": order_etag(order),
        "inputs_schema": schema_href(inputs),
        "signatures": signatures,
        "missing": [],
    }


def _verbs(actor: Actor, order: Any) -> list[tuple[str, str, str, int]]:
    """The code behind the page's own buttons."""
    may = order_cards.acts(actor, order)
    titles = {"hold": "Put on hold", "lift": "Lift the hold", "cancel": "Cancel the order"}
    verbs = [("lift-hold" if verb == "lift" else verb, titles[verb]) for verb, allowed in may.items() if allowed]
    again = [("remanufacture", "Make again", "RemanufactureInputs", 1)] if may_decide(actor, order) else []
    return [(*verb, "Reason", 0) for verb in verbs] + again


def schema_href(component: str) -> str:
    return f"{href('schema')}#/components/schemas/{component}"


def order_etag(order: Any) -> str:
    return f'"{order.version}"'


def worklist_row(actor: Actor, step: Any) -> dict[str, Any]:
    """Return a step that waits for the actor, with its order."""
    row = step_row(step.order.code, step)
    row["organization"] = actor.organization_name
    row["order"] = {
        "code": step.order.code,
        "href": href("order", step.order.code),
        "on_hold": step.order.on_hold,
        "manufacturer": step.order.manufacturer.name,
    }
    if queries.may_see_therapy(actor):
        row["order"]["therapy"] = therapy_row(step.order.therapy)
    return row


def slot_chain(actor: Actor, order: Any) -> dict[str, Any] | None:
    """Return the order's live slot chain, else its latest; None when there never was one."""
    chain = chain_of(actor, order.stream_id)
    if chain is None:
        return None
    return {
        "state": chain.state,
        "held_until": chain.held_until,
        "renewals": chain.renewals,
        "requested_at": chain.requested_at,
        "answered_at": chain.answered_at,
        "decline_reason": chain.decline_reason,
        "links": [
            {
                "kind": link.kind,
                "place": link.place_name,
                "resource": link.resource_name,
                "starts_at": link.starts_at,
                "ends_at": link.ends_at,
                "zone": link.zone,
            }
            for link in chain.links.all()
        ],
    }


def k_and_n(container: Any) -> dict[str, int]:
    """Return which bag of its batch or collection a container is, and of how many."""
    return {"position": container.number or container.position, "count": container.total or container.count}
