"""Disruptions and repairs over REST: open, end, work out, edit, sign; and the centers' answers (MP6)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from ledger.recording import Replayed
from orders.actions import repair_answers, repairs, what_ifs
from orders.api.rescheduling import CostLineRow, cost_row
from orders.queries import orders_by_stream
from orders.states import LeftAlone
from personas.asking import ActorView, PageQuery, ZonedTime, answers_once, body_of, input_of, once_of, page_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE
from scheduling import disrupted, kept_moves
from scheduling.actions.disruptions import close_disruption, open_disruption
from scheduling.constraints import Constraint, RepairReason
from scheduling.costs import Cost
from scheduling.repair import runs
from scheduling.repair.snapshot import Material
from scheduling.states import DisruptionKind, MoveState, RunState, Urgency

TAG = ["disruptions"]
URGENCY = [level.name.lower() for level in Urgency]
MATERIAL = [material.name.lower() for material in Material]


class DisruptionInput(s.Serializer[Any]):
    """What cannot be used, from when to when, and why; partners read the reason."""

    kind = s.ChoiceField(choices=DisruptionKind.choices)
    resources = s.ListField(child=s.SlugField(max_length=64), allow_empty=False, max_length=50, help_text="own codes")
    starts_at = ZonedTime()
    ends_at = ZonedTime()
    reason = s.CharField(max_length=300)


class DisruptionRow(Shape):
    """A disruption of the organization or of a partner."""

    id = s.UUIDField()
    kind = s.ChoiceField(choices=DisruptionKind.choices)
    own = s.BooleanField()
    resources = s.CharField(help_text="names, as they were")
    starts_at = s.DateTimeField()
    ends_at = s.DateTimeField()
    reason = s.CharField()
    closed_at = s.DateTimeField(allow_null=True)


class HitRow(Shape):
    """An order that a disruption hits."""

    order = s.CharField()
    collection_at = s.DateTimeField()
    manufacture_at = s.DateTimeField()
    material = s.ChoiceField(choices=MATERIAL, help_text="how far it is")
    material_expires_at = s.DateTimeField(allow_null=True)
    urgency = s.ChoiceField(choices=URGENCY, help_text="a class; scores never leave a center")
    why_not = s.CharField(allow_blank=True, help_text="why a repair leaves it alone; empty when it can be moved")
    why_not_code = s.ChoiceField(choices=LeftAlone.values, allow_null=True, help_text="the same, stable; null with it")


class DisruptionDetail(DisruptionRow):
    """A disruption and the reader's own orders that it hits: whose material expires first, then the urgent ones."""

    orders = HitRow(many=True)


class ComponentRow(Shape):
    """One harm of the objective, the worst first."""

    name = s.CharField()
    label = s.CharField()  # type: ignore[assignment]  # of the shape, not of the field
    value = s.IntegerField(
        help_text="of fees: hundredths of the currency; of moved: collections and beds whose time changes, not orders"
    )
    bound = s.IntegerField(allow_null=True, help_text="proven: no plan has less")
    currency = s.CharField(allow_blank=True, required=False, help_text="of fees: that which is weighed")


class ChoiceRow(Shape):
    """One chain that the order may be moved to."""

    collection = s.DateTimeField()
    manufacture = s.DateTimeField()
    infusion = s.DateTimeField()
    plant = s.CharField(allow_blank=True, help_text="where it is made")
    text = s.CharField()
    costs = CostLineRow(many=True, help_text="by the price list; empty where no price is set")


class ReasonRow(Shape):
    """What leaves an order no other choice."""

    code = s.ChoiceField(choices=[*Constraint.values, *RepairReason.values], help_text="stable")
    date = s.DateField(allow_null=True, help_text="day of collection that has no chain, local at the center")
    text = s.CharField(help_text="the same in words, for every party of the order")


