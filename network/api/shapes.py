"""How the network looks over REST: fields listed by hand, and their description."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from network.states import AuthorizationState, CredentialKind, Direction, LegMode
from personas.envelopes import Shape


class SpecificationTest(Shape):
    """One test with its limits; a coded one has choices, of which the expected pass."""

    key = s.CharField(max_length=64)
    label = s.CharField(max_length=200)  # type: ignore[assignment]
    unit = s.CharField(required=False, allow_blank=True)
    minimum = s.JSONField(required=False, help_text="number or null")
    maximum = s.JSONField(required=False, help_text="number or null")
    required = s.BooleanField(required=False)  # type: ignore[assignment]
    choices = s.ListField(child=s.CharField(), required=False)
    expected = s.ListField(child=s.CharField(), required=False)


class SpecificationRow(Shape):
    """One version of a therapy's tests and limits."""

    version = s.IntegerField()
    effective_from = s.DateTimeField()
    tests = SpecificationTest(many=True)
    limits = s.DictField(child=s.JSONField())


class SpecificationInput(Shape):
    """The next version; running orders keep theirs."""

    tests = s.ListField(child=s.JSONField(), help_text="as in the answer; the refusal names every fault")
    limits = s.DictField(child=s.JSONField())
    effective_from = s.DateTimeField(required=False, help_text="now if absent")


class AuthorizationRow(Shape):
    """A treatment center's site that may give a therapy."""

    therapy = s.CharField()
    site = s.CharField()
    site_name = s.CharField()
    state = s.ChoiceField(choices=AuthorizationState.choices)
    since = s.DateTimeField()
    until = s.DateTimeField(allow_null=True)
    reason = s.CharField(allow_blank=True)
    lymphodepletion_on_release = s.BooleanField(help_text="false: lymphodepletion waits until the product is accepted")


class LymphodepletionInput(Shape):
    """When lymphodepletion may begin at a site, and why."""

    therapy = s.CharField(max_length=40)
    site = s.CharField(max_length=40)
    on_release = s.BooleanField(help_text="true: on the release; false: once the site has accepted the product")
    reason = s.CharField(max_length=500, required=False, allow_blank=True)


class AuthorizationInput(Shape):
    """A site that may give a therapy from now on."""

    therapy = s.CharField(max_length=40)
    site = s.CharField(max_length=40)
    since = s.DateTimeField(required=False)
    until = s.DateTimeField(required=False)
    reason = s.CharField(max_length=500, required=False, allow_blank=True)


class SuspensionInput(Shape):
    """A site that may not give a therapy any more, and why."""

    therapy = s.CharField(max_length=40)
    site = s.CharField(max_length=40)
    reason = s.CharField(max_length=500, required=False, allow_blank=True)


class CredentialRow(Shape):
    """What a person of the organization is credentialed for."""

    id = s.UUIDField()
    person = s.UUIDField()
    therapy = s.CharField(allow_null=True, help_text="therapy code; null: all")
    kind = s.ChoiceField(choices=CredentialKind.choices)
    since = s.DateTimeField()
    until = s.DateTimeField(allow_null=True)


class CredentialInput(Shape):
    """A credential of one of the organization's people."""

    person = s.UUIDField(help_text="`person` of `people`")
    therapy = s.CharField(max_length=40, required=False, help_text="absent: all")
    kind = s.ChoiceField(choices=CredentialKind.choices, required=False)
    since = s.DateTimeField(required=False)
    until = s.DateTimeField(required=False)


class LegRow(Shape):
    """One leg of a route; hours count from the pick-up."""

    origin = s.CharField()
    destination = s.CharField()
    mode = s.ChoiceField(choices=LegMode.choices)
    starts_after = s.FloatField(help_text="hours after the pick-up")
    hours = s.FloatField()


class RouteRow(Shape):
    """A route of a lane."""

    name = s.CharField(allow_blank=True, help_text="empty: the planned one; else agreed for contingency")
    hours = s.FloatField(help_text="from the pick-up to its end")
    legs = LegRow(many=True)


class LeadRow(Shape):
    """Minutes before each milestone that whoever must act is told; absent: the sponsor's for all lanes."""

    packed = s.IntegerField(required=False)
    picked_up = s.IntegerField(required=False)
    delivered = s.IntegerField(required=False)
    opened = s.IntegerField(required=False)
    leg_departed = s.IntegerField(required=False)
    leg_arrived = s.IntegerField(required=False)
    kit_checked = s.IntegerField(required=False)


class LaneRow(Shape):
    """A qualified way between two sites by one courier."""

    id = s.UUIDField(help_text="of this version")
    courier = s.CharField()
    origin = s.CharField(help_text="site code")
    destination = s.CharField(help_text="site code")
    direction = s.ChoiceField(choices=Direction.choices)
    version = s.IntegerField()
    transit_hours = s.DecimalField(max_digits=6, decimal_places=2)
    qualified_hours = s.DecimalField(max_digits=6, decimal_places=2)
    cutoff = s.RegexField(r"^\d\d:\d\d$", help_text="latest pick-up, local time at the origin")
    weekdays = s.ListField(child=s.IntegerField(), help_text="0 is Monday")
    temperature = s.CharField(allow_blank=True)
    since = s.DateTimeField()
    alert_minutes = LeadRow()
    routes = RouteRow(many=True)
    papers = s.ListField(child=s.CharField(), help_text="what customs need")
    minimum_c = s.DecimalField(max_digits=5, decimal_places=2, allow_null=True)
    maximum_c = s.DecimalField(max_digits=5, decimal_places=2, allow_null=True)
    minutes_outside = s.IntegerField(allow_null=True)


def specification_row(found: Any) -> dict[str, Any]:
    return {
        "version": found.version,
        "effective_from": found.effective_from,
        "tests": found.tests,
        "limits": found.limits,
    }


def authorization_row(found: Any) -> dict[str, Any]:
    return {
        "therapy": found.therapy.code,
        "site": found.site.code,
        "site_name": found.site.name,
        "state": found.state,
        "since": found.since,
        "until": found.until,
        "reason": found.reason,
        "lymphodepletion_on_release": found.lymphodepletion_on_release,
    }


def credential_row(found: Any) -> dict[str, Any]:
    return {
        "id": found.pk,
        "person": found.person_id,
        "therapy": found.therapy.code if found.therapy else None,
        "kind": found.kind,
        "since": found.since,
        "until": found.until,
    }


def lane_row(lane: Any) -> dict[str, Any]:
    return {
        "id": lane.pk,
        "courier": lane.courier.name,
        "origin": lane.origin.code,
        "destination": lane.destination.code,
        "direction": lane.direction,
        "version": lane.version,
        "transit_hours": str(lane.transit_hours),
        "qualified_hours": str(lane.qualified_hours),
        "cutoff": f"{lane.cutoff:%H:%M}",
        "weekdays": lane.weekdays,
        "temperature": lane.temperature,
        "since": lane.since,
        **{name: getattr(lane, name) for name in ("alert_minutes", "routes", "papers", "minutes_outside")},
        **{name: _exact(getattr(lane, name)) for name in ("minimum_c", "maximum_c")},
    }


def _exact(number: Any) -> str | None:
    return None if number is None else str(number)
