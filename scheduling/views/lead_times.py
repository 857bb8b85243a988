"""The register of lead-time overrides: listed by what counts first, added, ended (FEATURES F21)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods, require_POST

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, Refusal
from network.queries import therapies
from personas.queries import sites
from personas.states import Capability
from personas.views import desk
from scheduling import queries
from scheduling.actions.lead_times import OverrideInput, end_lead_time, set_lead_time
from scheduling.forms import LeadTimeForm
from scheduling.states import OverrideState
from scheduling.views.asked import AGAIN, SeeOther, actor_of, status_of, today, word
from scheduling.views.board import pages

PER_PAGE = 50
CHOSEN = ("state", "step", "market", "site", "therapy")


@require_http_methods(["GET", "POST"])
@desk(Capability.SET_LEAD_TIMES)
def lead_times(request: HttpRequest) -> HttpResponseBase:
    """List the overrides, narrowed by the words of the address; a POST adds one."""
    actor = actor_of(request)
    if request.method != "POST":
        return _page(request, actor)
    with reading(actor):
        form = _form(actor, request.POST)
        valid = form.is_valid()
    refusal = None
    if valid:
        try:
            set_lead_time(actor, OverrideInput(**form.cleaned_data))
        except AGAIN:
            raise
        except Refusal as found:
            refusal = found
        else:
            messages.success(request, "The override counts for every date that is searched or held from now on.")
            return SeeOther(reverse("scheduling:lead_times"))
    with reading(actor):
        return _page(request, actor, form, refusal).render()


@require_POST
@desk(Capability.SET_LEAD_TIMES)
def end(request: HttpRequest, override_id: UUID) -> HttpResponseBase:
    """Let an override count until a day, with a reason."""
    actor = actor_of(request)
    try:
        last = _date(request.POST.get("last_date", ""))
        row = end_lead_time(actor, override_id, last, request.POST.get("reason", "").replace("\x00", ""))
    except AGAIN:
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, refusal=refusal, at=str(override_id)).render()
    told = (
        "It never came into effect."
        if row.withdrawn_at
        else f"It counts for collections until {row.last_date:%d %b %Y}."
    )
    messages.success(request, f"The override was ended. {told}")
    return SeeOther(reverse("scheduling:lead_times"))


def _date(text: str) -> Any:
    try:
        found = parse_date(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise InvalidInput(fields={"last_date": ["Give a day."]})
    return found


def _choices(actor: Actor) -> dict[str, list[tuple[str, str]]]:
    places = sites(actor).values_list("code", "name", "organization__role", "country")
    return {
        "site": [(code, f"{name} ({country})") for code, name, role, country in places if role != "courier"],
        "therapy": list(
            therapies(actor, active=False).filter(manufacturer_id=actor.organization_id).values_list("code", "name")
        ),
    }


def _form(actor: Actor, *data: object) -> LeadTimeForm:
    return LeadTimeForm(*data, choices=_choices(actor), initial={"first_date": today(actor), "priority": 0})


def _page(
    request: HttpRequest,
    actor: Actor,
    form: LeadTimeForm | None = None,
    refusal: Refusal | None = None,
    at: str = "",
) -> TemplateResponse:
    chosen = {name: word(request, name) for name in CHOSEN}
    chosen["state"] = chosen["state"] if chosen["state"] in OverrideState.values else OverrideState.NOW
    found = queries.lead_times(actor, today(actor), **chosen)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    form = form or _form(actor)
    refused = refusal.fields if refusal else {}
    kept = {name: value for name, value in chosen.items() if value and (name, value) != ("state", OverrideState.NOW)}
    context = {
        "entries": [
            _row(entry, actor, at, refused, request)
            for entry in queries.lead_time_entries(actor, list(page.object_list))
        ],
        "pages": pages(page, kept),
        "filters": _filters(form, chosen),
        "filtered": bool(kept),
        "fields": form.described(refused if not at else None),
        "refusal": refusal,
    }
    return TemplateResponse(request, "scheduling/lead_times.html", context, status=status_of(refusal, [form]))


def _row(entry: queries.LeadTimeEntry, actor: Actor, at: str, refused: Any, request: HttpRequest) -> dict[str, Any]:
    row = entry.row
    here = at == str(row.pk)
    given = request.POST if here else {}
    return {
        "entry": entry,
        "row": row,
        "counts": row.withdrawn_at is None and (row.last_date is None or row.last_date >= today(actor)),
        "begins": row.first_date > today(actor),
        "open": here,
        "fields": [
            {
                "name": name,
                "id": f"{name}_{row.pk}",
                "label": label,
                "type": kind,
                "required": True,
                "value": given.get(name, ""),
                "errors": refused.get(name, []) if here else [],
                "help": text,
            }
            for name, label, kind, text in (
                ("last_date", "Last day of collection", "date", "Yesterday: it counts no more from now on."),
                ("reason", "Reason", "text", "No patient data."),
            )
        ],
    }


def _filters(form: LeadTimeForm, chosen: dict[str, str]) -> list[dict[str, Any]]:
    steps = [(step, label) for step, (label, _) in queries.STEPS.items()]
    offered = {name: [c for c in form.fields[name].choices if c[0]] for name in ("site", "therapy")}  # type: ignore[attr-defined]
    selects = [
        ("step", "Step", steps),
        ("site", "Site", offered["site"]),
        ("therapy", "Therapy", offered["therapy"]),
    ]
    shown: list[dict[str, Any]] = [
        {"name": "state", "label": "State", "type": "select", "choices": OverrideState.choices, "required": True}
    ]
    shown += [
        {"name": name, "label": label, "type": "select", "choices": choices, "blank": "All"}
        for name, label, choices in selects
    ]
    shown.append({"name": "market", "label": "Market", "type": "text", "maxlength": 2, "placeholder": "DE"})
    return [
        {**field, "value": chosen[field["name"]], "needed": True, "id": f"filter_{field['name']}"} for field in shown
    ]
