from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from ledger.context import reading
from ledger.refusals import InvalidInput, NotAllowed, WrongState
from quality import queries
from quality.batches import add_performers, fail_batch, finish_batch, open_batch
from quality.models import Batch
from quality.results import record_results
from quality.states import BatchState
from tests.factories import make_organization, operator
from tests.network.factories import make_specification
from tests.quality.factories import GOOD, World


def test_a_batch_goes_from_manufacture_to_quality_control(world: World) -> None:
    batch = world.make_batch()
    assert batch.state == BatchState.IN_QC
    assert batch.plant_id == world.manufacturer.pk
    assert batch.performers == [world.operator.person_id]
    with reading(world.operator):
        assert queries.batch_of(world.operator, world.stream.pk) == batch
        assert [row.history_type for row in Batch.history.filter(id=batch.pk).order_by("history_id")] == ["+", "~"]


def test_one_batch_at_a_time_and_another_after_a_failure(world: World) -> None:
    batch = world.make_batch(BatchState.IN_MANUFACTURE)
    with pytest.raises(WrongState) as caught:
        world.make_batch()
    assert caught.value.code == "batch_exists"
    with world.step(world.operator):
        fail_batch(batch, timezone.now(), world.operator.person_id)
    again = world.make_batch()
    with reading(world.operator):
        assert set(queries.batches_of(world.operator, world.stream.pk)) == {batch, again}


def test_nothing_leaves_a_failed_batch(world: World) -> None:
    batch = world.make_batch(BatchState.IN_MANUFACTURE)
    with world.step(world.operator):
        fail_batch(batch, timezone.now(), world.operator.person_id)
    with pytest.raises(WrongState), world.step(world.operator):
        finish_batch(batch, timezone.now(), world.operator.person_id)
    with pytest.raises(WrongState):
        world.record(batch, GOOD)
    with pytest.raises(WrongState):
        world.review(batch)


@pytest.mark.story("MO6")
def test_times_and_reference_are_checked(world: World) -> None:
    batch = world.make_batch(BatchState.IN_MANUFACTURE)
    person = world.operator.person_id
    with pytest.raises(InvalidInput) as caught, world.step(world.operator):
        finish_batch(batch, batch.started_at - dt.timedelta(seconds=1), person)
    assert "finished_at" in caught.value.fields
    other = world.new_stream()
    for reference in ("", "  ", "x" * 201, None):
        with pytest.raises(InvalidInput) as caught, world.step(world.operator, other):
            open_batch(other, world.plant_site, world.specification, reference, timezone.now(), person)
        assert "record_reference" in caught.value.fields


def test_a_key_alone_makes_no_batch(world: World) -> None:
    with pytest.raises(NotAllowed) as caught, world.step(world.operator):
        open_batch(world.stream, world.plant_site, world.specification, "BR-1", timezone.now(), None)
    assert caught.value.code == "person_required"


def test_co_signers_count_as_performers(world: World) -> None:
    batch = world.make_batch(BatchState.IN_MANUFACTURE)
    second = uuid.uuid4()
    with world.step(world.operator):
        add_performers(batch, [second, world.operator.person_id])
    assert set(batch.performers) == {second, world.operator.person_id}


def test_a_batch_changes_only_under_the_lock_of_its_stream(world: World) -> None:
    batch = world.make_batch(BatchState.IN_MANUFACTURE)
    with pytest.raises(RuntimeError, match="another stream"), world.step(world.operator, world.new_stream()):
        finish_batch(batch, timezone.now(), world.operator.person_id)


@pytest.mark.story("QC2")
def test_a_batch_keeps_its_specification_version(world: World) -> None:
    batch = world.make_batch()
    stricter = make_specification(
        world.manufacturer, world.therapy, tests=[{"key": "viability", "label": "Viability", "minimum": 95}]
    )
    with pytest.raises(WrongState) as caught, world.step(world.analyst):
        record_results(batch, stricter, [{"test": "viability", "value": 88}], world.analyst.person_id)
    assert caught.value.code == "specification_not_of_batch"
    assert [result.verdict for result in world.record(batch, GOOD)] == ["pass"] * 4


def test_a_foreign_organization_sees_no_batch_by_any_read(world: World) -> None:
    batch = world.make_batch(BatchState.RELEASED)
    stranger = operator(make_organization("manufacturer"))
    with reading(stranger):
        assert queries.batch_of(stranger, world.stream.pk) is None
        assert queries.release_of(stranger, world.stream.pk) is None
        assert not queries.results_of(stranger, world.stream.pk).exists()
        assert not queries.deviations_of(stranger, world.stream.pk).exists()
        assert not Batch.unwalled.filter(pk=batch.pk).exists()
        assert not Batch.history.filter(id=batch.pk).exists()
    assert not Batch.unwalled.exists()  # nobody acting: nothing is there
