"""Durations of a chain, and the overrides of a market, a site or a therapy that replace them (FEATURES F21). Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from scheduling.clocks import DAY, HOUR
from scheduling.conditions import LeadTime

if TYPE_CHECKING:
    from scheduling.offers import ChainRequest

# What may be overridden: a field of the request, its label, its unit.
STEPS: dict[str, tuple[str, str]] = {
    "lead_days": ("Preparation of a collection", "days"),
    "collection_hours": ("Collection", "h"),
    "pack_minutes": ("Packing", "min"),
    "manufacture_days": ("Manufacture", "days"),
    "release_days": ("Quality release", "days"),
    "release_days_p90": ("Quality release, nine times out of ten", "days"),
    "conditioning_days": ("Conditioning before the infusion", "days"),
}


@dataclass(frozen=True)
class Terms:
    """The durations that hold for one date and plant, in ticks (``lead_days`` in days), and what they replace."""

    lead_days: float
    collect: int
    pack: int
    manufacture: int
    release: int
    release_p90: int | None
    conditioning: int
    notes: tuple[str, ...] = ()


def terms_of(
    request: ChainRequest, date: dt.date, plant_id: UUID | None, name_of: Callable[[UUID], str] = str
) -> Terms:
    """Return the durations for a collection on ``date`` that is made at a plant (None: not chosen yet)."""
    values = {step: getattr(request, step) for step in STEPS}
    notes = []
    for step in STEPS:
        rule = in_force(request, step, date, plant_id)
        if rule is not None:
            values[step] = rule.value
            notes.append(_words(rule, name_of))
    p90 = values["release_days_p90"]
    return Terms(
        lead_days=values["lead_days"],
        collect=round(values["collection_hours"] * HOUR),
        pack=round(values["pack_minutes"] * HOUR / 60),
        manufacture=round(values["manufacture_days"] * DAY),
        release=round(values["release_days"] * DAY),
        release_p90=None if p90 is None else round(p90 * DAY),
        conditioning=round(values["conditioning_days"] * DAY),
        notes=tuple(notes),
    )


def in_force(request: ChainRequest, step: str, date: dt.date, plant_id: UUID | None) -> LeadTime | None:
    """Return the override of a step that counts, or None."""
    found = [rule for rule in request.lead_times if rule.step == step and _fits(rule, request, date, plant_id)]
    return max(found, key=_weight, default=None)


def _fits(rule: LeadTime, request: ChainRequest, date: dt.date, plant_id: UUID | None) -> bool:
    return (
        rule.market in ("", request.market)
        and rule.site_id in (None, request.center_site_id, plant_id)
        and rule.therapy_id in (None, request.therapy_id)
        and rule.since <= date
        and (rule.until is None or date < rule.until)
    )


def _weight(rule: LeadTime) -> tuple[int, bool, bool, bool, dt.date]:
    return rule.priority, rule.site_id is not None, rule.market != "", rule.therapy_id is not None, rule.since


def _words(rule: LeadTime, name_of: Callable[[UUID], str]) -> str:
    label, unit = STEPS[rule.step]
    where = [f"at {name_of(rule.site_id)}"] if rule.site_id else []
    where += [f"in {rule.market}"] if rule.market else []
    where += ["for this therapy"] if rule.therapy_id else []
    said = f"{label} takes {rule.value:g} {unit} {' '.join(where) or 'everywhere'}"
    return f"{said} ({rule.reason})" if rule.reason else said
