"""The parts of an order's page as plain values, each narrowed to what the acting role may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from custody import queries as custody
from custody.states import GONE, TERMINAL_STATES, ContainerState, LabelState
from ledger import directory
from ledger import queries as record
from ledger.context import Actor
from ledger.events import kind_named
from ledger.refusals import MissingFact
from ledger.states import Role
from orders import queries
from orders.actions import date_wishing, dispositions
from orders.actions.destruction import may_destroy
from orders.actions.interruptions import lets_repeat
from orders.actions.material_returns import may_return
from orders.actions.rescheduling import may_reschedule
from orders.actions.revocations import may_revoke
from orders.flow import kind_of, next_actions, why_not
from orders.states import OrderState, StepState
from personas.queries import Site, personas_with
from personas.states import Capability
from quality import queries as quality
from quality.batches import ENDED
from quality.states import Decision, DeviationState, Severity, Verdict
from scheduling.disrupted import waiting_for_centers
from scheduling.queries import chain_of, proposal_of
from scheduling.states import ChainState

EVENTS_AT_ONCE = 10
ORDER_TONE = {"open": "active", "closed": "closed", "cancelled": "cancelled"}


def is_party(actor: Actor, order: Any) -> bool:
    """Whether the organization takes part; a reader by grant changes nothing."""
    return actor.organization_id in order.party_ids


def _holders(personas: Mapping[tuple[UUID, str], list[str]], step: Any) -> list[str]:
    return personas.get((step.responsible_id, step.capability), []) if step.responsible_id else []


def turns(actor: Actor, order: Any) -> list[dict[str, Any]]:
    """Return the ready steps: whose turn it is, which personas may, and the link for those who may (CO8)."""
    acts = next_actions(actor, order)
    acts = [act for act in acts if queries.sees_step(actor, act.step)]
    asked = [(act.step.responsible_id, act.step.capability) for act in acts]
    pairs = tuple((organization, capability) for organization, capability in asked if organization)
    personas = directory.kept("personas with", pairs, lambda: personas_with(pairs))
    owners = queries.owners(actor, [act.step for act in acts])
    now = timezone.now()
    return [
        {
            "step": act.step,
            "owner": owners.get(act.step.pk, ""),
            "mine": act.mine and not _somebody_elses(act.missing),
            "organization": act.step.responsible.name if act.step.responsible else "",
            "personas": " or ".join(_holders(personas, act.step)),
            "missing": act.missing,
            "late": act.step.is_late(now),
            "zone": act.step.site.zone if act.step.site else actor.zone,
            "url": reverse("orders:step", args=[order.code, act.step.key]) if act.mine else "",
            "ours": act.step.responsible_id == actor.organization_id,
        }
        for act in acts
    ]


def _somebody_elses(missing: list[MissingFact]) -> bool:
    """Whether only a colleague may: then it is not this person's turn, whatever their persona."""
    return any(fact.code == "second_person_needed" for fact in missing)


def timeline(actor: Actor, order: Any) -> list[dict[str, Any]]:
    """Return every attempt of every step that applies: planned against actual, by whom (CO8)."""
    now = timezone.now()
    rows = []
    for step in queries.timeline(actor, order):
        if step.state == StepState.SKIPPED:
            continue
        rows.append(
            {
                "id": f"step-{step.key}-{step.attempt}",
                "title": step.flow_step.title,
                "status": step.state,
                "actor": step.responsible.name if step.responsible else "Nobody yet",
                "who": step.done_by,
                "planned": step.planned_at,
                "actual": step.done_at,
                "due": step.due_at if step.state in (StepState.READY, StepState.WAITING) else None,
                "zone": step.site.zone if step.site else order.center_site.zone,
                "late": step.is_late(now),
                "attempt": step.attempt,
                "note": step.summary,
                "url": reverse("orders:step", args=[order.code, step.key]) if _leads_on(actor, step) else "",
                "repeatable": _may_repeat(actor, order, step),
                "key": step.key,
            }
        )
    newest = {row["key"]: row["attempt"] for row in rows}
    for row in rows:
        row["repeatable"] = row["repeatable"] and row["attempt"] == newest[row["key"]]
    return rows


def _leads_on(actor: Actor, step: Any) -> bool:
    """Whether the timeline leads to a step's page: when it is ready, or when what happened could be recorded late."""
    if step.state == StepState.READY:
        return True
    unrecorded = step.state in (StepState.WAITING, StepState.CANCELLED)
    return unrecorded and kind_of(step.flow_step.kind).physical and not why_not(actor, step)


