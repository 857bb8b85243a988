"""A request for dates is met once, by one chain, whoever is quickest: real threads, real commits (F24)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.context import reading
from orders import queries
from orders.actions import date_requests
from orders.flow import order_named, perform
from scheduling.models import Slot, SlotChain
from tests.orders.factories import World, make_world
from tests.orders.wishing import COORDINATOR, asked, confirm, in_days, planner_sees, publish
from tests.races.test_slots import together

pytestmark = pytest.mark.race


def confirming(world: World, code: str, token: str, number: int) -> Callable[[], object]:
    world.actor("maker", "planner", number)  # the person is made before the race
    return lambda: confirm(world, code, token, number).state


def taken(world: World) -> int:
    with reading(world.actor(*COORDINATOR)):
        return sum(Slot.unwalled.values_list("taken", flat=True))


def live_chains(world: World) -> int:
    with reading(world.actor(*COORDINATOR)):
        return SlotChain.unwalled.filter(state__in=("held", "requested", "confirmed")).count()


def test_two_planners_confirm_and_one_is_told_that_it_was_answered(committed_db: None) -> None:
    world = make_world()
    code = asked(world)
    publish(world)
    first, second = planner_sees(world, code)[:2]
    answers = together([confirming(world, code, first.token, 1), confirming(world, code, second.token, 2)])
    assert sorted(map(str, answers)) == ["met", "no_dates_requested"]
    assert (taken(world), live_chains(world)) == (4, 1)


def test_one_chair_goes_to_one_of_two_requests(committed_db: None) -> None:
    world = make_world()
    codes = [asked(world), asked(world)]
    publish(world, places=1)
    token = planner_sees(world, codes[0])[0].token
    answers = together([confirming(world, code, token, number) for number, code in enumerate(codes, 1)])
    assert sorted(map(str, answers)) == ["met", "slot_full"]
    assert (taken(world), live_chains(world)) == (4, 1)
    open_now = [date_requests.standing(world.actor("maker", "planner"), code).is_open for code in codes]
    assert sorted(open_now) == [False, True]


def test_the_center_holds_other_dates_while_the_planner_confirms(committed_db: None) -> None:
    world = make_world()
    code = asked(world)
    publish(world)
    coordinator = world.actor(*COORDINATOR)
    with reading(coordinator):
        order = order_named(coordinator, code)
        found = queries.search_slots(coordinator, order, queries.step_of(coordinator, order, "book"), in_days(0))
    token = found.offers[0].token

    def book() -> object:
        return perform(coordinator, code, "book", {"offer": token}).state

    answers = together([book, confirming(world, code, planner_sees(world, code)[0].token, 1)])
    assert sorted(map(str, answers)) in (["done", "no_dates_requested"], ["met", "step_not_ready"])
    assert (taken(world), live_chains(world)) == (4, 1)
