"""A planner's repair after a disruption: asked for, worked out, edited, signed; then each center answers (MP6, MP9)."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from ledger.canonical import canonical_text, digest
from ledger.context import Actor, reading
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound, Stale, WrongState
from ledger.states import Role
from orders import handing_over, queries, repairing, signers, signing_moves, sponsors
from orders.flow import order_named
from orders.inputs import SignatureInput, read
from orders.models import Order
from personas.policies import require
from personas.states import Capability
from scheduling import disrupted
from scheduling.constraints import RepairReason
from scheduling.jobs import job_in
from scheduling.repair import runs
from scheduling.repair.reasons import Reason
from scheduling.repair.runs import Disruption, RepairDue, RepairMove, RepairRun
from scheduling.repair.snapshot import Material
from scheduling.repair.solver import Control
from scheduling.signals import repair_wanted, tell_after_commit
from scheduling.states import RunState

logger = logging.getLogger(__name__)
JOB = "repair"
PLANS = (Role.MANUFACTURER, Role.CMO)
LEFT_OUT = Reason(RepairReason.LEFT_OUT.value, "Left out by hand.")
BEAT = 0.5  # seconds between two signs of life


class RunInputs(serializers.Serializer[Any]):
    """How far to look, and the seed; the same seed gives the same plan."""

    horizon_days = serializers.IntegerField(min_value=1, max_value=90, default=60, label="Days ahead")
    seed = serializers.IntegerField(min_value=0, max_value=10**6, default=1, label="Seed")


class EditInputs(serializers.Serializer[Any]):
    """Another choice for an order of the plan; none leaves the order out of it."""

    order = serializers.CharField(max_length=20)
    choice = serializers.IntegerField(min_value=0, allow_null=True)


class SignInputs(serializers.Serializer[Any]):
    """The planner's signature under exactly the plan that was shown."""

    version = serializers.IntegerField(min_value=1, label="Version that was shown")
    signature = SignatureInput(label="Your signature")


