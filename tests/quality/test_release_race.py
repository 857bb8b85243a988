from __future__ import annotations

import threading

import pytest
from django.db import connection

from ledger.context import Actor, reading
from ledger.refusals import WrongState
from quality.models import Batch, Release
from quality.states import BatchState
from tests.factories import make_actor
from tests.quality.factories import World


@pytest.mark.race
@pytest.mark.parametrize("second", ["release", "reject"])
def test_two_people_deciding_at_once_make_one_decision(committed_db: None, second: str) -> None:
    world = World()
    batch = world.make_batch(BatchState.UNDER_REVIEW)
    other = make_actor(world.manufacturer, "qualified_person")
    gate = threading.Barrier(2)
    outcomes: list[str] = []

    def decide(actor: Actor, decision: str) -> None:
        try:
            with reading(actor):
                mine = Batch.unwalled.get(pk=batch.pk)
            gate.wait(timeout=20)
            outcomes.append(world.decide(mine, decision, actor).decision)
        except WrongState as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    people = [(world.releaser, "release"), (other, second)]
    threads = [threading.Thread(target=decide, args=person) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(outcomes) == 2
    assert outcomes.count("batch_state") == 1
    with reading(world.releaser):
        (decided,) = Release.unwalled.filter(batch=batch)
        state = Batch.unwalled.get(pk=batch.pk).state
    assert decided.decision in outcomes
    assert state == {"release": BatchState.RELEASED, "reject": BatchState.REJECTED}[decided.decision]
