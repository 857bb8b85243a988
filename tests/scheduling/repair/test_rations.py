"""Several therapies at once share places; quotas are places too, and a plan never proposes what they would refuse."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest

from benchmarks.repair_network import NOW, THERAPY, Network
from scheduling.calendars import Calendar
from scheduling.drafts import Draft
from scheduling.quota_rules import QuotaLeft
from scheduling.repair.candidates import problem
from scheduling.repair.collected import dealt
from scheduling.repair.snapshot import Affected, Offered
from scheduling.repair.solver import Limits, Outcome, solve

OTHER, MAKER = UUID(int=8), UUID(int=9)
WEEK = dt.timedelta(days=7)
LINE = "manufacturing_line"


def small(orders: int) -> tuple[list[Affected], Calendar, Network]:
    network = Network(5, plants=2, centers=4, couriers=2, lines=2, days=30)
    affected, _, calendar = network.closed_plant(orders, closed_days=20)
    return affected, calendar, network


def solved(affected: list[Affected], offered: dict[UUID, Offered]) -> tuple[Outcome, dict[str, Draft]]:
    asked = problem(affected, offered, NOW, 25)
    outcome = solve(asked, Limits(workers=1))
    assert outcome.is_optimal and asked.pools is not None
    placed = [order for order in affected if outcome.chosen[order.key] is not None]
    chosen = [(asked.candidates[o.key][outcome.chosen[o.key] or 0].draft, o) for o in placed]
    return outcome, {o.key: d for o, d in zip(placed, dealt(asked.pools, chosen), strict=True)}


def test_two_therapies_never_get_the_same_place_and_lose_nothing_by_being_two() -> None:
    affected, calendar, _ = small(24)
    mixed = [
        replace(order, request=replace(order.request, therapy_id=OTHER)) if number % 2 else order
        for number, order in enumerate(affected)
    ]
    one, _ = solved(affected, {THERAPY: Offered(calendar)})
    both, drafts = solved(mixed, {THERAPY: Offered(calendar), OTHER: Offered(calendar)})
    assert both.components == one.components
    used = Counter(slot_id for draft in drafts.values() for slot_id in draft.slot_ids)
    left = {window.slot_id: window.left for window in calendar.windows}
    assert used and all(left[slot_id] >= places for slot_id, places in used.items())


def test_windows_that_serve_one_therapy_alone_are_not_given_to_the_other() -> None:
    affected, calendar, network = small(12)
    mixed = [
        replace(order, request=replace(order.request, therapy_id=OTHER)) if number % 2 else order
        for number, order in enumerate(affected)
    ]
    lines = [window for window in calendar.windows if window.kind == LINE]
    own = {window.slot_id for window in lines if window.resource_name == "Line 1"}
    rest = Calendar(calendar.places.values(), [w for w in calendar.windows if w.slot_id not in own])
    _, drafts = solved(mixed, {THERAPY: Offered(calendar), OTHER: Offered(rest)})
    others = {order.key for order in mixed if order.request.therapy_id == OTHER} & drafts.keys()
    assert others and own & {slot_id for draft in drafts.values() for slot_id in draft.slot_ids}
    assert not own & {slot_id for key in others for slot_id in drafts[key].slot_ids}


@pytest.fixture(scope="module")
def rationed() -> tuple[list[Affected], Calendar, dict[UUID, list[QuotaLeft]]]:
    """Weeks in which each center has one start of its own, and all of them two of the pool."""
    affected, calendar, network = small(20)
    monday = (NOW - dt.timedelta(days=NOW.weekday())).replace(hour=0)
    quotas: dict[UUID, list[QuotaLeft]] = {center.id: [] for center in network.centers}
    for week in range(6):
        since, until = monday + week * WEEK, monday + (week + 1) * WEEK
        pool = QuotaLeft(MAKER, LINE, "pool", since, until, 2, row_id=UUID(int=5000 + week))
        for number, center in enumerate(network.centers):
            own = QuotaLeft(MAKER, LINE, "center", since, until, 1, row_id=UUID(int=6000 + 10 * week + number))
            quotas[center.id] += [own, pool]
    return affected, calendar, quotas


def refused(affected: list[Affected], drafts: dict[str, Draft], quotas: dict[UUID, list[QuotaLeft]], seed: int) -> int:
    """Take the quota as acceptances do, in some order, the center's own share first; return how many find none."""
    order_of = {order.key: order for order in affected}
    left = {row.row_id: row.left for rows in quotas.values() for row in rows}
    keys, misses = sorted(drafts), 0
    random.Random(seed).shuffle(keys)
    for key in keys:
        rows = quotas[order_of[key].request.center_site_id]
        start = drafts[key].manufacture_start
        row = next((row for row in rows if row.covers(LINE, start) and left[row.row_id] > 0), None)
        if row is None:
            misses += 1
        else:
            left[row.row_id] -= 1
    return misses


