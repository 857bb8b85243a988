"""Public holidays by country and region, from python-holidays."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import holidays


@lru_cache(maxsize=512)
def in_year(country: str, region: str, year: int) -> dict[dt.date, str]:
    """Return the holidays of one year with their English names; raise ValueError for an unknown country or region."""
    try:
        found = holidays.country_holidays(country, subdiv=region or None, years=[year], language="en_US")
    except NotImplementedError as error:
        raise ValueError(f"{error}. {_known(country)}") from None
    return dict(found)


def _known(country: str) -> str:
    regions = holidays.list_supported_countries().get(country)
    if regions is None:
        return "Holidays of this country are not known here: open on holidays, and enter closures by hand."
    return (
        f"Regions of {country}: {', '.join(regions)}." if regions else f"{country} has no regions here: leave it empty."
    )


def name_of(country: str, region: str, date: dt.date) -> str:
    """Return the name of the holiday on that local date, empty on any other day."""
    return in_year(country, region, date.year).get(date, "")
