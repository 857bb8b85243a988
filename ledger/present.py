"""How far a time of something that has happened may lie ahead of the server's clock: one tolerance for every door."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

TOLERANCE = dt.timedelta(seconds=60)  # what honest clocks differ by; later than that has not come yet


def is_to_come(moment: dt.datetime) -> bool:
    """Whether a moment has not come yet, by the server's clock and its tolerance."""
    return moment > timezone.now() + TOLERANCE
