"""A sandbox: what a disruption would do. Nothing is closed, nobody is told, and it is forgotten after a week (MP9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from ledger.context import Actor
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from ledger.states import Role
from orders.actions.repairs import RunInputs, locked, queue, require_planner, started
from orders.inputs import read
from scheduling import queries as scheduling
from scheduling.jobs import job_in
from scheduling.repair import runs
from scheduling.repair.runs import RepairRun, WhatIfDue
from scheduling.states import RunState

JOB = "forget-what-ifs"
BUSY = (RunState.QUEUED, RunState.RUNNING)


class WhatIfInputs(RunInputs):
    """A disruption that did not happen: which resources, from when to when."""

    resources = serializers.ListField(child=serializers.SlugField(), allow_empty=False, max_length=50)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


def start_what_if(actor: Actor, raw: Mapping[str, Any], *, once: Once | None = None) -> RepairRun:
    """Ask what a disruption would do. Nothing is closed, nobody is told, and the plan can never be signed."""
    given = read(WhatIfInputs, raw)
    with started(actor, once) as event:
        own = actor.organization_role == Role.CMO  # of other resources its sponsors know better
        found = list(scheduling.resources(actor, own=own).filter(code__in=given["resources"]))
        if not found:
            raise InvalidInput(fields={"resources": ["None of these is known to your organization."]})
        if not given["starts_at"] < given["ends_at"]:
            raise InvalidInput(fields={"ends_at": ["It ends after it begins."]})
        ids = [row.pk for row in found]
        run = queue(actor, event, None, ids, given["starts_at"], given["ends_at"], given)
        WhatIfDue.objects.create(
            organization_id=actor.organization_id, run_id=run.pk, due_at=run.started_at + runs.KEPT
        )
    return run


def is_deletable(actor: Actor, run: RepairRun) -> bool:
    """Whether the actor may delete the run now: a what-if of its own, at which no worker is busy."""
    return run.disruption_id is None and run.state not in BUSY and _is_maker(actor, run)


def _is_maker(actor: Actor, run: RepairRun) -> bool:
    return run.started_by_id is not None and run.started_by_id in (actor.person_id, actor.key_id)


def delete_what_if(actor: Actor, run_id: UUID, *, once: Once | None = None) -> None:
    """Delete a what-if, by who made it. Raises WrongState for a repair of a real disruption, and while it is worked
    out; NotFound for anybody else's."""
    with acting(actor, "scheduling.what_if_deleted", subject=("repair", str(run_id)), once=once) as event:
        run = locked(actor, run_id)
        if run.disruption_id is not None:
            raise WrongState(
                "This repair belongs to a disruption.", code="no_what_if", remedy="It stays on the record."
            )
        require_planner(actor)
        if not _is_maker(actor, run):
            raise NotAllowed(f"Only {run.started_by_name} deletes it; it is forgotten by itself after a week.")
        if run.state in BUSY:
            raise WrongState("A worker is busy with it.", code="repair_busy", remedy="Cancel it first, then delete it.")
        _forget(run)
        event.note(run=run_id, why="by who made it")


def expire_what_if(due: WhatIfDue) -> bool:
    """Forget a what-if whose days are over, as a system job of its organization; return whether there was one."""
    try:
        with acting(job_in(due.organization_id, JOB), "scheduling.what_if_deleted") as event:
            run = locked(event.actor, due.run_id)
            event.subject_id = str(run.pk)
            _forget(run)
            event.note(run=run.pk, why="its days were over")
    except NotFound:
        WhatIfDue.unwalled.filter(pk=due.pk).delete()
        return False
    return True


def _forget(run: RepairRun) -> None:
    runs.RepairDue.unwalled.filter(run_id=run.pk).delete()
    WhatIfDue.unwalled.filter(run_id=run.pk).delete()
    RepairRun.unwalled.filter(pk=run.pk).delete()