class PlanRow(Shape):
    """What the plan does with one order."""

    order = s.CharField()
    before = s.DateTimeField(help_text="start of the collection as booked")
    start_before = s.DateTimeField(help_text="start of manufacture as booked")
    material = s.ChoiceField(choices=MATERIAL, help_text="how far it is: a collection that took place never moves")
    chosen = s.IntegerField(
        allow_null=True, help_text="index of the choice; null: not moved. A choice may move later places alone"
    )
    text = s.CharField(help_text="why; without another choice also which constraint rules the others out")
    reasons = ReasonRow(many=True, help_text="what rules others out, as codes; empty where there are others")
    costs = CostLineRow(many=True, help_text="of the choice taken; without a place: of the second collection it needs")
    costs_known = s.BooleanField(help_text="false: worked out before costs were kept; the empty costs say nothing")
    choices = ChoiceRow(many=True)


class RunRow(Shape):
    """A repair: its state, and once it is worked out its plan, its objective and its proof."""

    id = s.UUIDField()
    disruption = s.UUIDField(allow_null=True, help_text="null: a what-if, which is never signed")
    handed_over = s.BooleanField(help_text="worked out by a contract manufacturer over its whole line: your part")
    state = s.ChoiceField(choices=RunState.choices)
    progress = s.CharField(allow_blank=True)
    version = s.IntegerField()
    optimal = s.BooleanField(allow_null=True)
    gap = s.FloatField(allow_null=True)
    fault = s.CharField(allow_blank=True)
    stopped = s.CharField(allow_blank=True, help_text="what ended the search before the proof; empty: proven")
    kept_until = s.DateTimeField(allow_null=True, help_text="when a what-if is forgotten; null: it is kept")
    components = ComponentRow(many=True)
    not_weighed = s.ListField(
        child=s.CharField(), help_text="currencies of prices that are told and not weighed: amounts are not added"
    )
    plan = PlanRow(many=True)


class MoveRow(Shape):
    """A signed move of one of the reader's orders."""

    id = s.UUIDField()
    order = s.CharField()
    state = s.ChoiceField(choices=MoveState.choices)
    text = s.CharField()
    moves = s.ChoiceField(choices=["collection", "manufacture", "infusion"], help_text="whose start moves")
    before = s.DateTimeField()
    after = s.DateTimeField()
    reason = s.CharField(allow_blank=True)
    kept_until = s.DateTimeField(allow_null=True, help_text="of one that waits: its places are kept until then")
    awaits = s.IntegerField(
        help_text="places that other orders of the same plan still have: kept as soon as their centers accept"
    )
    costs = CostLineRow(many=True, help_text="of one that waits: what it costs, as far as it is yours to see")
    costs_known = s.BooleanField(help_text="false: signed before costs were kept; the empty costs say nothing")


class SignedAnswer(Shape):
    """How many moves were offered to the centers."""

    moves = s.IntegerField()


class DeletedAnswer(Shape):
    """What is gone."""

    deleted = s.UUIDField()


