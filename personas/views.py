"""Pages of people: switching, the register of members, personas and keys. And ``desk``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from allauth.account.forms import ResetPasswordForm
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger.context import Actor, reading
from ledger.identifiers import new_id
from ledger.recording import Once, Replayed, fingerprint
from ledger.refusals import InvalidInput, NotAllowed, Refusal, Stale
from personas import queries
from personas.actions import people, persona_rights
from personas.forms import InviteForm, KeyForm, RightsForm
from personas.states import Capability

SESSION_ENDED = "You were not signed in any more when this was sent, so nothing was recorded. "
KEPT = (
    "Sign in as the same person within a quarter of an hour: the page opens again with what you had typed. "
    "Passwords, signatures and scans are entered once more."
)
NOT_KEPT = "Sign in: the page opens again, and what you had typed has to be entered once more."
CHANGES_SHOWN, MEMBERS_SHOWN = 50, 15
View = Callable[..., HttpResponseBase]


def desk(capability: Capability | str | None = None, *, recorded: bool = False) -> Callable[[View], View]:
    """Open a page to people who act: 302 to sign-in for strangers, NotAllowed (403) without ``capability``.

    A GET runs and renders inside ``reading(request.actor)``; the page that a POST answers with is rendered there too.
    Return a TemplateResponse, so that rendering happens inside. ``recorded``: reading this page is itself an event, so
    that a GET runs outside and opens what it needs.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            actor: Actor | None = getattr(request, "actor", None)
            if actor is None:
                return _no_place(request)
            if capability and not actor.can(str(capability)):
                raise NotAllowed(f"{actor.persona_title} may not: {Capability(capability).label.lower()}.")
            if request.method in ("GET", "HEAD") and not recorded:
                with reading(actor):
                    return _rendered(view(request, *args, **kwargs))
            response = view(request, *args, **kwargs)
            with reading(actor):
                return _rendered(response)

        return opened

    return decorate


def _rendered(response: HttpResponseBase) -> HttpResponseBase:
    return response.render() if isinstance(response, TemplateResponse) else response


def _no_place(request: HttpRequest) -> HttpResponseBase:
    """Strangers sign in; somebody signed in without a membership (any more) is told so."""
    if request.user.is_authenticated:
        return TemplateResponse(request, "personas/no_place.html", status=403).render()
    if request.method != "POST":
        return redirect_to_login(request.get_full_path())
    messages.warning(request, SESSION_ENDED + (KEPT if getattr(request, "kept_form", "") else NOT_KEPT))
    sign_in = redirect_to_login(page_of_the_form(request))
    if request.headers.get("HX-Request") != "true":
        return sign_in
    return HttpResponse(status=204, headers={"HX-Redirect": sign_in["Location"]})  # else it is drawn inside the page


def page_of_the_form(request: HttpRequest) -> str:
    """Return the address on which the form stood: where it was sent to may answer nothing but forms."""
    came = urlsplit(request.headers.get("Referer", ""))
    return came._replace(scheme="", netloc="").geturl() if came.netloc == request.get_host() else "/"


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else "/"


@require_POST
def switch(request: HttpRequest) -> HttpResponseBase:
    """Act in another membership of the same account; NotFound for anybody else's.

    A sign-in changes the token of forms, too: so no form of ours outlives a change of who acts.
    """
    if not request.user.is_authenticated:
        return redirect_to_login("/")
    membership = queries.own_membership(request.user.pk, request.POST.get("membership", ""))
    request.session["membership"] = str(membership.pk)
    rotate_token(request)  # forms of other tabs were opened as somebody else: none of them is taken any more
    return HttpResponseRedirect(_next(request))


@require_safe
@desk(Capability.ADMINISTER)
def register(request: HttpRequest) -> HttpResponseBase:
    """Members, personas with their capabilities, and API keys of the acting organization (TA1–TA3)."""
    return register_page(request)


def register_page(
    request: HttpRequest, *, key: KeyForm | None = None, invited: InviteForm | None = None, **extra: Any
) -> TemplateResponse:
    """Return the register with its forms as they were filled; ``extra``: what an upper floor's desk adds."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    with reading(actor):
        page = Paginator(queries.members(actor), MEMBERS_SHOWN).get_page(request.GET.get("page"))
        context = {
            "members": list(page.object_list),
            "page": page,
            "sites": queries.own_sites(actor),
            "personas": queries.persona_rights(actor),
            "keys": list(queries.api_keys(actor)),
            "now": timezone.now(),
            "fields": (key or KeyForm(actor)).described(),
            "invitation": (invited or InviteForm(actor)).described(),
            **extra,
        }
    return TemplateResponse(request, "personas/register.html", context)


@require_POST
@desk(Capability.ADMINISTER)
def invite(request: HttpRequest) -> HttpResponseBase:
    """Invite a person; who has no password yet chooses one by an e-mailed link (TA1)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    with reading(actor):
        form = InviteForm(actor, request.POST)
        valid = form.is_valid()
        site = queries.own_site(actor, form.cleaned_data.get("site", "")) if valid else None
    if not valid:
        return _with_status(register_page(request, invited=form), 400)
    given = form.cleaned_data
    try:
        member = people.invite(actor, email=given["email"], name=given["name"], persona_key=given["persona"], site=site)
    except InvalidInput as refusal:
        form.take(refusal)
        return _with_status(register_page(request, invited=form, refusal=refusal), refusal.status)
    _send_link(request, member)
    messages.success(
        request, f"{given['name']} was invited. Whoever has no password yet is sent a link by e-mail to choose one."
    )
    return HttpResponseRedirect("/")


