"""Closures: maintenance, inspections, days off; added and lifted."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from ledger.context import Actor, reading
from ledger.refusals import Refusal
from personas.queries import own_sites
from personas.states import Capability
from personas.views import desk
from scheduling import queries
from scheduling.actions.calendar import close, lift_closure
from scheduling.forms import ClosureForm
from scheduling.views.asked import AGAIN, SeeOther, actor_of, status_of
from scheduling.views.board import pages

PER_PAGE = 50


@require_http_methods(["GET", "POST"])
@desk(Capability.PUBLISH_CAPACITY)
def closures(request: HttpRequest) -> HttpResponseBase:
    """List what is closed, now or later; a POST closes a resource or a site."""
    actor = actor_of(request)
    if request.method != "POST":
        return _page(request, actor)
    with reading(actor):
        form = _form(actor, request.POST)
        valid = form.is_valid()
    refusal = None
    if valid:
        given = dict(form.cleaned_data)
        named = {f"{name}_code": given.pop(name) for name in ("resource", "site")}
        try:
            close(actor, **named, **given)
        except AGAIN:
            raise
        except Refusal as found:
            refusal = found
        else:
            messages.success(request, "It is closed; the windows there have no places any more.")
            return SeeOther(reverse("scheduling:closures"))
    with reading(actor):
        return _page(request, actor, form, refusal).render()


def _form(actor: Actor, *data: object) -> ClosureForm:
    resources = [(row.code, f"{row.name} ({row.code})") for row in queries.resources(actor, own=True)]
    return ClosureForm(*data, choices={"resource": resources, "site": own_sites(actor)})


def _page(
    request: HttpRequest, actor: Actor, form: ClosureForm | None = None, refusal: Refusal | None = None
) -> TemplateResponse:
    page = Paginator(queries.closures(actor, timezone.now()), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "closures": list(page.object_list),
        "pages": pages(page, {}),
        "fields": (form or _form(actor)).described(refusal.fields if refusal else None),
        "refusal": refusal,
        "part": "closures",
    }
    status = status_of(refusal, [form] if form else [])
    return TemplateResponse(request, "scheduling/closures.html", context, status=status)


@require_POST
@desk(Capability.PUBLISH_CAPACITY)
def lift(request: HttpRequest, closure_id: UUID) -> HttpResponseBase:
    """Open again what a closure closed."""
    lift_closure(actor_of(request), closure_id)
    messages.success(request, "The closure was lifted; what the opening hours open is open again.")
    return SeeOther(reverse("scheduling:closures"))