def split(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the timeline up to the last step that was reached, and the steps that still wait."""
    reached = max((place for place, row in enumerate(rows) if row["status"] != StepState.WAITING), default=-1)
    return rows[: reached + 1], rows[reached + 1 :]


def _may_repeat(actor: Actor, order: Any, step: Any) -> bool:
    done = step.state in (StepState.DONE, StepState.FAILED)
    if order.state != "open" or not done or why_not(actor, step):
        return False
    return lets_repeat(actor, order, step)


def parties(actor: Actor, order: Any) -> list[dict[str, Any]]:
    found = queries.parties_of(actor, order)
    sites = directory.rows(Site, [party.site_id for party, _ in found])
    return [
        {
            "kind": party.role,
            "actor": Role(party.role).label,
            "organization": organization.name if organization else "Another organization",
            "site": sites[party.site_id].name if party.site_id in sites else "",
            "zone": sites[party.site_id].zone if party.site_id in sites else "",
            "since": party.since,
            "until": party.until,
            "is_me": party.organization_id == actor.organization_id,
        }
        for party, organization in found
    ]


def plan(actor: Actor, order: Any) -> dict[str, Any] | None:
    """Return the slot chain with its places in the order of the journey; a courier sees its own lane only."""
    chain = chain_of(actor, order.stream_id)
    if chain is None:
        return None
    links = list(chain.links.all())
    if not queries.may_see_therapy(actor):
        links = [link for link in links if link.organization_id == actor.organization_id]
    booking = order.state == "open" and is_party(actor, order) and order.center_id == actor.organization_id
    renewable = booking and chain.state == ChainState.HELD and actor.can(Capability.BOOK_SLOTS)
    sees = queries.may_see_therapy(actor)
    return {
        "chain": chain,
        "links": links,
        "renewable": renewable,
        "proposal": proposal_of(actor, order.stream_id) if sees else None,
        "to_answer": sees and chain.state == ChainState.CONFIRMED and waiting_for_centers(actor, [order.stream_id]),
        "answers": booking and actor.can(Capability.BOOK_SLOTS),
        "movable": chain.is_live and may_reschedule(actor, order),
        "swappable": chain.state == ChainState.CONFIRMED and order.center_id == actor.organization_id,
        "plant_zone": order.plant_site.zone if order.plant_site else "",
    }


def wished(actor: Actor, order: Any) -> dict[str, Any] | None:
    """Return what is wished of the order's dates, in words, and whether this person may say it; None for neither."""
    if not queries.may_see_therapy(actor):
        return None
    words, may = date_wishing.in_words(order, queries.wishes_of(actor, order)), date_wishing.may_state(actor, order)
    return {"words": words, "may": may} if words or may else None


NOT_FOUND = ("lost", "Lost: nobody finds it")
PUT_ASIDE = (dispositions.ASIDE, "Put into quarantine")
DECISIONS = {
    ContainerState.QUARANTINED: [("release", "Release"), ("reject", "Reject"), NOT_FOUND],
    ContainerState.IN_TRANSIT: [NOT_FOUND],
    ContainerState.STORED: [NOT_FOUND],
    ContainerState.RETURNED: [("release", "May be used again"), ("reject", "Reject"), NOT_FOUND],
    ContainerState.LOST: [("found", "Found again: into quarantine")],
}


def material(actor: Actor, order: Any) -> list[dict[str, Any]]:
    """Return the order's bags; their codes hold the chain of identity, so a courier sees boxes only (T39).

    ``decisions``: what this persona may decide about a bag off the plain way (its custodian or manufacturer);
    ``destroyable``: whether it may record the end of a bag that is of no use any more; ``returnable``: whether it may
    take an issued bag back.
    """
    if not queries.may_see_therapy(actor):
        return []
    decides = actor.can(Capability.MANAGE_DEVIATIONS) and is_party(actor, order)
    rows = []
    for bag in queries.bags_of(actor, order):
        ours = actor.organization_id in (bag.custodian_id, order.manufacturer_id)
        choices = list(DECISIONS.get(bag.state, [])) if decides and ours else []
        if decides and bag.custodian_id == actor.organization_id and dispositions.may_be_put_aside(bag):
            choices.insert(0, PUT_ASIDE)
        useless = bag.is_quarantined or bag.state in (*GONE, ContainerState.RETURNED) or order.state != OrderState.OPEN
        row = {"bag": bag, "status": container_status(bag.state), "decisions": choices}
        row["returnable"] = order.state == OrderState.OPEN and may_return(actor, order, bag)
        rows.append(row | {"destroyable": useless and may_destroy(actor, order, bag)})
    return rows


def container_status(state: str) -> str:
    """Return the badge's word for a container's state."""
    known = {
        ContainerState.ACCEPTED: "accepted",
        ContainerState.QUARANTINED: "quarantined",
        ContainerState.REJECTED: "rejected",
        ContainerState.LOST: "rejected",
        ContainerState.IN_TRANSIT: "in_transit",
        ContainerState.EXPIRED: "expired",
    }
    if state in known:
        return known[ContainerState(state)]
    return "done" if state in TERMINAL_STATES else "active"


def shipments(actor: Actor, order: Any) -> list[Any]:
    return queries.boxes_of(actor, order)


def labels(actor: Actor, order: Any) -> list[Any]:
    may = queries.may_see_therapy(actor)
    return list(custody.labels_of(actor, order.stream_id).select_related(None)) if may else []


def has_valid_labels(found: list[Any]) -> bool:
    return any(label.state in (LabelState.PRINTED, LabelState.APPLIED) for label in found)


def quality_part(actor: Actor, order: Any) -> dict[str, Any] | None:
    """Return batch, results, deviations and decisions as the role may read them; None for a courier."""
    if not queries.may_see_therapy(actor):
        return None
    tests = {test["key"]: test["label"] for test in order.specification.tests}
    closing = actor.can(Capability.MANAGE_DEVIATIONS) and is_party(actor, order)
    decisions = list(quality.decisions_of(actor, order.stream_id))
    deviations = list(quality.deviations_of(actor, order.stream_id))
    queried = queries.identity_queries(actor, order)
    closed = [row.number for row in deviations if row.state == DeviationState.CLOSED]
    judging = bool(closed) and actor.can(Capability.REVIEW_BATCH) and is_party(actor, order)
    found = {
        "batches": list(quality.batches_of(actor, order.stream_id)),
        "results": [
            (tests.get(r.test_key, r.test_key), r, judging and r.verdict != Verdict.INVALID)
            for r in quality.results_of(actor, order.stream_id)
        ],
        "deviations": [{"row": row, "may_close": closing and row.state == DeviationState.OPEN} for row in deviations],
        "identity_queries": queried,
        "decisions": decisions,
        "certificate": any(row.decision == Decision.RELEASE for row in decisions),
    }
    if not any(found.values()) and not closing:
        return None
    revocable = actor.can(Capability.RELEASE_BATCH) and may_revoke(actor, order)
    return found | {"may_open": closing, "severities": Severity.choices, "closed": closed, "may_revoke": revocable}


def has_ended_batch(shown: dict[str, Any] | None) -> bool:
    """Whether the newest batch of what ``quality_part`` shows was rejected, failed, or had its release revoked."""
    return bool(shown and shown["batches"] and shown["batches"][0].state in ENDED)


def events(actor: Actor, order: Any, before: str = "") -> tuple[list[dict[str, Any]], str]:
    """Return a page of the record in words for this reader, newest first, with signatures; and where older ones begin.

    ``before`` is such a mark (a sequence number), from the address.
    """
    signed: dict[Any, list[Any]] = {}
    found = record.events_of(actor, order.stream_id).order_by("-seq")
    if before.isdecimal() and len(before) < 12:
        found = found.filter(seq__lt=int(before))
    rows = list(found[: EVENTS_AT_ONCE + 1])
    older = str(rows[EVENTS_AT_ONCE - 1].seq) if len(rows) > EVENTS_AT_ONCE else ""
    rows = rows[:EVENTS_AT_ONCE]
    for signature in record.signatures_on(actor, order.stream_id, [row.pk for row in rows]):
        signed.setdefault(signature.event_id, []).append(signature)
    full = queries.may_see_therapy(actor)
    entries = [
        {
            "event": row,
            "label": kind_named(row.kind).label,
            "text": kind_named(row.kind).say(row.payload, actor.organization_role),
            "reason": row.reason if full else "",
            "signatures": signed.get(row.pk, []),
        }
        for row in rows
    ]
    return entries, older


def acts(actor: Actor, order: Any) -> dict[str, bool]:
    """Return which acts on the order as a whole this persona may do now: the same rules that would refuse them."""
    open_here = order.state == "open" and is_party(actor, order)
    may_hold = open_here and actor.can(Capability.HOLD_ORDER)
    return {
        "hold": may_hold and not order.on_hold,
        "lift": may_hold and order.on_hold,
        "cancel": open_here and actor.can(Capability.CANCEL_ORDER),
    }
