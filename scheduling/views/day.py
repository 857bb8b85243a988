"""One day of a resource, edited by hand: add, close, move a window, change its places, close the day (AU1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, NotFound, Refusal
from personas.local_times import local_time
from personas.states import Capability
from personas.views import desk
from scheduling import queries
from scheduling.actions.calendar import close
from scheduling.actions.capacity import CapacityRow, publish_capacity
from scheduling.actions.windows import close_window, follow_rules, move_window
from scheduling.forms import CalendarForm, MoveForm, PlacesForm, ReasonForm, WindowForm
from scheduling.views.asked import AGAIN, SeeOther, actor_of, status_of, today

DONE = {
    "add": "The window was added.",
    "places": "The places were changed.",
    "move": "The window was moved.",
    "close": "The window was closed.",
    "follow": "The window follows the opening hours again.",
    "close_day": "The day was closed.",
}
FORMS: dict[str, type[CalendarForm]] = {
    "add": WindowForm,
    "places": PlacesForm,
    "move": MoveForm,
    "close": ReasonForm,
    "follow": CalendarForm,
    "close_day": ReasonForm,
}


@require_http_methods(["GET", "POST"])
@desk(Capability.PUBLISH_CAPACITY)
def day(request: HttpRequest, code: str, date: str) -> HttpResponseBase:
    """Show the day, or do what ``act`` says to it; ``window`` names the window."""
    actor, on = actor_of(request), _date(date)
    if request.method != "POST":
        return _page(request, actor, code, on)
    act = request.POST.get("act", "")
    if act not in FORMS:
        raise NotFound()
    form = FORMS[act](request.POST)
    refusal = None
    if form.is_valid():
        try:
            _do(actor, code, on, act, request.POST.get("window", ""), form.cleaned_data)
        except AGAIN:
            raise
        except Refusal as found:
            refusal = found
        else:
            messages.success(request, DONE[act])
            return SeeOther(reverse("scheduling:day", args=[code, on.isoformat()]))
    with reading(actor):
        return _page(request, actor, code, on, act, form, refusal).render()


def _date(text: str) -> dt.date:
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2100:
        raise Http404
    return found


def _page(
    request: HttpRequest,
    actor: Actor,
    code: str,
    on: dt.date,
    act: str = "",
    form: CalendarForm | None = None,
    refusal: Refusal | None = None,
) -> TemplateResponse:
    resource = queries.own_resource(actor, code)
    row = queries.board(actor, [resource], on, 1)[0]
    fields = dict(refusal.fields) if refusal else {}
    window = request.POST.get("window", "") if form else ""

    def described(name: str, kind: type[CalendarForm], initial: Mapping[str, Any], about: str = "") -> Any:
        mine = form is not None and act == name and about == window
        shown = form if mine and form is not None else kind(initial=dict(initial))
        return _named(shown.described(_beside(fields) if mine else None), f"{name}-{about}" if about else name)

    windows = [
        {
            "window": found,
            "places": described("places", PlacesForm, {"places": found.places}, str(found.id)),
            "move": described("move", MoveForm, {"starts_at": f"{found.starts_at:%Y-%m-%dT%H:%M}"}, str(found.id)),
            "close": described("close", ReasonForm, {}, str(found.id)),
            "opened": act if window == str(found.id) else "",
        }
        for found in row.days[0].windows
    ]
    context = {
        "row": row,
        "day": row.days[0],
        "date": on,
        "windows": windows,
        "add": described("add", WindowForm, {}),
        "close_day": described("close_day", ReasonForm, {}),
        "opened": act,
        "refusal": refusal,
        "before": on - dt.timedelta(days=1),
        "after": on + dt.timedelta(days=1),
        "past": on < today(actor),
        "part": "board",
    }
    return TemplateResponse(
        request, "scheduling/day.html", context, status=status_of(refusal, [form] if form is not None else [])
    )


def _named(fields: list[dict[str, Any]], about: str) -> list[dict[str, Any]]:
    """Give each field an id of its own: one page holds the same field for several windows."""
    return [{**field, "id": f"{about}-{field['name']}"} for field in fields]


def _beside(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return an action's words by the page's own field names (``rows[0].capacity`` is ``places``)."""
    names = {"capacity": "places", "starts_at": "starts", "ends_at": "ends"}
    found: dict[str, list[str]] = {}
    for key, words in fields.items():
        last = str(key).rpartition(".")[2]
        found[names.get(last, last) if "." in str(key) else last] = [str(word) for word in words]
    return found


def _do(actor: Actor, code: str, on: dt.date, act: str, window: str, given: Mapping[str, Any]) -> None:
    acts: dict[str, Callable[[], Any]] = {
        "add": lambda: _publish(actor, code, _span(actor, code, on, given), given["places"]),
        "places": lambda: _publish(actor, code, _times(actor, window), given["places"]),
        "move": lambda: move_window(actor, _id(actor, window), _moment(actor, code, given["starts_at"])),
        "close": lambda: close_window(actor, _id(actor, window), given["reason"]),
        "follow": lambda: follow_rules(actor, _id(actor, window)),
        "close_day": lambda: close(actor, resource_code=code, first_date=on, reason=given["reason"]),
    }
    acts[act]()


def _publish(actor: Actor, code: str, times: tuple[dt.datetime, dt.datetime], places: int) -> None:
    publish_capacity(actor, [CapacityRow(code, *times, places)])


def _zone(actor: Actor, code: str) -> ZoneInfo:
    with reading(actor):
        return ZoneInfo(queries.zone_of(actor, queries.own_resource(actor, code)))


def _span(actor: Actor, code: str, on: dt.date, given: Mapping[str, Any]) -> tuple[dt.datetime, dt.datetime]:
    return queries.span(on, given["starts"], given["ends"], _zone(actor, code))


def _moment(actor: Actor, code: str, typed: dt.datetime) -> dt.datetime:
    return local_time(typed.replace(tzinfo=None).isoformat(), _zone(actor, code).key, "starts_at")


def _id(actor: Actor, window: str) -> Any:
    with reading(actor):
        return _window(actor, window).pk


def _times(actor: Actor, window: str) -> tuple[dt.datetime, dt.datetime]:
    with reading(actor):
        found = _window(actor, window)
        return found.starts_at, found.ends_at


def _window(actor: Actor, window: str) -> Any:
    try:
        return queries.own_window(actor, UUID(window))
    except ValueError:
        raise InvalidInput("This window is not known any more.") from None
