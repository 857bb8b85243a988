"""QC results against the specification version that the order keeps (QC2, QC3)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ledger.refusals import MissingFact
from ledger.states import Role
from orders.step_kinds import Outcome, StepContext, StepKind, step_kind
from personas.states import Capability
from quality import batches, results


class ResultInput(serializers.Serializer[Any]):
    """One result: a test of the specification and its value (a number, or “pass”/“fail” for a qualitative test)."""

    test = serializers.SlugField(max_length=40, label="Test")
    value = serializers.CharField(max_length=40, label="Value", required=False, allow_blank=True, default="")
    invalid = serializers.BooleanField(required=False, default=False, label="Test invalid (not a fail)")


class Inputs(serializers.Serializer[Any]):
    """The results of this entry; a retest supersedes the former result and keeps it."""

    results = ResultInput(many=True, label="Results", min_length=1, max_length=40)


@step_kind
class RecordQC(StepKind):
    key = "record_qc"
    title = "Record QC results"
    capability = Capability.RECORD_QC
    audience = (Role.MANUFACTURER, Role.CMO)
    Inputs = Inputs

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        if batches.current(ctx.order.stream_id) is not None:
            return []
        return [MissingFact("no_batch", "There is no batch to test.", "Finish the manufacture first.")]

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        return {"results": [{"test": test["key"], "value": ""} for test in ctx.order.specification.tests]}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        return [(test["label"], results.limits_text(test)) for test in ctx.order.specification.tests]

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        batch = batches.current(ctx.order.stream_id)
        recorded = results.record_results(batch, ctx.order.specification, inputs["results"], ctx.performer_id)
        verdicts = {row.test_key: row.verdict for row in recorded}
        failed = [name for name, verdict in verdicts.items() if verdict != "pass"]
        word = f"Not passed: {', '.join(failed)}." if failed else f"{len(recorded)} result(s) within limits."
        return Outcome(word, {"verdicts": verdicts, "specification": ctx.order.specification.version})
