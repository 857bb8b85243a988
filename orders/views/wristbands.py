"""What the patient wears: the chain of identity as a symbol, for the patient's own center only (AN1, IN1)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from custody import label_pdf, vault
from custody import queries as custody
from custody.label_contents import wristband_of
from custody.states import IdentityState
from ledger.context import Actor
from ledger.refusals import NotFound, WrongState
from orders import queries
from orders.flow import order_named
from personas.states import Capability
from personas.views import desk


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def wristband(request: HttpRequest, code: str) -> HttpResponseBase:
    """Return the wristband's label as PDF; NotFound but for the patient's center, WrongState before activation."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    chain = custody.identity_of(actor, order.stream_id)
    if chain is None or not queries.may_see_identity(actor, order):
        raise NotFound()
    if chain.state == IdentityState.ISSUED:
        remedy = "A second person activates it first."
        raise WrongState("The chain of identity is not active yet.", code="not_active", remedy=remedy)
    patient = vault.open_identity(actor, order.patient_id)
    lines = [patient.family_name, patient.given_name, str(patient.birth_date), patient.mrn]
    content = wristband_of(
        chain, lines, order.center_site.zone, timezone.now(), site=order.center_site.name, synthetic=order.synthetic
    )
    response = HttpResponse(label_pdf.render([content]), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="wristband-{order.code}.pdf"'
    return response
