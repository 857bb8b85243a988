"""The labels of an order: every print with its end, and the valid ones as PDF pages, PDF sheets or ZPL."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_POST, require_safe

from custody import label_pdf, label_prints, label_zpl
from custody import queries as custody
from custody.label_contents import LabelContent
from custody.labels import VALID
from custody.states import LabelSheet, LabelState, LabelTemplate
from ledger.context import Actor
from ledger.recording import Once
from ledger.refusals import InvalidInput, NotFound, Refusal
from orders import queries
from orders.actions import label_ends, reprints
from orders.actions import scan_back as scanning
from orders.flow import order_named
from orders.forms import Filling, described, flat, in_place, parts_of, unplaced, with_choices, without_blank_rows
from orders.views.requests import acted, typed
from personas.queries import username_of
from personas.states import Capability
from personas.views import desk


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def labels(request: HttpRequest, code: str) -> HttpResponseBase:
    """List every print of an order with its end, and offer the valid ones in each form that a printer takes."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _page(request, actor, code)


@require_POST
@desk(Capability.VIEW_ORDERS)
def reprint(request: HttpRequest, code: str) -> HttpResponseBase:
    """Print a bag's label again, with the reason."""
    given = {name: typed(request, name) for name in ("container", "reason")}

    def act(actor: Actor, once: Once | None) -> str:
        label = reprints.reprint_label(actor, code, given, once=once)
        return f"{label.serial} is printed again. Remove the old label, put the new one on, and scan it back."

    def again(refusal: Refusal) -> TemplateResponse:
        return _page(request, request.actor, code, refusal)  # type: ignore[attr-defined]

    return acted(request, (code, "reprint"), act, again, reverse("orders:labels", args=[code]))


@require_POST
@desk(Capability.VIEW_ORDERS)
def scan_back(request: HttpRequest, code: str) -> HttpResponseBase:
    """Record that prints are on their bags, scanned by two people."""
    sent, places = without_blank_rows(request.POST, ("bags",))

    def act(actor: Actor, once: Once | None) -> str:
        done = scanning.scan_back(actor, code, sent, once=once)
        return f"Scanned back by two people: {', '.join(done)}."

    def again(refusal: Refusal) -> TemplateResponse:
        errors = in_place(flat(refusal.fields), places)
        return _page(request, request.actor, code, refusal, errors)  # type: ignore[attr-defined]

    return acted(request, (code, "scan-back"), act, again, reverse("orders:labels", args=[code]))


@require_POST
@desk(Capability.VIEW_ORDERS)
def settle(request: HttpRequest, code: str) -> HttpResponseBase:
    """Record what became of one print; a refusal brings the list back with the words."""
    serial = typed(request, "serial")

    def act(actor: Actor, once: Once | None) -> str:
        given = {name: typed(request, name) for name in ("became", "remark")}
        label = label_ends.settle_label(actor, code, serial, given, once=once)
        return f"Label {label.serial} is {label.get_state_display().lower()}."

    def again(refusal: Refusal) -> TemplateResponse:
        return _page(request, request.actor, code, refusal)  # type: ignore[attr-defined]

    return acted(request, (code, "label", serial), act, again, reverse("orders:labels", args=[code]))


