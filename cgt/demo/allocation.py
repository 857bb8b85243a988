"""The demonstration's quotas and its waiting list: a scarce therapy at one center, ranked and signed. All invented."""

from __future__ import annotations

import datetime as dt
import random

from cgt.demo.journey import Player
from cgt.demo.network import DemoNetwork
from ledger.context import reading
from orders.actions.waiting_list import add_to_waiting_list
from personas.states import Capability as C
from scheduling import quota_periods, waiting
from scheduling.actions.committee import CriteriaDraft, RankRow, decide_ranks, publish_criteria, write_criteria
from scheduling.actions.quotas import QuotaRules, ShareRow, add_quota
from scheduling.actions.waiting import score_entry
from scheduling.ranking import computed_order, reasons_needed

CENTER, THERAPY, MAKER = "linden", "boromyel", "borealis"
CRITERIA = (
    {"key": "benefit", "title": "Likely to benefit", "kind": "benefit", "weight": 35, "most": 10},
    {"key": "urgency", "title": "Urgency", "kind": "urgency", "weight": 35, "most": 10},
    {"key": "options", "title": "Few other options", "kind": "few_options", "weight": 15, "most": 5},
    {"key": "waited", "title": "Time waited", "kind": "waiting_time", "weight": 15, "most": 1},
)


def publish(network: DemoNetwork, now: dt.datetime) -> None:
    """Write and publish the criteria, and share the plant's starts out, before the first order is enrolled."""
    author, member = _player(network, C.WRITE_CRITERIA), _player(network, C.PUBLISH_CRITERIA)
    draft = CriteriaDraft(
        therapy=THERAPY,
        title="Fair access to a scarce therapy",
        criteria=CRITERIA,
        effective_from=dt.date(2020, 1, 1),
        ageing_days=30,
        offer_hours=24,
    )
    publish_criteria(member.actor, write_criteria(author.actor, draft).pk)
    planner = network.cast.of(network.organizations[MAKER].pk, C.SET_QUOTAS)[0].actor
    first = quota_periods.first_of("month", now.date() - dt.timedelta(days=31))
    last = first
    for _ in range(8):
        last = quota_periods.next_first("month", last)
    rules = QuotaRules(
        therapy=THERAPY,
        stage="manufacturing_line",
        period="month",
        starts_on=first,
        ends_on=last - dt.timedelta(days=1),
        release_days=7,
        reserve_percent=10,
    )
    shares = [
        ShareRow(20, center="linden"),
        ShareRow(20, center="isar"),
        ShareRow(10, region="North America", countries=("CA", "US")),
        ShareRow(15),
    ]
    add_quota(planner, rules, shares)


def wait(network: DemoNetwork, code: str, chance: random.Random) -> None:
    """Put an order on the list, and let the physician score it."""
    coordinator, physician = _player(network, C.MANAGE_WAITING), _player(network, C.SCORE_WAITING)
    entry = add_to_waiting_list(coordinator.actor, code)
    points = {"benefit": chance.randint(3, 9), "urgency": chance.randint(2, 9), "options": chance.randint(1, 5)}
    score_entry(physician.actor, entry.pk, points)


def decide(network: DemoNetwork) -> None:
    """Let the committee sign the order as computed; whoever was passed over after long waiting, with a reason."""
    members = network.cast.of(network.organizations[CENTER].pk, C.DECIDE_RANK)
    first = members[0]
    therapy_id = network.therapies[THERAPY].pk
    with reading(first.actor):
        criteria = waiting.criteria_in_force(first.actor, therapy_id)
        order = computed_order(waiting.standings(first.actor, criteria)) if criteria else []
    if not order:
        return
    reason = "The bridging treatment holds; the other patient's does not."
    needed = reasons_needed(order, criteria.ageing_days) if criteria else {}
    ranks = [RankRow(one.entry_id, reason if one.entry_id in needed else "") for one in order]
    signed = [{"username": member.username, "password": member.password} for member in members[:2]]
    decide_ranks(first.actor, therapy_id, ranks, signed)


def _player(network: DemoNetwork, capability: str) -> Player:
    return network.cast.of(network.organizations[CENTER].pk, capability)[0]
