"""The contract manufacturer's line stands still for some days: a repair over its sponsors' orders waits for its
planner, who may change it, and signs it.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID
from zoneinfo import ZoneInfo

from cgt.demo.network import DemoNetwork
from orders.actions import repairs
from orders.tasks import offer_freed_places
from personas.states import Capability as C
from scheduling.actions.disruptions import open_disruption

PLANT, SITE, LINE = "meridian", "meridian-plant", "meridian-manufacturing-line"
BEGINS, ENDS = 3, 10  # days of the plant from today: what is collected by now has begun, what is booked has not
HORIZON_DAYS = 28


def stop_the_line(network: DemoNetwork, now: dt.datetime) -> UUID:
    """Open the disruption as the plant's planner and work its repair out; return the run. ``now`` is aware."""
    zone = ZoneInfo(network.sites[SITE].zone)
    today = now.astimezone(zone).date()
    begins, ends = (dt.datetime.combine(today + dt.timedelta(days=days), dt.time(), zone) for days in (BEGINS, ENDS))
    planner = network.cast.of(network.organizations[PLANT].pk, C.CONFIRM_SLOTS)[0]
    disruption = open_disruption(
        planner.actor,
        kind="line_stop",
        resources=[LINE],
        starts_at=begins,
        ends_at=ends,
        reason="A filter of the isolator failed its integrity test",
    )
    offer_freed_places()  # now, not when the worker starts: the repair plans with what the waiting list leaves
    run = repairs.start_repair(planner.actor, disruption.pk, {"horizon_days": HORIZON_DAYS})
    repairs.work(run.pk)
    found: UUID = run.pk
    return found