def _page(
    request: HttpRequest,
    actor: Actor,
    code: str,
    refusal: Refusal | None = None,
    scan_errors: dict[str, list[str]] | None = None,
) -> TemplateResponse:
    order = _order(actor, code)
    prints = prints_of(actor, code)
    errors = flat(refusal.fields) if refusal else {}
    filling = Filling(order.center_site.zone, posted=request.POST if refusal else None, errors=errors)
    tried = typed(request, "serial") if refusal else ""
    context = {
        "order": order,
        "refusal": refusal,
        "unplaced": [],
        "may_settle": label_ends.may_settle(actor),
        "tried": tried,
        "open_prints": [
            (label, _form(label.serial, filling if label.serial == tried else None))
            for label in prints
            if label.state in (LabelState.PRINTED, LabelState.VOID)
        ],
        "once": uuid4(),
        "to_reprint": (bags := reprints.reprintable(actor, order)),
        "reprint_fields": _reprint_fields(bags, filling) if bags else [],
        **_to_scan_back(request, actor, order, scan_errors),
        "prints": [(label, label_prints.said(label), label_prints.renderer_of(label)) for label in prints],
        "counted": counted(prints),
        "valid": any(label.state in VALID for label in prints),
        "step": request.GET.get("step", "")[:60],
        "zone": order.center_site.zone,
        "sheets": LabelSheet.choices,
        "resolutions": label_zpl.RESOLUTIONS,
        "crumbs": [
            {"label": order.code, "url": reverse("orders:order", args=[order.code])},
            {"label": "Labels", "url": ""},
        ],
    }
    status = refusal.status if refusal else 200
    return TemplateResponse(request, "orders/labels.html", context, status=status)


def _to_scan_back(
    request: HttpRequest, actor: Actor, order: Any, errors: dict[str, list[str]] | None
) -> dict[str, Any]:
    """Return the form with a row for each print that waits to be scanned back by whoever looks."""
    prints = scanning.waiting(actor, order)
    if not prints:
        return {"to_scan_back": []}
    posted = request.POST if errors is not None else None
    filling = Filling(order.center_site.zone, {"bags": [{} for _ in prints]}, posted, errors or {})
    fields = [field for field in described(scanning.ScanBackInputs(), filling) if field["name"] == "bags"]
    return {
        "to_scan_back": prints,
        "scan_fields": fields,
        "unplaced": unplaced(errors or {}, fields),
        "meaning": scanning.APPLIED_BY,
        "second_meaning": scanning.VERIFIED_BY,
        "username": username_of(actor),
        "own_errors": parts_of(errors or {}, "signature"),
        "second_errors": parts_of(errors or {}, "second"),
        "second_username": filling.value("second.username"),
        "second_scan": filling.value("second.scan"),
    }


def _reprint_fields(bags: list[Any], filling: Filling) -> list[dict[str, Any]]:
    fields = described(reprints.ReprintInputs(), filling)
    return with_choices(fields, {"container": [(bag.code, f"{bag.code} ({bag.kind_label})") for bag in bags]})


def _form(serial: str, filling: Filling | None) -> list[dict[str, Any]]:
    """Return the fields of a print's end, each with an id of its own on the page."""
    fields = described(label_ends.LabelEndInputs(), filling or Filling("UTC"))
    narrow = {"radio": "select", "textarea": "text"}
    return [
        {
            **field,
            "id": f"{field['name']}_{serial}",
            "type": narrow.get(field["type"], field["type"]),
        }
        for field in fields
    ]


def prints_of(actor: Actor, code: str) -> list[Any]:
    """Return every print of an order's labels, oldest first; NotFound for a courier."""
    return list(custody.labels_of(actor, _order(actor, code).stream_id).select_related("container", "design", "kept"))


