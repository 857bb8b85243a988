"""What a request says besides its body: who asks, once, at which version, by which clock, and which page."""

from __future__ import annotations

import datetime as dt
import json
import re
from base64 import b64decode, b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from rest_framework import exceptions, serializers
from rest_framework.pagination import CursorPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from ledger.context import Actor, reading
from ledger.recording import Once, Replayed, asked_once, fingerprint, keep_answer
from ledger.refusals import Conflict, InvalidInput, NotAllowed
from personas.states import Capability

LONGEST_KEY = 200
SHOWN_ONCE = ("token", "secret", "feed_url")  # fields of an answer that nobody is shown again
KEPT_HEADERS = ("Location", "ETag", "Cache-Control")
SECRET = "password"  # noqa: S105 - the name of a field, never part of a fingerprint
V = TypeVar("V", bound="ActorView")
T = TypeVar("T")


class ActorView(APIView):
    """A view that somebody acts on. ``scope`` is what persona and key need to ask at all; actions ask for the rest."""

    scope: ClassVar[Capability] = Capability.VIEW_ORDERS

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not self.actor.can(self.scope):
            raise NotAllowed(
                f"These credentials do not have the scope “{self.scope.value}”.",
                code="scope_missing",
                remedy="Ask your administrator for a key with this scope, or switch persona.",
            )

    @property
    def actor(self) -> Actor:
        actor: Actor = self.request.auth  # type: ignore[assignment]
        return actor


def reads(method: Callable[..., Response]) -> Callable[..., Response]:
    """Answer inside ``reading(actor)``."""

    @wraps(method)
    def answered(view: ActorView, request: Request, **path: Any) -> Response:
        with reading(view.actor):
            return method(view, request, **path)

    return answered


def answers_once(method: Callable[..., Response]) -> Callable[..., Response]:
    """Answer a request once per ``Idempotency-Key``, and the same again word for word (AP2).

    What is shown only once (``SHOWN_ONCE``) is null in the answer that is given again. The answer is kept as it was
    sent, so this is for answers that identify no patient; those take ``once`` to their action.
    """

    @wraps(method)
    def answered(view: ActorView, request: Request, **path: Any) -> Response:
        actor = view.actor
        once = once_of(request, who=str(actor.key_id or actor.person_id))
        if once is None:
            return method(view, request, **path)
        try:
            with asked_once(actor, once) as asked:
                response = method(view, request, **path)
        except Replayed as replayed:
            return _again(replayed.result)
        keep_answer(actor, asked, _kept(response))
        return response

    return answered


def _kept(response: Response) -> dict[str, Any]:
    body = json.loads(JSONRenderer().render(response.data))
    body |= {name: None for name in SHOWN_ONCE if name in body}
    headers = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    # As text: the record writes numbers in its own canonical way, an answer is given again as it was.
    return {"status": response.status_code, "body": json.dumps(body), "headers": headers}


def _again(kept: Any) -> Response:
    if kept is None:  # done, but its answer is still on its way, or was lost with the server
        raise Conflict(
            "This request was done already; its answer is not at hand.",
            code="answered_before",
            remedy="Read the record to see what it did, or send the request again in a moment.",
        )
    return Response(json.loads(kept["body"]), status=kept["status"], headers=kept["headers"])


def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object that was sent (an empty one for no body); raise InvalidInput for another JSON value."""
    sent = request.data
    if not isinstance(sent, Mapping):
        raise InvalidInput(fields={"non_field_errors": ["Send a JSON object."]})
    return dict(sent)


S = TypeVar("S", bound=serializers.Serializer[Any])


def input_of(request: Request, serializer: type[S]) -> dict[str, Any]:
    """Return the validated body; raise InvalidInput with every field's errors, unknown fields included."""
    sent = body_of(request)
    given = serializer(data=sent)
    unknown = {name: ["This field is not known."] for name in sorted(set(map(str, sent)) - set(given.fields))}
    if not given.is_valid() or unknown:
        raise InvalidInput(fields=dict(given.errors) | unknown)
    return dict(given.validated_data)


