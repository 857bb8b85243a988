"""The bags a step works on: those in the state it expects; recorded late, whichever of its kind have not ended.

A late record notes what was not as expected, and never leaves a gap in the chain of custody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any
from uuid import UUID

from custody import custody_periods, labels, material, scans
from custody.states import TERMINAL_STATES, ContainerKind, ContainerState
from ledger.refusals import InvalidInput, MissingFact
from orders.step_kinds import StepContext

PRODUCT = (ContainerKind.DRUG_PRODUCT, ContainerKind.VECTOR_KIT)
STARTING_MATERIAL = (ContainerKind.STARTING_MATERIAL,)
ANY = tuple(ContainerState)  # wherever it came from is noted already
PUT_ASIDE = {
    ContainerState.QUARANTINED: "material_quarantined",
    ContainerState.REJECTED: "material_rejected",
    ContainerState.EXPIRED: "material_expired",
}


def expected(
    ctx: StepContext, kinds: Collection[str], *states: ContainerState, beyond: Collection[ContainerState] = ()
) -> list[Any]:
    """Return the order's bags of the kinds in one of the states.

    Recorded late: every one that has not ended, less those that are ``beyond`` the act already.
    """
    found = of_kinds(ctx, kinds)
    if ctx.late:
        return [bag for bag in found if bag.state not in TERMINAL_STATES and stands_at(bag) not in beyond]
    return [bag for bag in found if bag.state in states]


def of_kinds(ctx: StepContext, kinds: Collection[str]) -> list[Any]:
    return [bag for bag in material.of_stream(ctx.order.stream_id) if bag.kind in kinds]


def stands_at(bag: Any) -> ContainerState:
    """Return how far a bag has come, whether or not it was put into quarantine there."""
    return ContainerState(bag.state_before_quarantine or bag.state)


def is_stored_at(bag: Any, organization_id: UUID) -> bool:
    """Whether a bag lies in the tank of an organization (it is stored at the plant before it is shipped, too)."""
    return stands_at(bag) == ContainerState.STORED and bag.custodian_id == organization_id


def require_all(ctx: StepContext, seen: Collection[Any], waiting: Collection[Any], *, reserve: int = 0) -> None:
    """Raise InvalidInput unless each waiting bag was scanned once, less a ``reserve`` that may stay behind.

    Recorded late, some of them are enough.
    """
    codes = [bag.code for bag in seen]
    if len(set(codes)) != len(codes):
        raise InvalidInput(fields={"bags": ["Scan each bag once."]})
    if not ctx.late and len(waiting) - len(codes) > reserve:
        kept = f" {reserve} may stay behind as reserve." if reserve else ""
        raise InvalidInput(fields={"bags": [f"Scan each of the {len(waiting)} bags once.{kept}"]})


def move(ctx: StepContext, bag: Any, state: ContainerState, *came_from: ContainerState, **fields: Any) -> Any:
    """Bring a bag into a state. Recorded late, whatever state it was in is noted beside the fact."""
    if not ctx.late:
        return material.move(bag, state, **fields)
    note_state(ctx, bag, *came_from)
    return material.happened(bag, state, **fields)


def note_state(ctx: StepContext, bag: Any, *usual: ContainerState) -> None:
    """Recorded late: note a bag that was not in one of its usual states, with why it was put aside."""
    if bag.state in usual:
        return
    code = PUT_ASIDE.get(bag.state, "unexpected_state")
    reason = f": {bag.quarantine_reason}" if bag.quarantine_reason else ""
    ctx.findings.append(MissingFact(code, f"{bag.code} stood as {bag.state_label.lower()}{reason}."))


def take(ctx: StepContext, bag: Any, at: dt.datetime) -> None:
    """Recorded late: whoever acts has the bag in hand, even if nobody recorded how it came to them."""
    if not ctx.late:
        return
    here = (ctx.actor.organization_id, ctx.step.site_id, ctx.performer_id, at)
    holder = custody_periods.custodian(bag)
    if holder is None:
        custody_periods.begin(bag, *here)
        ctx.findings.append(MissingFact("custody_unknown", f"Nobody recorded who had {bag.code} before."))
    elif holder.organization_id != ctx.actor.organization_id:
        custody_periods.hand_over(bag, *here)
        ctx.findings.append(
            MissingFact("hand_over_not_recorded", f"{bag.code} came here without a recorded hand-over.")
        )


def scanned(ctx: StepContext, code: str, waiting: Collection[Any], field: str = "scan") -> Any:
    """Return the one of the waiting bags that the scan names; see ``custody.scans.expect``.

    Recorded late, a label that nobody scanned back is noted.
    """
    bag = scans.expect(ctx.order.stream_id, code, waiting, field, label_unproven=ctx.late)
    if ctx.late:
        ctx.findings.extend(fact for fact in labels_missing([bag]) if fact not in ctx.findings)
    return bag


def labels_missing(found: Collection[Any]) -> list[MissingFact]:
    """Return a fact for each filled bag whose label was never scanned back on it."""
    return [
        MissingFact(
            "label_not_scanned_back",
            f"The label of {bag.code} was not scanned back on it.",
            "Two people scan it back on the page of labels.",
        )
        for bag in labels.without_label(found)
    ]


def held_or(ctx: StepContext, kinds: Collection[str], nothing: MissingFact) -> list[MissingFact]:
    """Return why no bag waits for the act: each that is in quarantine with its reason, and only else ``nothing``."""
    return material.quarantine_facts(of_kinds(ctx, kinds)) or [nothing]


def nothing(ctx: StepContext, waiting: Collection[Any], what: str) -> list[MissingFact]:
    """Return the fact that a late record has no bag to speak of; empty when there is one."""
    if waiting:
        return []
    text = f"This order has no {what} that has not ended."
    return [MissingFact("no_bag", text, "Let quality open a deviation that says what happened.")]
