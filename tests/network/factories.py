"""Therapies with a specification, made by the real actions."""

from __future__ import annotations

import datetime as dt
from typing import Any

from network.actions.therapies import add_therapy, publish_specification
from network.models import Specification, Therapy
from personas.models import Organization
from tests.factories import operator, unique

TESTS: list[dict[str, Any]] = [
    {"key": "viability", "label": "Viability", "unit": "%", "minimum": 70, "maximum": None, "required": True},
    {"key": "dose", "label": "CAR+ cells", "unit": "10^6", "minimum": 40.5, "maximum": 200, "required": True},
    {"key": "vcn", "label": "Vector copy number", "unit": "copies", "minimum": None, "maximum": "5", "required": True},
    {
        "key": "sterility",
        "label": "Sterility",
        "unit": "",
        "required": True,
        "choices": ["no growth", "growth"],
        "expected": ["no growth"],
    },
    {"key": "purity", "label": "Purity", "unit": "%", "minimum": 80, "maximum": None, "required": False},
]
LIMITS: dict[str, Any] = {
    "max_age_hours": 48,
    "age_buffer_hours": 6,
    "receipt_min_c": 2,
    "receipt_max_c": 8,
    "thaw_minutes": 30,
    "bags": 2,
    "dose_bags": 1,
    "storage_max_c": -130,
}


def make_therapy(manufacturer: Organization, **fields: Any) -> Therapy:
    code = unique("therapy")
    fields = {"code": code, "name": f"Fictional {code}", "modality": "autologous_fresh"} | fields
    return add_therapy(operator(manufacturer), **fields)


def make_specification(
    manufacturer: Organization,
    therapy: Therapy,
    *,
    tests: list[dict[str, Any]] | None = None,
    effective_from: dt.datetime | None = None,
) -> Specification:
    return publish_specification(
        operator(manufacturer),
        therapy,
        tests=TESTS if tests is None else tests,
        limits=LIMITS,
        effective_from=effective_from,
    )
