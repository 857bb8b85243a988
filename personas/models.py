from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser, Group
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from guardian.models.models import GroupObjectPermissionBase, UserObjectPermissionBase

from ledger.history import track
from ledger.identifiers import new_id
from ledger.models import WalledModel
from ledger.states import Role
from ledger.walls import KnownTo, Outside
from personas.states import Capability


class Organization(WalledModel):
    """A tenant: one actor of the toolkit. Its own stream has the same id."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=24, choices=Role.choices)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    synthetic = models.BooleanField(default=False)
    active = models.BooleanField(default=True)

    wall = KnownTo("id")
    history = track()
    in_directory = True

    class Meta(WalledModel.Meta):
        default_permissions = ()
        permissions = [(capability.value, capability.label) for capability in Capability]

    def __str__(self) -> str:
        return self.name


class Site(WalledModel):
    """A place of an organization, with its IANA time zone."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="sites")
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    zone = models.CharField(max_length=64, help_text="IANA time zone")
    address = models.CharField(max_length=300, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    door = models.CharField(max_length=200, blank=True, help_text="where a courier is let in")

    wall = KnownTo("organization_id")
    history = track()
    in_directory = True

    def __str__(self) -> str:
        return self.name

    @property
    def today(self) -> dt.date:
        """The local date here."""
        return self.date_of(timezone.now())

    def date_of(self, moment: dt.datetime) -> dt.date:
        """Return the local date of a moment here."""
        return timezone.localdate(moment, ZoneInfo(self.zone))


SIGN_IN = "needed before anybody acts: sign-in resolves the person, then acts inside one organization"


class Person(WalledModel):
    """A human being who works here. Two accounts of one human point to the same person."""

    name = models.CharField(max_length=200)
    phone = models.CharField(max_length=40, blank=True)

    wall = Outside(SIGN_IN)
    history = track()
    in_directory = True

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A sign-in. The username is the e-mail address; ids are never reissued (T4)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="accounts", null=True)
    statement_accepted_at = models.DateTimeField(
        null=True, blank=True, help_text="accountability statement held before the first signature (T10)"
    )

    in_directory = True
    directory_columns = ("person_id", "is_active")  # a sign-in (``last_login``) changes nothing that is kept


class Persona(WalledModel):
    """An organization's persona: a title and a group whose capabilities stand on the organization row (guardian)."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="personas")
    key = models.SlugField(max_length=64)
    title = models.CharField(max_length=120)
    desk = models.CharField(max_length=40, default="worklist")
    group = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="persona")

    wall = KnownTo("organization_id")
    history = track()
    in_directory = True

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="personas_persona_once")]

    def __str__(self) -> str:
        return self.title


class Membership(WalledModel):
    """A person's account in an organization, in one persona, at one site (or all), from–to."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="memberships")
    persona = models.ForeignKey(Persona, on_delete=models.PROTECT, related_name="memberships")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)

    wall = Outside(SIGN_IN)
    history = track()
    in_directory = True

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["user", "persona", "site"], nulls_distinct=False, name="personas_membership_once"
            )
        ]


class ApiKey(WalledModel):
    """A partner system's key: named, scoped, revocable, answered for by a person. Only its hash is stored."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="api_keys")
    persona = models.ForeignKey(Persona, on_delete=models.PROTECT, related_name="+")
    responsible = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12, unique=True)
    secret_hash = models.CharField(max_length=64, help_text="SHA-256: a machine secret has full entropy")
    scopes = ArrayField(models.CharField(max_length=64), default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    wall = Outside("the key's hash is looked up before anybody acts")
    history = track()
    in_directory = True


class OrganizationGroupPermission(GroupObjectPermissionBase):
    """Capabilities of a persona's group on its organization (guardian, direct foreign key)."""

    content_object = models.ForeignKey(Organization, on_delete=models.CASCADE)

    in_directory = True


class OrganizationUserPermission(UserObjectPermissionBase):
    """Guardian wants the pair; the house grants to persona groups only, so this stays empty."""

    content_object = models.ForeignKey(Organization, on_delete=models.CASCADE)
