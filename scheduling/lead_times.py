"""Durations of a chain, and what a market, a site or a therapy lays over them (FEATURES F21). Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
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
    values: dict[str, Any] = {step: getattr(request, step) for step in STEPS}
    notes = []
    for step in STEPS:
        told = ""
        for is_registered in (False, True):
            rule = in_force(request, step, date, plant_id, is_registered=is_registered)
            if rule is None:
                continue
            changed = rule.applied_to(values[step])
            if not told or changed != values[step]:
                told = _words(rule, name_of)
            values[step] = changed
        if told:
            notes.append(told)
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


def in_force(
    request: ChainRequest, step: str, date: dt.date, plant_id: UUID | None, *, is_registered: bool = False
) -> LeadTime | None:
    """Return the override of a step that counts, of the flow's or of the register's, or None."""
    found = [
        rule
        for rule in request.lead_times
        if rule.step == step and rule.is_registered == is_registered and _fits(rule, request, date, plant_id)
    ]
    return max(found, key=_weight, default=None)


def _fits(rule: LeadTime, request: ChainRequest, date: dt.date, plant_id: UUID | None) -> bool:
    return (
        rule.market in ("", request.market)
        and rule.site_id in (None, request.center_site_id, plant_id)
        and rule.therapy_id in (None, request.therapy_id)
        and rule.since <= date
        and (rule.until is None or date < rule.until)
    )


def _weight(rule: LeadTime) -> tuple[Any, ...]:
    """What counts first: see ``LeadTime``. Of two that are alike at center and plant, the longer."""
    specific = rule.site_id is not None, rule.market != "", rule.therapy_id is not None
    return rule.priority, *specific, rule.since, rule.at_least or 0, rule.at_most or 0, rule.reason


def _words(rule: LeadTime, name_of: Callable[[UUID], str]) -> str:
    where = [f"at {name_of(rule.site_id)}"] if rule.site_id else []
    where += [f"in {rule.market}"] if rule.market else []
    where += ["for this therapy"] if rule.therapy_id else []
    why = [rule.reason] if rule.reason else []
    why += [f"override of priority {rule.priority}"] if rule.is_registered else []
    said = f"{STEPS[rule.step][0]} takes {span_words(rule)} {' '.join(where) or 'everywhere'}"
    return f"{said} ({'; '.join(why)})" if why else said


def span_words(rule: LeadTime) -> str:
    """Return how long a rule lets its step take: ``14 days``, ``at least 3 days``, ``12 to 14 days``."""
    unit, least, most = STEPS[rule.step][1], rule.at_least, rule.at_most
    if least is None:
        return f"at most {most:g} {unit}"
    if most is None:
        return f"at least {least:g} {unit}"
    return f"{least:g} {unit}" if least == most else f"{least:g} to {most:g} {unit}"
