"""What a person is asked on a page: the inputs of a step or of an enrolment as the field component draws them.

Names follow the form encoding of REST framework: ``signature.password``, ``bags[0]scan``. Errors come from serializers
and from refusals in either notation and end beside their field; what fits no field is returned for the refusal's panel.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import timezone
from rest_framework import serializers

from network.specifications import Rule

MOST_ROWS = 40
FIXED = ("test", "serial", "item")  # columns that name what a row is about: shown, never typed
LONG_TEXT = 200
SAYS_WHEN = ("(needed", "; needed", "(unless")  # a label that says when it is needed is not "optional" beside it
_ROW = re.compile(r"([a-z_]+)\[(\d+)\]\.?(.+)")

Described = dict[str, Any]


@dataclass(frozen=True)
class Filling:
    """What a form is filled with: posted values, else initial ones; and what is wrong with them, by field path."""

    zone: str
    initial: Mapping[str, Any] = field(default_factory=dict)
    posted: QueryDict | None = None
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    tests: Mapping[str, Rule] = field(default_factory=dict)

    def value(self, name: str, default: Any = "") -> Any:
        if self.posted is not None:
            return self.posted.get(name, "")
        return default

    def errors_of(self, name: str) -> list[str]:
        found = list(self.errors.get(path_of(name), []))
        blank = self.posted is not None and name in self.posted and not self.posted.get(name, "").strip()
        return ["This field is needed."] if found and blank and not _is_own_word(found[0]) else found


def _is_own_word(text: str) -> bool:
    """Whether an error about an empty field says more than that its format is wrong."""
    return not text.startswith(("A valid", "Date", "This field may not", "This field is required", "“”", '"" is not'))


def path_of(name: str) -> str:
    """Return the path that errors use for a field's form name: ``bags[0]scan`` is ``bags[0].scan``."""
    return re.sub(r"\](?=\w)", "].", name)


def flat(errors: Any, prefix: str = "") -> dict[str, list[str]]:
    """Return nested errors (serializers' or a refusal's) as messages by field path."""
    found: dict[str, list[str]] = {}
    for path, message in _walk(errors, prefix):
        found.setdefault(path, []).append(message)
    return found


def parts_of(errors: Mapping[str, list[str]], prefix: str) -> dict[str, list[str]]:
    """Return the errors of one group of fields by the last part of their names: a signature's, a second person's."""
    start = f"{prefix}."
    return {name.removeprefix(start): words for name, words in errors.items() if name.startswith(start)}


