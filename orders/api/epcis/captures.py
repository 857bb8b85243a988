"""EPCIS capture: a partner's document of events, and the jobs that tell what became of them."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from ledger.context import reading
from ledger.refusals import InvalidInput, NotFound
from orders import queries
from orders.actions.captures import capture
from orders.api.epcis.base import ASKED_VERSION, JSON, NEXT, PER_PAGE, TOKEN, EpcisView, LinkedDataParser
from personas.asking import answers_once, body_of
from personas.headers import ONCE

BEHAVIOR = "GS1-Capture-Error-Behaviour"
GIVEN_UP = dt.timedelta(minutes=10)  # no request works that long: the server that had it is gone
ASKED_BEHAVIOR = OpenApiParameter(
    BEHAVIOR,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    enum=["rollback", "proceed"],
    description="rollback (if absent): every event must be readable and known, or none is done. proceed: each alone",
)
LOCATION = OpenApiParameter("Location", OpenApiTypes.STR, OpenApiParameter.HEADER, response=[202])


def job_document(job: Any) -> dict[str, Any]:
    """Return a capture job in the standard's words, with what is on the record as an extension."""
    lost = job.finished_at is None and timezone.now() - job.received_at > GIVEN_UP
    document = {
        "captureID": str(job.pk),
        "createdAt": job.received_at.isoformat(),
        "finishedAt": job.finished_at.isoformat() if job.finished_at else None,
        "running": job.finished_at is None and not lost,
        "success": job.finished_at is not None and not job.errors,
        "captureErrorBehaviour": job.behavior,
        "errors": job.errors,
        "cgt:eventCount": job.event_count,
        "cgt:done": job.done,
    }
    if lost:
        text = "The server stopped before the end. Send the document again: what is on the record is not done twice."
        document["errors"] = [{"type": "epcisException:ImplementationException", "title": text, "status": 500}]
    return document


class CapturesView(EpcisView):
    """Documents that were sent, and the next one."""

    parser_classes = [LinkedDataParser, JSON]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        limits = {
            "GS1-EPCIS-Capture-Limit": str(queries.epcis_jobs.MOST_EVENTS),
            BEHAVIOR: "rollback",
        }
        for name, value in limits.items():
            response.headers.setdefault(name, value)
        return super().finalize_response(request, response, *args, **kwargs)

    @extend_schema(
        operation_id="list_epcis_captures",
        tags=["epcis"],
        summary="List your capture jobs, newest first",
        parameters=[PER_PAGE, TOKEN, ASKED_VERSION, NEXT],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request) -> Response:
        size, token = self.page_size(request), self.token(request)
        before = _uuid(token) if token else None
        if token and before is None:
            raise InvalidInput(fields={"nextPageToken": ["This token is not known here."]})
        with reading(self.actor):
            found = queries.epcis_jobs.jobs_of(self.actor)
            rows = list((found.filter(pk__lt=before) if before else found)[: size + 1])
        following = str(rows[size - 1].pk) if len(rows) > size else ""
        return self.linked(request, {"captureJobs": [job_document(job) for job in rows[:size]]}, following)

    @extend_schema(
        operation_id="capture_epcis_events",
        tags=["epcis"],
        summary="Send EPCIS events: each becomes the act that it stands for, or is refused in words",
        parameters=[ONCE, ASKED_BEHAVIOR, ASKED_VERSION, LOCATION],
        request={"application/json": OpenApiTypes.OBJECT},
        responses={202: OpenApiTypes.OBJECT},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        behavior = request.headers.get(BEHAVIOR, "rollback").strip().lower()
        job = capture(self.actor, body_of(request), behavior)
        address = reverse("api:epcis-capture", args=[job.pk], request=request)
        return Response(job_document(job), status=202, headers={"Location": address, BEHAVIOR: behavior})


class CaptureView(EpcisView):
    """One capture job."""

    @extend_schema(
        operation_id="read_epcis_capture",
        tags=["epcis"],
        summary="What became of a document of events",
        parameters=[ASKED_VERSION],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, capture_id: str) -> Response:
        wanted = _uuid(capture_id)
        with reading(self.actor):
            job = queries.epcis_jobs.jobs_of(self.actor).filter(pk=wanted).first() if wanted else None
        if job is None:
            raise NotFound()
        return Response(job_document(job))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
