"""The fictional people of the demonstration: who may be whom with one click, and whose turn a step is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.refusals import NotFound
from ledger.states import Channel, Role
from orders import flow
from personas.queries import (
    Membership,
    Organization,
    OrganizationGroupPermission,
    Persona,
    User,
    acting_through,
    current_memberships,
    organization_actor,
    system_actor,
)

ROLES = [str(role) for role in (Role.TREATMENT_CENTER, Role.MANUFACTURER, Role.CMO, Role.COURIER)]


@dataclass(frozen=True)
class FictionalPerson:
    """Somebody whom one click makes you, in one of their memberships."""

    username: str
    membership: UUID
    name: str
    persona: str
    persona_key: str
    organization: str
    organization_code: str
    role: str
    second_account: bool = False

    @property
    def does(self) -> str:
        """What the person's organization is, in words."""
        return Role(self.role).label.lower()

    @property
    def in_words(self) -> str:
        """Name, persona and organization, as a button says it."""
        return f"{self.name}, {self.persona} at {short(self.organization)}"


def short(organization: str) -> str:
    """Return an organization's name without the remark that it is fictional; the page says so once for all."""
    return organization.removesuffix(" (fictional)")


def everybody() -> list[FictionalPerson]:
    """Return the people of the fictional organizations, ordered by organization; nobody of a real one."""
    found: dict[UUID, list[Membership]] = {}
    rows = _open_memberships().filter(user__is_active=True, user__person__isnull=False)
    for membership in rows.select_related("user__person"):
        found.setdefault(membership.organization_id, []).append(membership)
    people = [person for organization_id, members in found.items() for person in _named(organization_id, members)]
    return sorted(
        people, key=lambda person: (ROLES.index(person.role), person.organization, person.persona, person.name)
    )


def person_at(organization_code: str, persona_key: str, known: Iterable[FictionalPerson]) -> FictionalPerson:
    """Return the first of the known people with a persona in the organization with this code; NotFound without one."""
    wanted = (organization_code, persona_key)
    person = next((p for p in known if (p.organization_code, p.persona_key) == wanted), None)
    if person is None:
        raise NotFound()
    return person


def account_of(username: str) -> User:
    """Return the account of a fictional person; NotFound for everybody who also acts in a real organization."""
    if "\x00" in username:
        raise NotFound()
    user = User.objects.filter(username=username, is_active=True, is_staff=False, is_superuser=False).first()
    organization_ids = set(current_memberships(user.pk).values_list("organization_id", flat=True)) if user else set()
    if user is None or not organization_ids:
        raise NotFound()
    for organization_id in organization_ids:
        if not organization_actor(organization_id, "sign-in").synthetic:
            raise NotFound()
    return user


def who_may(actor: Actor, order: Any, step: Any) -> list[FictionalPerson]:
    """Return for each persona that may perform a ready step somebody who is not barred, the acting person excluded."""
    if step.responsible_id is None:
        return []
    by_persona: dict[UUID, list[Membership]] = {}
    for membership in _members_with(step.responsible_id, step.capability, step.site_id):
        by_persona.setdefault(membership.persona_id, []).append(membership)
    fit = [
        colleagues[0] if len(colleagues) == 1 else min(colleagues, key=lambda m: _obstacles(m, order.code, step.key))
        for colleagues in by_persona.values()
    ]
    return [p for p in _named(step.responsible_id, fit) if p.membership != actor.membership_id]


def who_can(actor: Actor, organization_id: UUID, capability: str, site_id: UUID | None) -> list[FictionalPerson]:
    """Return those of an organization who have a capability (at the site), the acting person excluded."""
    found = _named(organization_id, _members_with(organization_id, capability, site_id))
    return [person for person in found if person.membership != actor.membership_id]


def _obstacles(membership: Membership, code: str, key: str) -> int:
    """Count what keeps this very person from a step, such as having done the one that it checks."""
    actor = acting_through(membership, Channel.BROWSER)
    with reading(actor):
        order = flow.order_named(actor, code)
        step = flow.current_step(order, key)
        kind = flow.kind_of(step.flow_step.kind)
        missing = len(flow.missing_facts(kind, flow.context_of(actor, order, step)))
    enrolled_it = kind.key == "activate_identity" and actor.person_id == order.enrolled_by_id
    return missing + int(enrolled_it)


def _open_memberships() -> Any:
    now = timezone.now()
    return Membership.unwalled.filter(Q(until__isnull=True) | Q(until__gt=now), since__lte=now).order_by("pk")


def _members_with(organization_id: UUID, capability: str, site_id: UUID | None) -> list[Membership]:
    groups = OrganizationGroupPermission.objects.filter(
        content_object_id=organization_id, permission__codename=capability
    ).values("group_id")
    found = _open_memberships().filter(
        organization_id=organization_id, persona__group__in=groups, user__is_active=True, user__person__isnull=False
    )
    if site_id is not None:
        found = found.filter(Q(site_id=site_id) | Q(site__isnull=True))
    return list(found.select_related("user__person"))  # a person's first account comes first


def _named(organization_id: UUID, members: Iterable[Membership]) -> list[FictionalPerson]:
    with reading(system_actor(organization_id, "demo")):
        organization = Organization.unwalled.get(pk=organization_id)
        personas = {persona.pk: persona for persona in Persona.unwalled.filter(organization_id=organization_id)}
    if not organization.synthetic:
        return []
    members = list(members)
    first_account: dict[Any, Any] = {}
    for member in members:
        first_account.setdefault((member.user.person_id, member.persona_id), member.user_id)
    return [
        FictionalPerson(
            member.user.username,
            member.pk,
            member.user.person.name if member.user.person else member.user.username,
            personas[member.persona_id].title,
            personas[member.persona_id].key,
            organization.name,
            organization.code,
            organization.role,
            second_account=member.user_id != first_account[member.user.person_id, member.persona_id],
        )
        for member in members
    ]


def acting_as(person: FictionalPerson) -> Actor:
    """Return the actor that a fictional person is."""
    return acting_through(Membership.unwalled.select_related("user__person").get(pk=person.membership), Channel.BROWSER)
