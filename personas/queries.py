"""Reads of organizations, people and keys; resolves who acts."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.refusals import Unauthenticated
from ledger.states import Channel
from ledger.walls import visible
from personas.models import ApiKey, Membership, Organization, OrganizationGroupPermission, Persona, Site, User

SYSTEM_CAPABILITIES: frozenset[str] = frozenset()


def system_actor(
    organization_id: UUID,
    job: str,
    *,
    name: str = "",
    role: str = "",
    synthetic: bool = False,
    channel: Channel = Channel.JOB,
) -> Actor:
    """Return the actor of a named system job inside one organization."""
    return Actor(
        organization_id=organization_id,
        organization_name=name,
        organization_role=role,
        persona="system",
        persona_title="System",
        capabilities=SYSTEM_CAPABILITIES,
        channel=channel,
        system_job=job,
        synthetic=synthetic,
    )


def current_memberships(user: User) -> QuerySet[Membership]:
    now = timezone.now()
    return Membership.unwalled.filter(Q(until__isnull=True) | Q(until__gt=now), user=user, since__lte=now).order_by(
        "pk"
    )


@dataclass(frozen=True)
class MembershipChoice:
    """A place where a person may act, for the switcher."""

    id: UUID
    organization_name: str
    persona_title: str
    site_name: str
    is_current: bool


def membership_choices(user: User, current_id: UUID | None) -> list[MembershipChoice]:
    """Return every place where the person may act; each is read inside its own organization's wall."""
    choices = []
    for membership in current_memberships(user):
        with reading(system_actor(membership.organization_id, "sign-in")):
            organization = Organization.unwalled.get(pk=membership.organization_id)
            persona = Persona.unwalled.get(pk=membership.persona_id)
            site = Site.unwalled.filter(pk=membership.site_id).first()
        choices.append(
            MembershipChoice(
                membership.pk, organization.name, persona.title, site.name if site else "", membership.pk == current_id
            )
        )
    return choices


def _capabilities(persona: Persona) -> frozenset[str]:
    return frozenset(
        OrganizationGroupPermission.objects.filter(
            group_id=persona.group_id, content_object_id=persona.organization_id
        ).values_list("permission__codename", flat=True)
    )


def _actor(organization_id: UUID, persona_id: UUID, site_id: UUID | None, **who: object) -> Actor:
    with reading(system_actor(organization_id, "sign-in")):
        persona = Persona.unwalled.select_related("organization").get(pk=persona_id)
        capabilities = _capabilities(persona)
        sites = Site.unwalled.filter(organization_id=organization_id).order_by("code")
        site = (sites.filter(pk=site_id) if site_id else sites).first()
    organization = persona.organization
    if not organization.active:
        raise Unauthenticated("This organization is not active.")
    return Actor(
        organization_id=organization_id,
        organization_name=organization.name,
        organization_role=organization.role,
        persona=persona.key,
        persona_title=persona.title,
        capabilities=capabilities,
        site_id=site_id,
        zone=site.zone if site else "UTC",
        synthetic=organization.synthetic,
        **who,  # type: ignore[arg-type]
    )


def actor_of_membership(membership: Membership, channel: Channel, request_id: str = "") -> Actor:
    """Return the person acting through a current membership."""
    user = User.objects.select_related("person").get(pk=membership.user_id)
    if user.person is None or not user.is_active:
        raise Unauthenticated("This account is not active.")
    return _actor(
        membership.organization_id,
        membership.persona_id,
        membership.site_id,
        channel=channel,
        person_id=user.person_id,
        person_name=user.person.name,
        user_id=user.pk,
        membership_id=membership.pk,
        request_id=request_id,
    )


def actor_of_user(user: User, membership_id: str | None, channel: Channel, request_id: str = "") -> Actor | None:
    """Return the person acting in the chosen (or first) current membership; None if there is no membership left."""
    memberships = list(current_memberships(user))
    chosen = next((m for m in memberships if str(m.pk) == membership_id), memberships[0] if memberships else None)
    return actor_of_membership(chosen, channel, request_id) if chosen else None


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def actor_of_key(token: str, request_id: str = "") -> Actor:
    """Return the actor of an API key ``cgt_<prefix>_<secret>``; raise Unauthenticated for anything else."""
    parts = token.split("_", 2)
    prefix = parts[1] if len(parts) == 3 and parts[0] == "cgt" else ""
    key = ApiKey.unwalled.filter(prefix=prefix).select_related("responsible").first() if prefix else None
    known = key.secret_hash if key else "0" * 64
    if not secrets.compare_digest(known, hash_secret(parts[-1])) or key is None:
        raise Unauthenticated("The API key is not valid.")
    now = timezone.now()
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise Unauthenticated("The API key was revoked or has expired.")
    return _actor(
        key.organization_id,
        key.persona_id,
        None,
        channel=Channel.API,
        key_id=key.pk,
        key_name=key.name,
        scopes=frozenset(key.scopes),
        user_id=key.responsible_id,
        request_id=request_id,
    )


def organizations(actor: Actor) -> QuerySet[Organization]:
    return visible(Organization, actor).order_by("name")


def sites(actor: Actor, role: str | None = None) -> QuerySet[Site]:
    found = visible(Site, actor).select_related("organization").order_by("name")
    return found.filter(organization__role=role) if role else found


def organization_names(actor: Actor, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the names of the organizations the actor knows, by id."""
    return dict(visible(Organization, actor).filter(pk__in=set(ids)).values_list("pk", "name"))


def people_with(organization_id: UUID, capability: str, site_id: UUID | None = None) -> list[User]:
    """Return the active accounts of an organization whose persona has the capability (at the site, if one is named).

    Runs inside the acting organization's wall or outside any; personas and groups of the organization only.
    """
    now = timezone.now()
    groups = OrganizationGroupPermission.objects.filter(
        content_object_id=organization_id, permission__codename=capability
    ).values("group_id")
    memberships = Membership.unwalled.filter(
        Q(until__isnull=True) | Q(until__gt=now), organization_id=organization_id, persona__group__in=groups
    )
    if site_id is not None:
        memberships = memberships.filter(Q(site_id=site_id) | Q(site__isnull=True))
    accounts = User.objects.filter(memberships__in=memberships, is_active=True)
    return list(accounts.select_related("person").distinct().order_by("username"))
