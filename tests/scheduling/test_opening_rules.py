"""Opening rules, teams and closures through their actions, on a real database."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from scheduling import public_holidays
from scheduling.actions.calendar import add_rule, change_rule, close, end_rule, lift_closure
from scheduling.actions.capacity import CapacityRow, publish_capacity
from scheduling.actions.openings import HORIZON_DAYS, make_openings
from scheduling.actions.teams import set_team
from scheduling.actions.windows import close_window, follow_rules, move_window
from scheduling.booked import CapacityInUse
from scheduling.models import CalendarDue, Resource, Slot
from scheduling.queries import slots
from scheduling.rules import RuleInput, TeamInput
from scheduling.tasks import make_due_openings
from tests.factories import make_actor, make_organization, make_site, operator
from tests.scheduling.factories import make_resource, make_world

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


def today() -> dt.date:
    return timezone.now().astimezone(BERLIN).date()


def in_days(days: int) -> dt.date:
    return today() + dt.timedelta(days=days)


@pytest.fixture
def chair() -> Resource:
    center = make_organization()
    return make_resource(center, "apheresis_chair", make_site(center))


@pytest.fixture
def scheduler(chair: Resource) -> Actor:
    return make_actor(chair.organization, "apheresis_scheduler")


def daily(**changes: object) -> RuleInput:
    """Every day from eight to four, holidays too, from today."""
    rule = RuleInput("day", "FREQ=DAILY", dt.time(8), dt.time(16), 1, today(), on_holidays="open")
    return replace(rule, **changes)  # type: ignore[arg-type]


def windows(actor: Actor, *, offered: bool = True) -> list[Slot]:
    with reading(actor):
        return [slot for slot in slots(actor) if not offered or slot.capacity]


@pytest.mark.story("AU1", "MP1")
def test_a_rule_is_published_up_to_the_horizon_and_twice_changes_nothing(chair: Resource, scheduler: Actor) -> None:
    add_rule(scheduler, chair.code, daily())
    found = windows(scheduler)
    assert HORIZON_DAYS - 1 <= len(found) <= HORIZON_DAYS + 1
    assert {(s.starts_at.astimezone(BERLIN).hour, s.capacity, s.shift) for s in found} == {(8, 1, "day")}
    for _ in range(2):
        again = make_openings(scheduler)
        assert (again.added, again.changed, again.closed, again.kept) == (0, 0, 0, 0)


def test_public_holidays_are_closed(chair: Resource, scheduler: Actor) -> None:
    add_rule(scheduler, chair.code, daily(on_holidays="closed"))
    dates = {slot.starts_at.astimezone(BERLIN).date() for slot in windows(scheduler)}
    every = {in_days(n) for n in range(1, HORIZON_DAYS)}
    assert {date for date in every if public_holidays.name_of("DE", "", date)} == every - dates


def test_a_change_holds_from_its_day_and_the_day_before_is_the_last_of_the_old(
    chair: Resource, scheduler: Actor
) -> None:
    rule = add_rule(scheduler, chair.code, daily())
    changed = change_rule(scheduler, rule.pk, daily(first_date=in_days(30), starts=dt.time(9), places=2))
    found = {slot.starts_at.astimezone(BERLIN).date(): slot for slot in windows(scheduler)}
    assert (found[in_days(29)].starts_at.astimezone(BERLIN).hour, found[in_days(29)].capacity) == (8, 1)
    assert (found[in_days(30)].starts_at.astimezone(BERLIN).hour, found[in_days(30)].capacity) == (9, 2)
    end_rule(scheduler, changed.pk, in_days(40))
    assert max(slot.starts_at.astimezone(BERLIN).date() for slot in windows(scheduler)) == in_days(40)
    end_rule(scheduler, changed.pk, in_days(20))  # before it began: withdrawn
    assert max(slot.starts_at.astimezone(BERLIN).date() for slot in windows(scheduler)) == in_days(29)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"places": -1}, "places"),
        ({"places": True}, "places"),
        ({"pattern": "sometimes"}, "pattern"),
        ({"ends": dt.time(8)}, "ends"),
        ({"holiday_region": "ZZ"}, "holiday_region"),
        ({"on_holidays": "perhaps"}, "on_holidays"),
        ({"reserved_for": "friends"}, "reserved_for"),
        ({"release_days": 3}, "release_days"),
        ({"shift": "Früh"}, "shift"),
        ({"people_per_place": 0}, "people_per_place"),
        ({"first_date": dt.date(1900, 1, 1)}, "first_date"),
        ({"last_date": dt.date(2020, 1, 1)}, "last_date"),
    ],
)
def test_a_rule_at_fault_is_refused_beside_its_field(
    chair: Resource, scheduler: Actor, change: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        add_rule(scheduler, chair.code, daily(**change))
    assert list(refusal.value.fields) == [field]
    assert not windows(scheduler, offered=False)


def test_overlapping_shifts_and_overlapping_dates_are_refused(chair: Resource, scheduler: Actor) -> None:
    add_rule(scheduler, chair.code, daily(last_date=in_days(60)))
    for change, field in (
        ({"shift": "late", "starts": dt.time(15), "ends": dt.time(20)}, "starts"),
        ({"shift": "night", "starts": dt.time(22), "ends": dt.time(9)}, "starts"),
        ({"first_date": in_days(60)}, "first_date"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            add_rule(scheduler, chair.code, daily(**change))
        assert list(refusal.value.fields) == [field]
    add_rule(scheduler, chair.code, daily(shift="late", starts=dt.time(16), ends=dt.time(20)))
    add_rule(scheduler, chair.code, daily(first_date=in_days(61)))


@pytest.mark.story("AU1")
def test_a_closed_day_has_its_reason_and_opens_again(chair: Resource, scheduler: Actor) -> None:
    add_rule(scheduler, chair.code, daily())
    before = len(windows(scheduler))
    closure = close(scheduler, resource_code=chair.code, first_date=in_days(5), reason="Inspection")
    shut = [slot for slot in windows(scheduler, offered=False) if not slot.capacity]
    assert [(s.starts_at.astimezone(BERLIN).date(), s.closed_reason) for s in shut] == [
        (in_days(5), "Closed: Inspection.")
    ]
    lift_closure(scheduler, closure.pk)
    assert len(windows(scheduler)) == before
    with pytest.raises(WrongState):
        lift_closure(scheduler, closure.pk)


def test_bad_closures_are_refused_beside_their_field(chair: Resource, scheduler: Actor) -> None:
    good = {"resource_code": chair.code, "first_date": in_days(5), "reason": "Inspection"}
    for change, field in (
        ({"reason": " "}, "reason"),
        ({"first_date": in_days(-1)}, "first_date"),
        ({"first_date": in_days(2000)}, "first_date"),
        ({"last_date": in_days(4)}, "last_date"),
        ({"starts": dt.time(10), "ends": dt.time(9)}, "ends"),
        ({"resource_code": ""}, "resource"),
        ({"resource_code": "", "site_code": "elsewhere"}, "site"),
        ({"kind": "party"}, "kind"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            close(scheduler, **{**good, **change})  # type: ignore[arg-type]
        assert list(refusal.value.fields) == [field]


@pytest.mark.story("AU1", "MP10")
def test_a_team_limits_the_places_and_follows_its_dates(chair: Resource, scheduler: Actor) -> None:
    add_rule(scheduler, chair.code, daily(competence="apheresis", people_per_place=2, places=2))
    assert windows(scheduler) == []  # nobody is there yet
    team = TeamInput("blue", "day", "apheresis", "FREQ=DAILY", 4, today())
    assert chair.site is not None
    set_team(scheduler, chair.site.code, team)
    assert {slot.capacity for slot in windows(scheduler)} == {2}
    set_team(scheduler, chair.site.code, replace(team, people=3, first_date=in_days(30)))
    found = {slot.starts_at.astimezone(BERLIN).date(): slot.capacity for slot in windows(scheduler)}
    assert (found[in_days(29)], found[in_days(30)]) == (2, 1)
    for change, field in (
        ({"people": -1}, "people"),
        ({"code": "Blue Team"}, "code"),
        ({"first_date": in_days(10)}, "last_date"),  # would run over the version of day 30
    ):
        with pytest.raises(InvalidInput) as refusal:
            set_team(scheduler, chair.site.code, replace(team, **change))  # type: ignore[arg-type]
        assert field in refusal.value.fields


def test_a_window_by_hand_stands_above_the_rules(chair: Resource, scheduler: Actor) -> None:
    def row(start: int, end: int, places: int) -> CapacityRow:
        at = [dt.datetime.combine(in_days(5), dt.time(hour), BERLIN) for hour in (start, end)]
        return CapacityRow(chair.code, at[0], at[1], places)

    publish_capacity(scheduler, [row(10, 14, 1)])
    add_rule(scheduler, chair.code, daily())
    of_the_day = [s for s in windows(scheduler) if s.starts_at.astimezone(BERLIN).date() == in_days(5)]
    assert [(s.starts_at.astimezone(BERLIN).hour, s.shift) for s in of_the_day] == [(10, "")]
    moved = move_window(scheduler, of_the_day[0].pk, dt.datetime.combine(in_days(5), dt.time(12), BERLIN))
    assert moved.ends_at == dt.datetime.combine(in_days(5), dt.time(16), BERLIN)
    with pytest.raises(InvalidInput):  # another window is there
        move_window(scheduler, moved.pk, dt.datetime.combine(in_days(6), dt.time(12), BERLIN))
    follow_rules(scheduler, moved.pk)
    of_the_day = [s for s in windows(scheduler) if s.starts_at.astimezone(BERLIN).date() == in_days(5)]
    assert [(s.starts_at.astimezone(BERLIN).hour, s.shift) for s in of_the_day] == [(8, "day")]
    close_window(scheduler, of_the_day[0].pk, "Nurse is ill")
    assert make_openings(scheduler).added == 0
    assert not [s for s in windows(scheduler) if s.starts_at.astimezone(BERLIN).date() == in_days(5)]


@pytest.mark.story("MP1")
def test_taken_places_are_never_withdrawn_and_those_hit_are_named() -> None:
    world = make_world()
    scheduler = make_actor(world.center, "apheresis_scheduler")
    with reading(scheduler):
        chair = Resource.unwalled.get(organization=world.center, kind="apheresis_chair")
    chain = world.held()
    day = chain.collection_starts_at.astimezone(BERLIN).date()
    taken = next(s for s in windows(scheduler) if s.taken and s.resource_id == chair.pk)
    tries = (
        lambda: close(scheduler, resource_code=chair.code, first_date=day, reason="Inspection"),
        lambda: close(scheduler, site_code=world.clinic.code, first_date=day, reason="Inspection"),
        lambda: close_window(scheduler, taken.pk, "Inspection"),
        lambda: move_window(scheduler, taken.pk, taken.starts_at + dt.timedelta(days=40)),
    )
    for attempt in tries:
        with pytest.raises(CapacityInUse) as refusal:
            attempt()
        assert refusal.value.code == "capacity_in_use"
        assert len(refusal.value.facts) == 1
        assert chair.name in refusal.value.facts[0].text
        assert "disruption" in refusal.value.remedy
    follow_rules_hit(scheduler, taken)
    assert [(s.pk, s.capacity, s.taken) for s in windows(scheduler) if s.taken and s.resource_id == chair.pk] == [
        (taken.pk, 1, 1)
    ]


def follow_rules_hit(scheduler: Actor, taken: Slot) -> None:
    with pytest.raises(CapacityInUse):  # there is no rule, so it would be closed
        follow_rules(scheduler, taken.pk)


def test_the_sweep_keeps_taken_places_counts_them_and_moves_the_horizon(chair: Resource, scheduler: Actor) -> None:
    rule = add_rule(scheduler, chair.code, daily())
    victim = windows(scheduler)[10]
    with_place_taken(scheduler, victim)
    with pytest.raises(CapacityInUse):
        end_rule(scheduler, rule.pk, in_days(3))
    due = CalendarDue.unwalled.get(organization_id=chair.organization_id)
    assert due.due_at > timezone.now()
    assert make_due_openings() == 0
    CalendarDue.unwalled.filter(pk=due.pk).update(due_at=timezone.now())
    assert make_due_openings() == 1
    assert CalendarDue.unwalled.get(pk=due.pk).due_at > timezone.now()


def with_place_taken(actor: Actor, slot: Slot) -> None:
    from ledger.recording import acting
    from scheduling.capacity import take
    from tests.scheduling.factories import STEP

    with acting(actor, STEP):
        take(slot.pk)


def test_other_personas_and_other_organizations_change_nothing(chair: Resource, scheduler: Actor) -> None:
    rule = add_rule(scheduler, chair.code, daily())
    slot = windows(scheduler)[3]
    for persona in ("coordinator", "inspector", "administrator"):
        with pytest.raises(NotAllowed):
            add_rule(make_actor(chair.organization, persona), chair.code, daily(shift="late"))
    stranger = operator(make_organization())
    for attempt in (
        lambda: add_rule(stranger, chair.code, daily(shift="late")),
        lambda: change_rule(stranger, rule.pk, daily()),
        lambda: end_rule(stranger, rule.pk, in_days(9)),
        lambda: close_window(stranger, slot.pk, "No"),
        lambda: move_window(stranger, slot.pk, timezone.now() + dt.timedelta(days=50)),
        lambda: close(stranger, resource_code=chair.code, first_date=in_days(5), reason="No"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert make_openings(scheduler).closed == 0
