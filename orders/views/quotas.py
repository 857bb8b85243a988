"""Quotas: the manufacturer's register with the use of each share, and what a center sees of its own."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, NotFound, Refusal, Unauthenticated
from ledger.states import Role
from network.queries import therapies
from orders.views.requests import day, see_other, typed
from personas.queries import organization_names, organizations
from personas.states import Capability
from personas.views import desk
from scheduling import quota_periods, quota_register
from scheduling.actions.quotas import QuotaRules, ShareRow, add_quota, change_quota
from scheduling.states import QuotaPeriod, QuotaStage

NAMED = "named"
BINDS = [
    ("everybody", "Everybody; whom no share names draws on the pool"),
    (NAMED, "Only whom a share names, beside other quotas"),
]
SHARE_ROWS = 4
SHOWN = 25


def concerns(actor: Actor) -> bool:
    """Whether quotas are the acting persona's business: who sets them, and who books under them."""
    return actor.can(Capability.SET_QUOTAS) or actor.can(Capability.BOOK_SLOTS)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk(Capability.VIEW_ORDERS)
def quotas(request: HttpRequest) -> HttpResponseBase:
    """Show the quotas that the organization gives or has, or add one."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return _page(request, actor)
    try:
        quota = add_quota(actor, _rules(request), _shares(request))
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, refusal, "new")
    messages.success(request, f"The quota counts from {quota.starts_on:%d %b %Y} to {quota.ends_on:%d %b %Y}.")
    return see_other(reverse("orders:quotas"))


@require_POST
@desk(Capability.VIEW_ORDERS)
def change(request: HttpRequest, quota: UUID) -> HttpResponseBase:
    """Give a share another number of places from a period on."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        first = day(typed(request, "from_on"))
        if first is None:
            raise InvalidInput(fields={"from_on": ["Give the first day of a period."]})
        change_quota(actor, quota, first, [_share(request, "share", "places", "countries")])
    except (NotFound, Unauthenticated):
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, refusal, str(quota))
    messages.success(request, f"Changed from {first:%d %b %Y} on.")
    return see_other(reverse("orders:quotas"))


def _rules(request: HttpRequest) -> QuotaRules:
    days = {name: day(typed(request, name)) for name in ("starts_on", "ends_on")}
    missing = {name: ["Give a day."] for name, found in days.items() if found is None}
    if missing:
        raise InvalidInput(fields=missing)
    release = typed(request, "release_days")
    return QuotaRules(
        therapy=typed(request, "therapy"),
        stage=typed(request, "stage"),
        period=typed(request, "period"),
        starts_on=days["starts_on"] or dt.date.min,
        ends_on=days["ends_on"] or dt.date.min,
        release_days=_number(release) if release else None,
        reserve_percent=_number(typed(request, "reserve_percent") or "0"),
        title=typed(request, "title"),
        named_only=typed(request, "binds") == NAMED,
    )


def _shares(request: HttpRequest) -> list[ShareRow]:
    return [
        _share(request, f"share-{i}", f"places-{i}", f"countries-{i}")
        for i in range(SHARE_ROWS)
        if typed(request, f"share-{i}") or typed(request, f"places-{i}")
    ]


def _share(request: HttpRequest, share: str, places: str, countries: str) -> ShareRow:
    """Read a share: ``pool``, ``region:…`` with countries, or a center's code."""
    who, listed = typed(request, share), typed(request, countries)
    codes = tuple(code.upper() for code in listed.replace(",", " ").split())
    if codes and who in ("", "region"):
        return ShareRow(_number(typed(request, places)), region=" ".join(codes)[:60], countries=codes)
    return ShareRow(_number(typed(request, places)), center="" if who in ("pool", "") else who)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else -1


