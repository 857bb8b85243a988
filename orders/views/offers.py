"""Offered dates as a page shows them: filters of the address, a calendar, the chains, the days without one and why."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, QueryDict

from orders.inputs import WEEKDAYS
from orders.queries import Wishes
from orders.views.requests import asked, day
from scheduling.offers import ChainOffer, SearchResult
from scheduling.states import Ranking

MOST_SHOWN = 60  # rows of one page; whoever wants others searches from a later day


LONGEST_WASHOUT = 365  # days


WISHED = ("weekdays", "washout_since", "washout_days")


def wishes_asked(request: HttpRequest, stored: Wishes) -> Wishes:
    """Return what the address wishes; where it says nothing of it, what the order remembers."""
    sort = asked(request, "sort")
    if any(name in request.GET for name in WISHED):
        return wishes_of(weekdays_in(request.GET), sort, *(asked(request, name) for name in WISHED[1:]))
    return replace(stored, earliest=None, ranking=sort if sort in Ranking.values else Ranking.EARLIEST.value)


def weekdays_in(words: QueryDict) -> frozenset[int]:
    """Return the weekdays that are ticked, or stand in one word with commas between; every day is none."""
    ticked = {word.strip() for one in words.getlist("weekdays") for word in one.split(",")}
    days = frozenset(int(word) for word in ticked & WEEKDAYS)
    return frozenset() if len(days) == len(WEEKDAYS) else days


def wishes_of(days: frozenset[int], sort: str, washout_since: str = "", washout_days: str = "") -> Wishes:
    """Return what these words wish; words that mean nothing wish nothing."""
    length = (
        int(washout_days) if washout_days.isascii() and washout_days.isdecimal() and len(washout_days) < 5 else None
    )
    return Wishes(
        weekdays=days,
        ranking=sort if sort in Ranking.values else Ranking.EARLIEST.value,
        washout_since=day(washout_since),
        washout_days=None if length is None else min(length, LONGEST_WASHOUT),
    )


def offers_of(
    found: SearchResult,
    zone: str,
    today: dt.date,
    earliest: dt.date,
    chosen: str,
    errors: list[str],
    wishes: Wishes | None = None,
    washout_days: int | None = None,
) -> dict[str, Any]:
    """Return what ``orders/_offers.html`` shows; ``chosen``: the token of the offer that is marked.

    ``wishes``: what the address asks beyond the day; None where the page has no such filters. ``washout_days``: of the
    flow, where it has a washout.
    """
    offers, refused = found.offers[:MOST_SHOWN], _grouped(found.refused)
    return {
        "filters": _filters(today, earliest, wishes, washout_days),
        "earliest": earliest,
        "wishes": wishes,
        "found": [
            {"offer": offer, "chosen": offer.token == chosen, "zone": _plant_zone(offer, zone)} for offer in offers
        ],
        "left_out": len(found.offers) - len(offers),
        "months": _months(offers, refused, ZoneInfo(zone)),
        "ranking": Ranking(wishes.ranking if wishes else Ranking.EARLIEST).label,
        "refused": refused,
        "zone": zone,
        "errors": errors,
    }


def _filters(
    today: dt.date, earliest: dt.date, wishes: Wishes | None, washout_days: int | None
) -> list[dict[str, Any]]:
    day = {"name": "earliest", "label": "Collect on or after", "type": "date", "required": True}
    fields: list[dict[str, Any]] = [{**day, "value": earliest.isoformat(), "min": today.isoformat()}]
    return fields if wishes is None else [*fields, *_wished(wishes, washout_days), _ranked(wishes)]


def wish_fields(wishes: Wishes, washout_days: int | None) -> list[dict[str, Any]]:
    """Return the fields of a form that says what is wished."""
    day = {"name": "earliest", "label": "Collect on or after", "type": "date", "required": False}
    return [
        {**day, "value": wishes.earliest.isoformat() if wishes.earliest else ""},
        *_wished(wishes, washout_days if wishes.washout_since else None),
    ]


def _ranked(wishes: Wishes) -> dict[str, Any]:
    sort = {"name": "sort", "label": "Sort by", "type": "select", "choices": Ranking.choices, "required": True}
    return {**sort, "value": wishes.ranking}


def _wished(wishes: Wishes, washout_days: int | None) -> list[dict[str, Any]]:
    weekdays = [(number, calendar.day_name[number - 1]) for number in range(1, 8)]
    boxes = {"name": "weekdays", "label": "Weekdays", "type": "checkboxes", "choices": weekdays, "in_row": True}
    since = {"name": "washout_since", "label": "Last treatment on", "type": "date", "required": False}
    length = {"name": "washout_days", "label": "Washout, days", "type": "number", "min": 0, "max": LONGEST_WASHOUT}
    days = wishes.washout_days if wishes.washout_days is not None else washout_days
    return [
        {**boxes, "required": False, "value": sorted(wishes.weekdays)},
        {**since, "value": wishes.washout_since.isoformat() if wishes.washout_since else ""},
        {**length, "required": False, "value": "" if days is None else days},
    ]


def _months(offers: Sequence[ChainOffer], refused: list[dict[str, Any]], zone: ZoneInfo) -> list[dict[str, Any]]:
    """Return the searched days as weeks of months: with the row of the best chain of a day, or of why it has none."""
    days: dict[dt.date, dict[str, Any]] = {}
    for number, offer in enumerate(offers, 1):
        date = offer.collection_start.astimezone(zone).date()
        days.setdefault(
            date, {"date": date, "offer": number, "infusion": offer.earliest_infusion.astimezone(zone).date()}
        )
    for number, group in enumerate(refused, 1):
        for offset in range((group["until"] - group["since"]).days + 1):
            date = group["since"] + dt.timedelta(days=offset)
            days.setdefault(date, {"date": date, "why": number})
    found = []
    for year, month in sorted({(date.year, date.month) for date in days}):
        weeks = [
            [days.get(date, {"date": date}) if date.month == month else None for date in week]
            for week in calendar.Calendar().monthdatescalendar(year, month)
        ]
        told = [week for week in weeks if any(cell and len(cell) > 1 for cell in week)]
        found.append({"first": dt.date(year, month, 1), "weeks": told})
    return found


def _grouped(refused: list[Any]) -> list[dict[str, Any]]:
    """Return the days without an offer, days in a row with the same reason as one entry."""
    found: list[dict[str, Any]] = []
    for one in refused:
        if found and found[-1]["text"] == one.text and (one.date - found[-1]["until"]).days == 1:
            found[-1]["until"] = one.date
        else:
            found.append({"since": one.date, "until": one.date, "text": one.text})
    return found


def _plant_zone(offer: Any, home: str) -> str:
    """Return the zone of the plant where the offer's manufacture starts."""
    return next((link.zone for link in offer.links if link.kind == "manufacturing_line"), home)
