"""What people type into the calendar. Dates and times are local to the place; the actions check what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms

from personas.form_fields import described
from scheduling.queries import DAY_NAMES, STEPS, weekly
from scheduling.states import ClosureKind, HolidayPolicy, PriorityClass, ResourceKind

TYPES = {
    "resource": "select",
    "site": "select",
    "kind": "select",
    "weekdays": "checkboxes",
    "on_holidays": "select",
    "reserved_for": "select",
    "priority": "select",
    "therapy": "select",
    "first_date": "date",
    "last_date": "date",
    "starts_at": "datetime",
    "step": "select",
    **dict.fromkeys(("at_least", "at_most"), "number"),
    **dict.fromkeys(("places", "people", "people_per_place", "release_days", "every"), "number"),
}
DAYS = [(str(number), name) for number, name in enumerate(DAY_NAMES)]
CLOCK = ("%H:%M", "%H.%M", "%H:%M:%S")


class CalendarForm(forms.Form):
    """A form whose choices depend on who acts: ``choices`` by field name."""

    blank: ClassVar[Mapping[str, str]] = {}  # what an empty choice means, by field; else: none

    def __init__(self, *args: Any, choices: Mapping[str, Sequence[tuple[str, str]]] | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name, offered in (choices or {}).items():
            self.fields[name].choices = [("", ""), *offered]  # type: ignore[attr-defined]

    def described(self, refused: Mapping[str, Sequence[str]] | None = None) -> list[dict[str, Any]]:
        """Return the fields as the field component draws them, with an action's words beside them."""
        fields = described(self, TYPES, refused)
        for field in fields:
            field["choices"] = [choice for choice in field["choices"] if choice[0] != ""]
            field["blank"] = self.blank.get(field["name"], "")
        return fields


class RecurringForm(CalendarForm):
    """Days of the week, or a recurrence as RFC 5545 writes it."""

    def recurrence(self) -> str:
        """Return the recurrence that was typed; a plain week unless a pattern stands there, empty without both."""
        if self.cleaned_data["pattern"] or not self.cleaned_data["weekdays"]:
            return str(self.cleaned_data["pattern"])
        days = [int(day) for day in self.cleaned_data["weekdays"]]
        return weekly(days, self.cleaned_data.get("every") or 1)


def _days() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label="Days", choices=DAYS, required=False)


def _pattern() -> forms.CharField:
    return forms.CharField(
        label="Or a pattern",
        max_length=200,
        required=False,
        help_text="RFC 5545, for example FREQ=MONTHLY;BYDAY=1TU for each first Tuesday. It stands above the days.",
    )


class RuleForm(RecurringForm):
    """An opening rule."""

    resource = forms.ChoiceField(label="Resource")
    shift = forms.CharField(label="Shift", max_length=40, help_text="Lower-case letters, digits, hyphens: early, day.")
    weekdays = _days()
    every = forms.IntegerField(label="Every … weeks", required=False, min_value=1, max_value=53)
    pattern = _pattern()
    starts = forms.TimeField(label="From", input_formats=CLOCK, help_text="HH:MM, local time of the place")
    ends = forms.TimeField(label="To", input_formats=CLOCK, help_text="HH:MM; not after the start: on the next day")
    places = forms.IntegerField(label="Places")
    first_date = forms.DateField(label="Holds from")
    last_date = forms.DateField(label="Holds until", required=False, help_text="Empty: until further notice.")
    on_holidays = forms.ChoiceField(label="On public holidays", choices=HolidayPolicy.choices)
    holiday_region = forms.CharField(
        label="Region of the holidays", max_length=12, required=False, help_text="For example BY in Germany."
    )
    competence = forms.CharField(
        label="Competence needed", max_length=40, required=False, help_text="Places are limited by teams that have it."
    )
    people_per_place = forms.IntegerField(label="People per place", required=False)
    reserved_for = forms.ChoiceField(
        label="Precedence of", required=False, choices=PriorityClass.choices, help_text="And of the classes before it."
    )
    release_days = forms.IntegerField(
        label="Open to everybody … days before", required=False, help_text="Only with a precedence."
    )

    def given(self) -> dict[str, Any]:
        """Return the rule as ``RuleInput`` takes it."""
        cleaned = self.cleaned_data
        same = ("shift", "starts", "ends", "places", "first_date", "last_date", "on_holidays", "holiday_region")
        return {
            **{name: cleaned[name] for name in same},
            "pattern": self.recurrence(),
            "competence": cleaned["competence"],
            "people_per_place": 1 if cleaned["people_per_place"] is None else cleaned["people_per_place"],
            "reserved_for": cleaned["reserved_for"],
            "release_days": cleaned["release_days"] or 0,
        }


