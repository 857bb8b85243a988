"""Who calls the REST API: a partner's key (``Authorization: Bearer cgt_…``), or a person signed in at the browser."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

from ledger.context import Actor
from ledger.rates import ends_in, within_rate
from ledger.refusals import Unauthenticated
from personas.queries import actor_of_key


class KeyUser:
    """What DRF calls the user when a key acts: nobody in particular; the actor says everything."""

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False

    def __init__(self, key_id: UUID, name: str) -> None:
        self.pk = self.id = key_id
        self.username = name

    def __str__(self) -> str:
        return self.username


class KeyAuthentication(BaseAuthentication):
    """A partner's key. ``request.auth`` and ``request.actor`` are its actor."""

    def authenticate(self, request: Request) -> tuple[KeyUser, Actor] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer" or not token.strip().isascii():
            raise Unauthenticated("The API takes keys as “Authorization: Bearer cgt_…”.")
        actor = actor_of_key(token.strip(), request._request.request_id)  # type: ignore[attr-defined]
        request._request.actor = actor  # type: ignore[attr-defined]
        return KeyUser(actor.key_id or UUID(int=0), actor.key_name), actor

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="cgt"'


class PersonAuthentication(SessionAuthentication):
    """The session of the browser, with CSRF enforced; a person without a membership is a stranger here."""

    def authenticate(self, request: Request) -> tuple[Any, Actor] | None:
        actor: Actor | None = getattr(request._request, "actor", None)
        if actor is None:
            return None
        found = super().authenticate(request)
        return (found[0], actor) if found else None


class ActorThrottle(SimpleRateThrottle):
    """So many requests per key or person in a fixed window."""

    scope = "actor"
    num_requests: int
    duration: int

    def get_rate(self) -> Any:
        return api_settings.DEFAULT_THROTTLE_RATES.get(self.scope)

    def get_cache_key(self, request: Request, view: Any) -> Any:
        actor = request.auth
        return f"throttle:{actor.key_id or actor.user_id}" if isinstance(actor, Actor) else None

    def allow_request(self, request: Request, view: Any) -> bool:
        key = self.get_cache_key(request, view)
        if key is None or self.rate is None:
            return True
        return within_rate(key, self.num_requests, self.duration)

    def wait(self) -> float:
        return ends_in(self.duration)
