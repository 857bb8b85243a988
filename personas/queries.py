"""Reads of organizations, people and keys; resolves who acts."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from ledger import directory
from ledger.context import Actor, reading
from ledger.prepared import Prepared
from ledger.refusals import NotFound, Unauthenticated
from ledger.states import Channel
from ledger.walls import visible
from personas import navigation
from personas.models import ApiKey, Membership, Organization, OrganizationGroupPermission, Persona, Site, User
from personas.rights import PersonaRights as PersonaRights
from personas.rights import persona_changes as persona_changes
from personas.rights import persona_rights as persona_rights
from personas.rights import rights_of as rights_of
from personas.rights import rights_version as rights_version
from personas.rights import told_changes as told_changes
from personas.rights import usual_rights as usual_rights
from personas.states import Capability

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


def organization_actor(organization_id: UUID, job: str) -> Actor:
    """Return the actor of a named system job inside an organization, with the organization's name and role."""
    with reading(system_actor(organization_id, job)):
        organization = Organization.unwalled.get(pk=organization_id)
    return system_actor(
        organization_id, job, name=organization.name, role=organization.role, synthetic=organization.synthetic
    )


def organizations_at_work() -> list[UUID]:
    """Return the organizations that anybody is a member of. For commands of the operator, who acts in each in turn."""
    return sorted(set(Membership.unwalled.values_list("organization_id", flat=True)))


def account(user_id: UUID) -> User:
    """Return an account with its person."""
    return User.objects.select_related("person").get(pk=user_id)


def _open_memberships() -> QuerySet[Membership]:
    now = timezone.now()
    return Membership.unwalled.filter(Q(until__isnull=True) | Q(until__gt=now), since__lte=now)


def current_memberships(user: User | UUID) -> QuerySet[Membership]:
    """Return the memberships that an account (or the account with this id) holds now, each with account and person."""
    return _open_memberships().filter(user=user).select_related("user__person").order_by("pk")


def is_held(membership_id: UUID) -> bool:
    """Return whether somebody holds this membership now; who that is stays unsaid."""
    return _open_memberships().filter(pk=membership_id).exists()


@dataclass(frozen=True)
class OrganizationName:
    """An organization as it is named to a person who acts there."""

    id: UUID
    name: str


@dataclass(frozen=True)
class Place:
    """A place where a person may act: a membership in words, for the switcher."""

    pk: UUID
    organization: OrganizationName
    persona_title: str
    site_name: str
    is_current: bool


def places(actor: Actor) -> list[Place]:
    """Return every place where the acting person may act; each is read inside its own organization's wall."""
    if actor.user_id is None or actor.key_id is not None:
        return []
    memberships = held_now(what_is_kept(), actor.user_id)
    if [membership.pk for membership in memberships] == [actor.membership_id]:
        here = OrganizationName(actor.organization_id, actor.organization_name)
        return [Place(memberships[0].pk, here, actor.persona_title, "", True)]
    return [_place(membership, membership.pk == actor.membership_id) for membership in memberships]


def _place(membership: Membership, is_current: bool) -> Place:
    with reading(system_actor(membership.organization_id, "sign-in")):
        persona = Persona.unwalled.select_related("organization").get(pk=membership.persona_id)
        site = Site.unwalled.filter(pk=membership.site_id).first() if membership.site_id else None
    organization = OrganizationName(persona.organization_id, persona.organization.name)
    return Place(membership.pk, organization, persona.title, site.name if site else "", is_current)


def own_membership(user_id: UUID, membership_id: str) -> Membership:
    """Return a current membership of this account; raise NotFound for anybody else's."""
    for membership in current_memberships(user_id):
        if str(membership.pk) == membership_id:
            return membership
    raise NotFound()


def navigation_of(actor: Actor, path: str) -> list[dict[str, Any]]:
    """Return the entries of the main navigation for the actor; ``path`` marks the current one."""
    return navigation.entries_for(actor, path)


