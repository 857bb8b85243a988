"""The committee: criteria written and published by two people, a rank order signed by its members, appeals (CO10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from ledger.canonical import canonical_text, digest
from ledger.context import Actor
from ledger.recording import OpenEvent, Signing, acting
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, NotAllowed, NotFound, Stale, WrongState
from ledger.walls import visible
from network import queries as network
from personas import signing
from personas.queries import username_of
from personas.states import Capability
from scheduling import criteria as rules
from scheduling import freed_places, waiting
from scheduling.actions.waiting import no_criteria
from scheduling.models import CriteriaSet, OpenList, RankAppeal, RankDecision, RankedEntry, WaitingEntry
from scheduling.policies import require_center
from scheduling.ranking import Standing, computed_order, reasons_needed
from scheduling.states import CriteriaState, DecisionState, EntryState, OfferMode

MEANING = "rank order decided"


@dataclass(frozen=True)
class CriteriaDraft:
    """A version of the criteria as it is written: see ``models.CriteriaSet``."""

    therapy: str
    title: str
    criteria: Sequence[Mapping[str, Any]]
    effective_from: dt.date
    ageing_days: int = 90
    signers: int = 2
    offer_mode: str = OfferMode.SEQUENTIAL
    offer_hours: int = 24
    parallel: int = 1


@dataclass(frozen=True)
class RankRow:
    """An entry in the order in which the committee puts it, and why it stands there."""

    entry_id: UUID
    reason: str = ""


def write_criteria(actor: Actor, draft: CriteriaDraft) -> CriteriaSet:
    """Write a new version of the criteria for a therapy. It counts once another person has published it.

    Raises InvalidInput beside ``criteria[i].column``, also for a criterion that names a protected attribute.
    """
    with acting(actor, "scheduling.criteria_written", subject=("therapy", draft.therapy)) as event:
        require_center(actor, Capability.WRITE_CRITERIA)
        faults = rules.faults(draft.criteria) | _policy_faults(draft)
        therapy = network.therapies(actor).filter(code=draft.therapy).first()
        if therapy is None:
            faults["therapy"] = ["Not a therapy that your center knows."]
        if faults or therapy is None:
            raise InvalidInput(fields=faults)
        versions = visible(CriteriaSet, actor).filter(therapy_id=therapy.pk).order_by("-version")
        last = versions.values_list("version", flat=True).first() or 0
        written: CriteriaSet = CriteriaSet.objects.create(
            organization_id=actor.organization_id,
            therapy_id=therapy.pk,
            version=last + 1,
            title=draft.title.strip(),
            criteria=[
                {name: one[name] for name in ("key", "title", "kind", "weight", "most")} for one in draft.criteria
            ],
            ageing_days=draft.ageing_days,
            signers=draft.signers,
            offer_mode=draft.offer_mode,
            offer_hours=draft.offer_hours,
            parallel=draft.parallel if draft.offer_mode == OfferMode.PARALLEL else 1,
            effective_from=draft.effective_from,
            written_by_id=actor.person_id,
            written_by_name=actor.display_name,
        )
        event.note(therapy=draft.therapy, version=written.version)
    return written


def publish_criteria(actor: Actor, criteria_id: UUID) -> CriteriaSet:
    """Publish a version of the criteria; by a person who did not write it."""
    with acting(actor, "scheduling.criteria_published", subject=("criteria", str(criteria_id))) as event:
        criteria = visible(CriteriaSet, actor).filter(pk=criteria_id).first()
        if criteria is None:
            raise NotFound()
        require_center(actor, Capability.PUBLISH_CRITERIA)
        if criteria.state != CriteriaState.DRAFT:
            raise WrongState("These criteria are published already.")
        if actor.person_id is None or actor.person_id == criteria.written_by_id:
            raise NotAllowed(
                "Who wrote the criteria does not publish them.",
                code="second_person_needed",
                remedy="Ask another member of the committee.",
            )
        criteria.state, criteria.published_at = CriteriaState.PUBLISHED, timezone.now()
        criteria.published_by_id, criteria.published_by_name = actor.person_id, actor.display_name
        criteria.save(update_fields=["state", "published_at", "published_by_id", "published_by_name"])
        event.note(version=criteria.version, effective_from=criteria.effective_from)
    return criteria


def decide_ranks(
    actor: Actor,
    therapy_id: UUID,
    ranks: Sequence[RankRow],
    signatures: Sequence[Mapping[str, str]],
    *,
    answer: str = "",
) -> RankDecision:
    """Fix the order of everybody who waits for a therapy, signed by as many members as the criteria ask for.

    ``answer``: what the committee says to the appeals that are open; the former decision is superseded. Raises Stale
    when somebody was added or placed meanwhile, FactsMissing for entries without a score or too few signers,
    InvalidInput beside ``ranks[i].reason`` where a reason is needed (ageing guard, other than by score).
    """
    with acting(
        actor,
        "scheduling.rank_decided",
        subject=("therapy", str(therapy_id)),
        capability=Capability.DECIDE_RANK,
    ) as event:
        require_center(actor, Capability.DECIDE_RANK)
        criteria = waiting.criteria_in_force(actor, therapy_id)
        if criteria is None:
            raise no_criteria()
        order = _in_order(waiting.standings(actor, criteria, event.occurred_at), ranks)
        _refuse_unscored(order)
        faults = _reason_faults(order, ranks, criteria)
        appeals = _open_appeals(actor, therapy_id)
        if appeals and not answer.strip():
            faults["answer"] = [f"{len(appeals)} open appeal(s): say what the committee answers."]
        if faults:
            raise InvalidInput(fields=faults)
        rows = _ranked(order, ranks, actor.organization_id)
        bound = digest(canonical_text(_content(criteria, rows, answer)))
        event.signatures = _signed(actor, criteria, signatures, bound)
        decision = _record(event, criteria, rows, bound)
        for appeal in appeals:
            appeal.answered_by, appeal.answer = decision, answer.strip()
            appeal.save(update_fields=["answered_by", "answer"])
        event.note(number=decision.number, criteria=criteria.version, entries=len(rows), members=decision.members)
    return decision


def appeal(actor: Actor, entry_id: UUID, reason: str) -> RankAppeal:
    """Object to the rank of an entry: no place is offered by the decision until the committee decides anew."""
    with acting(actor, "scheduling.rank_appealed", subject=("waiting_entry", str(entry_id)), reason=reason) as event:
        entry = visible(WaitingEntry, actor).filter(pk=entry_id, state=EntryState.WAITING).first()
        if entry is None:
            raise NotFound()
        require_center(actor, Capability.MANAGE_WAITING, Capability.SCORE_WAITING)
        if not reason.strip():
            raise InvalidInput(fields={"reason": ["Say why; the committee answers it."]})
        decision = waiting.decision_now(actor, entry.therapy_id)
        if decision is None:
            raise WrongState("There is no decision that could be appealed.", remedy="Wait for the committee.")
        RankDecision.unwalled.filter(pk=decision.pk).update(state=DecisionState.REOPENED)
        filed: RankAppeal = RankAppeal.objects.create(
            organization_id=actor.organization_id,
            decision=decision,
            entry=entry,
            reason=reason.strip(),
            filed_by_name=actor.display_name,
        )
        event.note(order=entry.order_code, number=decision.number)
    return filed


def _policy_faults(draft: CriteriaDraft) -> dict[str, list[str]]:
    bounds = {"ageing_days": (1, 730), "signers": (1, 9), "offer_hours": (1, 168), "parallel": (1, 10)}
    faults = {
        name: [f"Give {low} to {high}."]
        for name, (low, high) in bounds.items()
        if not low <= getattr(draft, name) <= high
    }
    if draft.offer_mode not in OfferMode.values:
        faults["offer_mode"] = [f"Use one of {', '.join(OfferMode.values)}."]
    if not 0 < len(draft.title.strip()) <= 120:
        faults["title"] = ["Give a title of at most 120 characters."]
    return faults


def _in_order(standings: Sequence[Standing], ranks: Sequence[RankRow]) -> list[Standing]:
    by_id = {one.entry_id: one for one in standings}
    wanted = [row.entry_id for row in ranks]
    if len(set(wanted)) != len(wanted):
        raise InvalidInput(fields={"ranks": ["An order stands here twice."]})
    if set(wanted) != set(by_id):
        raise Stale("Who waits has changed since the list was opened.")
    if not wanted:
        raise WrongState("Nobody waits: there is nothing to decide.")
    return [by_id[entry_id] for entry_id in wanted]


def _refuse_unscored(order: Sequence[Standing]) -> None:
    facts = [
        MissingFact("not_scored", f"{one.order_code} has no score by the criteria in force.", "Ask the physician.")
        for one in order
        if not one.scored
    ]
    if facts:
        raise FactsMissing("Nobody is ranked without a score.", facts=facts)


def _reason_faults(order: Sequence[Standing], ranks: Sequence[RankRow], criteria: CriteriaSet) -> dict[str, list[str]]:
    needed = reasons_needed(order, criteria.ageing_days)
    return {
        f"ranks[{i}].reason": [needed[row.entry_id]]
        for i, row in enumerate(ranks)
        if row.entry_id in needed and not row.reason.strip()
    }


def _ranked(order: Sequence[Standing], ranks: Sequence[RankRow], organization_id: UUID) -> list[RankedEntry]:
    computed = {one.entry_id: position + 1 for position, one in enumerate(computed_order(order))}
    return [
        RankedEntry(
            organization_id=organization_id,
            entry_id=one.entry_id,
            rank=position + 1,
            computed_rank=computed[one.entry_id],
            points=dict(one.components),
            total=one.total,
            waited_days=one.waited_days,
            reason=row.reason.strip()[:500],
        )
        for position, (one, row) in enumerate(zip(order, ranks, strict=True))
    ]


def _content(criteria: CriteriaSet, rows: Sequence[RankedEntry], answer: str) -> dict[str, Any]:
    """Return what the members sign: the order with every component and reason, and the criteria it was made by."""
    return {
        "criteria": str(criteria.pk),
        "version": criteria.version,
        "answer": answer.strip(),
        "ranks": [
            {
                "rank": row.rank,
                "entry": str(row.entry_id),
                "points": {key: f"{value:g}" for key, value in row.points.items()},
                "waited_days": row.waited_days,
                "reason": row.reason,
            }
            for row in rows
        ],
    }


def _signed(actor: Actor, criteria: CriteriaSet, given: Sequence[Mapping[str, str]], bound: str) -> list[Signing]:
    """Return the members' signatures: the acting person first, each another human being, each with the right."""
    signings: list[Signing] = []
    for i, one in enumerate(given):
        field = f"signatures[{i}]"
        username = one.get("username") or (username_of(actor) if i == 0 and actor.is_human else "")
        credentials = signing.Credentials(username, one.get("password", ""))
        user = signing.identify(credentials, f"{field}.password")
        if i == 0 and actor.is_human and user.person_id != actor.person_id:
            raise NotAllowed(
                "Who is signed in signs first.",
                code="signer_is_somebody_else",
                fields={f"{field}.username": ["Sign with your own user name first."]},
            )
        member = signing.signer_in(user, {actor.organization_id}, Capability.DECIDE_RANK, f"{field}.username", set())
        if member.person_id in {signed.person_id for signed in signings}:
            raise InvalidInput(fields={f"{field}.username": ["Each signature is another person's."]})
        signings.append(
            signing.sign(
                member, capability=Capability.DECIDE_RANK, meaning=MEANING, content_hash=bound, zone=member.zone
            )
        )
    if len(signings) < criteria.signers:
        text = f"{criteria.signers} members of the committee sign; {len(signings)} did."
        raise FactsMissing(
            "Too few members have signed.",
            facts=[MissingFact("signers_missing", text, "Let another member sign beside you.")],
        )
    return signings


