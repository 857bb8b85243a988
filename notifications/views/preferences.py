"""What comes by e-mail, and when; when one is away; for administrators where unacknowledged critical notices go."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput
from notifications import queries
from notifications.actions import absences, escalation
from notifications.actions import preferences as actions
from notifications.forms import AwayForm, EscalationForm, PreferencesForm
from personas.states import Capability
from personas.views import desk


def _actor(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@desk()
def preferences(request: HttpRequest) -> HttpResponseBase:
    """Show or set the acting person's own preferences."""
    actor = _actor(request)
    if request.method != "POST":
        return _page(request)
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        with reading(actor):
            return _page(request, form=form).render()
    try:
        actions.set_preferences(actor, **form.cleaned_data)
    except InvalidInput as refusal:
        with reading(actor):
            return _page(request, form=form, refusal=refusal).render()
    messages.success(request, "Your preferences are kept.")
    return HttpResponseRedirect(reverse("notifications:preferences"))


@require_POST
@desk()
def away(request: HttpRequest) -> HttpResponseBase:
    """Say from when to when the acting person is away, and who is told too (CO8)."""
    actor = _actor(request)
    with reading(actor):
        form = AwayForm(actor, request.POST)
        if not form.is_valid():
            return _page(request, absence=form).render()
    try:
        absences.set_away(actor, **form.cleaned_data)
    except InvalidInput as refusal:
        with reading(actor):
            return _page(request, absence=form, refusal=refusal).render()
    messages.success(request, "Your absence is kept. Your colleagues see it beside your name.")
    return HttpResponseRedirect(reverse("notifications:preferences"))


@require_POST
@desk()
def back(request: HttpRequest) -> HttpResponseBase:
    """Say that the acting person is back."""
    absences.end_away(_actor(request))
    messages.success(request, "Welcome back. What waits goes to you alone again.")
    return HttpResponseRedirect(reverse("notifications:preferences"))


@require_POST
@desk(Capability.ADMINISTER)
def set_escalation(request: HttpRequest) -> HttpResponseBase:
    """Say when and to whom critical notices go on."""
    actor = _actor(request)
    with reading(actor):
        rule = EscalationForm(actor, request.POST)
        if not rule.is_valid():
            return _page(request, rule=rule).render()
    try:
        escalation.set_escalation(actor, **rule.cleaned_data)
    except InvalidInput as refusal:
        with reading(actor):
            return _page(request, rule=rule, refusal=refusal).render()
    messages.success(request, "The escalation is kept.")
    return HttpResponseRedirect(reverse("notifications:preferences"))


def _page(
    request: HttpRequest,
    *,
    form: PreferencesForm | None = None,
    rule: EscalationForm | None = None,
    absence: AwayForm | None = None,
    refusal: InvalidInput | None = None,
) -> TemplateResponse:
    actor = _actor(request)
    if form is None:
        form = PreferencesForm(initial=PreferencesForm.initial_of(queries.preferences_of(actor)))
    refused = refusal.fields if refusal else None
    context = {
        "fields": form.described(refused),
        "away_fields": (absence or AwayForm(actor)).described(refused),
        "away": queries.absence_of(actor),
        "refusal": refusal,
        "administers": actor.can(Capability.ADMINISTER),
        "crumbs": [{"label": "Inbox", "url": reverse("notifications:inbox")}, {"label": "Preferences", "url": ""}],
    }
    if context["administers"]:
        found = queries.escalation_rule(actor)
        rule = rule or EscalationForm(actor, initial={"minutes": found.minutes, "persona": found.persona})
        context["rule_fields"] = rule.described(refused)
    wrong = refusal is not None or bool(form.errors) or any(form and form.errors for form in (rule, absence))
    return TemplateResponse(request, "notifications/preferences.html", context, status=400 if wrong else 200)