def start_repair(actor: Actor, disruption_id: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> RepairRun:
    """Ask for a repair of the organization's orders that an open disruption hits; a worker takes it up."""
    given = read(RunInputs, raw)
    with started(actor, once) as event:
        disruption = disrupted.disruptions(actor).filter(pk=disruption_id).first()
        if disruption is None:
            raise NotFound()
        if actor.organization_role == Role.CMO and disruption.organization_id != actor.organization_id:
            raise NotAllowed("A contract manufacturer repairs what its own disruptions hit; your sponsors repair this.")
        if disruption.closed_at is not None:
            raise WrongState("This disruption has ended.", remedy="Nothing has to be repaired any more.")
        return queue(actor, event, disruption, disruption.resource_ids, disruption.starts_at, disruption.ends_at, given)


@contextmanager
def started(actor: Actor, once: Once | None) -> Iterator[OpenEvent]:
    """Open the event of a run that a planner asks for."""
    with acting(actor, "scheduling.repair_started", subject=("repair", ""), once=once) as event:
        require_planner(actor)
        yield event


def require_planner(actor: Actor) -> None:
    """Raise NotAllowed unless the actor plans at a manufacturer or a contract manufacturer."""
    require(actor, Capability.CONFIRM_SLOTS)
    if actor.organization_role not in PLANS:
        raise NotAllowed("The manufacturer of the therapy repairs the plan of its orders.")


def queue(
    actor: Actor,
    event: OpenEvent,
    disruption: Any,
    resource_ids: Sequence[UUID],
    since: dt.datetime,
    until: dt.datetime,
    given: Mapping[str, Any],
) -> RepairRun:
    """Write a run down and let a worker take it up after the commit."""
    now = timezone.now()
    run: RepairRun = RepairRun.objects.create(
        organization_id=actor.organization_id,
        disruption=disruption,
        resource_ids=list(resource_ids),
        starts_at=since,
        ends_at=until,
        horizon_days=given["horizon_days"],
        seed=given["seed"],
        started_by_id=actor.person_id or actor.key_id,
        started_by_name=actor.display_name,
        started_at=now,
    )
    RepairDue.objects.create(
        organization_id=actor.organization_id,
        run_id=run.pk,
        due_at=now + runs.PATIENCE,
        progress="Waiting for a worker; if the queue does not answer, it is asked again every 20 seconds.",
    )
    event.subject_id = str(run.pk)
    event.note(run=run.pk, orders=len(repairing.hits(actor, resource_ids, since, until)), days=run.horizon_days)
    event.result = {"run": str(run.pk)}
    tell_after_commit(repair_wanted, run_id=run.pk)
    return run


def disruption_seen(actor: Actor, disruption_id: UUID) -> Disruption:
    """Return a disruption of the actor's organization or of a partner; NotFound for anybody else's."""
    found = disrupted.disruptions(actor).select_related("organization").filter(pk=disruption_id).first()
    if found is None:
        raise NotFound()
    return found


def run_seen(actor: Actor, run_id: UUID) -> RepairRun:
    """Return one of the organization's own repairs."""
    run = disrupted.repair_runs(actor).select_related("disruption", "handed_over_by").filter(pk=run_id).first()
    if run is None:
        raise NotFound()
    return run


def affected(actor: Actor, disruption: Disruption) -> list[repairing.Hit]:
    """Return the actor's own orders that a disruption hits: first those whose material expires first."""
    return repairing.hits(actor, disruption.resource_ids, disruption.starts_at, disruption.ends_at)


def may_repair(actor: Actor, disruption: Disruption | None = None) -> bool:
    """Whether the actor works repairs out, or this disruption's: of a contract manufacturer, its own only."""
    if not actor.can(Capability.CONFIRM_SLOTS) or actor.organization_role not in PLANS:
        return False
    own = disruption is None or disruption.organization_id == actor.organization_id
    return own or actor.organization_role == Role.MANUFACTURER


def moves_of(actor: Actor, run: RepairRun) -> dict[str, RepairMove]:
    """Return what became of the moves of a signed repair, by order code; of one that was handed over, the sponsors'."""
    moves = list(disrupted.repair_moves(actor).filter(run_id=run.pk))
    if actor.organization_role == Role.CMO and run.disruption_id is not None:
        moves = list(disrupted.repair_moves(actor).filter(disruption_id=run.disruption_id).order_by("pk"))
    codes = queries.codes_of(actor, [move.stream_id for move in moves]) if moves else {}
    return {codes[move.stream_id]: move for move in moves if move.stream_id in codes}


def cancel_repair(actor: Actor, run_id: UUID) -> RepairRun:
    """End a run that waits or is at work; what it found is dropped."""
    with _ending(actor, run_id, RunState.CANCELLED) as run:
        require_planner(actor)
        RepairDue.unwalled.filter(run_id=run_id).update(cancelled=True)
    return run


@contextmanager
def _ending(actor: Actor, run_id: UUID, state: RunState) -> Iterator[RepairRun]:
    with acting(actor, "scheduling.repair_ended", subject=("repair", str(run_id))) as event:
        run = locked(actor, run_id)
        if run.state not in (RunState.QUEUED, RunState.RUNNING):
            raise WrongState(f"This repair has ended: {RunState(run.state).label.lower()}.")
        yield run
        run.state, run.ended_at = state, timezone.now()
        run.save()
        RepairDue.unwalled.filter(run_id=run_id).exclude(cancelled=True, claimed=True).delete()
        event.note(run=run_id, state=RunState(state).label, gap=run.result.get("gap"))


def locked(actor: Actor, run_id: UUID) -> RepairRun:
    """Return one of the organization's own runs, locked."""
    own = RepairRun.unwalled.select_for_update().filter(organization_id=actor.organization_id)
    run = own.filter(pk=run_id).first()
    if run is None:
        raise NotFound()
    return run


def work(run_id: UUID) -> bool:
    """Work a waiting run out, as a system job inside its organization; return whether there was anything to do.

    Nothing is written before the end: a worker that dies leaves nothing behind, and the sweep finds it. Asked twice, it
    works once.
    """
    due = runs.claim(run_id)
    if due is None:
        return False
    actor = job_in(due.organization_id, JOB)
    try:
        plan, result, stopped = _worked(actor, run_id)
    except Exception:
        logger.exception("repair %s failed", run_id)
        fail_repair(due, "The repair could not be worked out.")
        return True
    if stopped:
        RepairDue.unwalled.filter(run_id=run_id).delete()
        return True
    with _ending(actor, run_id, RunState.PROPOSED) as run:
        run.plan, run.result = plan, result
    return True


def fail_repair(due: RepairDue, why: str) -> None:
    """End a run whose worker died or gave up; it can be started again."""
    try:
        with _ending(job_in(due.organization_id, JOB), due.run_id, RunState.FAILED) as run:
            run.fault = why
    except WrongState:
        pass
    RepairDue.unwalled.filter(run_id=due.run_id).delete()


def _worked(actor: Actor, run_id: UUID) -> tuple[list[dict[str, Any]], dict[str, Any], bool]:
    """Work in a second thread, and report from this one: the solver knows no database."""
    with reading(actor):
        run = disrupted.repair_runs(actor).select_related("disruption").get(pk=run_id)
        hit = repairing.hits(actor, run.resource_ids, run.starts_at, run.ends_at)
        part = [one for one in hit if not one.why_not and _plans(actor, one.order)]
        found = repairing.snapshot(actor, run, part)
    why = run.disruption.reason if run.disruption else "these places would not be there"
    said: list[str] = ["Reading bookings and calendars"]
    control, answer, faults = Control(tell=said.append), [], []

    def go() -> None:
        try:
            answer.append(repairing.repair(found, run, why, control))
        except Exception as error:  # told by the thread that waits
            faults.append(error)

    worker = threading.Thread(target=go, name=f"repair-{run_id}", daemon=True)
    worker.start()
    while worker.is_alive():
        if not control.cancelled and not runs.is_wanted(run_id, said[-1]):
            control.stop()
        worker.join(BEAT)
    if faults:
        raise faults[0]
    plan, result = answer[0]
    return plan, result, control.cancelled or not runs.is_wanted(run_id, "Done")


def _plans(actor: Actor, order: Order) -> bool:
    """Whether the order's repair is the organization's to work out."""
    return order.manufacturer_id == actor.organization_id or sponsors.is_made_by(actor, order)


def edit_repair(actor: Actor, run_id: UUID, raw: Mapping[str, Any]) -> RepairRun:
    """Take another of the offered chains for an order, or leave it out of the plan."""
    with acting(actor, "scheduling.repair_edited", subject=("repair", str(run_id))) as event:
        given = read(EditInputs, raw)
        require_planner(actor)
        run = locked(actor, run_id)
        _require_proposed(run)
        row = next((row for row in run.plan if row["order"] == given["order"].upper()), None)
        if row is None:
            raise InvalidInput(fields={"order": ["Not an order of this plan."]})
        if given["choice"] is not None and given["choice"] >= len(row["choices"]):
            raise InvalidInput(fields={"choice": ["Not one of the choices."]})
        row["chosen"] = given["choice"]
        row["text"] = row["choices"][given["choice"]]["text"] if given["choice"] is not None else LEFT_OUT.text
        row["reasons"] = [] if given["choice"] is not None else [LEFT_OUT.as_json()]
        row.pop("costs", None)
        if given["choice"] is None:
            row["costs"] = []
        elif "costs" in row["choices"][given["choice"]]:  # a plan from before costs were kept knows none
            row["costs"] = row["choices"][given["choice"]]["costs"]
        run.version += 1
        run.save()
        event.note(run=run_id, order=row["order"])
    return run


def content_of(run: RepairRun) -> str:
    """Return the hash of exactly what a planner is shown and signs."""
    moved = [row for row in run.plan if row["chosen"] is not None]
    shown = [[row["order"], row["before"], row["text"], *filter(None, [row.get("costs")])] for row in moved]
    return digest(canonical_text({"repair": str(run.pk), "version": run.version, "moves": shown}))


SIGNS = {
    False: ("orders.repair_signed", "repair proposed to the centers"),
    True: ("orders.repair_handed_over", "repair handed over to the sponsors"),
}


def sign_repair(actor: Actor, run_id: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> int:
    """Sign the plan that was shown, and offer each move to the order's center; return how many. Nothing moves yet.

    Each move is checked again first (FactsMissing names those that are not feasible any more); its places are kept for
    its center until it answers, at most ``kept_moves.HOURS``. A contract manufacturer hands it over instead: each
    sponsor gets the part of its own orders to sign (ADR 21).
    """
    with reading(actor):
        run = disrupted.repair_runs(actor).filter(pk=run_id).first()
        if run is None:
            raise NotFound()
        codes = [row["order"] for row in run.plan if row["chosen"] is not None]
        streams = {code: order_named(actor, code).stream_id for code in codes}
    kind, meaning = SIGNS[actor.organization_role == Role.CMO]
    with acting(
        actor,
        kind,
        also=sorted(streams.values()),
        subject=("repair", str(run_id)),
        capability=Capability.CONFIRM_SLOTS,
        once=once,
    ) as event:
        given = read(SignInputs, raw)
        require_planner(actor)
        run = locked(actor, run_id)
        if run.disruption_id is None:
            raise WrongState("A what-if is never signed.", code="what_if", remedy="Open a disruption and repair that.")
        _require_proposed(run)
        if given["version"] != run.version:
            raise Stale()
        event.signatures.append(
            signers.sign_act(actor, given["signature"], Capability.CONFIRM_SLOTS, meaning, content_of(run))
        )
        offered = [(order_named(actor, row["order"]), row) for row in run.plan if row["chosen"] is not None]
        stand = signing_moves.checked(actor, run, offered)
        if actor.organization_role == Role.CMO:
            handing_over.hand_over(actor, run, offered, signing_moves.given_up(offered, stand))
        else:
            moves = RepairMove.objects.bulk_create(_offer(order, run, row) for order, row in offered)
            rows = [row for _, row in offered]
            known = {order.stream_id: stand[order.code] for order, _ in offered}
            signing_moves.keep_places(list(zip(moves, rows, strict=True)), known)
        run.state = RunState.SIGNED
        run.save()
        event.note(run=run_id, moves=len(offered))
        event.result = {"moves": len(offered)}
    return len(offered)


def _require_proposed(run: RepairRun) -> None:
    if run.state != RunState.PROPOSED:
        raise WrongState(f"This repair is {RunState(run.state).label.lower()}.", code="not_proposed")


def _offer(order: Order, run: RepairRun, row: Mapping[str, Any]) -> RepairMove:
    assert run.disruption_id is not None  # noqa: S101 - a what-if was refused before
    choice = row["choices"][row["chosen"]]
    material = row["material"]
    before, after, zone = row["before"], choice["collection"], row["zone"]
    if material >= Material.IN_MANUFACTURE:
        before, after = row["infusion_before"], choice["infusion"]
    elif material != Material.NOT_COLLECTED:
        before, after, zone = row["start_before"], choice["manufacture"], choice["plant_zone"] or row["plant_zone"]
    return RepairMove(
        stream_id=order.stream_id,
        run_id=run.pk,
        disruption_id=run.disruption_id,
        center_id=order.center_id,
        slot_ids=[UUID(slot_id) for slot_id in choice["slot_ids"]],
        starts=choice.get("starts", []),
        text=row["text"],
        material=material,
        before=dt.datetime.fromisoformat(before),
        after=dt.datetime.fromisoformat(after),
        zone=zone,
    )
