"""What a collection is recorded with, as its therapy asks for it: device, kit, anticoagulant, counts (AN3, F36).

A flow's ``collect`` step names what is asked for (``records``) and what must not be missing (``needs_records``). Lots
and the device are found again by *Find units*, with everything that was made of the bags.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from custody import used_lots

Facts = dict[str, str]


def _number(label: str, most: int, places: int = 1) -> serializers.DecimalField:
    digits = len(str(most)) + places
    return serializers.DecimalField(
        max_digits=digits,
        decimal_places=places,
        min_value=Decimal(0),
        max_value=Decimal(most),
        required=False,
        allow_null=True,
        label=label,
    )


def _text(label: str, longest: int = 40, help_text: str = "") -> serializers.CharField:
    return serializers.CharField(
        max_length=longest, required=False, allow_blank=True, default="", label=label, help_text=help_text
    )


FIELDS: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "device_serial": _text("Device (serial number)"),
    "kit_lot": _text("Lot of the disposable kit"),
    "anticoagulant": _text("Anticoagulant", help_text="For example ACD-A."),
    "anticoagulant_lot": _text("Lot of the anticoagulant"),
    "anticoagulant_ml": _number("Anticoagulant used (mL)", 5000),
    "anticoagulant_ratio": _text("Ratio of anticoagulant", 12, "Anticoagulant to blood, for example 1:12."),
    "processed_ml": _number("Blood processed (mL)", 60000, 0),
    "pre_leukocytes": _number("Leukocytes before (10⁹/L)", 1000, 2),
    "pre_cd3": _number("CD3+ cells before (per µL)", 100000, 0),
    "pre_hematocrit": _number("Hematocrit before (%)", 100),
    "pre_platelets": _number("Platelets before (10⁹/L)", 3000, 0),
}
USED = {  # field → the name under which its lot or number is kept with the bags
    "device_serial": "Apheresis device",
    "kit_lot": "Apheresis kit",
    "anticoagulant_lot": "Anticoagulant",
}


def parameter(help_text: str) -> serializers.MultipleChoiceField:
    """Return the field of a flow's step that lists some of the records."""
    return serializers.MultipleChoiceField(choices=list(FIELDS), required=False, help_text=help_text)


def asked_for(parameters: Mapping[str, Any] | None) -> list[str]:
    """Return what a step asks for, in the order of a form; None: everything there is, as the documents say it."""
    if parameters is None:
        return list(FIELDS)
    wanted = {*(parameters.get("records") or ()), *(parameters.get("needs_records") or ())}
    return [name for name in FIELDS if name in wanted]


def faults(given: Mapping[str, Any], parameters: Mapping[str, Any], *, late: bool) -> dict[str, list[str]]:
    """Return what is wrong with the records, by field: one that is missing (unless late), a ratio that is none."""
    needed = () if late else parameters.get("needs_records") or ()
    found = {name: ["This therapy asks for it."] for name in needed if given.get(name) in (None, "")}
    ratio = str(given.get("anticoagulant_ratio") or "").replace(" ", "")
    if ratio and not _is_ratio(ratio):
        found["anticoagulant_ratio"] = ["Write it as 1:12."]
    return found


def facts(given: Mapping[str, Any]) -> Facts:
    """Return what was recorded, by field, as text; what was left out is not there."""
    return {name: str(given[name]).strip() for name in FIELDS if given.get(name) not in (None, "")}


def keep_lots(bags: Sequence[Any], recorded: Facts, at: dt.datetime) -> None:
    """Keep the lots and the device with the bags, so that they are found by them."""
    pairs = [(USED[name], recorded[name]) for name in USED if name in recorded]
    if pairs:
        used_lots.record(bags, pairs, at)


def rows(recorded: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what was recorded as (label, value), in the order of a form."""
    return [(str(field.label), str(recorded[name])) for name, field in FIELDS.items() if name in recorded]


def told(recorded: Mapping[str, Any]) -> str:
    """Say what was recorded in one sentence; empty for nothing."""
    said = "; ".join(f"{label}: {value}" for label, value in rows(recorded))
    return f"{said}." if said else ""


def _is_ratio(text: str) -> bool:
    left, _, right = text.partition(":")
    return left == "1" and right.replace(".", "", 1).isdigit() and 0 < float(right) < 100
