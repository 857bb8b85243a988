"""What quality does about an order outside its steps: deviations, results declared invalid, quarantine, revocation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from ledger.recording import Replayed
from ledger.refusals import NotFound
from orders import queries
from orders.actions import dispositions
from orders.actions.answering import person_answering
from orders.actions.destruction import DestroyInputs, destroy_material
from orders.actions.material_returns import ReturnInputs, return_material
from orders.actions.revocations import RevokeInputs, revoke_release
from orders.api import answers
from orders.api.orders import detail_response, reason_of
from orders.flow import order_named
from orders.inputs import SignatureInput
from personas.asking import ActorView, body_of, once_of, reads
from personas.headers import ETAG, ONCE
from personas.states import Capability
from quality import queries as quality
from quality.actions import deviations
from quality.states import DeviationState, Severity, Verdict


class DeviationRow(answers.Shape):
    """A deviation of an order; never with identifying data."""

    number = serializers.CharField()
    kind = serializers.CharField()
    severity = serializers.ChoiceField(choices=Severity.choices)
    state = serializers.ChoiceField(choices=DeviationState.choices)
    text = serializers.CharField()
    automatic = serializers.BooleanField(help_text="opened by the software")
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    conclusion = serializers.CharField(allow_blank=True)


class IdentityQueryRow(answers.Shape):
    """An identity under query: the scans that did not match, until quality of two firms resolved it."""

    state = serializers.ChoiceField(choices=DeviationState.choices)
    text = serializers.CharField(help_text="what was found, what was put aside; no identifying data")
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    conclusion = serializers.CharField(allow_blank=True, help_text="how it was resolved")


class DeviationList(answers.Shape):
    """The deviations of an order, and its identity queries: resolved at `lift-identity-query`, not closed here."""

    results = DeviationRow(many=True)
    identity_queries = IdentityQueryRow(many=True)


class ResultRow(answers.Shape):
    """A QC result that counts: nothing supersedes it."""

    id = serializers.UUIDField()
    test = serializers.CharField()
    outcome = serializers.CharField(help_text="value with its unit, or a coded outcome")
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    recorded_at = serializers.DateTimeField()


class OpenDeviation(answers.Shape):
    """What happened; without identifying data."""

    kind = serializers.CharField(help_text="lower-case letters, digits, - and _")
    severity = serializers.ChoiceField(choices=Severity.choices)
    text = serializers.CharField()


class Conclusion(answers.Shape):
    """What the investigation found."""

    conclusion = serializers.CharField()
    signature = SignatureInput(required=False, help_text="who answers for it; a key needs it")


class ByDeviation(answers.Shape):
    """The closed deviation whose investigation found the result invalid."""

    deviation = serializers.CharField(help_text="number of the deviation")
    signature = SignatureInput(required=False, help_text="who answers for it; a key needs it")


class QuarantineDecision(answers.Reason):
    """What quality decides, and why."""

    decision = serializers.ChoiceField(choices=[(word, word.title()) for word in dispositions.DECISIONS])


def _text(sent: dict[str, Any], name: str) -> str:
    """Return a text of the body; a missing or odd one is left for the action to refuse, in its order of questions."""
    value = sent.get(name, "")
    return value if isinstance(value, str) else ""


def _deviation_row(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in DeviationRow._declared_fields}


class OrderActView(ActorView):
    """An act on an order that answers with the order."""

    def done(self, code: str, act: Callable[[], Any]) -> Response:
        with suppress(Replayed):
            act()
        return detail_response(self.actor, code)

    def deviation(self, code: str, number: str) -> Any:
        with reading(self.actor):
            order = order_named(self.actor, code)
            found = quality.deviations_of(self.actor, order.stream_id).filter(number=number.upper()).first()
        if found is None:
            raise NotFound()
        return found


def _documented(operation: str, summary: str, request: Any) -> Callable[..., Any]:
    return extend_schema(
        operation_id=operation,
        tags=["quality"],
        summary=summary,
        parameters=[ONCE, ETAG],
        request=request,
        responses=answers.OrderDetail,
    )


class RevokeReleaseView(OrderActView):
    """The end of a release."""

    @_documented("revoke_release", "Revoke a release before the infusion, signed", RevokeInputs)
    def post(self, request: Request, code: str) -> Response:
        sent, once = body_of(request), once_of(request)
        return self.done(code, lambda: revoke_release(self.actor, code, sent, once=once))


class DeviationsView(OrderActView):
    """The deviations of an order."""

    @extend_schema(
        operation_id="list_deviations",
        tags=["quality"],
        summary="List an order's deviations, oldest first (none for a courier)",
        responses=DeviationList,
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        order = order_named(self.actor, code)
        found, queried = quality.deviations_of(self.actor, order.stream_id), queries.identity_queries(self.actor, order)
        return Response(
            {
                "results": [_deviation_row(row) for row in found],
                "identity_queries": [
                    {name: getattr(case, name) for name in IdentityQueryRow._declared_fields} for case in queried
                ],
            }
        )

    @_documented("open_deviation", "Open a deviation by hand", OpenDeviation)
    def post(self, request: Request, code: str) -> Response:
        sent, once = body_of(request), once_of(request)
        with reading(self.actor):
            stream_id = order_named(self.actor, code).stream_id
        given: dict[str, Any] = {name: sent.get(name, "") for name in ("kind", "severity", "text")}
        return self.done(code, lambda: deviations.open_deviation(self.actor, stream_id, once=once, **given))


class CloseDeviationView(OrderActView):
    """The end of a deviation."""

    @_documented("close_deviation", "Close a deviation with its conclusion", Conclusion)
    def post(self, request: Request, code: str, number: str) -> Response:
        sent, once = body_of(request), once_of(request)
        conclusion, row = _text(sent, "conclusion"), self.deviation(code, number)
        who = person_answering(self.actor, sent.get("signature"), Capability.MANAGE_DEVIATIONS)
        return self.done(
            code,
            lambda: deviations.close_deviation(self.actor, row.pk, conclusion=conclusion, person_id=who, once=once),
        )


class ResultsView(ActorView):
    """The QC results of an order."""

    @extend_schema(
        operation_id="list_results",
        tags=["quality"],
        summary="List an order's QC results that count (a center's after the decision, none for a courier)",
        responses=answers.whole(ResultRow, "ResultList"),
    )
    @reads
    def get(self, request: Request, code: str) -> Response:
        order = order_named(self.actor, code)
        found = quality.results_of(self.actor, order.stream_id)
        return Response({"results": [_result_row(row) for row in found]})


def _result_row(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        "test": row.test_key,
        "outcome": row.outcome,
        "verdict": row.verdict,
        "recorded_at": row.recorded_at,
    }


class InvalidateResultView(OrderActView):
    """A result that does not count any more."""

    @_documented("invalidate_result", "Declare a result invalid on the conclusion of a closed deviation", ByDeviation)
    def post(self, request: Request, code: str, result_id: Any) -> Response:
        sent, once = body_of(request), once_of(request)
        row = self.deviation(code, _text(sent, "deviation"))
        with reading(self.actor):
            order = order_named(self.actor, code)
            queries.result_of(self.actor, order, result_id)
        who = person_answering(self.actor, sent.get("signature"), Capability.REVIEW_BATCH)
        return self.done(
            code,
            lambda: deviations.invalidate_result(self.actor, result_id, deviation_id=row.pk, person_id=who, once=once),
        )


class DecideQuarantineView(OrderActView):
    """Quality's decision about a bag in quarantine."""

    @_documented("decide_quarantine", "Release or reject a bag in quarantine", QuarantineDecision)
    def post(self, request: Request, code: str, container: str) -> Response:
        sent, once = body_of(request), once_of(request)
        decision, reason = _text(sent, "decision"), reason_of(sent)
        return self.done(
            code,
            lambda: dispositions.decide_on_quarantine(self.actor, code, container, decision, reason, once=once),
        )


