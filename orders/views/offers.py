"""Offered dates as a page shows them: the chains, the days without one and why, and the day to search from."""

from __future__ import annotations

import datetime as dt
from typing import Any

from scheduling.offers import SearchResult


def offers_of(
    found: SearchResult, zone: str, today: dt.date, earliest: dt.date, chosen: str, errors: list[str]
) -> dict[str, Any]:
    """Return what ``orders/_offers.html`` shows; ``chosen``: the token of the offer that is marked."""
    return {
        "earliest": {
            "name": "earliest",
            "label": "Collect on or after",
            "type": "date",
            "value": earliest.isoformat(),
            "min": today.isoformat(),
            "required": True,
        },
        "found": [
            {"offer": offer, "chosen": offer.token == chosen, "zone": _plant_zone(offer, zone)}
            for offer in found.offers
        ],
        "refused": _grouped(found.refused),
        "zone": zone,
        "errors": errors,
    }


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
