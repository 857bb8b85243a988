"""People, memberships and partner keys."""

from __future__ import annotations

import datetime as dt
import secrets
import string
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotFound
from personas.models import ApiKey, Membership, Person, Persona, Site, User
from personas.policies import require
from personas.queries import hash_secret
from personas.states import Capability


def _require_administrator(actor: Actor) -> None:
    if not actor.system_job:
        require(actor, Capability.ADMINISTER)


def _persona(actor: Actor, key: str) -> Persona:
    persona = Persona.unwalled.filter(organization_id=actor.organization_id, key=key).first()
    if persona is None:
        raise InvalidInput(fields={"persona": [f"This organization has no persona “{key}”."]})
    return persona


def add_member(
    actor: Actor,
    *,
    username: str,
    name: str,
    persona_key: str,
    site: Site | None = None,
    password: str | None = None,
    phone: str = "",
) -> Membership:
    """Give a person (a new account, or the one with this user name) a persona in the acting organization."""
    with acting(actor, "personas.member_added", subject=("user", username)) as event:
        _require_administrator(actor)
        persona = _persona(actor, persona_key)
        user = User.objects.filter(username=username).first()
        if user is None:
            person = Person.objects.create(name=name, phone=phone)
            user = User(username=username, email=username, person=person)
            user.set_password(password)
            user.save()
        membership = Membership.objects.create(
            user=user, organization_id=actor.organization_id, persona=persona, site=site, since=timezone.now()
        )
        event.note(person=name, persona=persona.title, site=site.code if site else "all sites")
    return membership


def invite(actor: Actor, *, email: str, name: str, persona_key: str, site: Site | None = None) -> Membership:
    """Give a person a persona here, from now; whoever has no password yet chooses one by a link (see ``has_password``).

    A membership that has ended begins again. InvalidInput when the person holds the persona already.
    """
    username = email.strip().lower()
    with acting(actor, "personas.member_added", subject=("user", username)) as event:
        _require_administrator(actor)
        persona = _persona(actor, persona_key)
        if site is not None and site.organization_id != actor.organization_id:
            raise InvalidInput(fields={"site": ["Choose a site of your organization."]})
        former = Membership.unwalled.filter(user__username=username, persona=persona, site=site).first()
        if former is None:
            return add_member(actor, username=username, name=name.strip(), persona_key=persona_key, site=site)
        if former.until is None or former.until > timezone.now():
            raise InvalidInput(fields={"persona": ["This person has this persona already."]})
        former.since, former.until = timezone.now(), None
        former.save(update_fields=["since", "until"])
        event.note(person=name.strip(), persona=persona.title, site=site.code if site else "all sites")
    return former


def change_site(actor: Actor, membership: Membership, site: Site | None) -> None:
    """Move a person's persona to another site of the organization, or to all of them."""
    with acting(actor, "personas.member_moved", subject=("membership", str(membership.pk))) as event:
        _require_administrator(actor)
        if membership.organization_id != actor.organization_id:
            raise NotFound()
        if site is not None and site.organization_id != actor.organization_id:
            raise InvalidInput(fields={"site": ["Choose a site of your organization."]})
        same = {"user_id": membership.user_id, "persona_id": membership.persona_id, "site": site}
        if Membership.unwalled.filter(**same).exclude(pk=membership.pk).exists():
            raise InvalidInput(fields={"site": ["The person has this persona there already, or had it."]})
        membership.site = site
        membership.save(update_fields=["site"])
        person = User.objects.select_related("person").get(pk=membership.user_id).person
        persona = Persona.unwalled.get(pk=membership.persona_id)
        event.note(person=person.name if person else "", persona=persona.title, site=site.code if site else "all sites")


def _revoke_keys_of(actor: Actor, user_id: UUID) -> list[str]:
    """Revoke the keys for which somebody answers who has no membership left: no key without a person (TA3)."""
    now = timezone.now()
    stays = Membership.unwalled.filter(
        Q(until__isnull=True) | Q(until__gt=now), user_id=user_id, organization_id=actor.organization_id
    )
    if stays.exists():
        return []
    keys = list(
        ApiKey.unwalled.filter(organization_id=actor.organization_id, responsible_id=user_id, revoked_at__isnull=True)
    )
    for key in keys:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
    return sorted(key.prefix for key in keys)


def end_membership(actor: Actor, membership: Membership) -> None:
    """End a person's persona here; running sessions lose it with the next request (SQ4).

    With the last one, the API keys that this person answers for are revoked.
    """
    with acting(actor, "personas.member_ended", subject=("membership", str(membership.pk))) as event:
        _require_administrator(actor)
        if membership.organization_id != actor.organization_id:
            raise NotFound()
        membership.until = timezone.now()
        membership.save(update_fields=["until"])
        person = User.objects.select_related("person").get(pk=membership.user_id).person
        persona = Persona.unwalled.get(pk=membership.persona_id)
        event.note(
            person=person.name if person else "",
            persona=persona.title,
            keys_revoked=_revoke_keys_of(actor, membership.user_id),
        )


def issue_api_key(
    actor: Actor,
    *,
    name: str,
    persona_key: str,
    scopes: Iterable[str],
    responsible: User,
    expires_at: dt.datetime | None = None,
) -> tuple[ApiKey, str]:
    """Issue a partner key for a persona, narrowed to ``scopes``. Returns the key and its token, shown only once."""
    wanted = sorted(set(map(str, scopes)))
    with acting(actor, "personas.key_issued", subject=("api_key", name)) as event:
        _require_administrator(actor)
        unknown = [scope for scope in wanted if scope not in Capability.values]
        if unknown:
            raise InvalidInput(fields={"scopes": [f"Unknown capability: {', '.join(unknown)}."]})
        persona = _persona(actor, persona_key)
        alphabet = string.ascii_lowercase + string.digits
        prefix = "".join(secrets.choice(alphabet) for _ in range(10))
        secret = secrets.token_urlsafe(32)
        key = ApiKey.objects.create(
            organization_id=actor.organization_id,
            persona=persona,
            responsible=responsible,
            name=name,
            prefix=prefix,
            secret_hash=hash_secret(secret),
            scopes=wanted,
            expires_at=expires_at,
        )
        event.note(name=name, prefix=prefix, scopes=wanted)
    return key, f"cgt_{prefix}_{secret}"


def revoke_api_key(actor: Actor, prefix: str) -> None:
    """Revoke a key of the acting organization; it stops working with the next request."""
    with acting(actor, "personas.key_revoked", subject=("api_key", prefix)) as event:
        _require_administrator(actor)
        key = ApiKey.unwalled.filter(prefix=prefix, organization_id=actor.organization_id).first()
        if key is None:
            raise NotFound()
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        event.note(name=key.name, prefix=prefix)
