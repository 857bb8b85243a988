"""What a specification says: tests with their limits, and material limits; read and checked in one place (PC1, QC2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledger.refusals import InvalidInput
from network.exact_numbers import as_json, exact_number
from network.models import Specification
from network.states import COUNTS, LIMITS, TEMPERATURES

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_TEST_FIELDS = {"key", "label", "unit", "minimum", "maximum", "required", "choices", "expected"}


@dataclass(frozen=True)
class Rule:
    """One test of a specification. Coded tests have ``choices``, of which ``expected`` pass; the others have limits.

    Both limits belong to what passes.
    """

    key: str
    label: str
    unit: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    required: bool = True
    choices: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()

    @property
    def is_coded(self) -> bool:
        return bool(self.choices)

    def passes(self, value: Decimal | str) -> bool:
        """Whether an outcome (a choice of a coded test, a number in ``unit`` otherwise) is within the limits."""
        if isinstance(value, str):
            return value in self.expected
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)

    @property
    def limits_text(self) -> str:
        """The limits in words, e.g. ``≥ 70 %`` or ``no growth``."""
        if self.is_coded:
            return " or ".join(self.expected)
        low, high = (None if limit is None else f"{limit:f}" for limit in (self.minimum, self.maximum))
        if low is not None and high is not None:
            return f"{low} – {high} {self.unit}".strip()
        if low is None and high is None:
            return "report"
        return f"≥ {low} {self.unit}".strip() if low is not None else f"≤ {high} {self.unit}".strip()


def rules_of(specification: Specification) -> dict[str, Rule]:
    """Return the tests of a specification version by key, in their order."""
    return {test["key"]: _rule(test) for test in specification.tests}


def _rule(test: Mapping[str, Any]) -> Rule:
    low, high = test.get("minimum"), test.get("maximum")
    return Rule(
        key=test["key"],
        label=test["label"],
        unit=test.get("unit", ""),
        minimum=None if low is None else exact_number(low),
        maximum=None if high is None else exact_number(high),
        required=test.get("required", True),
        choices=tuple(test.get("choices", ())),
        expected=tuple(test.get("expected", ())),
    )


def clean_tests(tests: Any) -> list[dict[str, Any]]:
    """Return the tests of a new version in stored form. Raises InvalidInput, naming ``tests[i].field``."""
    if not isinstance(tests, Sequence) or isinstance(tests, str):
        raise InvalidInput(fields={"tests": ["Give a list of tests."]})
    faults: dict[str, list[str]] = {}
    cleaned = [_clean_test(test, f"tests[{number}]", faults) for number, test in enumerate(tests)]
    seen: set[str] = set()
    for number, test in enumerate(cleaned):
        if test["key"] in seen:
            faults.setdefault(f"tests[{number}].key", []).append("This key is used twice.")
        seen.add(test["key"])
    if faults:
        raise InvalidInput(fields=faults)
    return cleaned


def _clean_test(test: Any, path: str, faults: dict[str, list[str]]) -> dict[str, Any]:
    def fault(field: str, text: str) -> None:
        faults.setdefault(f"{path}.{field}" if field else path, []).append(text)

    if not isinstance(test, Mapping):
        fault("", "Give an object with key, label, unit, minimum, maximum and required.")
        return {"key": path}
    for field in sorted(set(test) - _TEST_FIELDS):
        fault(str(field), "Unknown field.")
    key, label, unit = (test.get(field, "") for field in ("key", "label", "unit"))
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        fault("key", "Use lower-case letters, digits, - and _.")
    if not isinstance(label, str) or not label.strip():
        fault("label", "Give the name of the test.")
    if not isinstance(unit, str) or len(unit) > 32:
        fault("unit", "Give the unit as a short text.")
    if not isinstance(test.get("required", True), bool):
        fault("required", "Say true or false.")
    cleaned = {"key": str(key), "label": label, "unit": unit, "required": test.get("required", True)}
    cleaned["minimum"], cleaned["maximum"] = (_clean_limit(test.get(f), f, fault) for f in ("minimum", "maximum"))
    low, high = cleaned["minimum"], cleaned["maximum"]
    if low is not None and high is not None and exact_number(low) > exact_number(high):
        fault("maximum", "The maximum lies below the minimum.")
    cleaned |= _clean_choices(test, fault)
    if cleaned.get("choices") and (low is not None or high is not None):
        fault("choices", "A test has either choices or numeric limits.")
    return cleaned


def _clean_limit(raw: Any, field: str, fault: Any) -> int | float | str | None:
    if raw is None or raw == "":
        return None
    try:
        return as_json(exact_number(raw))
    except ValueError as error:
        fault(field, str(error))
        return None


def _clean_choices(test: Mapping[str, Any], fault: Any) -> dict[str, Any]:
    choices, expected = test.get("choices") or [], test.get("expected") or []
    for field, texts in (("choices", choices), ("expected", expected)):
        if not isinstance(texts, (list, tuple)) or any(not isinstance(t, str) or not t.strip() for t in texts):
            fault(field, "Give a list of texts.")
            return {}
    if not choices and not expected:
        return {}
    if not expected or not set(expected) <= set(choices):
        fault("expected", "Name at least one of the choices.")
    return {"choices": list(choices), "expected": list(expected)}


# A confirmed collection moves freely until so many days before it, and not at all from so many days before it.
CHANGE_WINDOWS = ("change_frozen_days", "change_free_days")


def clean_limits(limits: Any) -> dict[str, int | float | str]:
    """Return the material limits of a new version in stored form. Raises InvalidInput, naming ``limits.name``."""
    if not isinstance(limits, Mapping):
        raise InvalidInput(fields={"limits": ["Give an object of named limits."]})
    cleaned: dict[str, Decimal] = {}
    faults: dict[str, list[str]] = {}
    for name, raw in limits.items():
        try:
            cleaned[str(name)] = _limit(str(name), raw)
        except ValueError as error:
            faults[f"limits.{name}"] = [str(error)]
    for low, high in (("receipt_min_c", "receipt_max_c"), ("dose_bags", "bags"), CHANGE_WINDOWS):
        if low in cleaned and high in cleaned and cleaned[low] > cleaned[high]:
            faults[f"limits.{high}"] = [f"Lies below {low}."]
    if faults:
        raise InvalidInput(fields=faults)
    return {name: as_json(number) for name, number in cleaned.items()}


def _limit(name: str, raw: Any) -> Decimal:
    if name not in LIMITS:
        raise ValueError(f"Unknown limit. Use one of {', '.join(sorted(LIMITS))}.")
    number = exact_number(raw, whole_digits=6, decimals=3)
    if name in COUNTS and (number < 1 or number != number.to_integral_value()):
        raise ValueError("Enter a whole number of at least 1.")
    if name in TEMPERATURES:
        if not Decimal("-273.15") <= number <= 100:
            raise ValueError("Enter degrees Celsius between -273.15 and 100.")
    elif number < 0:
        raise ValueError("Enter zero or more.")
    return number
