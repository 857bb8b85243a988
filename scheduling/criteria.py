"""What a criterion may be, and how points become a total: open, stored part by part, blind to who somebody is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.states import CriterionKind

MOST_CRITERIA = 12
_KEY = re.compile(r"[a-z][a-z0-9_]{1,39}", re.ASCII)

# Protected attributes, and what stands in for one (DOMAIN 10.4: never allocate on a protected attribute). Compared with
# the words of a criterion's key and title. “Ageing” and “waiting age” of an entry are kind ``waiting_time``.
PROTECTED = {
    "sex": "sex", "gender": "sex", "male": "sex", "female": "sex", "woman": "sex", "man": "sex", "pregnancy": "sex",
    "pregnant": "sex", "age": "age", "young": "age", "younger": "age", "old": "age", "older": "age", "elderly": "age",
    "birth": "age", "race": "ethnic origin", "racial": "ethnic origin", "ethnic": "ethnic origin",
    "ethnicity": "ethnic origin", "color": "ethnic origin", "skin": "ethnic origin", "nationality": "nationality",
    "national": "nationality", "citizen": "nationality", "citizenship": "nationality", "migrant": "nationality",
    "immigration": "nationality", "language": "language", "religion": "religion", "religious": "religion",
    "faith": "religion", "belief": "belief", "political": "belief", "disability": "disability",
    "disabled": "disability", "handicap": "disability", "orientation": "sexual orientation",
    "sexual": "sexual orientation", "marital": "marital status", "married": "marital status",
    "marriage": "marital status", "genetic": "genetic features", "income": "wealth", "wealth": "wealth",
    "wealthy": "wealth", "payer": "payer", "insurance": "payer", "insured": "payer", "postcode": "place of residence",
    "zip": "place of residence", "residence": "place of residence", "social": "social worth", "worth": "social worth",
    "celebrity": "social worth", "vip": "social worth", "education": "social worth",
}  # fmt: skip


def faults(criteria: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return what is wrong with criteria, by ``criteria[i].column``; empty when they may be written down."""
    found: dict[str, list[str]] = {}
    if not 1 <= len(criteria) <= MOST_CRITERIA:
        return {"criteria": [f"Name 1 to {MOST_CRITERIA} criteria."]}
    keys: set[str] = set()
    for i, one in enumerate(criteria):
        key = str(one.get("key", ""))
        if not _KEY.fullmatch(key):
            found[f"criteria[{i}].key"] = ["Use 2 to 40 small letters, digits and _."]
        elif key in keys:
            found[f"criteria[{i}].key"] = ["Named twice."]
        keys.add(key)
        if not 0 < len(str(one.get("title", "")).strip()) <= 80:
            found[f"criteria[{i}].title"] = ["Give a title of at most 80 characters."]
        for column in ("key", "title"):
            attribute = protected_in(str(one.get(column, "")))
            if attribute:
                found[f"criteria[{i}].{column}"] = [
                    f"This names a protected attribute or a stand-in for one ({attribute}). Nobody is ranked by it."
                ]
        if one.get("kind") not in CriterionKind.values:
            found[f"criteria[{i}].kind"] = [f"Use one of {', '.join(CriterionKind.values)}."]
        for column, most in (("weight", 100), ("most", 100)):
            value = one.get(column)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                found[f"criteria[{i}].{column}"] = [f"Give a whole number from 1 to {most}."]
    return found


def protected_in(text: str) -> str | None:
    """Return the protected attribute that a text names, None when it names none. “Psychosocial” is no “social”."""
    words = re.split(r"[^a-z]+", text.lower())
    return next((PROTECTED[word] for word in words if word in PROTECTED), None)


def point_faults(criteria: Sequence[Mapping[str, Any]], points: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what is wrong with the points somebody gives, by ``points.key``."""
    given = {one["key"]: one for one in criteria if one["kind"] != CriterionKind.WAITING_TIME}
    found = {f"points.{key}": ["Not a criterion that is given by hand."] for key in sorted(set(points) - set(given))}
    for key, one in given.items():
        value = points.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= one["most"]:
            found[f"points.{key}"] = [f"Give 0 to {one['most']} points."]
    return found


def components(
    criteria: Sequence[Mapping[str, Any]], points: Mapping[str, int], waited_days: int, ageing_days: int
) -> dict[str, float]:
    """Return the weighted share of each criterion, by key: weight × points ÷ most. Waiting time counts by itself."""
    found = {}
    for one in criteria:
        if one["kind"] == CriterionKind.WAITING_TIME:
            part = min(1.0, waited_days / ageing_days) if ageing_days else 1.0
        else:
            part = points.get(one["key"], 0) / one["most"]
        found[one["key"]] = round(one["weight"] * part, 2)
    return found
