"""Opening hours: the rules of each resource, and from when another one holds (AU1, MP1)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from ledger.context import Actor, reading
from ledger.refusals import Refusal
from personas.queries import own_site, own_sites
from personas.states import Capability
from personas.views import desk
from scheduling import queries
from scheduling.actions.calendar import RuleInput, add_rule, change_rule, end_rule
from scheduling.actions.capacity import add_resource
from scheduling.forms import ResourceForm, RuleForm
from scheduling.views.asked import AGAIN, SeeOther, actor_of, date_of, status_of, today, word
from scheduling.views.board import pages

PER_PAGE = 50


@require_http_methods(["GET", "POST"])
@desk(Capability.PUBLISH_CAPACITY)
def hours(request: HttpRequest) -> HttpResponseBase:
    """List the rules; a POST adds one. ``change`` names the rule that a new version is written for."""
    actor = actor_of(request)
    changed = _rule_id(word(request, "change"))
    if request.method != "POST":
        return _page(request, actor, changed=changed)
    with reading(actor):
        form = RuleForm(request.POST, choices={"resource": _resources(actor)})
        valid = form.is_valid()
    refusal = None
    if valid:
        given = RuleInput(**form.given())
        try:
            if changed:
                change_rule(actor, changed, given)
            else:
                add_rule(actor, form.cleaned_data["resource"], given)
        except AGAIN:
            raise
        except Refusal as found:
            refusal = found
        else:
            messages.success(request, f"The shift {given.shift} holds from {given.first_date:%d %b %Y} on.")
            return SeeOther(reverse("scheduling:hours"))
    with reading(actor):
        return _page(request, actor, form, refusal, changed).render()


def _page(
    request: HttpRequest,
    actor: Actor,
    form: RuleForm | None = None,
    refusal: Refusal | None = None,
    changed: UUID | None = None,
    resource_form: ResourceForm | None = None,
) -> TemplateResponse:
    rules = queries.rules(actor)
    page = Paginator(rules, PER_PAGE).get_page(request.GET.get("page"))
    version = rules.filter(pk=changed).first() if changed else None
    initial = _of_rule(version, actor) if version else {"first_date": today(actor), "on_holidays": "closed"}
    shown = form or RuleForm(initial=initial, choices={"resource": _resources(actor)})
    add = resource_form or ResourceForm(choices={"site": own_sites(actor)})
    mine = resource_form is None
    context = {
        "rules": [{"rule": rule, "days": queries.pattern_words(rule.pattern)} for rule in page.object_list],
        "pages": pages(page, {}),
        "fields": shown.described(refusal.fields if refusal and mine else None),
        "changed": version,
        "resource_fields": add.described(refusal.fields if refusal and not mine else None),
        "refusal": refusal,
        "opened": "resource" if resource_form else "rule" if form or version else "",
        "today": today(actor),
        "part": "hours",
    }
    shown_forms = [one for one in (form, resource_form) if one]
    return TemplateResponse(request, "scheduling/hours.html", context, status=status_of(refusal, shown_forms))


def _resources(actor: Actor) -> list[tuple[str, str]]:
    return [(row.code, f"{row.name} ({row.code})") for row in queries.resources(actor, own=True)]


def _of_rule(rule: Any, actor: Actor) -> dict[str, Any]:
    names = ("shift", "pattern", "places", "on_holidays", "holiday_region", "competence", "people_per_place")
    found = {name: getattr(rule, name) for name in (*names, "last_date", "reserved_for", "release_days")}
    times = {"starts": f"{rule.starts:%H:%M}", "ends": f"{rule.ends:%H:%M}"}
    return {**found, **times, "resource": rule.resource.code, "first_date": max(rule.first_date, today(actor))}


def _rule_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@require_POST
@desk(Capability.PUBLISH_CAPACITY)
def end(request: HttpRequest, rule_id: UUID) -> HttpResponseBase:
    """Let a shift end with the day ``last_date``."""
    actor = actor_of(request)
    last = date_of(request.POST.get("last_date", "")[:10], actor)
    try:
        rule = end_rule(actor, rule_id, last)
    except AGAIN:
        raise
    except Refusal as refusal:
        with reading(actor):
            return _page(request, actor, refusal=refusal).render()
    messages.success(request, f"The shift {rule.shift} ends with {last:%d %b %Y}.")
    return SeeOther(reverse("scheduling:hours"))


@require_POST
@desk(Capability.PUBLISH_CAPACITY)
def new_resource(request: HttpRequest) -> HttpResponseBase:
    """Add a chair, a bay, a line or a bed."""
    actor = actor_of(request)
    with reading(actor):
        form = ResourceForm(request.POST, choices={"site": own_sites(actor)})
        site = own_site(actor, form.cleaned_data["site"]) if form.is_valid() else None
    refusal = None
    if form.is_valid():
        given = form.cleaned_data
        try:
            add_resource(actor, code=given["code"], name=given["name"], kind=given["kind"], site=site)
        except Refusal as found:
            refusal = found
        else:
            messages.success(request, f"{given['name']} was added: give it opening hours.")
            return SeeOther(reverse("scheduling:hours"))
    with reading(actor):
        return _page(request, actor, refusal=refusal, resource_form=form).render()