def _send_link(request: HttpRequest, member: Any) -> None:
    """Send the link by which a person without a password chooses one; nobody else ever learns it."""
    account = queries.account(member.user_id)
    if account.has_usable_password():
        return
    form = ResetPasswordForm({"email": account.email})
    if form.is_valid():
        form.save(request)


@require_POST
@desk(Capability.ADMINISTER)
def change_site(request: HttpRequest, membership_id: Any) -> HttpResponseBase:
    """Move somebody's persona to another site, or to all (TA5)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    code = request.POST.get("site", "")
    with reading(actor):
        membership = queries.members(actor).filter(pk=membership_id).first()
        site = queries.own_site(actor, code) if code else None
    if membership is None or (code and site is None):
        raise Http404
    try:
        people.change_site(actor, membership, site)
    except InvalidInput as refusal:
        return _with_status(register_page(request, refusal=refusal), refusal.status)
    messages.success(request, "The site was changed. It counts from the next request on.")
    return HttpResponseRedirect("/")


@require_http_methods(["GET", "HEAD", "POST"])
@desk(Capability.ADMINISTER)
def rights(request: HttpRequest, key: str) -> HttpResponseBase:
    """Show what a persona may do and how that came about; adapt it within the separation of duties (TA2)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    with reading(actor):
        found = queries.rights_of(actor, key)
        form = RightsForm(actor, found, request.POST if request.method == "POST" else None)
        if request.method != "POST" or not form.is_valid():
            return _rights_page(actor, request, found, form, 400 if form.errors else 200)
    try:
        seen = request.POST.get("version", "")
        persona_rights.adapt_persona(actor, key, **form.inputs(), version=seen, once=_once(request, key))
    except Replayed:
        pass
    except (InvalidInput, Stale) as refusal:
        form.take(refusal)
        with reading(actor):
            newest = queries.rights_of(actor, key)
            return _rights_page(actor, request, newest, form, refusal.status, refusal)
    messages.success(request, "The persona was adapted. It counts from the next request of everybody in it.")
    return HttpResponseRedirect(reverse("personas:rights", args=[key]))


def _once(request: HttpRequest, key: str) -> Once | None:
    """Return the form's idempotency key: a second click changes nothing and says the same."""
    sent = request.POST.get("once", "").replace("\x00", "")[:64]
    given = {name: values for name, values in request.POST.lists() if name not in ("csrfmiddlewaretoken", "once")}
    return Once(f"page:rights:{key}:{sent}", fingerprint({"sent": given})) if sent else None


def _rights_page(
    actor: Actor,
    request: HttpRequest,
    found: queries.PersonaRights,
    form: RightsForm,
    status: int,
    refusal: Refusal | None = None,
) -> TemplateResponse:
    context = {
        "persona": found,
        "fields": form.described(),
        "members": queries.members(actor).filter(persona__key=found.key),
        "changes": queries.told_changes(queries.persona_changes(actor, found.key)[:CHANGES_SHOWN]),
        "once": new_id(),
        "refusal": refusal,
        "crumbs": [
            {"label": "People and keys", "url": reverse("personas:register")},
            {"label": found.title, "url": ""},
        ],
    }
    return TemplateResponse(request, "personas/rights.html", context, status=status)


@require_POST
@desk(Capability.ADMINISTER)
def issue_key(request: HttpRequest) -> HttpResponseBase:
    """Issue an API key; its token is shown on the answer page and never again."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    with reading(actor):
        form = KeyForm(actor, request.POST)
        valid = form.is_valid()
    if not valid:
        return _with_status(register_page(request, key=form), 400)
    try:
        key, token = people.issue_api_key(actor, responsible=request.user, **form.inputs())  # type: ignore[arg-type]
    except InvalidInput as refusal:
        form.take(refusal)
        return _with_status(register_page(request, key=form, refusal=refusal), refusal.status)
    response = register_page(request, issued=key, token=token)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@desk(Capability.ADMINISTER)
def revoke_key(request: HttpRequest, prefix: str) -> HttpResponseBase:
    """Revoke an API key of the acting organization."""
    people.revoke_api_key(request.actor, prefix)  # type: ignore[attr-defined]
    messages.success(request, "The key was revoked. It stopped working.")
    return HttpResponseRedirect(reverse("personas:register"))


@require_POST
@desk(Capability.ADMINISTER)
def end_membership(request: HttpRequest, membership_id: Any) -> HttpResponseBase:
    """End somebody's persona in the acting organization (SQ4)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    with reading(actor):
        membership = queries.members(actor).filter(pk=membership_id).first()
    if membership is None:
        raise Http404
    if membership.pk == actor.membership_id:
        raise Refusal(
            "You cannot end the membership that you act in.", code="own_membership", remedy="Ask a colleague."
        )
    people.end_membership(actor, membership)
    messages.success(request, "The membership was ended. Running sessions lose it now.")
    return HttpResponseRedirect(reverse("personas:register"))


def _with_status(response: TemplateResponse, status: int) -> TemplateResponse:
    response.status_code = status
    return response
