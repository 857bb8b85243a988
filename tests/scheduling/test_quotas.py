"""Quotas: who may draw on which places, what is released, and what nobody else learns (MP3)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from ledger.context import reading
from ledger.identifiers import new_id
from ledger.models import Event
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound
from scheduling import changes, quota_periods, quotas, tasks
from scheduling.actions.holds import expire_hold
from scheduling.actions.quotas import ShareRow, change_quota, release_unused
from scheduling.models import Allotment, HoldDue, QuotaDue, QuotaUse
from scheduling.quotas import QuotaUsedUp
from scheduling.slot_chains import confirm, decline, free, search, submit
from tests.factories import connect, make_actor, make_organization, make_site
from tests.scheduling.factories import STEP, World, first_day, make_world, stepping
from tests.scheduling.quotas import make_quota, month_of, quota_world, rows, rules_for, share, used

pytestmark = [pytest.mark.django_db, pytest.mark.story("MP3")]
LATER = dt.timedelta(days=30)


@pytest.fixture
def world() -> World:
    return quota_world()


def test_a_center_draws_on_its_share_then_on_the_pool_and_no_further(world: World) -> None:
    make_quota(
        world, share(world, 1), ShareRow(1), starts_on=month_of(first_day(), 3)[0], ends_on=month_of(first_day(), 3)[1]
    )
    offer = world.offers()[0]
    world.held(offer=offer), world.held(offer=offer)
    assert [(row.share, row.used) for row in rows(world) if row.used] == [("center", 1), ("pool", 1)]
    with pytest.raises(QuotaUsedUp) as refusal:
        world.held(offer=offer)
    assert refusal.value.code == "quota_used_up"
    assert used(world) == 2
    assert world.taken() == 8  # the third took no place either


def test_the_search_says_that_the_quota_is_used_up(world: World) -> None:
    make_quota(world, share(world, 0))
    result = search(world.coordinator, world.request())
    assert result.offers == []
    assert {refused.code for refused in result.refused} == {"quota_used_up"}
    assert "quota" in result.refused[0].text.lower()


def test_another_therapy_and_another_period_are_not_under_the_quota(world: World) -> None:
    starts_on, ends_on = month_of(first_day() + dt.timedelta(days=70))
    make_quota(world, share(world, 0), starts_on=starts_on, ends_on=ends_on)
    assert world.offers()
    make_quota(world, share(world, 0))
    assert not world.offers()
    assert world.offers(therapy_id=new_id())


@pytest.mark.parametrize("stage", ["apheresis_chair", "receiving", "manufacturing_line"])
def test_every_stage_can_be_counted(world: World, stage: str) -> None:
    make_quota(world, share(world, 1), stage=stage)
    starts = {offer.collection_start.month for offer in world.offers()}
    world.held()
    assert sum(row.used for row in rows(world, stage=stage)) == 1
    if len(starts) == 1:
        assert all(refused.code == "quota_used_up" for refused in search(world.coordinator, world.request()).refused)


@pytest.mark.parametrize("ending", ["free", "decline", "expire"])
def test_use_is_given_back_once_however_a_chain_ends(world: World, ending: str) -> None:
    make_quota(world, share(world, 3))
    chain = world.held()
    assert used(world) == 1
    if ending == "expire":
        due = HoldDue.unwalled.get(chain_id=chain.pk)
        assert expire_hold(due, timezone.now() + LATER)
        assert not expire_hold(due, timezone.now() + LATER)
    else:
        with stepping(world.coordinator, chain.stream_id):
            submit(chain) if ending == "decline" else free(chain, "Patient ill")
        if ending == "decline":
            with stepping(world.planner, chain.stream_id):
                decline(chain, world.planner, "Line is down")
    assert used(world) == 0
    with stepping(world.coordinator, chain.stream_id):
        assert quotas.give_back_of(chain.pk, world.center.pk) == 0
    assert used(world) == 0


def test_a_confirmed_chain_keeps_its_quota(world: World) -> None:
    make_quota(world, share(world, 3))
    chain = world.held()
    with stepping(world.coordinator, chain.stream_id):
        submit(chain)
    with stepping(world.planner, chain.stream_id):
        confirm(chain, world.planner)
    assert used(world) == 1


def take(world: World, *, remanufacture: bool, at: dt.datetime | None = None) -> str:
    with stepping(world.coordinator, world.stream()):
        try:
            quotas.take(
                new_id(),
                therapy_id=world.therapy_id,
                manufacturer_ids={world.maker.pk},
                center_id=world.center.pk,
                country=world.center.country,
                starts={"manufacturing_line": at or timezone.now() + dt.timedelta(days=12)},
                remanufacture=remanufacture,
            )
        except QuotaUsedUp as refusal:
            return refusal.code
    return "taken"


def test_the_reserve_is_for_remanufacture_alone(world: World) -> None:
    make_quota(world, share(world, 4), reserve_percent=25)
    assert [take(world, remanufacture=False) for _ in range(4)] == ["taken"] * 3 + ["quota_used_up"]
    assert [take(world, remanufacture=True) for _ in range(2)] == ["taken", "quota_used_up"]
    assert sum(row.remade for row in rows(world)) == 1


def test_remanufacture_may_use_ordinary_places_too(world: World) -> None:
    make_quota(world, share(world, 4), reserve_percent=25)
    assert [take(world, remanufacture=True) for _ in range(4)] == ["taken"] * 4
    assert take(world, remanufacture=False) == "quota_used_up"


def released_world(places: int = 4, **changes: Any) -> tuple[World, Allotment]:
    """A share whose period lies ahead and whose release is over (as the clock of the test says)."""
    world = quota_world()
    starts_on, ends_on = month_of(first_day() + dt.timedelta(days=70), 1)
    make_quota(world, share(world, places), starts_on=starts_on, ends_on=ends_on, release_days=14, **changes)
    return world, next(row for row in rows(world) if row.share == "center")


def test_unused_places_go_into_the_pool_at_the_release_and_not_before() -> None:
    world, row = released_world(reserve_percent=25)
    assert row.releases_at is not None
    due = QuotaDue.unwalled.get(allotment_id=row.pk)
    assert take(world, remanufacture=False, at=row.starts_at + dt.timedelta(days=3)) == "taken"
    assert release_unused(due, row.releases_at - dt.timedelta(seconds=1)) == 0
    assert QuotaDue.unwalled.filter(pk=due.pk).exists()
    assert release_unused(due, row.releases_at) == 2
    assert release_unused(due, row.releases_at) == 0
    after = {row.share: row for row in rows(world)}
    assert (after["center"].places, after["center"].released, after["center"].reserve) == (2, 2, 1)
    assert after["pool"].places == 2
    with reading(world.planner):
        event = Event.unwalled.get(kind="scheduling.quota_released", organization_id=world.maker.pk)
    assert event.payload["places"] == 2
    assert world.center.name not in str(event.payload)


def test_what_is_given_back_after_the_release_is_released_by_the_next_sweep() -> None:
    world = quota_world()
    starts_on, ends_on = month_of(first_day() + dt.timedelta(days=40), 1)
    make_quota(world, share(world, 1), starts_on=starts_on, ends_on=ends_on, release_days=180)
    row = next(row for row in rows(world) if row.share == "center")
    holder, stream = new_id(), world.stream()
    with stepping(world.coordinator, stream):
        quotas.take(
            holder,
            therapy_id=world.therapy_id,
            manufacturer_ids={world.maker.pk},
            center_id=world.center.pk,
            country="DE",
            starts={"manufacturing_line": row.starts_at},
        )
    assert tasks.release_unused_quotas() == 0
    assert not QuotaDue.unwalled.filter(allotment_id=row.pk).exists()
    with stepping(world.coordinator, stream):
        quotas.give_back_of(holder, world.center.pk)
    assert QuotaDue.unwalled.filter(allotment_id=row.pk).exists()
    assert tasks.release_unused_quotas() == 1
    assert {row.share: row.places for row in rows(world)} == {"center": 0, "pool": 1}


def test_a_quota_without_release_keeps_its_places() -> None:
    world = quota_world()
    make_quota(world, share(world, 2))
    assert not QuotaDue.unwalled.filter(organization_id=world.maker.pk).exists()


# ---- who sees and moves what -----------------------------------------------------------------------------------------


def neighbor_of(world: World, country: str = "DE") -> World:
    """A second center of the same manufacturer, with its own coordinator."""
    center = make_organization("treatment_center", country=country)
    connect(center, world.maker)
    clinic = make_site(center)
    return World(
        center, world.maker, world.courier, clinic, world.plant, make_actor(center, "coordinator"), world.planner
    )


def test_a_center_sees_its_own_share_and_the_pool_and_nothing_of_the_next_one(world: World) -> None:
    other = neighbor_of(world)
    make_quota(world, share(world, 2), share(other, 3), ShareRow(1))
    for one, places in ((world, 2), (other, 3)):
        with reading(one.coordinator):
            seen = list(Allotment.unwalled.values_list("share", "places", "center_id").distinct())
            belted = set(quotas.visible(Allotment, one.coordinator).values_list("share", "places", "center_id"))
        assert set(seen) == belted == {("center", places, one.center.pk), ("pool", 1, None)}


def test_a_region_is_seen_from_its_countries_only(world: World) -> None:
    french, stranger = neighbor_of(world, "FR"), make_world()
    make_quota(world, ShareRow(4, region="DACH", countries=("AT", "DE")))
    for one, sees in ((world, {"region", "pool"}), (french, {"pool"}), (stranger, set())):
        with reading(one.coordinator):
            assert set(Allotment.unwalled.values_list("share", flat=True)) == sees
            assert set(quotas.visible(Allotment, one.coordinator).values_list("share", flat=True)) == sees
    world.held()
    assert {row.share for row in rows(world) if row.used} == {"region"}


def test_uses_are_seen_by_the_manufacturer_and_the_center_alone(world: World) -> None:
    other = neighbor_of(world)
    make_quota(world, ShareRow(4))
    world.held()
    with reading(world.planner):
        assert QuotaUse.unwalled.count() == 1
    with reading(other.coordinator):
        assert QuotaUse.unwalled.count() == 0


@pytest.mark.parametrize("changes", [{"places": 99}, {"reserve": 0, "used": F("used") + 1}, {"released": 3}])
def test_a_partner_moves_use_and_nothing_else(world: World, changes: dict[str, Any]) -> None:
    make_quota(world, share(world, 4), reserve_percent=50)
    stream = world.stream()
    refused = pytest.raises(DatabaseError, match="a partner changes nothing")
    with refused, transaction.atomic(), stepping(world.coordinator, stream):
        Allotment.unwalled.filter(share="center").update(**changes)
    assert [(row.places, row.reserve, row.used) for row in rows(world, share="center")][0] == (4, 2, 0)


def test_only_the_manufacturers_planner_sets_quotas(world: World) -> None:
    for actor in (world.coordinator, make_actor(world.maker, "operator")):
        with pytest.raises(NotAllowed):
            from scheduling.actions.quotas import add_quota

            add_quota(actor, rules_for(world), [ShareRow(1)])
    quota, stranger = make_quota(world, share(world, 2)), quota_world()
    with pytest.raises(NotFound):
        change_quota(stranger.planner, quota.pk, quota.starts_on, [ShareRow(9)])
    with pytest.raises(InvalidInput) as refusal:
        make_quota(stranger, therapy=rules_for(world).therapy)
    assert "therapy" in refusal.value.fields


# ---- changes and bad input -------------------------------------------------------------------------------------------


def test_a_change_holds_from_its_day_on(world: World) -> None:
    starts_on, ends_on = month_of(first_day() + dt.timedelta(days=40), 3)
    quota = make_quota(world, share(world, 2), starts_on=starts_on, ends_on=ends_on)
    second = month_of(starts_on, 1)[1] + dt.timedelta(days=1)
    change_quota(world.planner, quota.pk, second, [share(world, 5), ShareRow(1, region="Alps", countries=("AT",))])
    assert [row.places for row in rows(world, share="center")] == [2, 5, 5]
    assert [row.places for row in rows(world, share="region")] == [1, 1]


def test_used_places_are_not_withdrawn(world: World) -> None:
    starts_on, ends_on = month_of(first_day() + dt.timedelta(days=40), 1)
    quota = make_quota(world, share(world, 2), starts_on=starts_on, ends_on=ends_on)
    start = rows(world)[0].starts_at
    assert take(world, remanufacture=False, at=start) == "taken"
    with pytest.raises(InvalidInput) as refusal:
        change_quota(world.planner, quota.pk, starts_on, [share(world, 0)])
    assert "1 used" in refusal.value.fields["shares[0].places"][0]
    assert rows(world, share="center")[0].places == 2
    change_quota(world.planner, quota.pk, starts_on, [share(world, 1)])
    assert rows(world, share="center")[0].places == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"stage": "waiting_room"}, "stage"),
        ({"period": "year"}, "period"),
        ({"reserve_percent": 101}, "reserve_percent"),
        ({"release_days": -1}, "release_days"),
        ({"starts_on": dt.date(2031, 1, 2), "ends_on": dt.date(2031, 1, 31)}, "starts_on"),
        ({"starts_on": dt.date(2031, 1, 1), "ends_on": dt.date(2031, 1, 30)}, "ends_on"),
        ({"starts_on": dt.date(2031, 2, 1), "ends_on": dt.date(2031, 1, 31)}, "ends_on"),
        ({"starts_on": dt.date(2031, 1, 1), "ends_on": dt.date(2034, 1, 31)}, "ends_on"),
    ],
)
def test_bad_rules_are_refused_beside_their_field(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        make_quota(world, share(world, 1), **changes)
    assert field in refusal.value.fields


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (ShareRow(-1), "shares[0].places"),
        (ShareRow(1, center="nobody"), "shares[0].center"),
        (ShareRow(1, region="DACH"), "shares[0].countries"),
        (ShareRow(1, region="DACH", countries=("Germany",)), "shares[0].countries"),
    ],
)
def test_bad_shares_are_refused_beside_their_field(world: World, bad: ShareRow, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        make_quota(world, bad)
    assert field in refusal.value.fields


def test_two_quotas_of_one_stage_never_overlap(world: World) -> None:
    make_quota(world, share(world, 1))
    with pytest.raises(InvalidInput) as refusal:
        make_quota(world, share(world, 1))
    assert "starts_on" in refusal.value.fields


# ---- dates that move ------------------------------------------------------------------------------------------------


def confirmed(world: World, offer: Any = None) -> Any:
    chain = world.held(offer=offer)
    with stepping(world.coordinator, chain.stream_id):
        submit(chain)
    with stepping(world.planner, chain.stream_id):
        return confirm(chain, world.planner)


def weekly(world: World, *shares: ShareRow) -> None:
    monday = quota_periods.first_of("week", first_day())
    make_quota(world, *shares, period="week", starts_on=monday, ends_on=monday + dt.timedelta(days=20))


def test_dates_that_move_take_their_quota_along(world: World) -> None:
    weekly(world, share(world, 1))
    offers = world.offers(horizon_days=8)
    chain = world.held(offer=offers[0])
    request = world.request(horizon_days=8)
    for offer in search(world.coordinator, changes.staying(chain, request)).offers[1:]:
        with stepping(world.coordinator, chain.stream_id):
            chain = changes.move(world.coordinator, chain, request, offer, code="courier", reason="Strike")
        assert used(world) == 1
        (row,) = [row for row in rows(world) if row.used]
        assert row.starts_at <= chain.manufacture_starts_at < row.ends_at
    with stepping(world.coordinator, chain.stream_id):
        free(chain, "Patient ill")
    assert used(world) == 0


def test_a_proposed_change_shares_the_quota_until_it_is_agreed_or_refused(world: World) -> None:
    weekly(world, share(world, 1))
    chain = confirmed(world)
    request = world.request(horizon_days=8)
    others = search(world.coordinator, changes.staying(chain, request)).offers[1:]
    for position, offer in enumerate((others[0], others[-1])):
        with stepping(world.coordinator, chain.stream_id):
            proposal = changes.propose(
                world.coordinator, chain, request, offer, code="courier", reason="Strike", hours=5
            )
        with stepping(world.planner, chain.stream_id):
            if position == 0:
                changes.refuse(proposal, world.planner, "No")
            else:
                _, chain = changes.agree(proposal, world.planner)
        assert used(world) == 1
    (row,) = [row for row in rows(world) if row.used]
    assert row.starts_at <= chain.manufacture_starts_at < row.ends_at


def test_swapped_dates_keep_their_quota_with_the_dates(world: World) -> None:
    weekly(world, share(world, 2))
    first, second = confirmed(world), confirmed(world)
    with acting(world.coordinator, STEP, stream_id=first.stream_id, also=[second.stream_id]):
        one, other = changes.exchange(first, second, code="patient_condition", reason="Sickest first")
    assert used(world) == 2
    for chain, left in ((one, 1), (other, 0)):
        with stepping(world.coordinator, chain.stream_id):
            free(chain, "Patient ill")
        assert used(world) == left
