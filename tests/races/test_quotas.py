"""A quota is never oversold and never freed twice: real threads, real commits (MP3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.utils import timezone

from scheduling.actions.holds import expire_hold
from scheduling.actions.quotas import ShareRow, release_unused
from scheduling.models import HoldDue, QuotaDue
from scheduling.slot_chains import free
from tests.races.test_slots import holding, together
from tests.scheduling.factories import first_day, stepping
from tests.scheduling.quotas import make_quota, month_of, quota_world, rows, share, used

pytestmark = [pytest.mark.race, pytest.mark.story("MP3")]


def test_holds_sell_share_and_pool_exactly(committed_db: None) -> None:
    world = quota_world(places=12)
    starts_on, ends_on = month_of(first_day(), 3)
    make_quota(world, share(world, 3), ShareRow(2), starts_on=starts_on, ends_on=ends_on)
    token, streams = world.offers()[0].token, [world.stream() for _ in range(12)]
    answers = together([holding(world, stream, token) for stream in streams])
    assert sorted(answers) == ["held"] * 5 + ["quota_used_up"] * 7
    assert used(world) == 5
    assert world.taken() == 20


def test_expiry_and_freeing_give_a_place_back_once(committed_db: None) -> None:
    world = quota_world(places=3)
    make_quota(world, share(world, 3))
    chain = world.held()
    due, after = HoldDue.unwalled.get(chain_id=chain.pk), timezone.now() + dt.timedelta(days=3)

    def give_up() -> str:
        with stepping(world.coordinator, chain.stream_id):
            free(chain, "Race")
        return "freed"

    answers = together([give_up, lambda: expire_hold(due, after), lambda: expire_hold(due, after)])
    assert sum(answer in ("freed", True) for answer in answers) == 1
    assert (used(world), world.taken()) == (0, 0)


def test_a_release_among_holds_loses_and_doubles_nothing(committed_db: None) -> None:
    world = quota_world(places=8)
    starts_on, ends_on = month_of(first_day(), 3)
    make_quota(world, share(world, 4), starts_on=starts_on, ends_on=ends_on, release_days=0)
    offer = world.offers()[0]
    row = next(r for r in rows(world, share="center") if r.starts_at <= offer.manufacture_start < r.ends_at)
    due = QuotaDue.unwalled.get(allotment_id=row.pk)

    def release() -> int:
        return release_unused(due, row.releases_at)

    takers: list[Callable[[], object]] = [holding(world, world.stream(), offer.token) for _ in range(6)]
    answers = together([*takers[:3], release, *takers[3:], release])
    assert answers.count("held") == 4
    assert answers.count("quota_used_up") == 2
    now = [r for r in rows(world) if r.starts_at == row.starts_at]
    assert sum(r.places for r in now) == 4
    assert sum(r.used for r in now) == 4
    assert all(r.used <= r.places for r in now)


def test_of_two_quotas_both_hold_whoever_is_faster(committed_db: None) -> None:
    world = quota_world(places=12)
    starts_on, ends_on = month_of(first_day(), 3)
    days = {"starts_on": starts_on, "ends_on": ends_on}
    make_quota(world, share(world, 6), ShareRow(2), **days)
    region = ShareRow(4, region="Alps", countries=(world.clinic.country,))
    make_quota(world, region, title="Alpine countries", named_only=True, **days)
    token, streams = world.offers()[0].token, [world.stream() for _ in range(10)]
    answers = together([holding(world, stream, token) for stream in streams])
    assert sorted(answers) == ["held"] * 4 + ["quota_used_up"] * 6
    assert sorted((row.share, row.used) for row in rows(world) if row.used) == [("center", 4), ("region", 4)]
    assert world.taken() == 16
