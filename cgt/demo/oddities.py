"""What goes beyond the plain way, once each: an overridden lead time, prices of changes, a share of one
center, dates nobody published, a batch made again.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from cgt.demo.journey import Journey, Player
from cgt.demo.network import FUTURE_DAYS, DemoNetwork
from orders.actions import date_requests
from orders.actions.remanufacture import RESERVE, remanufacture
from personas.states import Capability as C
from scheduling import quota_periods
from scheduling.actions.lead_times import OverrideInput, set_lead_time
from scheduling.actions.prices import PriceInput, set_price
from scheduling.actions.quotas import QuotaRules, ShareRow, add_quota

BEYOND_DAYS = FUTURE_DAYS + 20  # no chair is published so far ahead


def override_lead_time(network: DemoNetwork, now: dt.datetime) -> None:
    """Let the manufacturer's planner lay a longer quality release over one therapy in one market."""
    planner = network.cast.of(network.organizations["aurora"].pk, C.SET_LEAD_TIMES)[0]
    given = OverrideInput(
        step="release_days",
        first_date=now.date() + dt.timedelta(days=1),
        reason="The importing laboratory tests each batch again.",
        at_least=9,
        market="DE",
        therapy="auralcel",
        priority=10,
    )
    set_lead_time(planner.actor, given)


def price_changes(network: DemoNetwork, now: dt.datetime) -> None:
    """Let the manufacturer say what a late change of dates costs, and who is charged."""
    owner = network.cast.of(network.organizations["aurora"].pk, C.CONFIGURE_THERAPY)[0]
    prices = (("line_cancelled", 4800, 14), ("lane_cancelled", 350, 3), ("transport", 920, None))
    for kind, amount, days in (*prices, ("recollection", 6500, None)):
        set_price(owner.actor, PriceInput("auralcel", kind, Decimal(amount), "EUR", now.date(), days_before=days))


def share_for_one_center(network: DemoNetwork, now: dt.datetime) -> None:
    """Let one center's early access program have starts of its own, beside what binds everybody."""
    planner = network.cast.of(network.organizations["aurora"].pk, C.SET_QUOTAS)[0]
    first = quota_periods.first_of("month", now.date())
    rules = QuotaRules(
        therapy="auralcel",
        stage="manufacturing_line",
        period="month",
        starts_on=first,
        ends_on=quota_periods.next_first("month", first) - dt.timedelta(days=1),
        title="Early access program",
        named_only=True,
    )
    add_quota(planner.actor, rules, [ShareRow(40, center="linden")])


def ask_for_dates(coordinator: Player, journey: Journey, now: dt.datetime) -> None:
    """Ask for a collection in a week for which nobody has published anything yet."""
    wished = now.date() + dt.timedelta(days=BEYOND_DAYS)
    given = {
        "wished_on": str(wished),
        "first_date": str(wished - dt.timedelta(days=3)),
        "last_date": str(wished + dt.timedelta(days=3)),
        "remark": "After the second cycle of bridging therapy.",
    }
    date_requests.request_dates(coordinator.actor, journey.code, given)


def make_again_from_reserve(physician: Player, journey: Journey) -> None:
    """Let the batch be lost and the treating physician sign that it is made again from what was kept."""
    journey.perform(
        "finish", {"result": "terminated", "reason": "A sample of the culture was not sterile.", "bags": []}
    )
    signed = {"username": physician.username, "password": physician.password}
    given = {"way": RESERVE, "reason": "The kept bag is good; the patient is stable.", "signature": signed}
    remanufacture(physician.actor, journey.code, given)
