from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from ledger.context import reading
from ledger.refusals import InvalidInput, NotAllowed, WrongState
from quality import queries
from quality.actions.deviations import close_deviation, invalidate_result, open_deviation
from quality.models import QCResult
from quality.release import blockers
from quality.states import BatchState
from tests.factories import operator
from tests.quality.factories import GOOD, World, changed


@pytest.mark.story("QC2")
@pytest.mark.parametrize(
    ("key", "value", "verdict"),
    [
        ("viability", "70", "pass"),
        ("viability", "69.999999999", "fail"),
        ("dose", 40.5, "pass"),
        ("dose", "40.499", "fail"),
        ("dose", 200, "pass"),
        ("dose", "200.000000001", "fail"),
        ("dose", "2e2", "pass"),
        ("vcn", 5.0, "pass"),
        ("vcn", "5.01", "fail"),
        ("vcn", 0, "pass"),
        ("sterility", "growth", "fail"),
    ],
)
def test_each_result_is_judged_at_its_limit(world: World, key: str, value: Any, verdict: str) -> None:
    batch = world.make_batch()
    (result,) = world.record(batch, [{"test": key, "value": value}])
    assert result.verdict == verdict
    with reading(world.analyst):
        stored = queries.results_of(world.analyst, world.stream.pk).get()
        assert stored.verdict == verdict
        assert stored.analyst_id == world.analyst.person_id
        if key != "sterility":
            assert stored.value == Decimal(str(value))


BAD: list[tuple[Any, str]] = [
    ([{"test": "viability", "value": "high"}], "results[0].value"),
    ([{"test": "viability", "value": True}], "results[0].value"),
    ([{"test": "viability", "value": None}], "results[0].value"),
    ([{"test": "viability"}], "results[0].value"),
    ([{"test": "viability", "value": "88,5"}], "results[0].value"),
    ([{"test": "viability", "value": float("inf")}], "results[0].value"),
    ([{"test": "viability", "value": "0.0000000001"}], "results[0].value"),
    ([{"test": "viability", "value": [88]}], "results[0].value"),
    ([{"test": "sterility", "value": 0}], "results[0].value"),
    ([{"test": "sterility", "value": "sterile"}], "results[0].value"),
    ([GOOD[0], {"test": "mycoplasma", "value": 1}], "results[1].test"),
    ([GOOD[0], {"test": ["dose"], "value": 1}], "results[1].test"),
    ([GOOD[0], GOOD[0]], "results[1].test"),
    ([{"test": "dose", "value": 120, "unit": "10^9"}], "results[0].unit"),
    ([{"test": "dose", "value": 120, "verdict": "pass"}], "results[0].verdict"),
    ([{"test": "dose", "invalid": True}], "results[0].text"),
    ([{"test": "dose", "invalid": "yes"}], "results[0].invalid"),
    ([{"test": "dose", "invalid": True, "text": "control failed", "value": 3}], "results[0].value"),
    (["dose"], "results[0]"),
    ([], "results"),
    ("dose", "results"),
    (None, "results"),
]


def test_a_bad_result_names_its_field_and_none_is_kept(world: World) -> None:
    batch = world.make_batch()
    for results, field in BAD:
        with pytest.raises(InvalidInput) as caught:
            world.record(batch, results)
        assert list(caught.value.fields) == [field], results
    with reading(world.analyst):
        assert not QCResult.unwalled.filter(batch=batch).exists()


def test_all_faults_are_named_at_once(world: World) -> None:
    batch = world.make_batch()
    with pytest.raises(InvalidInput) as caught:
        world.record(batch, [GOOD[0], {"test": "x", "value": 1}, {"test": "dose", "value": ""}])
    assert set(caught.value.fields) == {"results[1].test", "results[2].value"}


@pytest.mark.story("QC3")
def test_an_invalid_test_is_neither_pass_nor_fail_and_may_be_repeated(world: World) -> None:
    batch = world.make_batch()
    (invalid,) = world.record(batch, [{"test": "dose", "invalid": True, "text": "control failed"}])
    assert (invalid.verdict, invalid.value) == ("invalid", None)
    (repeat,) = world.record(batch, [{"test": "dose", "value": 120}])
    assert repeat.supersedes_id == invalid.pk
    with reading(world.analyst):
        assert list(queries.results_of(world.analyst, world.stream.pk)) == [repeat]
        assert list(queries.all_results_of(world.analyst, world.stream.pk)) == [invalid, repeat]


