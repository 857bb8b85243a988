"""QC results against the specification version that the order keeps (QC2, QC3).

Results come in over days: the step stays ready until every required test has a valid one.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ledger.refusals import MissingFact
from ledger.states import Role
from network.specifications import rules_of
from orders import evidence
from orders.counts import counted
from orders.states import StepState
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from quality import release, results


class ResultInput(serializers.Serializer[Any]):
    """One result: a test of the specification and its value (a number, or “pass”/“fail” for a qualitative test)."""

    test = serializers.SlugField(max_length=40, label="Test")
    value = serializers.CharField(max_length=40, label="Value", required=False, allow_blank=True, default="")
    invalid = serializers.BooleanField(required=False, default=False, label="Test invalid (not a fail)")
    text = serializers.CharField(max_length=200, label="Why invalid", required=False, allow_blank=True, default="")


class Inputs(serializers.Serializer[Any]):
    """The results of this entry; a retest supersedes the former result and keeps it."""

    results = serializers.ListSerializer[Any](child=ResultInput(), label="Results", min_length=1, max_length=40)


@step_kind
class RecordQC(StepKind):
    key = "record_qc"
    title = "Record QC results"
    capability = Capability.RECORD_QC
    audience = (Role.MANUFACTURER, Role.CMO)
    Inputs = Inputs

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        if evidence.current_batch(ctx.actor, ctx.order) is not None:
            return []
        return [evidence.no_batch()]

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        batch = evidence.current_batch(ctx.actor, ctx.order)
        standing = {row.test_key: row.verdict for row in results.current_results(batch)} if batch else {}
        tests = [key for key in rules_of(ctx.order.specification) if standing.get(key, "invalid") == "invalid"]
        return {"results": [{"test": key, "value": ""} for key in tests]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [(rule.label, rule.limits_text) for rule in rules_of(ctx.order.specification).values()]

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        batch = evidence.require_batch(ctx.actor, ctx.order)
        given = [_as_result(result) for result in inputs["results"]]
        recorded = results.record_results(batch, ctx.order.specification, given, ctx.performer_id)
        verdicts = {row.test_key: row.verdict for row in recorded}
        failed = [name for name, verdict in verdicts.items() if verdict != "pass"]
        word = f"Not passed: {', '.join(failed)}." if failed else f"{counted(len(recorded), 'result')} within limits."
        still = release.missing_results(batch)
        if still:
            word = f"{word} Still open: {len(still)} of {len(rules_of(ctx.order.specification))} tests."
        state = StepState.READY if still else StepState.DONE
        return Outcome(word, {"verdicts": verdicts, "specification": ctx.order.specification.version}, state)


def _as_result(given: dict[str, Any]) -> dict[str, Any]:
    if given["invalid"]:
        return {"test": given["test"], "invalid": True, "text": given["text"]}
    return {"test": given["test"], "value": given["value"]}
