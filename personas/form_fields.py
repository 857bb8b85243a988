"""The fields of a form, described as the field component draws them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms


def described(
    form: forms.Form, types: Mapping[str, str], refused: Mapping[str, Sequence[str]] | None = None
) -> list[dict[str, Any]]:
    """Return the form's fields; ``types`` where it is not plain text, ``refused`` an action's words per field."""
    return [_field(bound, types.get(bound.name, "text"), list((refused or {}).get(bound.name, []))) for bound in form]


def _field(bound: forms.BoundField, kind: str, refused: list[str]) -> dict[str, Any]:
    value = bound.value()
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = value.isoformat()  # as a date field reads it, whatever the language
    return {
        "name": bound.name,
        "label": bound.label,
        "type": kind,
        "required": bound.field.required,
        "help": bound.help_text,
        "value": value if value is not None else ([] if kind == "checkboxes" else ""),
        "choices": getattr(bound.field, "choices", []),
        "errors": [*bound.errors, *refused],
    }
