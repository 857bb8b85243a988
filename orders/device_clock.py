"""The clock of a device that was without network: how far it is off, and when something happened after all (ADR 32)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

OLDEST = dt.timedelta(days=14)
FARTHEST_OFF = dt.timedelta(hours=12)
JITTER = dt.timedelta(seconds=5)  # a clock that is set right meanwhile may go back a little
BY_HAND = "Open the step, enter when it really happened, and record it from there."


@dataclass(frozen=True)
class ClockReading:
    """What a device's clock said about an entry: ``skew`` (ahead is positive), when it happened, and what is wrong."""

    skew: dt.timedelta
    happened_at: dt.datetime
    fault: str = ""


def read_clock(device_time: dt.datetime, sent_at: dt.datetime, received_at: dt.datetime) -> ClockReading:
    """Return when an entry was made by the server's clock, with the fault that keeps its time from being believed.

    ``device_time`` and ``sent_at`` are both by the device's clock, when the entry was made and when it was sent. The
    difference between sending and receiving is the skew, as it was at sending. With a fault ``happened_at`` is never
    later than ``received_at``, and no more than a guess.
    """
    skew = sent_at - received_at
    happened_at = min(device_time - skew, received_at)
    if device_time > sent_at + JITTER:
        fault = "The device says that it was made after it was sent: its clock was set back in between."
    elif abs(skew) > FARTHEST_OFF:
        hours = round(abs(skew) / dt.timedelta(hours=1))
        fault = f"The device's clock is {hours} hours {'ahead' if skew > dt.timedelta(0) else 'behind'}: set it right."
    elif received_at - happened_at > OLDEST:
        fault = f"It was made more than {OLDEST.days} days ago."
    else:
        return ClockReading(skew, happened_at)
    return ClockReading(skew, min(max(happened_at, received_at - OLDEST), received_at), f"{fault} {BY_HAND}")
