"""What is printed: labels and the release certificate as PDF, packing lists as a page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from custody import label_pdf, vault
from custody import queries as custody
from custody.states import LabelState, LabelTemplate
from ledger.context import Actor
from ledger.refusals import NotFound
from network.queries import disclosed_fields
from orders import queries
from orders.flow import order_named
from personas.states import Capability
from personas.views import desk


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def labels(request: HttpRequest, code: str) -> HttpResponseBase:
    """The valid labels of an order, one per page; ``?step=`` narrows to those of one step."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    if not queries.may_see_therapy(actor):
        raise NotFound()
    found = custody.labels_of(actor, order.stream_id).filter(state__in=(LabelState.PRINTED, LabelState.APPLIED))
    key = request.GET.get("step", "")
    if key:
        step = queries.step_of(actor, order, key)
        found = found.filter(template=step.flow_step.parameters.get("template", LabelTemplate.PRODUCT))
    printed = list(found.select_related("container__coi"))
    if not printed:
        raise NotFound()
    text = _text(actor, order)
    return _pdf(label_pdf.render(printed, lambda label: text[label.template]), f"labels-{order.code}.pdf")


def _text(actor: Actor, order: Any) -> dict[str, label_pdf.LabelText]:
    limits = order.specification.limits
    storage = {
        LabelTemplate.COLLECTION: f"{limits.get('receipt_min_c')} to {limits.get('receipt_max_c')} °C",
        LabelTemplate.PRODUCT: f"at or below {limits.get('storage_max_c')} °C",
    }
    site = {LabelTemplate.COLLECTION: order.center_site, LabelTemplate.PRODUCT: order.plant_site or order.center_site}
    patient = _patient_lines(actor, order)
    return {
        template: label_pdf.LabelText(
            product=order.therapy.name,
            storage=storage[template],
            zone=site[template].zone,
            site=site[template].name,
            autologous=order.therapy.modality.startswith("autologous"),
            patient_lines=patient,
            synthetic=order.synthetic,
        )
        for template in (LabelTemplate.COLLECTION, LabelTemplate.PRODUCT)
    }


def _patient_lines(actor: Actor, order: Any) -> list[str]:
    """Return the patient's data that the therapy discloses in this market, for the own center's persona only (T39)."""
    if not queries.may_see_identity(actor, order):
        return []
    shown = disclosed_fields(order.therapy_id, order.center_site.country)
    if not shown:
        return []
    patient = vault.open_identity(actor, order.patient_id)
    return [str(getattr(patient, name)) for name in ("family_name", "given_name", "birth_date", "mrn") if name in shown]


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def certificate(request: HttpRequest, code: str) -> HttpResponseBase:
    """The certificate of the newest release of an order; a revoked one says so."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    if not queries.may_see_therapy(actor):
        raise NotFound()
    certificate = queries.certificate_of(actor, order)
    if certificate is None:
        raise NotFound()
    name, content = certificate
    return _pdf(content, name)


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def packing_list(request: HttpRequest, code: str, box: str) -> HttpResponseBase:
    """What is in a packed box, to be printed; ``?face=outer`` is for its outside and all a courier reads (CO9)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_named(actor, code)
    found = queries.packing_list(actor, order, box, outer=request.GET.get("face") == "outer")
    context = {
        "order": order,
        "found": found,
        "box": found.shipment,
        "symbol": _squares(found.shipment.code),
        "may_see_inside": queries.may_see_therapy(actor),
        "crumbs": [
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Packing list", "url": ""},
        ]
        if found.inside
        else [],  # not even the order's code is printed for the outside
    }
    return TemplateResponse(request, "orders/packing_list.html", context)


def _squares(content: str) -> dict[str, Any]:
    """Return the DataMatrix of a code as an SVG path over its modules, with their number per side."""
    modules = label_pdf.data_matrix(content)
    path = "".join(
        f"M{column} {row}h1v1h-1z" for row, line in enumerate(modules) for column, dark in enumerate(line) if dark
    )
    return {"path": path, "size": len(modules)}


def _pdf(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response
