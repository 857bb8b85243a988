"""Without network: the page that a device keeps, the worker that shows it, and what a device learns while it can."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ledger.context import Actor
from orders.actions import offline as action
from orders.forms import Filling, described
from orders.inputs import LATE, PastTime, inputs_class
from orders.states import WithoutNetwork
from personas.states import Capability
from personas.views import desk

KEPT_FILES = (
    "vendor/tabler/tabler.min.css",
    "css/cgt.css",
    "css/orders.css",
    "css/offline.css",
    "js/offline.js",
    "js/offline_page.js",
    "js/cgt.js",
    "js/camera.js",
    "vendor/tabler-icons/sprite.svg",
    "vendor/zxing-wasm/reader.js",
    "vendor/zxing-wasm/zxing_reader.wasm",
    "favicon.svg",
    "manifest.webmanifest",
    "icon-192.png",
)


@require_safe
def shell(request: HttpRequest) -> HttpResponseBase:
    """The page that stands on the device: the same for everybody, so that nothing of anybody is kept with it."""
    return HttpResponse(_shell(), headers={"Cache-Control": "no-cache"})


@require_safe
def worker(request: HttpRequest) -> HttpResponseBase:
    """The service worker: keeps the shell and its files, and answers with it where the network does not."""
    files = sorted({*_files(), *(settings.STATIC_URL + name for name in KEPT_FILES if name.endswith(".js"))})
    known = {"version": _version(), "shell": reverse("orders:offline"), "files": files}
    text = render_to_string("offline/worker.js", known)
    return HttpResponse(text, content_type="text/javascript", headers={"Cache-Control": "no-cache"})


@require_safe
@never_cache
@desk(Capability.VIEW_ORDERS)
def session(request: HttpRequest) -> HttpResponseBase:
    """What a device of the acting membership needs: the key that seals its entries, the steps at hand, a token."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    sheets = action.sheets(actor)
    known: dict[str, Any] = {
        "membership": str(actor.membership_id),
        "who": f"{actor.persona_title}, {actor.organization_name}",
        "seal": base64.b64encode(action.seal_key(actor)).decode(),
        "token": get_token(request),
        "now": timezone.now(),
        "sheets": [_sheet(one) for one in sheets],
        "forms": {_form(one): _fields(one) for one in {_form(one): one for one in sheets}.values()},
    }
    return JsonResponse(known)


def _sheet(sheet: action.Sheet) -> dict[str, Any]:
    step = sheet.step
    return {
        "order": step.order.code,
        "step": step.key,
        "act": sheet.act,
        "title": sheet.title,
        "place": step.site.name if step.site else "",
        "way": str(sheet.kind.without_network),
        "signatures": 0 if sheet.act else step.signatures,
        "form": _form(sheet),
        "expects": sheet.expects,
    }


def _form(sheet: action.Sheet) -> str:
    return f"{sheet.act or sheet.kind.key} {sheet.zone}"


def _fields(sheet: action.Sheet) -> str:
    """Return what a device asks for a step, drawn: its inputs but signatures, and but the time that its clock knows."""
    if sheet.kind.without_network != WithoutNetwork.KEPT:
        return ""
    if sheet.act:
        asked = described(action.NOTES[sheet.act](), Filling(sheet.zone))
        return render_to_string("offline/fields.html", {"fields": [one | _at_a_place(one, sheet) for one in asked]})
    inputs = inputs_class(sheet.kind, 0)(context={"zone": ZoneInfo(sheet.zone)})
    clock = {name for name, field in inputs.fields.items() if isinstance(field, PastTime) and field.required}
    asked = described(inputs, Filling(sheet.zone))
    shown = [one for one in asked if one["name"] not in {*clock, LATE} and not one["name"].startswith("signature")]
    return render_to_string("offline/fields.html", {"fields": shown})


def _at_a_place(field: dict[str, Any], sheet: action.Sheet) -> dict[str, Any]:
    if field["type"] == "datetime":
        return {"zone": sheet.zone, "needed": True}
    return {"value": sheet.zone} if field["name"] == "zone" else {}


def _shell() -> str:
    return render_to_string("offline/shell.html", {"shell": True})


def _files() -> list[str]:
    return [static(name) for name in KEPT_FILES]


def _version() -> str:
    """Return what the kept files and the shell amount to: another content is another version."""
    return hashlib.sha256((_digest_of_files() + _shell()).encode()).hexdigest()[:16]


@cache
def _digest_of_files() -> str:
    contents = b""
    for name in KEPT_FILES:
        place = finders.find(name)
        contents += static(name).encode() + (Path(place).read_bytes() if isinstance(place, str) else b"")
    return hashlib.sha256(contents).hexdigest()
