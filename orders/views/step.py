"""The one page of every step of every kind: what is shown, what is missing, what is asked, and who signs."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from rest_framework import serializers

from ledger.context import Actor, reading
from ledger.refusals import Conflict, NotFound, Refusal, Unauthenticated
from orders import queries
from orders.actions import offline
from orders.flow import next_actions, order_named, perform, seen_version
from orders.forms import Described, Filling, described, flat, in_place, optional_lists, unplaced, without_blank_rows
from orders.inputs import LATE, PHOTO, PhotoField
from orders.step_kinds import Noted, kind_of
from orders.views import banner
from orders.views.offers import offers_of, wishes_asked
from orders.views.requests import asked, day, once_of, see_other
from orders.views.sheets import StepSheet, sheet_of
from orders.views.starts import start_filters, target_of, why_none
from personas.queries import username_of
from personas.states import Capability
from personas.views import desk
from scheduling.date_requests import latest_of
from scheduling.queries import chain_of
from scheduling.states import ChainState, DateRequestState

FARTHEST = dt.timedelta(days=366)
SEARCH_KIND = "hold_slot_chain"
BENEATH_EVIDENCE = ("review_batch", "release_batch")  # signed on the page of the batch's evidence
READS_THE_DOCUMENT = "activate_identity"  # compares the patient's document: the page must not say what stands there


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def step_page(request: HttpRequest, code: str, key: str) -> HttpResponseBase:
    """Show a step, or perform it; a refusal brings the page back with its status and everything typed but passwords."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor, code, key)
    sent = send(request, actor, code, key)
    if sent.refusal:
        with reading(actor):
            return _page(request, actor, code, key, sent.refusal, sent.errors)
    return see_other(after(actor, code, reverse("orders:order", args=[code])))


def noted_before(actor: Actor, entry: str, code: str, key: str, act: str = "") -> Noted | None:
    """Return how an act is recorded that an entry made without network noted; None for none, NotFound for no such."""
    if not entry:
        return None
    with reading(actor):
        return offline.noted(offline.open_entry(actor, _uuid(entry), code, key, act))


def _to_the_second(actor: Actor, entry: str, step: Any, inputs: QueryDict) -> None:
    """A form shows minutes: what nobody changed on it is recorded as the device noted it."""
    with reading(actor):
        found = offline.open_entry(actor, _uuid(entry), step.order.code, step.key)
    kind, zone = kind_of(step.flow_step.kind), step.site.zone if step.site else actor.zone
    for name in found.inputs.keys() | kind.Inputs().fields.keys():
        if name in inputs:
            inputs[name] = offline.exact(kind, found, zone, name, inputs.get(name, ""))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound() from None


def after(actor: Actor, code: str, page: str) -> str:
    """Return where to go on after an act: to the order's page, or to the desk where the order is not seen any more."""
    with reading(actor):
        return page if queries.orders(actor).filter(code=code.upper()).exists() else reverse("orders:home")


@dataclass(frozen=True)
class Sent:
    """What came of a form that was sent: nothing to say when the step was performed, else why not, by field."""

    refusal: Refusal | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)


def send(request: HttpRequest, actor: Actor, code: str, key: str) -> Sent:
    """Perform a step with what its form posted, and say what follows; a refusal is returned with its fields."""
    with reading(actor):
        step = queries.step_of(actor, order_named(actor, code), key)
    inputs, places = without_blank_rows(request.POST, optional_lists(queries.inputs_of(step)()))
    if PHOTO in request.FILES:
        inputs.setlist(PHOTO, request.FILES.getlist(PHOTO))  # type: ignore[arg-type]  # a form's values, files too
    try:
        version = request.POST.get("version") or None
        noted = noted_before(actor, request.POST.get("offline_entry", ""), code, key)
        if noted:
            _to_the_second(actor, request.POST["offline_entry"], step, inputs)
        result = perform(actor, code, key, inputs, version=version, once=once_of(request, code, key), noted=noted)
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        return Sent(refusal, in_place(flat(refusal.fields), places))
    messages.success(request, what_now(actor, result.order, result.step, result.summary))
    return Sent()


def what_now(actor: Actor, code: str, key: str, summary: str) -> str:
    """Return in words what was done, and whose turn it is next."""
    with reading(actor):
        if not queries.orders(actor).filter(code=code).exists():  # whoever declined a job is no party any more
            return f"{code}: {summary}"
        order = order_named(actor, code)
        done = queries.step_of(actor, order, key)
        waiting = [
            f"{act.step.flow_step.title} ({'you' if act.mine else _owner(act.step)})"
            for act in next_actions(actor, order)
        ]
    said = f"{done.flow_step.title}: {summary}"
    return f"{said} Next: {'; '.join(waiting)}." if waiting else said