class DisruptionsView(ActorView):
    """Disruptions."""

    @extend_schema(
        operation_id="list_disruptions",
        tags=TAG,
        summary="List the disruptions of the organization and its partners",
        parameters=[PageQuery],
        responses=page(DisruptionRow, "DisruptionPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        found = disrupted.disruptions(self.actor)
        return page_of(self, found, ("-opened_at", "pk"), lambda rows: [self.row(row) for row in rows])

    @extend_schema(
        operation_id="open_disruption",
        tags=TAG,
        summary="Take own resources out of every search for a while; what is booked stays until it moves",
        parameters=[ONCE],
        request=DisruptionInput,
        responses={201: DisruptionRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        return Response(self.row(open_disruption(self.actor, **input_of(request, DisruptionInput))), status=201)

    def row(self, found: Any) -> dict[str, Any]:
        names = ("kind", "starts_at", "ends_at", "reason", "closed_at")
        own = found.organization_id == self.actor.organization_id
        return {"id": str(found.pk), "own": own, "resources": found.resource_names} | {
            name: getattr(found, name) for name in names
        }


class DisruptionView(DisruptionsView):
    """One disruption."""

    http_method_names = ["get", "head", "options"]

    @extend_schema(
        operation_id="disruption",
        tags=TAG,
        summary="A disruption and the orders that it hits",
        responses=DisruptionDetail,
    )
    @reads
    def get(self, request: Request, disruption_id: UUID) -> Response:
        found = repairs.disruption_seen(self.actor, disruption_id)
        hits = [
            {
                "order": hit.order.code,
                "collection_at": hit.chain.collection_starts_at,
                "manufacture_at": hit.chain.manufacture_starts_at,
                "material": hit.where.material.name.lower(),
                "material_expires_at": hit.expires_at,
                "urgency": hit.urgency.name.lower(),
                "why_not": hit.why_not,
                "why_not_code": hit.left_alone,
            }
            for hit in repairs.affected(self.actor, found)
        ]
        return Response(self.row(found) | {"orders": hits})


class EndDisruptionView(DisruptionsView):
    """Ends a disruption."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="end_disruption",
        tags=TAG,
        summary="Offer the windows again",
        parameters=[ONCE],
        request=None,
        responses=DisruptionRow,
    )
    @answers_once
    def post(self, request: Request, disruption_id: UUID) -> Response:
        body_of(request)
        return Response(self.row(close_disruption(self.actor, disruption_id)))


class _Runs(ActorView):
    def answer(self, run_id: UUID, status: int = 200) -> Response:
        with reading(self.actor):
            run = repairs.run_seen(self.actor, run_id)
        return Response(_run(run), status=status)


class StartRepairView(_Runs):
    """Asks for a repair."""

    @extend_schema(
        operation_id="start_repair",
        tags=TAG,
        summary="Ask for the least harmful plan of the orders that a disruption hits; a worker looks for it",
        parameters=[ONCE],
        request=repairs.RunInputs,
        responses={201: RunRow},
    )
    @answers_once
    def post(self, request: Request, disruption_id: UUID) -> Response:
        return self.answer(repairs.start_repair(self.actor, disruption_id, body_of(request)).pk, 201)


class WhatIfView(_Runs):
    """Asks what a disruption would do."""

    @extend_schema(
        operation_id="what_if",
        tags=TAG,
        summary="Ask what a disruption would do; nothing is closed, nobody is told, the plan is never signed",
        parameters=[ONCE],
        request=what_ifs.WhatIfInputs,
        responses={201: RunRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        return self.answer(what_ifs.start_what_if(self.actor, body_of(request)).pk, 201)


class RepairView(_Runs):
    """One repair."""

    @extend_schema(operation_id="repair", tags=TAG, summary="A repair: progress, plan, objective", responses=RunRow)
    @reads
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(_run(repairs.run_seen(self.actor, run_id)))


class CancelRepairView(_Runs):
    """Ends a repair."""

    @extend_schema(
        operation_id="cancel_repair",
        tags=TAG,
        summary="End a repair that waits or is at work",
        parameters=[ONCE],
        request=None,
        responses=RunRow,
    )
    @answers_once
    def post(self, request: Request, run_id: UUID) -> Response:
        body_of(request)
        return self.answer(repairs.cancel_repair(self.actor, run_id).pk)


class DeleteWhatIfView(_Runs):
    """Deletes a what-if."""

    @extend_schema(
        operation_id="delete_what_if",
        tags=TAG,
        summary="Delete an own what-if; it is forgotten by itself after a week",
        parameters=[ONCE],
        request=None,
        responses=DeletedAnswer,
    )
    @answers_once
    def post(self, request: Request, run_id: UUID) -> Response:
        body_of(request)
        what_ifs.delete_what_if(self.actor, run_id)
        return Response({"deleted": str(run_id)})


class EditRepairView(_Runs):
    """Changes a plan."""

    @extend_schema(
        operation_id="edit_repair",
        tags=TAG,
        summary="Take another choice for an order of the plan, or leave it out",
        parameters=[ONCE],
        request=repairs.EditInputs,
        responses=RunRow,
    )
    @answers_once
    def post(self, request: Request, run_id: UUID) -> Response:
        return self.answer(repairs.edit_repair(self.actor, run_id, body_of(request)).pk)


class SignRepairView(_Runs):
    """Signs a plan."""

    @extend_schema(
        operation_id="sign_repair",
        tags=TAG,
        summary="Sign the plan that was shown: offer its moves to the centers, or hand it over to the sponsors",
        parameters=[ONCE],
        request=repairs.SignInputs,
        responses=SignedAnswer,
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        try:
            count = repairs.sign_repair(self.actor, run_id, body_of(request), once=once_of(request))
        except Replayed as replayed:
            count = replayed.result["moves"]
        return Response({"moves": count})


class MovesView(ActorView):
    """Moves to answer."""

    @extend_schema(
        operation_id="list_moves",
        tags=TAG,
        summary="List the signed moves of own orders",
        parameters=[PageQuery],
        responses=page(MoveRow, "MovePage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        return page_of(self, disrupted.repair_moves(self.actor), ("-after", "pk"), self.rows)

    def rows(self, moves: list[Any]) -> list[dict[str, Any]]:
        orders = orders_by_stream(self.actor, [move.stream_id for move in moves])
        names = ("state", "text", "before", "after", "reason")
        known = [(orders[move.stream_id], move) for move in moves if move.stream_id in orders]
        charged, kept = repair_answers.costs_of(self.actor, known), kept_moves.of_moves(moves)
        return [
            {
                "id": str(move.pk),
                "order": order.code,
                "moves": _moves(move.material),
                "costs": [cost_row(line) for line in charged.get(move.pk, Cost()).lines],
                "costs_known": bool(move.starts),
                "kept_until": kept[move.pk].due_at if move.pk in kept else None,
                "awaits": len(kept[move.pk].lacking) if move.pk in kept else 0,
            }
            | {name: getattr(move, name) for name in names}
            for order, move in known
        ]


class AnswerMoveView(MovesView):
    """Answers a move."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="answer_move",
        tags=TAG,
        summary="Accept the move of an own order, all places or none, or refuse it with a reason",
        parameters=[ONCE],
        request=repair_answers.MoveInputs,
        responses=MoveRow,
    )
    def post(self, request: Request, move_id: UUID) -> Response:
        with suppress(Replayed):
            repair_answers.answer_move(self.actor, move_id, body_of(request), once=once_of(request))
        with reading(self.actor):
            (row,) = self.rows(list(disrupted.repair_moves(self.actor).filter(pk=move_id)))
        return Response(row)


def _moves(material: int) -> str:
    if material >= Material.IN_MANUFACTURE:
        return "infusion"
    return "collection" if material == Material.NOT_COLLECTED else "manufacture"


def _run(run: Any) -> dict[str, Any]:
    plan = [
        {name: row[name] for name in ("order", "before", "chosen", "text")}
        | {
            "start_before": row["start_before"],
            "reasons": row.get("reasons", []),
            "material": Material(row["material"]).name.lower(),
            "costs": row.get("costs", []),
            "costs_known": "costs" in row,
            "choices": [
                {"costs": []} | {k: v for k, v in choice.items() if k not in ("slot_ids", "starts", "plant_zone")}
                for choice in row["choices"]
            ],
        }
        for row in run.plan
    ]
    return {
        "id": str(run.pk),
        "disruption": str(run.disruption_id) if run.disruption_id else None,
        "handed_over": run.handed_over_by_id is not None,
        "state": run.state,
        "progress": runs.progress_of(run.pk) if run.state in (RunState.QUEUED, RunState.RUNNING) else "",
        "version": run.version,
        "optimal": run.result.get("optimal"),
        "gap": run.result.get("gap"),
        "fault": run.fault,
        "stopped": run.result.get("stopped", ""),
        "kept_until": None if run.disruption_id else runs.kept_until(run.pk),
        "components": run.result.get("components", []),
        "not_weighed": run.result.get("not_weighed", []),
        "plan": plan,
    }
