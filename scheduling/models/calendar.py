from __future__ import annotations

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import Outside, OwnedBy
from scheduling.models.capacity import Resource
from scheduling.states import ClosureKind, HolidayPolicy, PriorityClass


def in_effect() -> Func:
    """The days on which a dated row holds, both ends included; without a last day for ever."""
    return Func("first_date", "last_date", Value("[]"), function="daterange", output_field=DateRangeField())


def _once_at_a_time(name: str, *columns: str) -> ExclusionConstraint:
    expressions: list[tuple[Any, str]] = [(column, RangeOperators.EQUAL) for column in columns]
    expressions.append((in_effect(), RangeOperators.OVERLAPS))
    return ExclusionConstraint(name=name, expressions=expressions, condition=Q(withdrawn_at__isnull=True))


class OpeningRule(WalledModel):
    """When a resource is open, again and again: a shift with its places, on the wall clock of the resource's place.

    ``pattern`` is an RFC 5545 recurrence (``FREQ=WEEKLY;BYDAY=MO,TU``) that counts from ``first_date``. ``ends`` not
    after ``starts``: on the next day. Versions of one shift follow each other and never overlap.
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="rules")
    shift = models.SlugField(max_length=40, help_text="names the shift among those of the resource")
    pattern = models.CharField(max_length=200)
    starts = models.TimeField()
    ends = models.TimeField()
    places = models.PositiveIntegerField()
    first_date = models.DateField()
    last_date = models.DateField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="a version that never came into effect")
    on_holidays = models.CharField(max_length=8, choices=HolidayPolicy.choices, default=HolidayPolicy.CLOSED)
    holiday_region = models.CharField(max_length=12, blank=True, help_text="region of the site's country")
    competence = models.SlugField(max_length=40, blank=True, help_text="what the people of a place must be able to do")
    people_per_place = models.PositiveSmallIntegerField(default=1)
    reserved_for = models.CharField(max_length=16, choices=PriorityClass.choices, blank=True)
    release_days = models.PositiveSmallIntegerField(default=0, help_text="days before, when everybody may book")

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["resource_id", "shift", "first_date"]
        constraints = [
            _once_at_a_time("scheduling_rule_one_version", "resource", "shift"),
            models.CheckConstraint(
                condition=Q(last_date__isnull=True) | Q(last_date__gte=F("first_date")), name="scheduling_rule_dates"
            ),
        ]
        indexes = [models.Index(fields=["organization", "resource"], name="scheduling_rule_of")]


class Team(WalledModel):
    """How many people with a competence a site has on a shift. Teams of one shift add up; versions do not overlap."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+")
    code = models.SlugField(max_length=40)
    shift = models.SlugField(max_length=40)
    competence = models.SlugField(max_length=40)
    pattern = models.CharField(max_length=200)
    people = models.PositiveIntegerField()
    first_date = models.DateField()
    last_date = models.DateField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="a version that never came into effect")

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["code", "first_date"]
        constraints = [
            _once_at_a_time("scheduling_team_one_version", "organization", "code"),
            models.CheckConstraint(
                condition=Q(last_date__isnull=True) | Q(last_date__gte=F("first_date")), name="scheduling_team_dates"
            ),
        ]


class Closure(WalledModel):
    """A time (UTC) in which a resource, or all of a site, is closed: maintenance, an inspection, a day off."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="closures", null=True, blank=True)
    kind = models.CharField(max_length=12, choices=ClosureKind.choices, default=ClosureKind.CLOSURE)
    reason = models.CharField(max_length=160)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(site__isnull=True, resource__isnull=False) | Q(site__isnull=False, resource__isnull=True),
                name="scheduling_closure_of_one",
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="scheduling_closure_has_length"),
        ]
        indexes = [models.Index(fields=["organization", "ends_at"], name="scheduling_closure_until")]


class TherapyClass(WalledModel):
    """In which priority class a treatment center collects for a therapy."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    therapy_id = models.UUIDField()
    priority = models.CharField(max_length=16, choices=PriorityClass.choices)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "therapy_id"], name="scheduling_therapy_class_once")
        ]


class CalendarFeed(WalledModel):
    """An address at which a calendar program reads appointments: one person's, or one resource's. See ADR 16.

    The address is signed, not stored. ``user_id`` is whose right it is: when that person leaves, the feed is gone.
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    membership_id = models.UUIDField()
    person_name = models.CharField(max_length=200)
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    name = models.CharField(max_length=120)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["-made_at", "pk"]


class CalendarDue(WalledModel):
    """When an organization's windows are made from its rules again: read by the sweep, which then acts inside it."""

    organization_id = models.UUIDField(unique=True)
    due_at = models.DateTimeField()

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="scheduling_calendar_due")]