def counted(prints: list[Any]) -> dict[str, int]:
    """Return how many were issued, and how many ended how; the order closes when none is ``open`` or ``void``."""
    states = Counter(label.state for label in prints)
    ended = {state.value: states[state] for state in LabelState if state != LabelState.PRINTED}
    return {"issued": len(prints), "open": states[LabelState.PRINTED], **ended}


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def labels_pdf(request: HttpRequest, code: str) -> HttpResponseBase:
    """The valid labels: one per page, or with ``sheet`` (and ``first``) several on a sheet; ``step`` narrows them."""
    contents, name = _contents(request, code)
    sheet = request.GET.get("sheet", "")
    if not sheet:
        return _file(_fitting(lambda: label_pdf.render(contents)), f"{name}.pdf", "application/pdf")
    if sheet not in LabelSheet.values:
        raise InvalidInput(fields={"sheet": [f"Use one of {', '.join(LabelSheet.values)}."]})
    first = _number(request.GET, "first", 1)
    places = len(label_pdf.grid(label_pdf.SHEETS[LabelSheet(sheet)], [content.stock for content in contents]))
    if not 1 <= first <= places:
        raise InvalidInput(fields={"first": [f"The sheet has places 1 to {places}."]})
    return _file(
        _fitting(lambda: label_pdf.render_sheets(contents, sheet, first)), f"{name}-{sheet}.pdf", "application/pdf"
    )


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def labels_zpl(request: HttpRequest, code: str) -> HttpResponseBase:
    """The valid labels for a label printer of ``dpi`` dots per inch; ``step`` narrows them."""
    contents, name = _contents(request, code)
    dpi = _number(request.GET, "dpi", label_zpl.RESOLUTIONS[0])
    if dpi not in label_zpl.RESOLUTIONS:
        raise InvalidInput(fields={"dpi": [f"Use one of {', '.join(map(str, label_zpl.RESOLUTIONS))}."]})
    return _file(_fitting(lambda: label_zpl.render(contents, dpi).encode()), f"{name}.zpl", "application/zpl")


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def void_labels_pdf(request: HttpRequest, code: str) -> HttpResponseBase:
    """The prints that are valid no more (``serial``: one of them) as they were drawn, with VOID across each."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order, serial = _order(actor, code), request.GET.get("serial", "").replace("\x00", "")[:48]
    found = custody.labels_of(actor, order.stream_id).exclude(state__in=VALID)
    if serial:
        found = found.filter(serial=serial)
    printed = list(found.select_related("container__coi", "design", "kept"))
    if not printed:
        raise NotFound()
    contents = queries.label_texts.drawn(actor, order, printed, allowed=queries.may_see_identity(actor, order))
    zone = order.center_site.zone
    ended = [(content, label_prints.what_ended(label, zone)) for label, content in zip(printed, contents, strict=True)]
    return _file(_fitting(lambda: label_pdf.render_void(ended)), f"void-labels-{order.code}.pdf", "application/pdf")


@require_safe
@cache_control(max_age=86400, private=True)
@desk(Capability.VIEW_ORDERS)
def printer_font(request: HttpRequest) -> HttpResponseBase:
    """What a label printer is sent once, so that it has the label's font."""
    return _file(label_zpl.font_setup().encode(), "label-font.zpl", "application/zpl")


def _order(actor: Actor, code: str) -> Any:
    order = order_named(actor, code)
    if not queries.may_see_therapy(actor):
        raise NotFound()
    return order


def _contents(request: HttpRequest, code: str) -> tuple[list[LabelContent], str]:
    """Return the order's valid labels as data, and a name for the file; NotFound when there is none."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = _order(actor, code)
    found = custody.labels_of(actor, order.stream_id).filter(state__in=VALID)
    key = request.GET.get("step", "")
    if key:
        step = queries.step_of(actor, order, key)
        found = found.filter(template=step.flow_step.parameters.get("template", LabelTemplate.PRODUCT))
    printed = list(found.select_related("container__coi", "design", "kept"))
    if not printed:
        raise NotFound()
    allowed = queries.may_see_identity(actor, order)
    return queries.label_texts.drawn(actor, order, printed, allowed=allowed), f"labels-{order.code}"


def _number(given: QueryDict, name: str, usual: int) -> int:
    text = given.get(name, "") or str(usual)
    if not text.isascii() or not text.isdecimal() or len(text) > 5:
        raise InvalidInput(fields={name: ["Give a whole number."]})
    return int(text)


def _fitting(draw: Any) -> bytes:
    try:
        drawn: bytes = draw()
    except ValueError as too_much:
        text = f"A label cannot be printed: {too_much}."
        raise InvalidInput(text, code="label_too_full", remedy="Choose a larger stock in the template.") from None
    return drawn


def _file(content: bytes, name: str, kind: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    how = "inline" if kind == "application/pdf" else "attachment"
    response["Content-Disposition"] = f'{how}; filename="{name}"'
    return response
