"""QC results against the specification version of the order (QC2, QC3, QC5). Runs inside an action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from ledger.refusals import InvalidInput, NotAllowed, WrongState
from network.exact_numbers import exact_number
from network.specifications import Rule, Specification, rules_of
from quality.batches import fresh, require_person
from quality.deviations import open_deviation
from quality.models import Batch, Deviation, QCResult, Release
from quality.order_streams import locked_event
from quality.states import BatchState, DeviationState, Severity, Verdict

# Observations are not refused: a result that comes after the decision is recorded too and, when it fails, raises alarm.
MAY_RECORD = (BatchState.IN_QC, BatchState.UNDER_REVIEW, BatchState.RELEASED, BatchState.REJECTED, BatchState.REVOKED)
_FIELDS = {"test", "value", "unit", "text", "invalid"}


@dataclass(frozen=True)
class _Reading:
    rule: Rule
    value: Decimal | None
    text: str
    verdict: Verdict


def record_results(
    batch: Batch, specification: Specification, results: Sequence[Mapping[str, Any]], person_id: UUID | None
) -> list[QCResult]:
    """Record results, each judged against its limits: all of them or none.

    ``results``: list of ``{test, value}``, optionally ``unit`` (must equal the specification's), or ``{test, invalid:
    true, text: why}`` for a test that gave no valid result. A number is a JSON number or its text; a coded test takes
    one of its choices. Raises InvalidInput naming ``results[i].field``. Only an invalid result may be repeated
    (WrongState ``result_stands``). One that fails after the review opens a critical deviation by itself (QC6).
    """
    fresh(batch, *MAY_RECORD)
    event = locked_event(batch.stream_id)
    require_person(person_id)
    if specification.pk != batch.specification_id:
        raise WrongState(
            "The batch is judged by another version of the specification.", code="specification_not_of_batch"
        )
    readings = _read_all(results, rules_of(specification))
    standing = {result.test_key: result for result in current_results(batch)}
    _refuse_repeats(readings, standing)
    recorded = [
        QCResult.objects.create(
            stream_id=batch.stream_id,
            batch=batch,
            test_key=reading.rule.key,
            value=reading.value,
            text=reading.text,
            unit=reading.rule.unit,
            verdict=reading.verdict,
            analyst_id=person_id,
            recorded_at=event.occurred_at,
            supersedes=standing.get(reading.rule.key),
        )
        for reading in readings
    ]
    _raise_alarm(batch, recorded)
    return recorded


def current_results(batch: Batch) -> list[QCResult]:
    """Return the results that count: of each test the one that nothing supersedes, in the order of recording."""
    return list(QCResult.unwalled.filter(batch=batch, superseded_by__isnull=True).order_by("recorded_at", "pk"))


def results_before(decision: Release) -> list[QCResult]:
    """Return the results that counted when a decision was taken, whatever has been recorded since.

    Keys are ordered by time, and the stream's lock orders the writers, so a smaller key was there first.
    """
    later = QCResult.unwalled.filter(supersedes=OuterRef("pk"), pk__lt=decision.pk)
    then = QCResult.unwalled.filter(~Exists(later), batch_id=decision.batch_id, pk__lt=decision.pk)
    return list(then.order_by("recorded_at", "pk"))


def invalidate(result: QCResult, deviation: Deviation, person_id: UUID | None) -> QCResult:
    """Declare a standing result invalid after an investigation, so that the test may be repeated (QC3).

    Needs a closed deviation of the same order; the analyst never does it (NotAllowed ``analyst_cannot_invalidate``).
    The old result stays in the record.
    """
    batch = fresh(result.batch, BatchState.IN_QC, BatchState.UNDER_REVIEW, BatchState.REVOKED)
    event = locked_event(batch.stream_id)
    require_person(person_id)
    deviation.refresh_from_db()
    if deviation.stream_id != batch.stream_id or deviation.state != DeviationState.CLOSED:
        raise WrongState(
            "The investigation is not concluded.",
            code="deviation_open",
            remedy="Open a deviation for the result and close it with its conclusion first.",
        )
    if result.verdict == Verdict.INVALID or QCResult.unwalled.filter(supersedes=result).exists():
        raise WrongState("This result does not stand any more.", code="result_superseded")
    if person_id == result.analyst_id or person_id in batch.performers:
        raise NotAllowed(
            "Who made or tested the batch may not declare a result invalid.",
            code="analyst_cannot_invalidate",
            remedy="Ask a reviewer who took no part in making or testing it.",
        )
    if batch.state == BatchState.UNDER_REVIEW:
        batch.state = BatchState.IN_QC
        batch.save(update_fields=["state"])
    return QCResult.objects.create(
        stream_id=batch.stream_id,
        batch=batch,
        test_key=result.test_key,
        text=f"Invalid after deviation {deviation.number}",
        unit=result.unit,
        verdict=Verdict.INVALID,
        analyst_id=person_id,
        recorded_at=event.occurred_at,
        supersedes=result,
    )


def _read_all(results: Any, rules: Mapping[str, Rule]) -> list[_Reading]:
    if not isinstance(results, Sequence) or isinstance(results, (str, bytes)) or not results:
        raise InvalidInput(fields={"results": ["Give a list of results."]})
    faults: dict[str, list[str]] = {}
    readings: list[_Reading] = []
    seen: set[str] = set()
    for number, result in enumerate(results):
        path = f"results[{number}]"
        try:
            reading = _read(result, rules)
            if reading.rule.key in seen:
                raise _Fault("test", "This test is named twice.")
        except _Fault as fault:
            faults[f"{path}.{fault.field}" if fault.field else path] = [fault.text]
            continue
        seen.add(reading.rule.key)
        readings.append(reading)
    if faults:
        raise InvalidInput(fields=faults)
    return readings


class _Fault(Exception):
    def __init__(self, field: str, text: str) -> None:
        self.field, self.text = field, text
        super().__init__(text)


def _read(result: Any, rules: Mapping[str, Rule]) -> _Reading:
    if not isinstance(result, Mapping):
        raise _Fault("", "Give an object with test and value.")
    if unknown := sorted(str(name) for name in set(result) - _FIELDS):
        raise _Fault(unknown[0], "Unknown field.")
    rule = rules.get(result["test"]) if isinstance(result.get("test"), str) else None
    if rule is None:
        raise _Fault("test", f"Unknown test. The specification has: {', '.join(rules) or 'none'}.")
    if result.get("unit") not in (None, "", rule.unit):
        raise _Fault("unit", f"The specification's unit is {rule.unit or '(none)'}. Convert the value.")
    if not isinstance(result.get("invalid", False), bool):
        raise _Fault("invalid", "Say true or false.")
    if result.get("invalid"):
        return _Reading(rule, None, _reason(result), Verdict.INVALID)
    value, text = _outcome(result.get("value"), rule)
    verdict = Verdict.PASS if rule.passes(text if value is None else value) else Verdict.FAIL
    return _Reading(rule, value, text, verdict)


def _outcome(raw: Any, rule: Rule) -> tuple[Decimal | None, str]:
    if rule.is_coded:
        if not isinstance(raw, str) or raw not in rule.choices:
            raise _Fault("value", f"Use one of: {', '.join(rule.choices)}.")
        return None, raw
    try:
        return exact_number(raw), ""
    except ValueError as error:
        raise _Fault("value", str(error)) from None


def _reason(result: Mapping[str, Any]) -> str:
    text = result.get("text", "")
    if not isinstance(text, str) or not 0 < len(text.strip()) <= 200:
        raise _Fault("text", "Say in at most 200 characters why the test gave no valid result.")
    if result.get("value") not in (None, ""):
        raise _Fault("value", "An invalid test has no value.")
    return text.strip()


def _refuse_repeats(readings: Sequence[_Reading], standing: Mapping[str, QCResult]) -> None:
    for reading in readings:
        before = standing.get(reading.rule.key)
        if before is not None and before.verdict != Verdict.INVALID:
            raise WrongState(
                f"{reading.rule.label} already has a valid result.",
                code="result_stands",
                remedy="Only an invalid result is repeated. Open a deviation and have this one declared invalid.",
            )


def _raise_alarm(batch: Batch, recorded: Sequence[QCResult]) -> None:
    late = batch.state in (BatchState.UNDER_REVIEW, BatchState.RELEASED)
    for result in recorded:
        if late and result.verdict == Verdict.FAIL:
            text = f"{result.test_key} of batch {batch.number} failed after the batch had been reviewed."
            open_deviation(batch.stream_id, "late_failed_result", Severity.CRITICAL, text, automatic=True)