def once_of(request: Request, who: str = "") -> Once | None:
    """Return the idempotency key with the fingerprint of the request; passwords are no part of it.

    ``who``: whose request it is, where an answer is kept word for word.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return None
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise InvalidInput(
            fields={"Idempotency-Key": [f"Use up to {LONGEST_KEY} printable ASCII characters."]},
            remedy="Send a fresh UUID with each new request.",
        )
    sent = json.dumps(_without_secrets(request.data), sort_keys=True)
    asked = {"method": request.method, "path": request.path, "body": sent} | ({"who": who} if who else {})
    return Once(f"rest:{key}", fingerprint(asked))


def _without_secrets(sent: Any) -> Any:
    if isinstance(sent, Mapping):
        return {name: _without_secrets(value) for name, value in sent.items() if name != SECRET}
    return [_without_secrets(value) for value in sent] if isinstance(sent, list) else sent


def version_of(request: Request) -> str | None:
    """Return the ETag in ``If-Match``; None for none or ``*``. A weak one, or a list, matches nothing (RFC 9110)."""
    wanted = request.headers.get("If-Match", "").strip()
    return wanted if wanted not in ("", "*") else None


def device_time_of(request: Request) -> dt.datetime | None:
    """Return the time on the sending device's clock; it is kept beside the server's, never refused for being off."""
    sent = request.headers.get("Device-Time", "").strip()
    if not sent:
        return None
    try:
        moment = parse_datetime(sent)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInput(
            fields={"Device-Time": ["Give date, time and offset as in 2030-01-31T14:05:00+01:00."]},
        )
    return moment


_OFFSET = re.compile(r"(Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)


class ZonedTime(serializers.DateTimeField):
    """A moment with its offset: a window belongs to a place, and a guess at its zone would move it."""

    default_error_messages = {"zone": "Give the offset too, as in 2030-01-31T08:00:00+01:00."}

    def to_internal_value(self, value: Any) -> dt.datetime:
        if isinstance(value, str) and not _OFFSET.search(value.strip()):
            self.fail("zone")
        return super().to_internal_value(value)


class PageQuery(serializers.Serializer[Any]):
    """Which page."""

    cursor = serializers.CharField(required=False, max_length=500, help_text="from `next` or `previous`; opaque")
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=200, help_text="rows per page, 50 if absent"
    )


Q = TypeVar("Q", bound=serializers.Serializer[Any])


def query_of(request: Request, serializer: type[Q]) -> dict[str, Any]:
    """Return the validated query parameters; raise InvalidInput with every parameter's errors."""
    words = request.query_params
    many = {n for n, f in serializer().fields.items() if isinstance(f, serializers.ListField) and n in words}
    given = serializer(data=words.dict() | {name: words.getlist(name) for name in many})
    if not given.is_valid():
        raise InvalidInput(fields=dict(given.errors))
    return dict(given.validated_data)


class Pages(CursorPagination):
    """Pages by key: stable while rows are added, as fast on the last page as on the first."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200


def page_of(view: ActorView, rows: Any, ordering: tuple[str, ...], shape: Callable[[list[Any]], list[Any]]) -> Response:
    """Return one page of a queryset, shaped all at once; raise InvalidInput for a cursor that was not issued here."""
    pages = Pages()
    pages.ordering = ordering
    try:
        found: list[Any] | None = pages.paginate_queryset(rows, view.request, view)
    except (exceptions.NotFound, ValidationError, ValueError, OverflowError) as error:
        raise _unknown_cursor() from error
    return Response(
        {
            "next": pages.get_next_link(),
            "previous": pages.get_previous_link(),
            "results": shape(list(found or [])),
        }
    )


def page_of_list(
    request: Request, rows: Sequence[T], key: Callable[[T], Sequence[str]], shape: Callable[[list[T]], list[Any]]
) -> Response:
    """Return one page of rows that are at hand, in the order of ``key``; the cursor is where the page begins or ends.

    For lists whose order no column holds. Raises InvalidInput as ``page_of`` does, also for a limit out of range.
    """
    given = query_of(request, PageQuery)
    cut, back = _list_cursor(given.get("cursor"))
    most = given.get("limit") or Pages.page_size
    keys = [list(key(row)) for row in rows]
    if back:
        end = bisect_left(keys, cut)
        begin = max(0, end - most)
    else:
        begin = bisect_right(keys, cut) if cut else 0
        end = min(len(rows), begin + most)
    here = list(rows[begin:end])
    return Response(
        {
            "next": _list_link(request, "f", keys[end - 1]) if here and end < len(rows) else None,
            "previous": _list_link(request, "b", keys[begin]) if here and begin else None,
            "results": shape(here),
        }
    )


def _list_cursor(text: str | None) -> tuple[list[str], bool]:
    if text is None:
        return [], False
    try:
        way, *cut = json.loads(b64decode(text.encode(), altchars=b"-_", validate=True))
    except (ValueError, TypeError) as error:
        raise _unknown_cursor() from error
    if way not in ("f", "b") or not cut or not all(isinstance(part, str) for part in cut):
        raise _unknown_cursor()
    return cut, way == "b"


def _list_link(request: Request, way: str, cut: Sequence[str]) -> str:
    cursor = b64encode(json.dumps([way, *cut]).encode(), altchars=b"-_").decode()
    return replace_query_param(request.build_absolute_uri(), "cursor", cursor)


def _unknown_cursor() -> InvalidInput:
    return InvalidInput(
        fields={"cursor": ["This cursor is not known here."]}, remedy="Begin with the first page again."
    )