def test_a_plan_within_quotas_is_accepted_in_any_order(
    rationed: tuple[list[Affected], Calendar, dict[UUID, list[QuotaLeft]]],
) -> None:
    affected, calendar, quotas = rationed
    without, freely = solved(affected, {THERAPY: Offered(calendar)})
    assert refused(affected, freely, quotas, 1)  # without quotas in mind the plan would be refused
    within, drafts = solved(affected, {THERAPY: Offered(calendar, quotas)})
    assert drafts and not any(refused(affected, drafts, quotas, seed) for seed in range(20))
    for free, kept in zip(without.components[:1], within.components[:1], strict=True):
        assert kept.value >= free.value


def test_a_quota_with_nothing_left_leaves_no_way_and_a_place_that_is_kept_needs_none(
    rationed: tuple[list[Affected], Calendar, dict[UUID, list[QuotaLeft]]],
) -> None:
    affected, calendar, quotas = rationed
    spent = {site: [replace(row, left=0) for row in rows] for site, rows in quotas.items()}
    outcome, drafts = solved(affected, {THERAPY: Offered(calendar, spent)})
    assert not drafts and outcome.components[0].value == len(affected)
    keeper = affected[0]
    start = keeper.current.manufacture_start
    row = next(r for r in quotas[keeper.request.center_site_id] if r.share == "center" and r.covers(LINE, start))
    spent[keeper.request.center_site_id] = [
        replace(r, left=1) if r.row_id == row.row_id else r for r in spent[keeper.request.center_site_id]
    ]
    kept = [replace(keeper, quota_ids=frozenset({row.row_id}) - {None}), *affected[1:]]
    outcome, drafts = solved(kept, {THERAPY: Offered(calendar, spent)})
    assert all(row.covers(LINE, draft.manufacture_start) for draft in drafts.values())
    assert len(drafts) <= 1


def test_of_two_quotas_a_plan_keeps_both(
    rationed: tuple[list[Affected], Calendar, dict[UUID, list[QuotaLeft]]],
) -> None:
    affected, calendar, quotas = rationed
    first, region = UUID(int=70), UUID(int=71)
    both: dict[UUID, list[QuotaLeft]] = {
        site: [replace(row, quota_id=first) for row in rows] for site, rows in quotas.items()
    }
    weeks = {(row.starts_at, row.ends_at) for rows in quotas.values() for row in rows}
    caps = [
        QuotaLeft(MAKER, LINE, "region", since, until, 3, row_id=UUID(int=8000 + number), quota_id=region)
        for number, (since, until) in enumerate(sorted(weeks))
    ]
    for rows in both.values():
        rows += caps
    _, drafts = solved(affected, {THERAPY: Offered(calendar, both)})
    _, loose = solved(affected, {THERAPY: Offered(calendar, quotas)})

    def busiest(plan: dict[str, Draft]) -> int:
        return max(sum(cap.covers(LINE, draft.manufacture_start) for draft in plan.values()) for cap in caps)

    assert drafts and busiest(loose) > 3 >= busiest(drafts)
    assert not any(refused(affected, drafts, quotas, seed) for seed in range(10))