def _owner(step: Any) -> str:
    return step.responsible.name if step.responsible else "nobody yet"


def _page(
    request: HttpRequest,
    actor: Actor,
    code: str,
    key: str,
    refusal: Refusal | None = None,
    errors: dict[str, list[str]] | None = None,
) -> HttpResponseBase:
    order = order_named(actor, code)
    context = sheet_context(request, actor, order, queries.step_of(actor, order, key), refusal, errors)
    if request.method != "POST" and context["version"] and context["sheet"].kind.key in BENEATH_EVIDENCE:
        return see_other(f"{reverse('orders:evidence', args=[order.code])}#sign")  # signed beneath what is shown there
    return TemplateResponse(request, "orders/step.html", context, status=refusal.status if refusal else 200)


def sheet_context(
    request: HttpRequest,
    actor: Actor,
    order: Any,
    step: Any,
    refusal: Refusal | None = None,
    errors: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """Return what the form of a step needs, wherever it is drawn: its sheet, fields, signatures, refusal."""
    sheet = sheet_of(actor, order, step)
    entry = _entry(request, actor, order, step) if sheet.inputs else None
    posted = request.POST if request.method == "POST" else _as_posted(sheet, entry)
    filling = Filling(sheet.zone, sheet.initial, posted, errors or {}, _rows(request), sheet.tests)
    fields = described(sheet.inputs, filling) if sheet.inputs else []
    for one in fields:
        if one["name"] == PHOTO:
            one["kept"] = _kept_photo(request)
    return {
        "order": order,
        "step": step,
        "sheet": sheet,
        "shown": _shown(sheet),
        "warnings": [row for row in sheet.shown if row[0] in sheet.kind.warnings],
        "version": seen_version(step, sheet.shown) if sheet.kind.binds_shown and sheet.inputs else "",
        "fields": [
            f
            for f in fields
            if not f["name"].startswith(("signature.", "verifiers")) and f["type"] != "offer" and f["name"] != LATE
        ],
        "late": _late(sheet, fields, filling, refusal),
        "signature": signature_of(actor, sheet, filling),
        "verifiers": _verifiers(sheet, filling),
        "offers": _offers(request, actor, order, sheet, filling),
        "refusal": refusal,
        "unplaced": [words for words in unplaced(errors or {}, fields) if refusal is None or words != refusal.detail],
        "once": request.POST.get("once") or uuid4(),
        "banner": banner.of(actor, order, name_only=sheet.kind.key == READS_THE_DOCUMENT),
        "crumbs": _crumbs(order, step),
        "entry": entry,
    }


def _entry(request: HttpRequest, actor: Actor, order: Any, step: Any) -> Any:
    """Return the entry made without network that the page is opened for; NotFound for none that waits."""
    key = asked(request, "entry") or request.POST.get("offline_entry", "")
    return entry_of(actor, key, order.code, step.key)


def entry_of(actor: Actor, key: str, code: str, step: str, act: str = "") -> Any:
    """Return an own entry made without network that still waits; None for none, NotFound for no such."""
    try:
        return offline.open_entry(actor, _uuid(key), code, step, act) if key else None
    except Conflict:
        return None  # settled meanwhile: the refusal above says so


def _as_posted(sheet: StepSheet, entry: Any) -> QueryDict | None:
    if entry is None:
        return None
    posted = QueryDict(mutable=True)
    for name, text in offline.as_form(sheet.kind, entry, sheet.zone).items():
        posted[name] = text
    return posted


def _kept_photo(request: HttpRequest) -> str:
    """Return a photo that came with a form which is drawn again, as base64 of what would be kept; empty for none."""
    sent = request.FILES.get(PHOTO) or request.POST.get(PHOTO)
    try:
        return base64.b64encode(PhotoField().to_internal_value(sent)).decode() if sent else ""
    except serializers.ValidationError:
        return ""


def _late(
    sheet: StepSheet, fields: list[Described], filling: Filling, refusal: Refusal | None
) -> dict[str, Any] | None:
    """Return how to record that it has happened already: offered where the act is refused, or not now."""
    field = next((found for found in fields if found["name"] == LATE), None)
    typed = bool(filling.value(LATE))
    if field is None or not (sheet.late or typed or (sheet.may_be_late and refusal is not None)):
        return None
    return {"field": {**field, "required": sheet.late}, "open": typed}


def _shown(sheet: StepSheet) -> list[dict[str, Any]]:
    """Return what is shown, but for warnings, as label and value; a bare time is told as a time at the step's place,
    in order of time."""
    plain = [(label, value) for label, value in sheet.shown if label not in sheet.kind.warnings]
    rows = [{"label": label, "value": value, "at": _moment(value)} for label, value in plain]
    return sorted(rows, key=lambda row: row["at"]) if rows and all(row["at"] for row in rows) else rows


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def _crumbs(order: Any, step: Any) -> list[dict[str, str]]:
    return [
        {"label": "Orders", "url": reverse("orders:list")},
        {"label": order.code, "url": reverse("orders:order", args=[order.code])},
        {"label": step.flow_step.title, "url": ""},
    ]


def _rows(request: HttpRequest) -> dict[str, int]:
    """Return how many rows of a list the address asks for (``?rows=bags:3``)."""
    name, _, count = request.GET.get("rows", "").partition(":")
    return {name: int(count)} if count.isdecimal() and len(count) < 4 else {}


def signature_of(actor: Actor, sheet: StepSheet, filling: Filling) -> dict[str, Any] | None:
    """Return what the performer's signature panel shows; None where nobody signs."""
    if sheet.inputs is None or sheet.step.signatures < 1:
        return None
    return {
        "meaning": sheet.step.flow_step.meaning or sheet.kind.meaning,
        "username": username_of(actor),
        "errors": {
            "username": filling.errors.get("signature.username", []),
            "password": filling.errors.get("signature.password", []) + filling.errors.get("signature", []),
        },
    }


def _verifiers(sheet: StepSheet, filling: Filling) -> list[dict[str, Any]]:
    if sheet.inputs is None:
        return []
    found = []
    for number in range(max(0, sheet.step.signatures - 1)):
        prefix = f"verifiers[{number}]"
        errors = {part: filling.errors.get(f"{prefix}.{part}", []) for part in ("username", "password", "scan")}
        if number == 0:
            errors["username"] = errors["username"] + filling.errors.get("verifiers", [])
        found.append(
            {
                "prefix": prefix,
                "legend": "Second person" if sheet.step.signatures == 2 else f"Verifier {number + 1}",
                "username": filling.value(f"{prefix}username"),
                "scan": filling.value(f"{prefix}scan"),
                "errors": errors,
            }
        )
    return found


def _offers(
    request: HttpRequest, actor: Actor, order: Any, sheet: StepSheet, filling: Filling
) -> dict[str, Any] | None:
    if sheet.inputs is None or sheet.kind.key != SEARCH_KIND:
        return None
    today = timezone.localdate(timezone=ZoneInfo(sheet.zone))
    declined, wish = _declined(actor, order), latest_of(actor, order.stream_id)
    refused = wish if wish is not None and wish.state == DateRequestState.DECLINED else None
    answers = {one.answered_at: one.proposed_date for one in (refused, declined) if one and one.answered_at}
    proposed = answers[max(answers)] if answers else None
    stored = queries.wishes_of(actor, order)
    wanted = day(asked(request, "earliest")) or proposed or stored.earliest or today
    earliest = min(max(wanted, today), today + FARTHEST)
    wishes = wishes_asked(request, stored)
    washout = sheet.step.flow_step.parameters.get("washout_days")
    lines = queries.lines_of(actor, order)
    target = target_of(request, lines)
    start = (UUID(target["line"]), target["date"]) if target else None
    found = queries.search_slots(actor, order, sheet.step, earliest, wishes, start=start)
    if target:
        target["why"] = why_none(found.refused)
    request.refused_days = len(found.refused)  # type: ignore[attr-defined]  # what the page shows, for who looks on
    errors = filling.errors.get("offer", [])
    offers = offers_of(found, sheet.zone, today, earliest, filling.value("offer"), errors, wishes, washout)
    if lines:
        offers["filters"] += start_filters(request, lines, order, target)
    return offers | {
        "target": target,
        "declined": declined,
        "wish": wish if wish is not None and wish.state == DateRequestState.OPEN else None,
        "wish_declined": refused,
        "wish_url": f"{reverse('orders:date_request', args=[order.code])}?wished={earliest}",
    }


def _declined(actor: Actor, order: Any) -> Any:
    """Return the slot chain that was declined last, with its reason and perhaps a day that would fit; None else."""
    chain = chain_of(actor, order.stream_id)
    return chain if chain is not None and chain.state == ChainState.DECLINED else None