@pytest.mark.parametrize("value", [120, 10], ids=["passed", "failed"])
def test_nobody_tests_until_it_passes(world: World, value: int) -> None:
    batch = world.make_batch()
    world.record(batch, [{"test": "dose", "value": value}])
    with pytest.raises(WrongState) as caught:
        world.record(batch, [GOOD[0], {"test": "dose", "value": 130}])
    assert caught.value.code == "result_stands"
    with reading(world.analyst):
        assert queries.results_of(world.analyst, world.stream.pk).count() == 1


@pytest.mark.story("QC3")
def test_a_result_is_declared_invalid_only_after_an_investigation_by_somebody_else(world: World) -> None:
    batch = world.make_batch()
    failed = next(r for r in world.record(batch, changed("dose", value=1)) if r.verdict == "fail")
    deviation = open_deviation(
        world.reviewer, world.stream.pk, kind="laboratory-error", severity="major", text="Dilution not applied"
    )
    with pytest.raises(WrongState) as caught:
        invalidate_result(world.reviewer, failed.pk, deviation_id=deviation.pk)
    assert caught.value.code == "deviation_open"
    close_deviation(world.releaser, deviation.pk, conclusion="Dilution factor forgotten; assay repeated")
    with pytest.raises(NotAllowed):
        invalidate_result(world.analyst, failed.pk, deviation_id=deviation.pk)
    invalidate_result(world.reviewer, failed.pk, deviation_id=deviation.pk)
    with reading(world.reviewer):
        assert [fact.code for fact in blockers(batch)] == ["result_invalid"]
    world.record(batch, [{"test": "dose", "value": 120}])
    with reading(world.reviewer):
        assert blockers(batch) == []
        assert QCResult.unwalled.filter(batch=batch, test_key="dose").count() == 3


def test_the_analyst_cannot_invalidate_by_holding_the_right(world: World) -> None:
    batch = world.make_batch()
    (failed,) = world.record(batch, [{"test": "dose", "value": 1}], actor=world.reviewer)
    deviation = open_deviation(world.releaser, world.stream.pk, kind="laboratory-error", severity="minor", text="x")
    close_deviation(world.releaser, deviation.pk, conclusion="y")
    with pytest.raises(NotAllowed) as caught:
        invalidate_result(world.reviewer, failed.pk, deviation_id=deviation.pk)
    assert caught.value.code == "analyst_cannot_invalidate"


def test_a_recorded_result_cannot_be_edited(world: World) -> None:
    batch = world.make_batch()
    (result,) = world.record(batch, [{"test": "dose", "value": 1}])
    with (
        pytest.raises(DatabaseError, match="append-only|permission denied"),
        world.step(world.analyst),
        transaction.atomic(),
    ):
        QCResult.unwalled.filter(pk=result.pk).update(verdict="pass")


@pytest.mark.story("QC6")
def test_a_late_failed_result_is_recorded_and_raises_alarm(world: World) -> None:
    batch = world.make_batch(BatchState.RELEASED)
    (late,) = world.record(batch, [{"test": "purity", "value": 12}])
    assert late.verdict == "fail"
    with reading(world.reviewer):
        (deviation,) = queries.deviations_of(world.reviewer, world.stream.pk)
        assert (deviation.kind, deviation.severity, deviation.automatic) == ("late_failed_result", "critical", True)
        assert "deviation_open" in [fact.code for fact in blockers(batch)]


def test_who_reads_results(world: World) -> None:
    batch = world.make_batch()
    world.record(batch, GOOD)

    def counts() -> list[int]:
        found = []
        for organization in (world.manufacturer, world.cmo, world.center, world.courier):
            actor = operator(organization)
            with reading(actor):
                found.append(queries.results_of(actor, world.stream.pk).count())
        return found

    assert counts() == [4, 4, 0, 0]
    world.review(batch)
    world.decide(batch)
    assert counts() == [4, 4, 4, 0]