class PutAsideView(OrderActView):
    """A container that quality puts into quarantine."""

    @_documented("put_aside", "Put a container into quarantine, by quality of whoever has it", answers.Reason)
    def post(self, request: Request, code: str, container: str) -> Response:
        reason, once = reason_of(body_of(request)), once_of(request)
        return self.done(code, lambda: dispositions.put_aside(self.actor, code, container, reason, once=once))


class LostView(OrderActView):
    """A container that nobody finds."""

    @_documented("record_loss", "Record that nobody finds a container (a critical deviation is opened)", answers.Reason)
    def post(self, request: Request, code: str, container: str) -> Response:
        reason, once = reason_of(body_of(request)), once_of(request)
        return self.done(code, lambda: dispositions.record_loss(self.actor, code, container, reason, once=once))


class FoundView(OrderActView):
    """A lost container that was found."""

    @_documented("record_found", "Record that a lost container was found: it goes into quarantine", answers.Reason)
    def post(self, request: Request, code: str, container: str) -> Response:
        reason, once = reason_of(body_of(request)), once_of(request)
        return self.done(code, lambda: dispositions.record_found(self.actor, code, container, reason, once=once))


class ReturnView(OrderActView):
    """An issued bag that comes back to the store."""

    @_documented("return_material", "Return an issued, not thawed bag to the store, by two people", ReturnInputs)
    def post(self, request: Request, code: str, container: str) -> Response:
        sent, once = body_of(request), once_of(request)
        return self.done(code, lambda: return_material(self.actor, code, container, sent, once=once))


class DestroyView(OrderActView):
    """The end of a container."""

    @_documented("destroy_material", "Record a destruction, scanned and signed by two people", DestroyInputs)
    def post(self, request: Request, code: str, container: str) -> Response:
        sent, once = body_of(request), once_of(request)
        return self.done(code, lambda: destroy_material(self.actor, code, container, sent, once=once))
