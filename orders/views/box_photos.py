"""Photos of a box: taken on its page, shown there."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import InvalidInput
from orders.actions import box_photos as action
from orders.flow import order_named
from orders.views.requests import acted, typed
from orders.views.shipment import page
from personas.states import Capability
from personas.views import desk


@require_POST
@desk(Capability.VIEW_ORDERS)
def add(request: HttpRequest, code: str, box: str) -> HttpResponseBase:
    """Keep a photo of the box."""

    def act(actor: Actor, once: Once | None) -> str:
        given = request.FILES.get("photo")
        if given is not None and (given.size or 0) > action.LARGEST:
            raise InvalidInput(fields={"photo": [f"At most {action.LARGEST // 1024 // 1024} MB."]})
        content = given.read() if given is not None else b""
        action.add_photo(actor, code, box, typed(request, "about"), content, once=once)
        return "The photo is kept with the box."

    place = reverse("orders:shipment", args=[code, box])
    return acted(request, ("photo", code, box), act, lambda refusal: page(request, code, box, refusal), place)


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def show(request: HttpRequest, code: str, box: str, photo: UUID) -> HttpResponseBase:
    """Return a photo."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    content = action.photo_of(actor, order_named(actor, code), box, photo)
    return HttpResponse(content, content_type="image/jpeg", headers={"Content-Disposition": "inline"})