def _page(request: HttpRequest, actor: Actor, refusal: Refusal | None = None, at: str = "") -> TemplateResponse:
    rows = list(quota_register.quotas(actor)[:SHOWN])
    lines = quota_register.lines(actor, rows)
    names = {one.pk: one.name for one in therapies(actor, active=False)}
    makers = organization_names(actor, {row.organization_id for row in rows})
    own = actor.organization_role == Role.MANUFACTURER
    errors = refusal.fields if refusal else {}
    context = {
        "quotas": [
            {
                "quota": row,
                "key": str(row.pk),
                "therapy": names.get(row.therapy_id, ""),
                "maker": makers.get(row.organization_id, ""),
                "lines": lines.get(row.pk, []),
                "next": _next_period(row),
            }
            for row in rows
            if row.pk in lines
        ],
        "own": own,
        "may_set": own and actor.can(Capability.SET_QUOTAS),
        "fields": _fields(request, actor, errors if at == "new" else {}, kept=at == "new") if own else [],
        "entries": _entries(request, actor, errors if at == "new" else {}, kept=at == "new") if own else [],
        "choices": _who(actor) if own else [],
        "refusal": refusal,
        "words": [word for words in errors.values() for word in words] if at != "new" else [],
        "at": at,
        "typed": request.POST,
    }
    return TemplateResponse(request, "orders/quotas.html", context, status=refusal.status if refusal else 200)


def _next_period(quota: Any) -> str:
    after = quota_periods.next_first(quota.period, max(timezone.now().date(), quota.starts_on - dt.timedelta(days=1)))
    return after.isoformat() if after <= quota.ends_on else ""


def _who(actor: Actor) -> list[tuple[str, str]]:
    centers = organizations(actor).filter(role=Role.TREATMENT_CENTER).values_list("code", "name")
    return [("pool", "Common pool"), ("region", "Region (countries)"), *centers]


def _fields(request: HttpRequest, actor: Actor, errors: Any, *, kept: bool) -> list[dict[str, Any]]:
    own = therapies(actor).filter(manufacturer_id=actor.organization_id)
    shown: list[dict[str, Any]] = [
        {"name": "therapy", "label": "Therapy", "type": "select", "choices": list(own.values_list("code", "name"))},
        {"name": "stage", "label": "What is counted", "type": "select", "choices": QuotaStage.choices},
        {"name": "period", "label": "Per", "type": "select", "choices": QuotaPeriod.choices},
        {"name": "binds", "label": "Whom it binds", "type": "select", "choices": BINDS},
        {
            "name": "title",
            "label": "Name",
            "type": "text",
            "maxlength": 60,
            "help": "Who finds it used up reads it. Needed where it binds only whom it names.",
        },
        {"name": "starts_on", "label": "First day", "type": "date", "help": "A Monday, or the first of a month."},
        {"name": "ends_on", "label": "Last day", "type": "date", "help": "Whole weeks or months, two years at most."},
        {
            "name": "release_days",
            "label": "Unused places go to the pool",
            "type": "number",
            "unit": "days before the period",
            "min": 0,
            "step": 1,
            "help": "Empty: never.",
        },
        {
            "name": "reserve_percent",
            "label": "Kept for remanufacture",
            "type": "number",
            "unit": "% of each share, rounded down to whole places",
            "min": 0,
            "max": 100,
            "step": 1,
        },
    ]
    for field in shown:
        field["value"] = request.POST.get(field["name"], "") if kept else ""
        field["errors"] = errors.get(field["name"], [])
        field["required"] = field["name"] not in ("release_days", "reserve_percent", "title", "binds")
    return shown


def _entries(request: HttpRequest, actor: Actor, errors: Any, *, kept: bool) -> list[dict[str, Any]]:
    who, position = _who(actor), 0
    entries: list[dict[str, Any]] = []
    for i in range(SHARE_ROWS):
        filled = kept and bool(typed(request, f"share-{i}") or typed(request, f"places-{i}"))
        at = f"shares[{position}]" if filled else "-"
        position += filled
        fields: list[dict[str, Any]] = [
            {
                "name": f"share-{i}",
                "label": "Whose",
                "type": "select",
                "choices": who,
                "errors": [*errors.get(f"{at}.center", []), *errors.get(f"{at}.region", [])],
            },
            {"name": f"places-{i}", "label": "Places", "type": "number", "min": 0, "step": 1},
            {"name": f"countries-{i}", "label": "Countries of the region", "type": "text", "placeholder": "AT DE"},
        ]
        for field in fields:
            field["value"] = request.POST.get(field["name"], "") if kept else ""
            field.setdefault("errors", errors.get(f"{at}.{field['name'].split('-')[0]}", []))
            field["needed"] = i == 0 and not field["name"].startswith("countries")
        entries.append({"legend": f"Share {i + 1}", "fields": fields})
    if errors.get("shares"):
        entries[0]["fields"][0]["errors"] = errors["shares"]
    return entries
