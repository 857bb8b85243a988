from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import KnownTo, OwnedBy
from network.states import AuthorizationState, CredentialKind, Direction, Modality


def _organization(related_name: str = "+") -> models.ForeignKey:
    return models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name=related_name)


class Therapy(WalledModel):
    """A product of a manufacturer. How it is made and given is data: its flow and its specification."""

    manufacturer = _organization()
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    modality = models.CharField(max_length=32, choices=Modality.choices)
    required_trainings = ArrayField(
        models.SlugField(max_length=64),
        default=list,
        blank=True,
        help_text="kinds without which nobody acts",
    )
    synthetic = models.BooleanField(default=False)
    active = models.BooleanField(default=True)

    wall = KnownTo("manufacturer_id")
    history = track()
    in_directory = True

    def __str__(self) -> str:
        return self.name


class Specification(WalledModel):
    """One version of a therapy's tests and limits. Never edited: a change is a new version; an order keeps its own.

    ``tests``: list of ``{key, label, unit, minimum, maximum, required}``; a coded test has ``choices`` and ``expected``
    (those that pass) instead of numbers. ``limits``: see ``network.states.LIMITS``.
    """

    therapy = models.ForeignKey(Therapy, on_delete=models.PROTECT, related_name="specifications")
    manufacturer = _organization()
    version = models.PositiveIntegerField()
    effective_from = models.DateTimeField()
    tests = models.JSONField(default=list)
    limits = models.JSONField(default=dict)
    published_by_id = models.UUIDField(null=True, help_text="person")

    wall = KnownTo("manufacturer_id")
    history = track()
    in_directory = True
    append_only = True

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["therapy", "version"], name="network_specification_once")]

    def __str__(self) -> str:
        return f"version {self.version}"


class TherapyPlant(WalledModel):
    """A site, the manufacturer's own or a contract manufacturer's, licensed to make a therapy for some markets."""

    therapy = models.ForeignKey(Therapy, on_delete=models.PROTECT, related_name="plants")
    manufacturer = _organization()
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+")
    organization = _organization()
    markets = ArrayField(
        models.CharField(max_length=2),
        default=list,
        blank=True,
        help_text="ISO 3166-1 alpha-2; empty: all",
    )
    active = models.BooleanField(default=True)

    wall = KnownTo("manufacturer_id")
    history = track()
    in_directory = True

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["therapy", "site"], name="network_plant_once")]


class SiteAuthorization(WalledModel):
    """A treatment center's site that may give a therapy: active or suspended, from–to, with the reason (SN1, SN5)."""

    therapy = models.ForeignKey(Therapy, on_delete=models.PROTECT, related_name="authorizations")
    manufacturer = _organization()
    center = _organization()
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=AuthorizationState.choices, default=AuthorizationState.ACTIVE)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)
    lymphodepletion_on_release = models.BooleanField(
        default=False, help_text="it may begin once the batch is released, before the product has arrived"
    )

    wall = OwnedBy(("manufacturer_id", "center_id"))
    history = track()
    in_directory = True

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["therapy", "site"], name="network_authorization_once"),
            models.CheckConstraint(
                condition=models.Q(until__isnull=True) | models.Q(until__gt=models.F("since")),
                name="network_authorization_order",
            ),
        ]


class Lane(WalledModel):
    """A qualified way between two sites by one courier: a versioned plan with its qualified duration (LM1, T36)."""

    manufacturer = _organization()
    courier = _organization()
    origin_organization = _organization()
    destination_organization = _organization()
    origin = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+")
    destination = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+")
    direction = models.CharField(max_length=12, choices=Direction.choices)
    version = models.PositiveIntegerField(default=1)
    transit_hours = models.DecimalField(max_digits=6, decimal_places=2)
    qualified_hours = models.DecimalField(max_digits=6, decimal_places=2, help_text="how long the shipper holds")
    cutoff = models.TimeField(help_text="latest pick-up, local time at the origin")
    weekdays = ArrayField(models.PositiveSmallIntegerField(), help_text="days of pick-up, 0 is Monday")
    temperature = models.CharField(max_length=64, help_text="temperature class, e.g. 2–8 °C")
    alert_minutes = models.JSONField(default=dict, help_text="minutes before each milestone; absent: the sponsor's")
    routes = models.JSONField(default=list, help_text="the planned route, then those agreed for contingency")
    papers = ArrayField(models.CharField(max_length=120), default=list, help_text="what customs need")
    minimum_c = models.DecimalField(max_digits=5, decimal_places=2, null=True, help_text="limit on the way, °C")
    maximum_c = models.DecimalField(max_digits=5, decimal_places=2, null=True, help_text="limit on the way, °C")
    minutes_outside = models.PositiveIntegerField(null=True, help_text="that a load may be outside the limits")
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)

    wall = OwnedBy(("manufacturer_id", "courier_id", "origin_organization_id", "destination_organization_id"))
    history = track()
    in_directory = True

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["manufacturer", "courier", "origin", "destination", "direction", "version"],
                name="network_lane_version_once",
            ),
            models.UniqueConstraint(
                fields=["manufacturer", "courier", "origin", "destination", "direction"],
                condition=models.Q(until__isnull=True),
                name="network_lane_one_live",
            ),
            models.CheckConstraint(
                condition=models.Q(transit_hours__gt=0) & models.Q(qualified_hours__gte=models.F("transit_hours")),
                name="network_lane_holds",
            ),
        ]


class AlertDefault(WalledModel):
    """How many minutes before the milestones of a box people are told, where a sponsor's lane says nothing else."""

    manufacturer = models.OneToOneField("personas.Organization", on_delete=models.PROTECT, related_name="+")
    minutes = models.JSONField(default=dict, help_text="by milestone")

    wall = KnownTo("manufacturer_id")
    history = track()


class DisclosurePolicy(WalledModel):
    """Which identifying fields a therapy discloses beyond the chain of identity in one market; without a row none."""

    therapy = models.ForeignKey(Therapy, on_delete=models.PROTECT, related_name="disclosures")
    manufacturer = _organization()
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    fields = ArrayField(models.CharField(max_length=24), default=list, blank=True)

    wall = KnownTo("manufacturer_id")
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["therapy", "country"], name="network_disclosure_once")]


class Credential(WalledModel):
    """What a person of a center is credentialed for: one therapy, or all (empty), from–to."""

    organization = _organization()
    person_id = models.UUIDField()
    therapy = models.ForeignKey(Therapy, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    kind = models.CharField(max_length=24, choices=CredentialKind.choices, default=CredentialKind.PRESCRIBER)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["organization", "person_id", "kind"], name="network_credential_of")]


class Training(WalledModel):
    """A training that a person completed, for one therapy or all (empty); it expires at ``until``."""

    organization = _organization()
    person_id = models.UUIDField()
    therapy = models.ForeignKey(Therapy, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    kind = models.SlugField(max_length=64)
    completed_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["organization", "person_id", "kind"], name="network_training_of")]