def _record(event: OpenEvent, criteria: CriteriaSet, rows: Sequence[RankedEntry], bound: str) -> RankDecision:
    same = RankDecision.unwalled.filter(
        organization_id=criteria.organization_id, therapy_id=criteria.therapy_id
    ).order_by("-number")
    last = same.values_list("number", flat=True).first() or 0
    same.exclude(state=DecisionState.SUPERSEDED).order_by().update(
        state=DecisionState.SUPERSEDED, ended_at=event.occurred_at
    )
    decision: RankDecision = RankDecision.objects.create(
        organization_id=criteria.organization_id,
        therapy_id=criteria.therapy_id,
        criteria=criteria,
        number=last + 1,
        decided_at=event.occurred_at,
        members=[one.person_name for one in event.signatures],
        content_hash=bound,
        decided_in=event.id,
    )
    for row in rows:
        row.decision = decision
    RankedEntry.objects.bulk_create(rows)
    known = OpenList(organization_id=criteria.organization_id, therapy_id=criteria.therapy_id)
    OpenList.objects.bulk_create([known], ignore_conflicts=True)
    freed_places.note([criteria.therapy_id])
    return decision


def _open_appeals(actor: Actor, therapy_id: UUID) -> list[RankAppeal]:
    return list(visible(RankAppeal, actor).filter(decision__therapy_id=therapy_id, answered_by__isnull=True))
