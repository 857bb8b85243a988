"""Times as people type them: local to a place, without an offset."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from ledger.refusals import InvalidInput


def local_time(text: str, zone: str, field: str) -> dt.datetime:
    """Return the moment of a local time typed as ``YYYY-MM-DDTHH:MM``; InvalidInput naming ``field`` otherwise."""
    try:
        typed = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        typed = None
    if typed is None:
        raise InvalidInput(fields={field: [f"Give date and time, local to {zone}."]})
    return typed if typed.tzinfo else typed.replace(tzinfo=ZoneInfo(zone))
