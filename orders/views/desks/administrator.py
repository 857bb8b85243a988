"""The administrator's desk: people, personas and keys, and what of them runs out soon (TA1–TA3, SQ3)."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.response import TemplateResponse

from ledger.context import Actor
from network.queries import expiring
from orders.views.desks import desk_named
from personas.views import register_page


@desk_named("administrator")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """The register of people, with the credentials and trainings that run out."""
    return register_page(request, expiring=expiring(actor))
