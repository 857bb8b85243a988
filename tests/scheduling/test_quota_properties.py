"""Whatever is taken, given back and released in whatever order: no share is oversold, the reserve stays a reserve."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from ledger.identifiers import new_id
from scheduling import quota_periods, quotas
from scheduling.actions.quotas import ShareRow, release_unused
from scheduling.models import QuotaDue
from scheduling.quota_rules import left_of
from scheduling.quotas import QuotaUsedUp
from tests.scheduling.factories import first_day, stepping
from tests.scheduling.quotas import make_quota, month_of, quota_world, rows, share

ACTS = st.lists(st.sampled_from(["take", "remake", "give", "release"]), min_size=5, max_size=25)


class QuotaInvariants(TestCase):
    @given(acts=ACTS, own=st.integers(0, 4), pool=st.integers(0, 2), percent=st.sampled_from([0, 25, 50, 100]))
    @settings(max_examples=15, deadline=None)
    def test_never_oversold_and_the_reserve_kept(self, acts: list[str], own: int, pool: int, percent: int) -> None:
        world = quota_world(places=1)
        starts_on, ends_on = month_of(first_day() + dt.timedelta(days=70), 1)
        shares = [share(world, own), ShareRow(pool)]
        make_quota(world, *shares, starts_on=starts_on, ends_on=ends_on, release_days=14, reserve_percent=percent)
        first = next(row for row in rows(world) if row.share == "center")
        stream, holders = world.stream(), []
        for act in acts:
            before = self._room(world, remade=act == "remake")
            if act in ("take", "remake"):
                holder = new_id()
                try:
                    with stepping(world.coordinator, stream):
                        quotas.take(
                            holder,
                            therapy_id=world.therapy_id,
                            manufacturer_ids={world.maker.pk},
                            center_id=world.center.pk,
                            country="DE",
                            starts={"manufacturing_line": first.starts_at},
                            remanufacture=act == "remake",
                        )
                except QuotaUsedUp:
                    assert before == 0
                else:
                    assert before > 0
                    holders.append(holder)
            elif act == "give" and holders:
                with stepping(world.coordinator, stream):
                    assert quotas.give_back_of(holders.pop(0), world.center.pk) == 1
            elif act == "release":
                due = QuotaDue(organization_id=world.maker.pk, allotment_id=first.pk, due_at=first.starts_at)
                assert first.releases_at is not None
                release_unused(due, first.releases_at)
            now = rows(world)
            assert sum(row.places for row in now) == own + pool
            assert sum(row.used + row.remade for row in now) == len(holders)
            for row in now:
                assert row.used + row.remade <= row.places
                assert row.used <= row.places - row.reserve

    def _room(self, world: object, *, remade: bool) -> int:
        left = [left_of(row) for row in rows(world)]  # type: ignore[arg-type]
        return sum(one.left + (one.reserve_left if remade else 0) for one in left)


@given(
    start=st.dates(dt.date(2026, 1, 1), dt.date(2030, 1, 1)),
    period=st.sampled_from(["week", "month"]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    release=st.none() | st.integers(0, 60),
    count=st.integers(1, 30),
)
def test_periods_touch_and_begin_at_the_places_midnight(
    start: dt.date, period: str, zone: str, release: int | None, count: int
) -> None:
    first = quota_periods.first_of(period, start)
    after = first
    for _ in range(count):
        after = quota_periods.next_first(period, after)
    place = ZoneInfo(zone)
    found = list(quota_periods.periods(period, first, after - dt.timedelta(days=1), place, release))
    assert quota_periods.faults(period, first, after - dt.timedelta(days=1)) == {} or count > 24
    assert len(found) == count
    assert all(one[1] == other[0] for one, other in zip(found, found[1:], strict=False))
    for starts_at, _, releases_at in found:
        local = starts_at.astimezone(place)
        assert (local.hour, local.minute) == (0, 0)
        if release is not None:
            assert releases_at is not None
            assert local.date() - releases_at.astimezone(place).date() == dt.timedelta(days=release)


pytestmark = pytest.mark.django_db
