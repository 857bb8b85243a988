"""The waiting list over REST: who waits, scores, decisions, appeals, criteria, and the offers to answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from ledger.refusals import NotAllowed
from ledger.states import Role
from network import queries as network
from orders.actions.waiting_list import add_to_waiting_list
from personas.asking import ActorView, answers_once, input_of, query_of, reads
from personas.envelopes import Shape, whole
from personas.headers import ONCE
from scheduling import waiting, waiting_board, waiting_offers
from scheduling.actions import committee
from scheduling.actions import waiting as acts
from scheduling.states import (
    CriteriaState,
    CriterionKind,
    DecisionState,
    EntryState,
    OfferMode,
    WaitingOfferState,
)

REASON: dict[str, Any] = {"max_length": 500, "help_text": "part of the record; no names"}


class TherapyQuery(serializers.Serializer[Any]):
    """Whose list."""

    therapy = serializers.CharField(max_length=40, help_text="code of the therapy")


class WaitingInput(serializers.Serializer[Any]):
    """An order that is to wait."""

    order = serializers.CharField(max_length=32, help_text="code of the order")
    earliest = serializers.DateField(required=False, allow_null=True, help_text="no collection before this day")


class ScoreInput(serializers.Serializer[Any]):
    """What an entry is given."""

    points = serializers.DictField(child=serializers.IntegerField(), help_text="points by key of the criterion")


class ReasonInput(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(**REASON)


class AnswerInput(serializers.Serializer[Any]):
    """Whether the order takes the offered place."""

    answer = serializers.ChoiceField(choices=["accept", "refuse"])
    reason = serializers.CharField(required=False, allow_blank=True, default="", **REASON)
    not_before = serializers.DateField(
        required=False, allow_null=True, help_text="of a refusal: ask again from then on"
    )


class RankInput(serializers.Serializer[Any]):
    """One entry of the order, first to last."""

    entry = serializers.UUIDField()
    reason = serializers.CharField(required=False, allow_blank=True, default="", **REASON)


class SignerInput(serializers.Serializer[Any]):
    """A member of the committee who signs."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=200, write_only=True, style={"input_type": "password"})


class DecisionInput(serializers.Serializer[Any]):
    """The order of everybody who waits, and who signs it."""

    therapy = serializers.CharField(max_length=40)
    ranks = serializers.ListSerializer[Any](child=RankInput(), allow_empty=False, max_length=500)
    signatures = serializers.ListSerializer[Any](child=SignerInput(), allow_empty=False, max_length=9)
    answer = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class CriterionInput(serializers.Serializer[Any]):
    """One criterion."""

    key = serializers.CharField(max_length=40)
    title = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=CriterionKind.choices)
    weight = serializers.IntegerField(min_value=1, max_value=100)
    most = serializers.IntegerField(min_value=1, max_value=100)


class CriteriaInput(serializers.Serializer[Any]):
    """A new version of the criteria."""

    therapy = serializers.CharField(max_length=40)
    title = serializers.CharField(max_length=120)
    criteria = serializers.ListSerializer[Any](child=CriterionInput(), allow_empty=False, max_length=12)
    effective_from = serializers.DateField()
    ageing_days = serializers.IntegerField(required=False, default=90)
    signers = serializers.IntegerField(required=False, default=2)
    offer_mode = serializers.ChoiceField(choices=OfferMode.choices, required=False, default=OfferMode.SEQUENTIAL)
    offer_hours = serializers.IntegerField(required=False, default=24)
    parallel = serializers.IntegerField(required=False, default=1)


class PartRow(Shape):
    """What an entry has by one criterion."""

    key = serializers.CharField()
    title = serializers.CharField()
    value = serializers.FloatField()
    most = serializers.IntegerField()


class WaitingRow(Shape):
    """One entry of the waiting list; its parts, not only their sum."""

    id = serializers.UUIDField()
    order = serializers.CharField()
    rank = serializers.IntegerField(allow_null=True, help_text="null until the committee has ranked it")
    computed_rank = serializers.IntegerField(allow_null=True)
    scored = serializers.BooleanField()
    total = serializers.FloatField()
    parts = PartRow(many=True)
    added_at = serializers.DateTimeField()
    waited_days = serializers.IntegerField()
    aged = serializers.BooleanField(help_text="nobody younger on the list passes it without a reason")
    ahead = serializers.CharField(allow_blank=True, help_text="order that stands directly ahead")
    ahead_by = serializers.CharField(allow_blank=True, help_text="by which criterion")
    reason = serializers.CharField(allow_blank=True)
    has_dates = serializers.BooleanField()
    offered = serializers.ChoiceField(choices=WaitingOfferState.choices, allow_null=True)
    appealed = serializers.BooleanField()


class EntryRow(Shape):
    """An entry, after an act on it."""

    id = serializers.UUIDField()
    order = serializers.CharField()
    state = serializers.ChoiceField(choices=EntryState.choices)
    earliest = serializers.DateField(allow_null=True)
    added_at = serializers.DateTimeField()


