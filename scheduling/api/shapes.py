"""What the calendar's endpoints take and answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from personas.envelopes import Shape
from scheduling import states


class ResourceInput(Shape):
    """Something whose capacity the organization offers."""

    code = s.SlugField(max_length=64)
    name = s.CharField(max_length=120)
    kind = s.ChoiceField(choices=states.ResourceKind.choices)
    site = s.CharField(max_length=40, required=False, help_text="code of an own site; not for a courier lane")
    therapies = s.ListField(child=s.UUIDField(), required=False, help_text="ids; absent: every therapy")
    attributes = s.DictField(
        required=False,
        help_text="of a courier lane: origin_site_id, destination_site_id, transit_hours, cutoff, weekdays (1–7)",
    )


class RuleInputShape(Shape):
    """A shift: from ``first_date`` on it is open on the days of ``pattern``, on the clock of the resource's place."""

    shift = s.SlugField(max_length=40)
    pattern = s.CharField(max_length=200, help_text="RFC 5545, for example FREQ=WEEKLY;BYDAY=MO,TU")
    starts = s.TimeField(help_text="local time")
    ends = s.TimeField(help_text="local time; not after the start: on the next day")
    places = s.IntegerField()
    first_date = s.DateField()
    last_date = s.DateField(required=False, allow_null=True)
    on_holidays = s.ChoiceField(choices=states.HolidayPolicy.choices, required=False)
    holiday_region = s.CharField(max_length=12, required=False, allow_blank=True)
    competence = s.CharField(max_length=40, required=False, allow_blank=True)
    people_per_place = s.IntegerField(required=False)
    reserved_for = s.ChoiceField(choices=states.PriorityClass.choices, required=False, allow_blank=True)
    release_days = s.IntegerField(required=False)


class RuleRow(RuleInputShape):
    """A version of a shift."""

    id = s.UUIDField()


class RuleEnd(Shape):
    """The last day of a shift; before its first it is withdrawn."""

    last_date = s.DateField()


class TeamInputShape(Shape):
    """So many people of a competence at a site on a shift."""

    site = s.CharField(max_length=40)
    code = s.SlugField(max_length=40)
    shift = s.SlugField(max_length=40)
    competence = s.SlugField(max_length=40)
    pattern = s.CharField(max_length=200)
    people = s.IntegerField()
    first_date = s.DateField()
    last_date = s.DateField(required=False, allow_null=True)


class TeamRow(TeamInputShape):
    """A version of a team."""

    id = s.UUIDField()


class ClosureInput(Shape):
    """A resource, or all of a site, is closed from a local day (and time) to another."""

    resource = s.CharField(max_length=64, required=False)
    site = s.CharField(max_length=40, required=False)
    kind = s.ChoiceField(choices=states.ClosureKind.choices, required=False)
    first_date = s.DateField()
    last_date = s.DateField(required=False, allow_null=True)
    starts = s.TimeField(required=False, allow_null=True)
    ends = s.TimeField(required=False, allow_null=True)
    reason = s.CharField(max_length=160)


class ClosureRow(Shape):
    """A closure that is not over."""

    id = s.UUIDField()
    resource = s.CharField(allow_blank=True)
    site = s.CharField(allow_blank=True)
    kind = s.ChoiceField(choices=states.ClosureKind.choices)
    starts_at = s.DateTimeField()
    ends_at = s.DateTimeField()
    reason = s.CharField()


class WindowMove(Shape):
    """When the window begins from now on; it stays as long as it was."""

    starts_at = s.DateTimeField()


class WindowClose(Shape):
    """Why the window has no places any more."""

    reason = s.CharField(max_length=150)


class WindowRow(Shape):
    """A window of an own resource."""

    id = s.UUIDField()
    resource = s.CharField()
    starts_at = s.DateTimeField()
    ends_at = s.DateTimeField()
    capacity = s.IntegerField()
    taken = s.IntegerField()
    shift = s.CharField(allow_blank=True, help_text="the rule that made it; empty: by hand")
    closed_reason = s.CharField(allow_blank=True)
    reserved_for = s.CharField(allow_blank=True)
    open_from = s.DateTimeField(allow_null=True)


class PriorityInput(Shape):
    """In which class the center collects for a therapy."""

    therapy = s.UUIDField()
    priority = s.ChoiceField(choices=states.PriorityClass.choices)


class FeedInput(Shape):
    """A feed of one own resource, or without one of what one's own place has booked."""

    name = s.CharField(max_length=120)
    resource = s.CharField(max_length=64, required=False)


class FeedRow(Shape):
    """A calendar feed that answers."""

    id = s.UUIDField()
    name = s.CharField()
    person = s.CharField()
    resource = s.CharField(allow_blank=True)
    expires_at = s.DateTimeField()
    feed_url = s.URLField(allow_null=True, help_text="for the person whose feed it is; never in an answer given again")


def rule_row(rule: Any) -> dict[str, Any]:
    return {"id": rule.pk, **{name: getattr(rule, name) for name in map(str, RuleInputShape().fields)}}


def team_row(team: Any) -> dict[str, Any]:
    names = ("code", "shift", "competence", "pattern", "people", "first_date", "last_date")
    return {"id": team.pk, "site": team.site.code, **{name: getattr(team, name) for name in names}}


def closure_row(closure: Any) -> dict[str, Any]:
    return {
        "id": closure.pk,
        "resource": closure.resource.code if closure.resource else "",
        "site": closure.site.code if closure.site else "",
        **{name: getattr(closure, name) for name in ("kind", "starts_at", "ends_at", "reason")},
    }


def window_row(slot: Any) -> dict[str, Any]:
    names = ("starts_at", "ends_at", "capacity", "taken", "shift", "closed_reason", "reserved_for", "open_from")
    return {"id": slot.pk, "resource": slot.resource.code, **{name: getattr(slot, name) for name in names}}
