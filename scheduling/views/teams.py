"""Teams with their competence, and at a treatment center the priority classes of therapies (AU1, MP10)."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from ledger.context import Actor, reading
from ledger.refusals import Refusal
from ledger.states import Role
from network.queries import therapies
from personas.queries import own_sites
from personas.states import Capability
from personas.views import desk
from scheduling import queries
from scheduling.actions.priorities import class_therapy
from scheduling.actions.teams import TeamInput, set_team
from scheduling.forms import PriorityForm, TeamForm
from scheduling.states import PriorityClass
from scheduling.views.asked import AGAIN, SeeOther, actor_of, status_of, today
from scheduling.views.board import pages

PER_PAGE = 50


@require_http_methods(["GET", "POST"])
@desk(Capability.PUBLISH_CAPACITY)
def teams(request: HttpRequest) -> HttpResponseBase:
    """List the teams; a POST sets one from a day on."""
    actor = actor_of(request)
    if request.method != "POST":
        return _page(request, actor)
    with reading(actor):
        form = TeamForm(request.POST, choices={"site": own_sites(actor)})
        valid = form.is_valid()
    refusal = None
    if valid:
        try:
            team = set_team(actor, form.cleaned_data["site"], TeamInput(**form.given()))
        except AGAIN:
            raise
        except Refusal as found:
            refusal = found
        else:
            messages.success(request, f"The team {team.code} has {team.people} people from {team.first_date} on.")
            return SeeOther(reverse("scheduling:teams"))
    with reading(actor):
        return _page(request, actor, form, refusal).render()


def _page(
    request: HttpRequest,
    actor: Actor,
    form: TeamForm | None = None,
    refusal: Refusal | None = None,
    priority: PriorityForm | None = None,
) -> TemplateResponse:
    page = Paginator(queries.teams(actor), PER_PAGE).get_page(request.GET.get("page"))
    initial = {"first_date": today(actor)}
    shown = form or TeamForm(initial=initial, choices={"site": own_sites(actor)})
    context = {
        "teams": [{"team": team, "days": queries.pattern_words(team.pattern)} for team in page.object_list],
        "pages": pages(page, {}),
        "fields": shown.described(refusal.fields if refusal and not priority else None),
        "refusal": refusal,
        "part": "teams",
    }
    if actor.organization_role == Role.TREATMENT_CENTER:
        classes = queries.therapy_classes(actor)
        known = list(therapies(actor))
        context["classes"] = [
            {"therapy": row, "label": PriorityClass(classes[row.pk]).label if row.pk in classes else ""}
            for row in known
        ]
        chosen = priority or PriorityForm(choices={"therapy": [(str(row.pk), row.name) for row in known]})
        context["priority_fields"] = chosen.described(refusal.fields if refusal and priority else None)
    forms = [one for one in (form, priority) if one is not None]
    return TemplateResponse(request, "scheduling/teams.html", context, status=status_of(refusal, forms))


@require_POST
@desk(Capability.PUBLISH_CAPACITY)
def set_priority(request: HttpRequest) -> HttpResponseBase:
    """Put a therapy into a priority class."""
    actor = actor_of(request)
    with reading(actor):
        form = PriorityForm(request.POST, choices={"therapy": [(str(row.pk), row.name) for row in therapies(actor)]})
        valid = form.is_valid()
    if not valid:
        with reading(actor):
            return _page(request, actor, priority=form).render()
    class_therapy(actor, UUID(form.cleaned_data["therapy"]), form.cleaned_data["priority"])
    messages.success(request, "The class was set; searches follow it at once.")
    return SeeOther(reverse("scheduling:teams"))
