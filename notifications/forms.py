"""What people type about what they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from ledger.context import Actor
from notifications import queries
from personas.form_fields import described
from personas.queries import colleagues, persona_rights

TYPES = {
    "kinds": "checkboxes",
    "mail_tasks": "checkbox",
    "mail_news": "checkbox",
    "quiet_weekends": "checkbox",
    "persona": "select",
    "minutes": "number",
}
CLOCK = ("%H:%M", "%H.%M", "%H:%M:%S")


class WebhookForm(forms.Form):
    """Name, address and kinds of event of a webhook."""

    name = forms.CharField(label="Name", max_length=120, help_text="The partner system that listens.")
    url = forms.CharField(label="Address", max_length=500, help_text="Begins with https://; events are posted there.")
    kinds = forms.MultipleChoiceField(label="Events", required=False, help_text="None chosen: all of them.")

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kinds"].choices = [(kind.name, kind.label) for kind in queries.event_kinds(actor)]  # type: ignore[attr-defined]

    def described(self, refused: Mapping[str, Sequence[str]] | None = None) -> list[dict[str, Any]]:
        """Return the fields as the field component draws them, with an action's words beside them."""
        return described(self, TYPES, refused)


class PreferencesForm(forms.Form):
    """E-mail per class of notice, and quiet hours."""

    mail_tasks = forms.BooleanField(
        label="E-mail when a step waits for me", required=False, help_text="Critical notices always come, at once."
    )
    mail_news = forms.BooleanField(
        label="E-mail when an order of mine is stopped, changed or ended",
        required=False,
        help_text="Critical notices always come, at once.",
    )
    quiet_from = forms.TimeField(
        label="Quiet from",
        required=False,
        input_formats=CLOCK,
        help_text="HH:MM, local time. E-mail waits for the end.",
    )
    quiet_until = forms.TimeField(
        label="Quiet until", required=False, input_formats=CLOCK, help_text="HH:MM, local time."
    )
    quiet_weekends = forms.BooleanField(label="Quiet on Saturday and Sunday", required=False)
    zone = forms.CharField(label="Your time zone", max_length=64, help_text="An IANA name such as Europe/Berlin.")

    @staticmethod
    def initial_of(preferences: Any) -> dict[str, Any]:
        """Return the preferences as the form shows them."""
        shown = {name: getattr(preferences, name) for name in ("mail_tasks", "mail_news", "quiet_weekends", "zone")}
        clocks = {name: getattr(preferences, name) for name in ("quiet_from", "quiet_until")}
        return shown | {name: clock.strftime("%H:%M") if clock else "" for name, clock in clocks.items()}

    def described(self, refused: Mapping[str, Sequence[str]] | None = None) -> list[dict[str, Any]]:
        """Return the fields as the field component draws them, with an action's words beside them."""
        return described(self, TYPES, refused)


class AwayForm(forms.Form):
    """From when to when somebody is away, and who is told too meanwhile."""

    first_day = forms.DateField(label="Away from", help_text="The first day, in your time zone.")
    last_day = forms.DateField(label="Until", help_text="The last day away.")
    deputy = forms.ChoiceField(
        label="Deputy",
        required=False,
        help_text="Told of what waits for you, too; it must be somebody who may do here what you may.",
    )

    def __init__(self, actor: Actor, sent: Any = None) -> None:
        found = queries.absence_of(actor)
        super().__init__(sent, initial=found)
        self.fields["deputy"].choices = [("", "Nobody"), *colleagues(actor)]  # type: ignore[attr-defined]

    def described(self, refused: Mapping[str, Sequence[str]] | None = None) -> list[dict[str, Any]]:
        """Return the fields as the field component draws them, with an action's words beside them."""
        fields = described(self, {"first_day": "date", "last_day": "date", "deputy": "select"}, refused)
        for field in fields:
            if hasattr(field["value"], "isoformat"):
                field["value"] = field["value"].isoformat()
        fields[-1] |= {"choices": fields[-1]["choices"][1:], "blank": "Nobody"}
        return fields


class EscalationForm(forms.Form):
    """When a critical notice that nobody acknowledges goes on, and to whom."""

    minutes = forms.IntegerField(label="After", min_value=1, max_value=1440, help_text="minutes without acknowledging")
    persona = forms.ChoiceField(label="To", help_text="Who acts in this persona is told, critical and by e-mail.")

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["persona"].choices = [(known.key, known.title) for known in persona_rights(actor)]  # type: ignore[attr-defined]

    def described(self, refused: Mapping[str, Sequence[str]] | None = None) -> list[dict[str, Any]]:
        """Return the fields as the field component draws them, with an action's words beside them."""
        return described(self, TYPES, refused)