class DecisionRow(Shape):
    """A signed order."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=DecisionState.choices)
    decided_at = serializers.DateTimeField()
    members = serializers.ListField(child=serializers.CharField())
    content_hash = serializers.CharField()


class AppealRow(Shape):
    """An appeal that was filed."""

    id = serializers.UUIDField()
    order = serializers.CharField()
    decision = serializers.IntegerField(help_text="number of the decision that it reopened")
    filed_at = serializers.DateTimeField()


class CriteriaRow(Shape):
    """A version of the criteria."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=CriteriaState.choices)
    criteria = CriterionInput(many=True)
    effective_from = serializers.DateField()
    ageing_days = serializers.IntegerField()
    signers = serializers.IntegerField()
    offer_mode = serializers.ChoiceField(choices=OfferMode.choices)
    offer_hours = serializers.IntegerField()
    parallel = serializers.IntegerField()
    written_by = serializers.CharField()
    published_by = serializers.CharField(allow_blank=True)


class OfferRow(Shape):
    """A place offered to an entry; times are UTC."""

    id = serializers.UUIDField()
    order = serializers.CharField()
    rank = serializers.IntegerField()
    state = serializers.ChoiceField(choices=WaitingOfferState.choices)
    until = serializers.DateTimeField()
    collection_start = serializers.DateTimeField()
    earliest_infusion = serializers.DateTimeField()
    token = serializers.CharField(help_text="holds exactly this place, until it ends")
    reason = serializers.CharField(allow_blank=True)


class WaitingView(ActorView):
    """A view of the center's own list."""

    def require_concerned(self) -> None:
        """A persona of the center whose business it is not is told so; another organization's list is empty."""
        if self.actor.organization_role == Role.TREATMENT_CENTER and not waiting.is_concerned(self.actor):
            raise NotAllowed("This persona has nothing to do with the waiting list.")

    def therapy_id(self, code: str) -> UUID:
        with reading(self.actor):
            found: UUID = network.therapy(self.actor, code).pk
        return found