def _walk(errors: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            own = name == "non_field_errors"
            yield from _walk(inner, path if own else f"{path}.{name}".lstrip("."))
    elif isinstance(errors, list | tuple):
        for position, inner in enumerate(errors):
            yield from _walk(inner, f"{path}[{position}]" if isinstance(inner, Mapping) else path)
    else:
        yield path, str(errors)


def unplaced(errors: Mapping[str, list[str]], fields: Iterable[Described]) -> list[str]:
    """Return the messages that belong to no field of the form."""
    placed = set(_paths(fields))
    return [message for path, messages in errors.items() if path not in placed for message in messages]


def _paths(fields: Iterable[Described]) -> Iterator[str]:
    for described in fields:
        yield path_of(described["name"])
        for entry in described.get("entries", []):
            yield from _paths(entry["fields"])


def described(inputs: serializers.Serializer[Any], filling: Filling, prefix: str = "") -> list[Described]:
    """Return a serializer's fields as dicts for ``c-field``; a nested serializer's follow in place."""
    found: list[Described] = []
    for name, declared in inputs.fields.items():
        if isinstance(declared, serializers.ListSerializer):
            rows = _list(name, declared, filling)
            found += [rows] if rows["entries"] or declared.required or rows["errors"] else []
        elif isinstance(declared, serializers.Serializer):
            found += described(declared, filling, f"{prefix}{name}.")
        else:
            found.append(_field(f"{prefix}{name}", declared, filling, _initial(inputs, name, declared, filling)))
    return found


def _initial(inputs: serializers.Serializer[Any], name: str, declared: serializers.Field, filling: Filling) -> Any:
    if name in filling.initial:
        return filling.initial[name]
    if isinstance(declared, serializers.DateTimeField) and not (name == "started_at" and "ended_at" in inputs.fields):
        return now_at(filling.zone)  # a start before an end is remembered by a person, never guessed
    return declared.default if declared.default not in (serializers.empty, None) else ""


def now_at(zone: str) -> str:
    """Return this minute in a zone, as a datetime-local input takes it."""
    return timezone.localtime(timezone=ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def _field(name: str, declared: serializers.Field, filling: Filling, initial: Any) -> Described:
    kind = _type_of(declared)
    described: Described = {
        "name": name,
        "label": declared.label or name.replace("_", " ").capitalize(),
        "type": kind,
        "required": declared.required,
        "help": declared.help_text or "",
        "value": "" if kind == "password" else filling.value(name, initial),
        "errors": filling.errors_of(name),
        "maxlength": getattr(declared, "max_length", None),
        "needed": any(word in str(declared.label or "") for word in SAYS_WHEN),
    }
    if isinstance(declared, serializers.ChoiceField):
        described["choices"] = list(declared.choices.items())
    if isinstance(declared, serializers.DecimalField):
        described |= {"min": declared.min_value, "max": declared.max_value, "inputmode": "decimal"}
        described["step"] = f"{10 ** -(declared.decimal_places or 0):.{declared.decimal_places or 0}f}"
    if kind == "photo":
        described |= {"value": filling.value(name), "type": "file", "accept": "image/*", "capture": "environment"}
        described["maxlength"] = None
    if kind == "datetime":
        described["zone"] = filling.zone  # no latest time: a page stays open while the work that it records goes on
    return described


def _type_of(declared: serializers.Field) -> str:
    styled = declared.style.get("input_type")
    if styled:
        return str(styled)
    if isinstance(declared, serializers.ChoiceField):
        return "radio" if len(declared.choices) <= 4 else "select"
    if isinstance(declared, serializers.DecimalField | serializers.IntegerField | serializers.FloatField):
        return "number"
    types: dict[type, str] = {
        serializers.BooleanField: "checkbox",
        serializers.DateTimeField: "datetime",
        serializers.DateField: "date",
    }
    found = next((word for kind, word in types.items() if isinstance(declared, kind)), "text")
    return "textarea" if found == "text" and (getattr(declared, "max_length", None) or 0) >= LONG_TEXT else found


# ---- rows -----------------------------------------------------------------------------------------------------------


def _list(name: str, declared: serializers.ListSerializer[Any], filling: Filling) -> Described:
    starts: list[Any] = list(filling.initial.get(name, []))
    least, most = _bounds(declared)
    if starts and "scan" in getattr(declared.child, "fields", {}) and not declared.style.get("unexpected"):
        most = max(len(starts), least)  # what is worked on is known: there is no further one
    count = row_count(name, filling, len(starts), least)
    word = (str(declared.label or name)).removesuffix("s")
    return {
        "name": name,
        "label": declared.label or name.capitalize(),
        "type": "list",
        "errors": filling.errors_of(name),
        "entries": [
            _row(name, position, declared, starts[position] if position < len(starts) else {}, filling, word)
            for position in range(count)
        ],
        "fewer": count - 1 if count > max(1, least) else None,
        "more": count + 1 if count < most else None,
        "steady": any(column in start for start in starts for column in FIXED)
        or bool(starts and declared.style.get("steady")),
        "ticks": any("item" in start for start in starts),
    }


def _bounds(declared: serializers.ListSerializer[Any]) -> tuple[int, int]:
    """The fewest and the most rows that a page offers."""
    least, most = getattr(declared, "min_length", None), getattr(declared, "max_length", None)
    return least or 0, min(most or MOST_ROWS, MOST_ROWS)


def row_count(name: str, filling: Filling, initial: int, least: int) -> int:
    """Return how many rows a list shows: as many as were posted, else as asked for, else as there are things."""
    if filling.posted is not None:
        posted = [int(match[2]) for key in filling.posted if (match := _ROW.fullmatch(key)) and match[1] == name]
        return min(max([initial, least, *(position + 1 for position in posted)]) if posted else max(initial, least), 40)
    return min(max(filling.rows.get(name, initial), least), MOST_ROWS)


def _row(name: str, position: int, rows: Any, start: Mapping[str, Any], filling: Filling, word: str) -> Described:
    fields = []
    rule = filling.tests.get(str(start.get("test", "")))
    for column, declared in rows.child.fields.items():
        initial = start.get(column, "" if declared.default in (serializers.empty, None) else declared.default)
        part = _field(f"{name}[{position}]{column}", declared, filling, initial)
        part["type"] = {"radio": "select", "textarea": "text"}.get(part["type"], part["type"])
        if part["required"] and not rows.required:  # a whole list may stay empty: the browser must not insist
            part |= {"required": False, "needed": True}
        if column in FIXED and start.get(column):
            part |= {"type": "hidden", "value": start[column]}
        if "item" in start and column == "done":
            part |= {"label": start["item"]}
        if column == "not_applicable" and not start.get("may_not_apply"):
            continue
        if rule is not None and column == "value":
            part |= {"label": "Result", "unit": rule.unit, "needed": rule.required}
            if rule.is_coded:
                part |= {"type": "select", "choices": [(choice, choice) for choice in rule.choices]}
            else:
                part |= {"type": "number", "inputmode": "decimal"}
        fields.append(part)
    legend = str(start.get("serial") or f"{word} {position + 1}")
    return {"legend": f"{rule.label} · {rule.limits_text}" if rule else legend, "fields": fields}


def without_blank_rows(posted: QueryDict, optional: Collection[str] = ()) -> tuple[QueryDict, dict[str, list[int]]]:
    """Return what was posted without rows in which nothing was entered, and where the kept rows stood on the page.

    A row counts as blank when only columns that were never typed (``FIXED``) have a value; at least one row stays of
    each list that is not ``optional``.
    """
    rows: dict[str, dict[int, dict[str, list[str]]]] = {}
    kept = posted.copy()
    for key in posted:
        if match := _ROW.fullmatch(key):
            rows.setdefault(match[1], {}).setdefault(int(match[2]), {})[match[3]] = posted.getlist(key)
            del kept[key]
    places: dict[str, list[int]] = {}
    for name, found in rows.items():
        places[name] = [place for place in sorted(found) if _has_something(found[place])]
        if not places[name] and name not in optional:
            places[name] = [min(found)]
        for position, place in enumerate(places[name]):
            for column, values in found[place].items():
                kept.setlist(f"{name}[{position}]{column}", values)
    return kept, places


def _has_something(row: Mapping[str, list[str]]) -> bool:
    return any(value.strip() for column, values in row.items() if column not in FIXED for value in values)


def in_place(errors: Mapping[str, list[str]], places: Mapping[str, Sequence[int]]) -> dict[str, list[str]]:
    """Return errors by the rows of the page instead of the rows that were sent."""
    found = {}
    for path, messages in errors.items():
        match = _ROW.fullmatch(path)
        if match and match[1] in places and int(match[2]) < len(places[match[1]]):
            path = f"{match[1]}[{places[match[1]][int(match[2])]}].{match[3]}"
        found[path] = messages
    return found


def optional_lists(inputs: serializers.Serializer[Any]) -> set[str]:
    """Return the names of the lists that may stay empty."""
    lists = ((name, field) for name, field in inputs.fields.items() if isinstance(field, serializers.ListSerializer))
    return {name for name, field in lists if not field.required}


Choices = list[tuple[str, str]]


def with_choices(fields: list[Described], choices: Mapping[str, Choices]) -> list[Described]:
    """Turn text fields into selects of what the actor may use."""
    for described in fields:
        if described["name"] in choices:
            described |= {"type": "select", "choices": choices[described["name"]], "maxlength": None}
    return fields
