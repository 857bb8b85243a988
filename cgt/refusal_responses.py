"""How a refusal looks on either face: RFC 9457 problem documents over REST, a page with the same words for people."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import get_resolver
from django.utils.encoding import force_str
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.response import Response

from ledger.outbox import reason_of
from ledger.refusals import InvalidInput, NotAllowed, NotFound, Refusal, TooManyRequests, Unauthenticated

logger = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
CHALLENGE = 'Bearer realm="cgt"'


class NotReadable(Refusal):
    code, status, title = "not_readable", 400, "The request could not be read"
    remedy = "Send valid JSON in UTF-8, without NUL characters."


class TooLarge(Refusal):
    code, status, title = "too_large", 413, "The request is too large"
    remedy = "Send less at once."


class Unavailable(Refusal):
    """What counts attempts and requests does not answer: nobody signs in, signs or asks by key without it."""

    code, status, title = "unavailable", 503, "A part of the service does not answer"
    remedy = (
        "Wait a minute, look whether it is on the record, and if not try again. If it lasts, work by your downtime "
        "procedure and tell your operator."
    )


class Protocol(Refusal):
    """What HTTP itself refuses: method, media type, anything DRF knows and the house has no word for."""

    def __init__(self, status: int, detail: str = "") -> None:
        phrase = HTTPStatus(status).phrase
        self.status, self.title = status, phrase
        super().__init__(detail or phrase, code=phrase.lower().replace(" ", "_").replace("-", "_"))


def refusal_for(error: Exception) -> Refusal | None:
    """Return the refusal that an exception stands for; None when it is unexpected (a bug: 500)."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, Http404 | exceptions.NotFound):
        return NotFound()  # the same body as for somebody else's record
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return Unauthenticated()
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        detail = force_str(getattr(error, "detail", "")) or str(error)
        return NotAllowed(detail, code="csrf_failed" if detail.startswith("CSRF") else None)
    if isinstance(error, exceptions.Throttled):
        return TooManyRequests()
    if isinstance(error, exceptions.ValidationError | DjangoValidationError):
        return InvalidInput(fields=_fields(error))
    if isinstance(error, RequestDataTooBig):
        return TooLarge()
    if isinstance(error, exceptions.ParseError | UnicodeDecodeError | DataError | SuspiciousOperation):
        return NotReadable()
    if isinstance(error, ValueError) and "NUL" in str(error):  # psycopg2 refuses U+0000 before PostgreSQL sees it
        return NotReadable()
    if isinstance(error, RedisError):
        logger.error("Redis does not answer: %s", reason_of(error))
        return Unavailable()
    if isinstance(error, exceptions.APIException):
        return Protocol(error.status_code, force_str(error.detail))
    return None


def _fields(error: exceptions.ValidationError | DjangoValidationError) -> dict[str, Any]:
    if isinstance(error, DjangoValidationError):
        return error.message_dict if hasattr(error, "error_dict") else {"non_field_errors": error.messages}
    detail = error.detail
    return dict(detail) if isinstance(detail, dict) else {"non_field_errors": list(detail)}


def problem_exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every expected failure is a problem document with a stable ``code``."""
    refusal = refusal_for(error)
    if refusal is None:
        return None
    headers = _headers(refusal.status)
    wait = getattr(error, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    return Response(refusal.as_problem(), status=refusal.status, headers=headers, content_type=PROBLEM)


def _headers(status: int) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": CHALLENGE}
    return {"Retry-After": "60"} if status in (429, 503) else {}


def problem(document: dict[str, Any]) -> HttpResponse:
    """Return a problem document from outside DRF."""
    status = int(document["status"])
    return HttpResponse(json.dumps(document), status=status, content_type=PROBLEM, headers=_headers(status))


def as_problem(response: HttpResponseBase) -> HttpResponseBase:
    """Return an error under ``/api/`` that Django answered with a page (unknown address, 500, …) as a problem."""
    if response.get("Content-Type", "").startswith((PROBLEM, "application/json")):
        return response
    status = response.status_code
    if status == 404:
        return problem(NotFound().as_problem())
    if status >= 500:
        failure = Protocol(status, "The server could not finish. Nothing is certain: look before you send it again.")
        failure.code, failure.remedy = "server_error", "Repeat the request with the same Idempotency-Key."
        return problem(failure.as_problem())
    return problem(Protocol(status).as_problem())


def only_forms(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Return Django's empty 405 in words, with the methods that the address takes: it answers forms alone, and was
    opened by itself (a refused form stands under it, and somebody loads that page again)."""
    refusal = Protocol(405, "This address takes what a form sends. Opened by itself it has nothing to show.")
    refusal.title, refusal.remedy = "Open the page with the form", "Go back, or find the page from your desk."
    answer = page(request, refusal)
    answer["Allow"] = response["Allow"]
    return answer


def page(request: HttpRequest, refusal: Refusal, again: str = "") -> HttpResponseBase:
    """Return a refusal in words: sign-in for strangers, Django's own 404 for what is not there, else its panel.

    ``again``: the address of the page to open once more.
    """
    if isinstance(refusal, Unauthenticated):
        return redirect_to_login(request.get_full_path())
    if isinstance(refusal, NotFound):
        answer_404: Callable[..., HttpResponseBase] = get_resolver().resolve_error_handler(404)
        return answer_404(request, exception=Http404())
    template = "refusal_panel.html" if request.headers.get("HX-Request") == "true" else "refusal.html"
    response = render(request, template, {"refusal": refusal, "again": again}, status=refusal.status)
    for name, value in _headers(refusal.status).items():
        response[name] = value
    return response
