"""What administrators type."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone

from ledger.context import Actor
from ledger.refusals import Refusal
from personas import form_fields, queries
from personas.states import Capability

TYPES = {"persona": "select", "site": "select", "email": "email", "scopes": "checkboxes", "expires": "date"}


class InviteForm(forms.Form):
    """Somebody who is to act here: e-mail address (the sign-in name), name, persona, site."""

    email = forms.EmailField(label="E-mail address", max_length=150, help_text="It is the user name.")
    name = forms.CharField(label="Name", max_length=200, help_text="As it is printed beside signatures.")
    persona = forms.ChoiceField(label="Persona")
    site = forms.ChoiceField(label="Site", required=False)

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["persona"].choices = [(p.key, p.title) for p in queries.persona_rights(actor)]  # type: ignore[attr-defined]
        self.fields["site"].choices = queries.own_sites(actor)  # type: ignore[attr-defined]
        self.refused: dict[str, list[str]] = {}

    def take(self, refusal: Refusal) -> None:
        """Show a refusal's words beside its fields."""
        self.refused = {name: list(words) for name, words in refusal.fields.items()}

    def described(self) -> list[dict[str, Any]]:
        """Return the fields as the field component draws them."""
        fields = form_fields.described(self, TYPES, self.refused)
        fields[-1]["blank"] = "All sites"
        return fields


class RightsForm(forms.Form):
    """What a persona may do: its title, every right it is to have, and why; ``more``: what other actors usually do."""

    title = forms.CharField(label="Title", max_length=120)
    capabilities = forms.MultipleChoiceField(label="May", required=False)
    more = forms.MultipleChoiceField(
        label="May also", required=False, help_text="Rights that the personas of other organizations usually have."
    )
    reason = forms.CharField(
        label="Reason", max_length=500, help_text="It stands on the record, beside what was changed."
    )

    def __init__(self, actor: Actor, rights: queries.PersonaRights, sent: Any = None) -> None:
        first = {"title": rights.title, "capabilities": rights.rights, "more": rights.rights}
        super().__init__(sent, initial=first)
        self.held = frozenset(rights.rights)
        usual = queries.usual_rights(actor.organization_role)
        choices = list(Capability.choices)
        self.fields["capabilities"].choices = [one for one in choices if one[0] in usual]  # type: ignore[attr-defined]
        self.fields["more"].choices = [one for one in choices if one[0] not in usual]  # type: ignore[attr-defined]
        self.refused: dict[str, list[str]] = {}

    def inputs(self) -> dict[str, Any]:
        """Return the arguments of the action that adapts a persona."""
        given = self.cleaned_data
        wanted = frozenset(given["capabilities"]) | frozenset(given["more"])
        changes = {"add": wanted - self.held, "remove": self.held - wanted}
        return {"title": given["title"], "reason": given["reason"], **changes}

    def take(self, refusal: Refusal) -> None:
        """Show a refusal's words beside its fields."""
        self.refused = {name: list(words) for name, words in refusal.fields.items()}

    def described(self) -> list[dict[str, Any]]:
        """Return the fields as the field component draws them."""
        types = {"capabilities": "checkboxes", "more": "checkboxes"}
        return form_fields.described(self, types, self.refused)


class KeyForm(forms.Form):
    """A new API key: name, persona, scopes (a subset of the persona's capabilities), last day of validity."""

    name = forms.CharField(label="Name", max_length=120, help_text="The partner system that will use the key.")
    persona = forms.ChoiceField(
        label="Persona", help_text="The key acts in this persona, narrowed to the scopes below."
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes", choices=Capability.choices, help_text="As few as the system needs."
    )
    expires = forms.DateField(label="Valid until", required=False, help_text="The last day, in UTC.")

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["persona"].choices = [(p.key, p.title) for p in queries.persona_rights(actor)]  # type: ignore[attr-defined]
        self.refused: dict[str, list[str]] = {}

    def clean_expires(self) -> dt.date | None:
        expires: dt.date | None = self.cleaned_data["expires"]
        if expires is not None and expires < timezone.now().date():
            raise forms.ValidationError("This day has passed.")
        return expires

    def inputs(self) -> dict[str, Any]:
        """Return the arguments of the action that issues a key."""
        given = self.cleaned_data
        last_day: dt.date | None = given["expires"]
        ends = dt.datetime.combine(last_day, dt.time.max, dt.UTC) if last_day else None
        return {
            "name": given["name"],
            "persona_key": given["persona"],
            "scopes": given["scopes"],
            "expires_at": ends,
        }

    def take(self, refusal: Refusal) -> None:
        """Show a refusal's words beside its fields."""
        self.refused = {name: list(words) for name, words in refusal.fields.items()}

    def described(self) -> list[dict[str, Any]]:
        """Return the fields as the field component draws them."""
        return form_fields.described(self, TYPES, self.refused)