def _with_rights(site_id: UUID | None) -> QuerySet[Any]:
    """Return personas with ``organization``, ``rights`` (their group's capabilities there) and ``zone`` of the site.

    One query, as every request asks. Without a site the zone is that of the organization's first.
    """
    granted = OrganizationGroupPermission.objects.filter(
        group_id=OuterRef("group_id"), content_object_id=OuterRef("organization_id")
    )
    sites = Site.unwalled.filter(organization_id=OuterRef("organization_id")).order_by("code")
    chosen = sites.filter(pk=site_id) if site_id else sites
    return Persona.unwalled.select_related("organization").annotate(
        rights=ArraySubquery(granted.values("permission__codename")), zone=Subquery(chosen.values("zone")[:1])
    )


def _persona(shelf: directory.Shelf, organization_id: UUID, persona_id: UUID, site_id: UUID | None) -> Any:
    key = ("persona", persona_id, site_id)
    if key not in shelf:
        with reading(system_actor(organization_id, "sign-in")):
            shelf[key] = _with_rights(site_id).get(pk=persona_id)
    return shelf[key]


def _actor(
    shelf: directory.Shelf, organization_id: UUID, persona_id: UUID, site_id: UUID | None, **who: object
) -> Actor:
    persona = _persona(shelf, organization_id, persona_id, site_id)
    organization = persona.organization
    if not organization.active:
        raise Unauthenticated("This organization is not active.")
    return Actor(
        organization_id=organization_id,
        organization_name=organization.name,
        organization_role=organization.role,
        persona=persona.key,
        persona_title=persona.title,
        capabilities=frozenset(persona.rights),
        site_id=site_id,
        zone=persona.zone or "UTC",
        desk=persona.desk,
        synthetic=organization.synthetic,
        **who,  # type: ignore[arg-type]
    )


def actor_of_membership(membership: Membership, channel: Channel, request_id: str = "") -> Actor:
    """Return the person acting through a current membership; the account is read anew."""
    membership = Membership.unwalled.select_related("user__person").get(pk=membership.pk)
    return acting_through(membership, channel, request_id)


