"""What stands against a release in quality's own rows: results and deviations, for many batches with two queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from ledger.refusals import MissingFact
from network.specifications import Rule, rules_of
from quality.models import Batch, Deviation, QCResult
from quality.states import DeviationState, Severity, Verdict

SERIOUS = (Severity.MAJOR, Severity.CRITICAL)


def against(batches: Sequence[Batch]) -> dict[UUID, list[MissingFact]]:
    """Return, by batch, each required test without a valid result, each failed one, each open serious deviation.

    Specifications are read with the batches or joined beforehand by the caller.
    """
    results: dict[UUID, list[QCResult]] = defaultdict(list)
    for result in standing_results([batch.pk for batch in batches]):
        results[result.batch_id].append(result)
    deviations: dict[UUID, list[Deviation]] = defaultdict(list)
    rows = Deviation.unwalled.filter(
        stream_id__in={batch.stream_id for batch in batches}, state=DeviationState.OPEN, severity__in=SERIOUS
    )
    for deviation in rows.order_by("opened_at", "pk"):
        deviations[deviation.stream_id].append(deviation)
    found = {}
    for batch in batches:
        rules = rules_of(batch.specification)
        found[batch.pk] = [
            *missing_results(rules, results[batch.pk]),
            *failed_results(rules, results[batch.pk]),
            *open_deviations(deviations[batch.stream_id]),
        ]
    return found


def standing_results(batch_ids: Iterable[UUID]) -> list[QCResult]:
    """Return the results of batches that nothing supersedes, in the order of recording."""
    rows = QCResult.unwalled.filter(batch_id__in=list(batch_ids), superseded_by__isnull=True)
    return list(rows.order_by("recorded_at", "pk"))


def missing_results(rules: Mapping[str, Rule], standing: Iterable[QCResult]) -> list[MissingFact]:
    """Return each required test without a valid result: never done (``result_missing``) or ``result_invalid``."""
    by_test = {result.test_key: result for result in standing}
    facts = []
    for rule in rules.values():
        result = by_test.get(rule.key)
        if result is None and rule.required:
            facts.append(MissingFact("result_missing", f"{rule.label}: no result yet.", "Record the result."))
        elif result is not None and result.verdict == Verdict.INVALID:
            text = f"{rule.label}: the test was invalid."
            facts.append(MissingFact("result_invalid", text, "Repeat the test and record its result."))
    return facts


def failed_results(rules: Mapping[str, Rule], standing: Iterable[QCResult]) -> list[MissingFact]:
    """Return each result that lies outside its limits."""
    return [
        MissingFact(
            "result_failed",
            f"{rules[result.test_key].label}: {result.outcome} is outside {rules[result.test_key].limits_text}.",
            "Reject the batch, or have the result declared invalid after an investigation.",
        )
        for result in standing
        if result.verdict == Verdict.FAIL
    ]


def open_deviations(serious: Iterable[Deviation]) -> list[MissingFact]:
    """Return one fact per open deviation that stops a release."""
    return [
        MissingFact(
            "deviation_open",
            f"Deviation {deviation.number} ({deviation.severity}) is open.",
            "Investigate it and close it with its conclusion.",
        )
        for deviation in serious
    ]
