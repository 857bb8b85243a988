"""Two quotas that count the same start: both must hold, and the refusal names the one that is used up (MP3, ADR 22)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import InvalidInput
from scheduling import quotas
from scheduling.actions.quotas import ShareRow, change_quota
from scheduling.models import Allotment, Quota
from scheduling.quotas import QuotaUsedUp
from scheduling.slot_chains import free, search
from tests.factories import make_actor, make_organization
from tests.scheduling.factories import World, first_day, stepping
from tests.scheduling.quotas import make_quota, month_of, quota_world, rows, share, used

pytestmark = pytest.mark.django_db
REGION = "Alpine countries"


@pytest.fixture
def world() -> World:
    return quota_world()


def capped(world: World, places: int, countries: tuple[str, ...] = ()) -> Quota:
    """A cap of the region in which the center lies, beside whatever else counts its starts."""
    with reading(world.coordinator):
        country = world.clinic.country
    starts_on, ends_on = month_of(first_day(), 3)
    region = ShareRow(places, region="Alps", countries=countries or (country,))
    return make_quota(world, region, starts_on=starts_on, ends_on=ends_on, title=REGION, named_only=True)


def own(world: World, places: int) -> Quota:
    starts_on, ends_on = month_of(first_day(), 3)
    return make_quota(world, share(world, places), starts_on=starts_on, ends_on=ends_on)


@pytest.mark.story("MP3")
def test_both_quotas_give_a_place_and_the_refusal_names_the_one_that_is_used_up(world: World) -> None:
    own(world, 3), capped(world, 1)
    offer = world.offers()[0]
    chain = world.held(offer=offer)
    assert sorted((row.share, row.used) for row in rows(world) if row.used) == [("center", 1), ("region", 1)]
    with pytest.raises(QuotaUsedUp) as refusal:
        world.held(offer=offer)
    assert REGION in str(refusal.value.detail) and used(world) == 2, "the other quota's place was not kept"
    result = search(world.coordinator, world.request())
    same_month = [day for day in result.refused if day.code == "quota_used_up"]
    assert same_month and all(REGION in day.text for day in same_month)
    with stepping(world.coordinator, chain.stream_id):
        free(chain, "Given up")
    assert used(world) == 0
    world.held(offer=offer)


def test_the_other_way_round_the_own_share_is_named(world: World) -> None:
    own(world, 0), capped(world, 5)
    result = search(world.coordinator, world.request())
    assert result.offers == []
    assert all("your share" in day.text and REGION not in day.text for day in result.refused)


def test_whom_a_quota_does_not_name_it_does_not_bind(world: World) -> None:
    capped(world, 0, ("JP",))
    assert world.offers() and world.held()
    assert used(world) == 0


def test_what_it_cannot_have_is_said_beside_the_field(world: World) -> None:
    starts_on, ends_on = month_of(first_day(), 2)
    days = {"starts_on": starts_on, "ends_on": ends_on, "named_only": True}
    with pytest.raises(InvalidInput) as refusal:
        make_quota(world, share(world, 1), ShareRow(3), release_days=4, **days)
    assert set(refusal.value.fields) == {"title", "release_days", "shares[1].center"}
    with pytest.raises(InvalidInput) as refusal:
        make_quota(world, share(world, 1), title="x" * 61, **days)
    assert "title" in refusal.value.fields
    quota = capped(world, 2)
    with pytest.raises(InvalidInput) as refusal:
        change_quota(world.planner, quota.pk, quota.starts_on + dt.timedelta(days=62), [ShareRow(1)])
    assert "shares[0].center" in refusal.value.fields
    own(world, 1)
    with pytest.raises(InvalidInput) as refusal:
        own(world, 1)  # of those that bind everybody there is one at a time
    assert "starts_on" in refusal.value.fields
    capped(world, 9)  # of the others as many as there are reasons
    with pytest.raises(IntegrityError), acting(world.planner, "scheduling.quota_added"), transaction.atomic():
        Quota.unwalled.filter(pk=quota.pk).update(title="")


def test_a_neighbor_learns_of_none_of_them(world: World) -> None:
    capped(world, 2)
    stranger = make_actor(make_organization("treatment_center"), "coordinator")
    with reading(stranger):
        assert not Quota.unwalled.filter(therapy_id=world.therapy_id)
        assert not Allotment.unwalled.filter(therapy_id=world.therapy_id)
        now = dt.datetime.combine(first_day(), dt.time(), dt.UTC)
        until = now + dt.timedelta(days=90)
        assert not quotas.load(stranger, world.therapy_id, "DE", stranger.organization_id, now, until)