def acting_through(
    membership: Membership, channel: Channel, request_id: str = "", shelf: directory.Shelf | None = None
) -> Actor:
    """Return the person acting through a membership that ``current_memberships`` has just read with its account."""
    user = membership.user
    if user.person is None or not user.is_active:
        raise Unauthenticated("This account is not active.")
    return _actor(
        what_is_kept() if shelf is None else shelf,
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


def account_named(username: str) -> User | None:
    """Return the account of a sign-in name, written in any case; None where two differ only in that."""
    found = [row for row in _accounts_named(username=username) if row.username.lower() == username.lower()]
    return found[0] if len(found) == 1 else None


@Prepared
def _accounts_named(username: str) -> QuerySet[User]:
    return User.objects.filter(username__iexact=username)


def what_is_kept() -> directory.Shelf:
    """What is kept of those who may act, at the directory's version of now."""
    return directory.shelf_of(None, directory.version_now())


def held_now(shelf: directory.Shelf, user_id: UUID) -> list[Membership]:
    """Return the memberships that an account holds now, as ``current_memberships`` does, from what is kept."""
    key, now = ("memberships", user_id), timezone.now()
    if key not in shelf:
        every = Membership.unwalled.filter(user_id=user_id)
        shelf[key] = list(every.select_related("user__person").order_by("pk"))
    return [row for row in shelf[key] if row.since <= now and (row.until is None or row.until > now)]


def actor_of_user(user: User, membership_id: str | None, channel: Channel, request_id: str = "") -> Actor | None:
    """Return the person acting in the chosen (or first) current membership; None if there is no membership left."""
    shelf = what_is_kept()
    memberships = held_now(shelf, user.pk)
    chosen = next((m for m in memberships if str(m.pk) == membership_id), memberships[0] if memberships else None)
    return acting_through(chosen, channel, request_id, shelf) if chosen else None


def own_sites(actor: Actor) -> list[tuple[str, str]]:
    """Return code and name of the acting organization's sites."""
    return list(sites(actor).filter(organization_id=actor.organization_id).values_list("code", "name"))


def own_site(actor: Actor, code: str) -> Site | None:
    """Return a site of the acting organization by its code."""
    return sites(actor).filter(organization_id=actor.organization_id, code=code).first()


def people_names(actor: Actor, person_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the names of people who are or were members of the acting organization, by person id."""
    found = Membership.unwalled.filter(organization_id=actor.organization_id, user__person_id__in=set(person_ids))
    return dict(found.values_list("user__person_id", "user__person__name"))


def access_ends(actor: Actor) -> dt.datetime | None:
    """Return when the acting membership ends by itself; None when it does not (RG1)."""
    ends: dt.datetime | None = (
        Membership.unwalled.filter(pk=actor.membership_id).values_list("until", flat=True).first()
    )
    return ends


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key_named(shelf: directory.Shelf, prefix: str) -> ApiKey | None:
    if ("key", prefix) not in shelf:
        found: ApiKey | None = ApiKey.unwalled.filter(prefix=prefix).first()
        if found is None:  # guesses are not kept
            return None
        shelf["key", prefix] = found
    kept: ApiKey = shelf["key", prefix]
    return kept


def _answering() -> QuerySet[Membership]:
    of_the_key = {"user_id": OuterRef("responsible_id"), "organization_id": OuterRef("organization_id")}
    return _open_memberships().filter(**of_the_key, user__is_active=True)


def _is_answered_for(shelf: directory.Shelf, key: ApiKey) -> bool:
    """Whether the person who answers for the key still belongs to its organization."""
    held = held_now(shelf, key.responsible_id)
    return any(row.organization_id == key.organization_id and row.user.is_active for row in held)


def actor_of_key(token: str, request_id: str = "") -> Actor:
    """Return the actor of an API key ``cgt_<prefix>_<secret>``; raise Unauthenticated for anything else."""
    parts = token.split("_", 2)
    prefix = parts[1] if len(parts) == 3 and parts[0] == "cgt" else ""
    shelf = what_is_kept()
    key = _key_named(shelf, prefix) if prefix else None
    known = key.secret_hash if key else "0" * 64
    if not secrets.compare_digest(known, hash_secret(parts[-1])) or key is None:
        raise Unauthenticated("The API key is not valid.")
    now = timezone.now()
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise Unauthenticated("The API key was revoked or has expired.")
    if not _is_answered_for(shelf, key):
        raise Unauthenticated("Nobody answers for this API key any more: the person who did has left.")
    return _actor(
        shelf,
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


def still_members(organization_id: UUID, user_ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these accounts are active and have a membership of the organization now."""
    rows = _open_memberships().filter(organization_id=organization_id, user_id__in=set(user_ids), user__is_active=True)
    return set(rows.values_list("user_id", flat=True))


def colleague(actor: Actor, username: str) -> User | None:
    """Return an active account of the acting organization by its user name."""
    rows = _open_memberships().filter(organization_id=actor.organization_id, user__is_active=True)
    found: User | None = User.objects.select_related("person").filter(username=username, memberships__in=rows).first()
    return found


def colleagues(actor: Actor) -> list[tuple[str, str]]:
    """Return user name and name of everybody else who acts in the acting organization, by name."""
    rows = _open_memberships().filter(organization_id=actor.organization_id, user__is_active=True)
    found = rows.exclude(Q(user_id=actor.user_id)).values_list("user__username", "user__person__name")
    return sorted(set(found), key=lambda one: (one[1] or "", one[0]))


def rights_missing(actor: Actor, user_id: UUID) -> list[str]:
    """Return the capabilities of the acting persona that an account does not hold at the acting site (TA2)."""
    rows = _open_memberships().filter(organization_id=actor.organization_id, user_id=user_id)
    if actor.site_id is None:  # who works at all sites is stood in for at all of them
        rows = rows.filter(site__isnull=True)
    else:
        rows = rows.filter(Q(site_id=actor.site_id) | Q(site__isnull=True))
    groups = rows.values("persona__group_id")
    held = OrganizationGroupPermission.objects.filter(content_object_id=actor.organization_id, group_id__in=groups)
    return sorted(actor.capabilities - set(held.values_list("permission__codename", flat=True)))


def people_in_persona(organization_id: UUID, persona: str) -> list[User]:
    """Return the active accounts that act in a persona of an organization. Runs inside its wall."""
    memberships = _open_memberships().filter(organization_id=organization_id, persona__key=persona)
    accounts = User.objects.filter(memberships__in=memberships, is_active=True)
    return list(accounts.select_related("person").distinct().order_by("username"))


def zone_of(organization_id: UUID, user_id: UUID) -> str:
    """Return the time zone where an account works for an organization: its site's, else that of the first site."""
    own = _open_memberships().filter(organization_id=organization_id, user_id=user_id, site__isnull=False)
    sites_of = Site.unwalled.filter(organization_id=organization_id).order_by("code")
    found = sites_of.filter(pk__in=own.values("site_id")).first() or sites_of.first()
    return found.zone if found else "UTC"


def own_persona(actor: Actor, key: str) -> Persona:
    """Return a persona of the acting organization, read anew; NotFound for any other."""
    found = Persona.unwalled.filter(organization_id=actor.organization_id, key=key).first()
    if found is None:
        raise NotFound()
    return found


def administrators_left(actor: Actor, *, without: Persona) -> bool:
    """Whether somebody administers the acting organization in another persona than this one (TA1)."""
    groups = OrganizationGroupPermission.objects.filter(
        content_object_id=actor.organization_id, permission__codename=Capability.ADMINISTER
    ).exclude(group_id=without.group_id)
    holding = _open_memberships().filter(organization_id=actor.organization_id, user__is_active=True)
    return holding.filter(persona__group__in=groups.values("group_id")).exists()


def members(actor: Actor) -> QuerySet[Membership]:
    """Return the acting organization's current memberships with person, persona and site (TA1)."""
    found = _open_memberships().filter(organization_id=actor.organization_id)
    return found.select_related("user__person", "persona", "site").order_by("user__person__name", "pk")


def api_keys(actor: Actor) -> QuerySet[ApiKey]:
    """Return the acting organization's keys, newest first, revoked ones included."""
    keys = ApiKey.unwalled.filter(organization_id=actor.organization_id)
    return (
        keys.select_related("persona", "responsible__person")
        .annotate(answered_for=Exists(_answering()))
        .order_by("-pk")
    )


def account_in(username: str, organization_code: str) -> tuple[User, Organization]:
    """Return an account and the organization with this code where it has a membership; NotFound without one."""
    user = User.objects.filter(username=username, is_active=True).first()
    for membership in current_memberships(user.pk) if user else ():
        with reading(system_actor(membership.organization_id, "network-operator")):
            organization = Organization.unwalled.get(pk=membership.organization_id)
        if user is not None and organization.code == organization_code:
            return user, organization
    raise NotFound(f"{username} has no membership in an organization with the code {organization_code}.")


def username_of(actor: Actor) -> str:
    """Return the sign-in name of the acting person; empty for keys and jobs."""
    if not actor.is_human or actor.user_id is None:
        return ""
    return User.objects.values_list("username", flat=True).get(pk=actor.user_id)


def personas_with(pairs: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], list[str]]:
    """Return the titles of the personas that hold a capability, by (organization, capability); two queries for all."""
    wanted = set(pairs)
    granted = OrganizationGroupPermission.objects.filter(
        content_object_id__in={organization for organization, _ in wanted},
        permission__codename__in={capability for _, capability in wanted},
    ).values_list("content_object_id", "permission__codename", "group_id")
    holders = [(organization, capability, group) for organization, capability, group in granted]
    personas = Persona.unwalled.filter(group_id__in={group for _, _, group in holders})
    titles = dict(personas.values_list("group_id", "title"))
    found: dict[tuple[UUID, str], list[str]] = {}
    for organization, capability, group in holders:
        if (organization, capability) in wanted and group in titles:
            found.setdefault((organization, capability), []).append(titles[group])
    return {pair: sorted(names) for pair, names in found.items()}