class TeamForm(RecurringForm):
    """People of a competence on a shift."""

    site = forms.ChoiceField(label="Site")
    code = forms.CharField(label="Team", max_length=40, help_text="Lower-case letters, digits, hyphens.")
    shift = forms.CharField(label="Shift", max_length=40, help_text="As in the opening hours.")
    competence = forms.CharField(label="Competence", max_length=40, help_text="As in the opening hours.")
    weekdays = _days()
    pattern = _pattern()
    people = forms.IntegerField(label="People")
    first_date = forms.DateField(label="Holds from")
    last_date = forms.DateField(label="Holds until", required=False, help_text="Empty: until further notice.")

    def given(self) -> dict[str, Any]:
        """Return the team as ``TeamInput`` takes it."""
        same = ("code", "shift", "competence", "people", "first_date", "last_date")
        return {**{name: self.cleaned_data[name] for name in same}, "pattern": self.recurrence()}


class PriorityForm(CalendarForm):
    """The class of a therapy."""

    therapy = forms.ChoiceField(label="Therapy")
    priority = forms.ChoiceField(label="Class", choices=PriorityClass.choices)


class ClosureForm(CalendarForm):
    """A closure of a resource, or of a site."""

    resource = forms.ChoiceField(label="Resource", required=False)
    site = forms.ChoiceField(label="Or all of a site", required=False)
    kind = forms.ChoiceField(label="Kind", choices=ClosureKind.choices)
    first_date = forms.DateField(label="From")
    starts = forms.TimeField(label="Time", required=False, input_formats=CLOCK, help_text="Empty: from midnight.")
    last_date = forms.DateField(label="To", required=False, help_text="Empty: the same day.")
    ends = forms.TimeField(label="Time to", required=False, input_formats=CLOCK, help_text="Empty: to midnight.")
    reason = forms.CharField(
        label="Reason", max_length=160, help_text="No patient data: it stands on the board and in the record."
    )


class LeadTimeForm(CalendarForm):
    """An override of a lead time."""

    blank: ClassVar[Mapping[str, str]] = {"site": "Any", "therapy": "Any"}
    step = forms.ChoiceField(
        label="Step", choices=[(step, f"{label} ({unit})") for step, (label, unit) in STEPS.items()]
    )
    at_least = forms.FloatField(label="Takes at least", required=False, help_text="In the unit of the step.")
    at_most = forms.FloatField(label="Takes at most", required=False, help_text="In the unit of the step.")
    market = forms.CharField(
        label="Market",
        max_length=2,
        required=False,
        help_text="Country of the center: DE.",
        error_messages={"max_length": "Give the two letters of a country, for example DE."},
    )
    site = forms.ChoiceField(label="Site", required=False, help_text="A center's, or a plant's.")
    therapy = forms.ChoiceField(label="Therapy", required=False)
    priority = forms.IntegerField(label="Priority", help_text="0 to 100; the highest counts.")
    first_date = forms.DateField(label="First day of collection")
    last_date = forms.DateField(
        label="Last day of collection", required=False, help_text="Empty: until further notice."
    )
    reason = forms.CharField(label="Reason", max_length=200, help_text="Whoever searches reads it. No patient data.")

    def described(self, refused: Mapping[str, Sequence[str]] | None = None) -> list[dict[str, Any]]:
        """Return the fields; a priority is a number here, not a class as elsewhere, and an empty scope is any."""
        fields = super().described(refused)
        own = {"priority": {"type": "number"}, "site": {"blank": "Any"}, "therapy": {"blank": "Any"}}
        return [{**field, **own.get(field["name"], {})} for field in fields]

    def clean_market(self) -> str:
        return str(self.cleaned_data["market"]).upper()


class ResourceForm(CalendarForm):
    """A chair, a bay, a line, a bed. A courier lane comes by import or over REST: it has two ends."""

    code = forms.SlugField(
        label="Code",
        max_length=64,
        help_text="Letters, digits and hyphens, no spaces: line-2.",
        error_messages={"invalid": "Use letters, digits and hyphens, without spaces: line-2."},
    )
    name = forms.CharField(label="Name", max_length=120)
    kind = forms.ChoiceField(
        label="Kind", choices=[choice for choice in ResourceKind.choices if choice[0] != ResourceKind.COURIER_LANE]
    )
    site = forms.ChoiceField(label="Site")


class WindowForm(CalendarForm):
    """A window of one day."""

    starts = forms.TimeField(label="From", input_formats=CLOCK)
    ends = forms.TimeField(label="To", input_formats=CLOCK, help_text="Not after the start: on the next day.")
    places = forms.IntegerField(label="Places")


class ReasonForm(CalendarForm):
    """Why something is closed."""

    reason = forms.CharField(label="Reason", max_length=150, help_text="No patient data.")


class PlacesForm(CalendarForm):
    """Another number of places."""

    places = forms.IntegerField(label="Places")


class MoveForm(CalendarForm):
    """Another time."""

    starts_at = forms.DateTimeField(label="New start")


class FeedForm(CalendarForm):
    """A calendar feed."""

    name = forms.CharField(label="Name", max_length=120, help_text="Shown in the calendar program. No patient data.")
    resource = forms.ChoiceField(label="Of", required=False, help_text="None: whatever your own place has booked.")
