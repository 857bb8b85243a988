"""How often things go wrong: shipped with their sources (DOMAIN 4.3), each to be overridden by a published set of a
product or country, or by a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("rates.json")
PUBLISHED = Path(__file__).with_name("published_rates.json")
PER_YEAR_OR_DAYS = ("slip_days", "courier_delay_hours", "decision_days", "outages_per_year", "outage_days")
MOST = 366.0


class FaultyRates(ValueError):
    """A file of rates that cannot be used; ``str()`` names each fault with its path and a remedy."""


@dataclass(frozen=True)
class Rates:
    """Shares from 0 to 1, days, hours, and stops per year, as their names say."""

    slip: float
    slip_days: float
    no_show: float
    courier_delay: float
    courier_delay_hours: float
    manufacturing_failure: float
    remade_after_failure: float
    remake_not_infused: float
    failed_but_infused: float
    out_of_specification: float
    infused_out_of_specification: float
    decision_days: float
    recollected_for_remake: float
    made_not_received: float
    withdrawn_high: float
    withdrawn_medium: float
    withdrawn_low: float
    urgent_high: float
    urgent_low: float
    outages_per_year: float
    outage_days: float


def published() -> dict[str, Any]:
    """Return the sets of rates that were published together, by name: ``{source, rates}``."""
    found: dict[str, Any] = json.loads(PUBLISHED.read_text())
    return found


def load(override: Path | None = None) -> Rates:
    """Return the shipped rates, with those of a published set (by its name) or of a file instead.

    A file holds ``{"name": 0.1}`` or ``{"name": {"value": 0.1}}``. Raises FaultyRates.
    """
    values = {name: float(entry["value"]) for name, entry in json.loads(FILE.read_text()).items()}
    sets = published()
    if override is not None and str(override) in sets:
        values |= _checked(sets[str(override)]["rates"], set(values))
    elif override is not None:
        values |= _checked(_content(override), set(values))
    if values["urgent_high"] + values["urgent_low"] > 1:
        raise FaultyRates("urgent_high, urgent_low: together they are more than 1. Lower one of them.")
    return Rates(**values)


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FaultyRates(
            f"{path}: it cannot be read: {error.strerror}. Name a JSON file, or one of {', '.join(published())}."
        ) from None
    except ValueError as error:
        raise FaultyRates(f"{path}: this is not JSON: {error}. Correct it there.") from None


def _checked(content: Any, known: set[str]) -> dict[str, float]:
    if not isinstance(content, dict):
        raise FaultyRates("file: this is not an object. Write rates by name, as in rates.json.")
    faults, values = [], {}
    for name, entry in content.items():
        value = entry.get("value") if isinstance(entry, dict) else entry
        most = MOST if name in PER_YEAR_OR_DAYS else 1.0
        if name not in known:
            faults.append(f"{name}: it is not known. Known are {', '.join(sorted(known))}.")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            faults.append(f"{name}: {value} is not a number from 0 to {most:g}. Give one.")
        else:
            values[name] = float(value)
    if faults:
        raise FaultyRates("\n".join(faults))
    return values
