"""The inbox over REST: of a person signed in; a key has none. Read, acknowledge, take over, preferences."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import reading
from notifications import queries
from notifications.actions import inbox
from notifications.actions.absences import end_away, set_away
from notifications.actions.escalation import set_escalation
from notifications.actions.preferences import set_preferences
from notifications.api import shapes
from personas.asking import ActorView, PageQuery, answers_once, input_of, page_of, query_of, reads
from personas.envelopes import page
from personas.headers import ONCE
from personas.states import Capability


class InboxFilters(PageQuery):
    """Which notices."""

    show = serializers.ChoiceField(choices=queries.SHOWN, required=False, help_text="open if absent")


class InboxView(ActorView):
    """My notices."""

    @extend_schema(
        operation_id="list_notices",
        tags=["inbox"],
        summary="List my notices, newest first",
        parameters=[InboxFilters],
        responses=page(shapes.NoticeRow, "NoticePage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        found = queries.shown_inbox(self.actor, query_of(request, InboxFilters).get("show", "open"))
        return page_of(self, found, ("-pk",), lambda rows: [shapes.notice_row(self.actor, row) for row in rows])


class ReadView(ActorView):
    """Many at once."""

    @extend_schema(
        operation_id="read_notices",
        tags=["inbox"],
        summary="Mark these, or all my notices, as read: one entry in the record",
        parameters=[ONCE],
        request=shapes.ReadInput,
        responses=shapes.ReadAnswer,
    )
    @answers_once
    def post(self, request: Request) -> Response:
        count = inbox.mark_many_read(self.actor, input_of(request, shapes.ReadInput).get("notices"))
        return Response({"notices": count})


class _OneNotice(ActorView):
    def answer(self, notice_id: UUID) -> Response:
        with reading(self.actor):
            return Response(shapes.notice_row(self.actor, queries.notice(self.actor, notice_id)))


class AcknowledgeView(_OneNotice):
    """I have seen it and will act."""

    @extend_schema(
        operation_id="acknowledge_notice",
        tags=["inbox"],
        summary="Acknowledge a notice, by name",
        parameters=[ONCE],
        request=None,
        responses=shapes.NoticeRow,
    )
    @answers_once
    def post(self, request: Request, notice_id: UUID) -> Response:
        inbox.acknowledge(self.actor, notice_id)
        return self.answer(notice_id)


class ClaimView(_OneNotice):
    """Whose task it is."""

    @extend_schema(
        operation_id="claim_notice",
        tags=["inbox"],
        summary="Take a task over, or hand it to a colleague who was told too",
        parameters=[ONCE],
        request=shapes.ClaimInput,
        responses=shapes.NoticeRow,
    )
    @answers_once
    def post(self, request: Request, notice_id: UUID) -> Response:
        username = input_of(request, shapes.ClaimInput).get("username")
        if username:
            inbox.assign(self.actor, notice_id, username)
        else:
            inbox.claim(self.actor, notice_id)
        return self.answer(notice_id)


class PreferencesView(ActorView):
    """E-mail and quiet hours."""

    @extend_schema(
        operation_id="read_preferences",
        tags=["inbox"],
        summary="Read what comes to me by e-mail, and when",
        responses=shapes.PreferencesBody,
    )
    @reads
    def get(self, request: Request) -> Response:
        return Response(shapes.preferences_body(queries.preferences_of(self.actor)))

    @extend_schema(
        operation_id="set_preferences",
        tags=["inbox"],
        summary="Set what comes to me by e-mail, and when",
        parameters=[ONCE],
        request=shapes.PreferencesBody,
        responses=shapes.PreferencesBody,
    )
    @answers_once
    def post(self, request: Request) -> Response:
        kept: Any = set_preferences(self.actor, **input_of(request, shapes.PreferencesBody))
        return Response(shapes.preferences_body(kept))


class _Absence(ActorView):
    def answer(self) -> Response:
        return Response(queries.absence_of(self.actor) or dict.fromkeys(shapes.AwayBody._declared_fields))


class AwayView(_Absence):
    """When I am away."""

    @extend_schema(
        operation_id="read_away",
        tags=["inbox"],
        summary="Read when I am away, and who is my deputy",
        responses=shapes.AwayBody,
    )
    @reads
    def get(self, request: Request) -> Response:
        return self.answer()

    @extend_schema(
        operation_id="set_away",
        tags=["inbox"],
        summary="Say when I am away and who is told too; the deputy may do what I may",
        parameters=[ONCE],
        request=shapes.AwayInput,
        responses=shapes.AwayBody,
    )
    @answers_once
    def post(self, request: Request) -> Response:
        set_away(self.actor, **input_of(request, shapes.AwayInput))
        with reading(self.actor):
            return self.answer()


class BackView(_Absence):
    """Back again."""

    @extend_schema(
        operation_id="end_away",
        tags=["inbox"],
        summary="Say that I am back",
        parameters=[ONCE],
        request=None,
        responses=shapes.AwayBody,
    )
    @answers_once
    def post(self, request: Request) -> Response:
        end_away(self.actor)
        with reading(self.actor):
            return self.answer()


class EscalationView(ActorView):
    """Where unacknowledged critical notices go."""

    scope = Capability.ADMINISTER

    @extend_schema(
        operation_id="read_escalation",
        tags=["inbox"],
        summary="Read when and to whom critical notices go on",
        responses=shapes.EscalationBody,
    )
    @reads
    def get(self, request: Request) -> Response:
        rule = queries.escalation_rule(self.actor)
        return Response({"minutes": rule.minutes, "persona": rule.persona})

    @extend_schema(
        operation_id="set_escalation",
        tags=["inbox"],
        summary="Set when and to whom critical notices that nobody acknowledges go on",
        parameters=[ONCE],
        request=shapes.EscalationBody,
        responses=shapes.EscalationBody,
    )
    @answers_once
    def post(self, request: Request) -> Response:
        rule = set_escalation(self.actor, **input_of(request, shapes.EscalationBody))
        return Response({"minutes": rule.minutes, "persona": rule.persona})
