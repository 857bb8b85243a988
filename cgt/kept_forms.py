"""What was typed into a form that a session's end kept from being recorded: held sealed for minutes, for one person.

Nothing is recorded by it. It is shown once, on the page of the form, in the browser that sent it, to the membership
that had opened the form; never to anybody else. Passwords, signatures, scans, files and what a second person entered
are not held at all (ADR 24).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string

from cgt.form_filling import filled
from personas.queries import is_held, places
from personas.views import page_of_the_form

COOKIE = "cgt_kept"
SECONDS = 15 * 60
MOST_CHARACTERS = 32_000
NONCE_BYTES = 12
MEANS = frozenset({"csrfmiddlewaretoken", "once", "version", "acting"})  # of the request itself: the page has new ones
# By the name's last word, and by who enters it. A house test compares them with the inputs of every kind of step.
SCANNED = ("scan", "wristband", "outer_code", "serial", "donation")
SECRET = re.compile(
    rf"(^|[\W_])(password|token|secret|{'|'.join(SCANNED)})$|^(signature|verifiers|second|checker)([\W_]|$)",
    re.IGNORECASE,
)
TOKEN = re.compile(r"[\w-]{20,60}")


class KeptForms:
    """Holds what a stranger's form says, and fills it in again after sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "GET" and COOKIE in request.COOKIES and _persona_taken_up(request):
            return HttpResponseRedirect(request.get_full_path())
        response = self.get_response(request)
        token = getattr(request, "kept_form", "")
        if token:
            secure = settings.SESSION_COOKIE_SECURE
            response.set_cookie(COOKIE, token, max_age=SECONDS, httponly=True, samesite="Lax", secure=secure)
        elif request.method == "GET" and COOKIE in request.COOKIES and response.status_code == 200:
            _show_again(request, response)
        return response

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        """Hold the form of somebody who is signed in no more; the token of its page has proven where it came from.

        Where no token is asked (the REST API) there is no form, and the body is the view's to read.
        """
        if request.method != "POST" or getattr(view, "csrf_exempt", False):
            return
        if getattr(request, "actor", None) is None and not request.user.is_authenticated:
            keep(request)


def keep(request: HttpRequest) -> bool:
    """Hold what was typed into a form of ours, whose sender the caller has made sure of; return whether it is held."""
    opened_as = _uuid(request.POST.get("acting", ""))
    values = {
        name: list(texts) for name, texts in request.POST.lists() if name not in MEANS and not SECRET.search(name)
    }
    typed = sum(len(text) for texts in values.values() for text in texts)
    if opened_as is None or not 0 < typed <= MOST_CHARACTERS or not is_held(opened_as):
        return False
    _forget(request)
    token = secrets.token_urlsafe(24)
    held = {"page": page_of_the_form(request).partition("?")[0], "action": request.path, "values": values}
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + AESGCM(_key(token)).encrypt(nonce, json.dumps(held).encode(), opened_as.bytes)
    cache.set(_place(token), sealed, SECONDS)
    request.kept_form = token  # type: ignore[attr-defined]
    return True


def _persona_taken_up(request: HttpRequest) -> bool:
    """Act in the membership that the page's form was opened in, if who has just signed in has chosen none yet."""
    actor = getattr(request, "actor", None)
    if actor is None or "membership" in request.session:
        return False
    for place in places(actor):
        held = _held(request.COOKIES[COOKIE], place.pk)
        if held is not None and held["page"] == request.path:
            request.session["membership"] = str(place.pk)
            return not place.is_current
    return False


def _show_again(request: HttpRequest, response: Any) -> None:
    """Fill the page's form with what is held for who acts now, once."""
    actor = getattr(request, "actor", None)
    if actor is None or not response.get("Content-Type", "").startswith("text/html") or response.streaming:
        return
    held = _held(request.COOKIES[COOKIE], actor.membership_id)
    if held is None or held["page"] != request.path:
        return
    note, page = render_to_string("kept_form.html"), response.content.decode()
    shown = filled(page, request.path, held["action"], held["values"], note)
    if shown == page:
        return
    response.content = shown
    response["Cache-Control"] = "no-store"
    if response.has_header("Content-Length"):
        response["Content-Length"] = str(len(response.content))
    response.delete_cookie(COOKIE, samesite="Lax")
    _forget(request)


def _held(token: str, membership_id: UUID | None) -> dict[str, Any] | None:
    sealed = cache.get(_place(token)) if membership_id and TOKEN.fullmatch(token) else None
    if sealed is None or membership_id is None:
        return None
    try:
        opened = AESGCM(_key(token)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], membership_id.bytes)
    except InvalidTag:
        return None  # somebody else's
    held: dict[str, Any] = json.loads(opened)
    return held


def _forget(request: HttpRequest) -> None:
    token = request.COOKIES.get(COOKIE, "")
    if TOKEN.fullmatch(token):
        cache.delete(_place(token))


def _key(token: str) -> bytes:
    """Half of it is the browser's alone: who reads the cache and knows the master key cannot open it."""
    return hmac.new(settings.MASTER_KEY, b"kept form" + token.encode(), hashlib.sha256).digest()


def _place(token: str) -> str:
    return f"kept-form:{hashlib.sha256(token.encode()).hexdigest()}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