class WaitingListView(WaitingView):
    """Who waits."""

    @extend_schema(
        operation_id="list_waiting",
        tags=["waiting list"],
        summary="List who waits for a therapy at the own center, in rank order, with every part of the score",
        parameters=[TherapyQuery],
        responses=whole(WaitingRow, "WaitingList"),
    )
    @reads
    def get(self, request: Request) -> Response:
        self.require_concerned()
        board = waiting_board.board(self.actor, self.therapy_id(query_of(request, TherapyQuery)["therapy"]))
        return Response({"results": [_row(row) for row in board.rows]})

    @extend_schema(
        operation_id="add_waiting",
        tags=["waiting list"],
        summary="Put an own order without dates on the waiting list",
        parameters=[ONCE],
        request=WaitingInput,
        responses={201: EntryRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, WaitingInput)
        return Response(_entry(add_to_waiting_list(self.actor, given["order"], given.get("earliest"))), status=201)


class ScoreWaitingView(WaitingView):
    """Scores an entry."""

    @extend_schema(
        operation_id="score_waiting",
        tags=["waiting list"],
        summary="Give an entry its points by the criteria in force",
        parameters=[ONCE],
        request=ScoreInput,
        responses=EntryRow,
    )
    @answers_once
    def post(self, request: Request, entry: UUID) -> Response:
        return Response(_entry(acts.score_entry(self.actor, entry, input_of(request, ScoreInput)["points"]).entry))


class WithdrawWaitingView(WaitingView):
    """Takes an entry off the list."""

    @extend_schema(
        operation_id="withdraw_waiting",
        tags=["waiting list"],
        summary="Take an order off the waiting list; what is offered to it goes to the next",
        parameters=[ONCE],
        request=ReasonInput,
        responses=EntryRow,
    )
    @answers_once
    def post(self, request: Request, entry: UUID) -> Response:
        return Response(_entry(acts.withdraw_entry(self.actor, entry, input_of(request, ReasonInput)["reason"])))


class AppealView(WaitingView):
    """Appeals a rank."""

    @extend_schema(
        operation_id="appeal_rank",
        tags=["waiting list"],
        summary="Appeal the rank of an entry: the decision is reopened",
        parameters=[ONCE],
        request=ReasonInput,
        responses={201: AppealRow},
    )
    @answers_once
    def post(self, request: Request, entry: UUID) -> Response:
        filed = committee.appeal(self.actor, entry, input_of(request, ReasonInput)["reason"])
        row = {"id": filed.pk, "order": filed.entry.order_code, "filed_at": filed.filed_at}
        return Response({**row, "decision": filed.decision.number}, status=201)


class DecisionsView(WaitingView):
    """Decides on the order."""

    @extend_schema(
        operation_id="decide_ranks",
        tags=["waiting list"],
        summary="Fix the order of everybody who waits, signed by members of the committee",
        parameters=[ONCE],
        request=DecisionInput,
        responses={201: DecisionRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        given = input_of(request, DecisionInput)
        decision = committee.decide_ranks(
            self.actor,
            self.therapy_id(given["therapy"]),
            [committee.RankRow(row["entry"], row["reason"]) for row in given["ranks"]],
            given["signatures"],
            answer=given["answer"],
        )
        names = ("number", "state", "decided_at", "members", "content_hash")
        return Response({"id": decision.pk, **{name: getattr(decision, name) for name in names}}, status=201)


class CriteriaView(WaitingView):
    """The versions of the criteria."""

    @extend_schema(
        operation_id="list_criteria",
        tags=["waiting list"],
        summary="List the versions of the criteria for a therapy, newest first",
        parameters=[TherapyQuery],
        responses=whole(CriteriaRow, "CriteriaList"),
    )
    @reads
    def get(self, request: Request) -> Response:
        self.require_concerned()
        therapy_id = self.therapy_id(query_of(request, TherapyQuery)["therapy"])
        found = waiting_board.criteria_versions(self.actor, therapy_id)
        return Response({"results": [_criteria(row) for row in found]})

    @extend_schema(
        operation_id="write_criteria",
        tags=["waiting list"],
        summary="Write a new version of the criteria; protected attributes are refused",
        parameters=[ONCE],
        request=CriteriaInput,
        responses={201: CriteriaRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        draft = committee.CriteriaDraft(**input_of(request, CriteriaInput))
        return Response(_criteria(committee.write_criteria(self.actor, draft)), status=201)


class PublishCriteriaView(WaitingView):
    """Publishes a version."""

    @extend_schema(
        operation_id="publish_criteria",
        tags=["waiting list"],
        summary="Publish a version of the criteria, by a person who did not write it",
        parameters=[ONCE],
        request=None,
        responses=CriteriaRow,
    )
    @answers_once
    def post(self, request: Request, criteria: UUID) -> Response:
        return Response(_criteria(committee.publish_criteria(self.actor, criteria)))


class OffersView(WaitingView):
    """The offers to answer."""

    @extend_schema(
        operation_id="list_waiting_offers",
        tags=["waiting list"],
        summary="List the offers that wait for an answer or for their booking, the most urgent first",
        responses=whole(OfferRow, "WaitingOfferList"),
    )
    @reads
    def get(self, request: Request) -> Response:
        self.require_concerned()
        return Response({"results": [_offer(row) for row in waiting_offers.offers_to_answer(self.actor)]})


class AnswerOfferView(WaitingView):
    """Answers an offer."""

    @extend_schema(
        operation_id="answer_waiting_offer",
        tags=["waiting list"],
        summary="Accept an offered place, or refuse it with a reason",
        parameters=[ONCE],
        request=AnswerInput,
        responses=OfferRow,
    )
    @answers_once
    def post(self, request: Request, offer: UUID) -> Response:
        given = input_of(request, AnswerInput)
        if given["answer"] == "accept":
            return Response(_offer(acts.accept_offer(self.actor, offer)))
        refused = acts.refuse_offer(self.actor, offer, given["reason"], given.get("not_before"))
        return Response(_offer(refused))


def _row(row: waiting_board.Row) -> dict[str, Any]:
    names = ("rank", "aged", "ahead", "ahead_by", "reason")
    return {
        "id": row.entry.pk,
        "order": row.entry.order_code,
        "computed_rank": row.computed,
        "scored": row.standing.scored,
        "total": row.standing.total,
        "parts": [{name: getattr(part, name) for name in ("key", "title", "value", "most")} for part in row.parts],
        "added_at": row.entry.added_at,
        "waited_days": row.standing.waited_days,
        "has_dates": row.placed,
        "offered": row.offer.state if row.offer else None,
        "appealed": row.appeal is not None,
        **{name: getattr(row, name) for name in names},
    }


def _entry(entry: Any) -> dict[str, Any]:
    names = ("state", "earliest", "added_at")
    return {"id": entry.pk, "order": entry.order_code, **{name: getattr(entry, name) for name in names}}


def _criteria(row: Any) -> dict[str, Any]:
    names = (
        "version",
        "title",
        "state",
        "criteria",
        "effective_from",
        "ageing_days",
        "signers",
        "offer_mode",
        "offer_hours",
        "parallel",
    )
    shown = {name: getattr(row, name) for name in names}
    return {"id": row.pk, **shown, "written_by": row.written_by_name, "published_by": row.published_by_name}


def _offer(row: Any) -> dict[str, Any]:
    offer = row.place.offer
    return {
        "id": row.pk,
        "order": row.entry.order_code,
        "rank": row.rank,
        "state": row.state,
        "until": row.place.until,
        "collection_start": offer["collection_start"],
        "earliest_infusion": offer["earliest_infusion"],
        "token": offer["token"],
        "reason": row.reason,
    }
