"""A contract manufacturer's line stops: it works one plan out for all sponsors, each signs its own part, each center
answers; and nobody learns of another's orders (MP6, CM1, CM2)."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from cgt.demo.journey import Journey
from ledger.context import reading
from ledger.refusals import InvalidInput, NotAllowed, NotFound, Stale, WrongState
from notifications import queries as notices
from notifications.actions import relay
from orders.actions import repair_answers, repairs, what_ifs
from scheduling import disrupted
from scheduling.actions.disruptions import open_disruption
from scheduling.models import Resource, Slot
from scheduling.states import MoveState, RunState
from tests.api.conftest import make_partner
from tests.desks.test_disrupted_plants import link_of
from tests.desks.test_line_board import booked, start_of
from tests.desks.world import PlantWorld
from tests.factories import PASSWORD
from tests.journeys.watching import order_of

CMO, ONE, TWO = ("cmo", "cmo_planner"), ("one", "planner"), ("two", "planner")
DAY = dt.timedelta(days=1)


def stopped(plants: PlantWorld, *journeys: Journey) -> Any:
    """The line of the contract manufacturer stands still while manufacture of these orders should begin."""
    actor = plants.player(*CMO).actor
    links = [link_of(plants, journey, "manufacturing_line") for journey in journeys]
    with reading(actor):
        line = Resource.unwalled.get(pk=Slot.unwalled.get(pk=links[0].slot_id).resource_id)
    starts = [link.starts_at for link in links]
    times = {"starts_at": min(starts) - DAY / 12, "ends_at": max(starts) + DAY / 12}
    return open_disruption(actor, kind="line_stop", resources=[line.code], reason="The isolator leaks", **times)


def worked_out(plants: PlantWorld, disruption: Any, who: tuple[str, str] = CMO) -> Any:
    actor = plants.player(*who).actor
    run = repairs.start_repair(actor, disruption.pk, {"horizon_days": 28})
    assert repairs.work(run.pk)
    return seen(plants, run.pk, who)


def seen(plants: PlantWorld, run_id: Any, who: tuple[str, str]) -> Any:
    actor = plants.player(*who).actor
    with reading(actor):
        return repairs.run_seen(actor, run_id)


def sign(plants: PlantWorld, run: Any, who: tuple[str, str], version: int | None = None) -> int:
    player = plants.player(*who)
    password = {"username": player.username, "password": PASSWORD}
    return repairs.sign_repair(player.actor, run.pk, {"version": version or run.version, "signature": password})


def part_of(plants: PlantWorld, who: tuple[str, str], disruption: Any) -> Any:
    actor = plants.player(*who).actor
    with reading(actor):
        return disrupted.repair_runs(actor).filter(disruption_id=disruption.pk).get()


def codes(run: Any) -> set[str]:
    return {row["order"] for row in run.plan}


@pytest.mark.story("MP6", "CM1", "CM2")
def test_one_plan_over_all_sponsors_is_handed_over_signed_in_parts_and_answered(plants: PlantWorld) -> None:
    one, two = (booked(plants, name, "accept_job", 9) for name in ("one", "two"))
    before = {journey.code: start_of(plants, journey) for journey in (one, two)}
    disruption = stopped(plants, one, two)
    run = worked_out(plants, disruption)
    assert run.state == RunState.PROPOSED and {one.code, two.code} <= codes(run)
    placed = {row["order"] for row in run.plan if row["chosen"] is not None}
    assert {one.code, two.code} <= placed
    plants_of = {choice["plant"] for row in run.plan for choice in row["choices"]}
    assert plants_of == {plants.sites["cmo"].name}

    with pytest.raises(Stale):
        sign(plants, run, CMO, run.version + 1)
    assert sign(plants, run, CMO) == len(placed)
    with pytest.raises(WrongState):
        sign(plants, run, CMO)
    parts = {who: part_of(plants, who, disruption) for who in (ONE, TWO)}
    for who, mine, other in ((ONE, one, two), (TWO, two, one)):
        part = parts[who]
        assert mine.code in codes(part) and other.code not in codes(part)
        assert set(part.result) <= {"given_elsewhere"}, "no sum over the orders of others"
        assert part.state == RunState.PROPOSED
        told = json.dumps([part.plan, part.result])
        assert other.code not in told and plants.organizations["two" if who == ONE else "one"].name not in told
        actor = plants.player(*who).actor
        with pytest.raises(NotFound), reading(actor):
            repairs.run_seen(actor, run.pk)
    center = plants.player("center", "coordinator").actor
    with reading(center):
        assert not disrupted.repair_moves(center).filter(disruption_id=disruption.pk), "no center is asked yet"

    sign(plants, parts[ONE], ONE)
    with reading(center):
        moves = {move.stream_id: move for move in disrupted.repair_moves(center).filter(disruption_id=disruption.pk)}
    assert len(moves) == len(codes(parts[ONE])), "only the part that is signed is offered"
    move = moves[order_of(plants.player("center", "coordinator"), one).stream_id]
    repair_answers.answer_move(center, move.pk, {"decision": "accept"})
    assert start_of(plants, one) != before[one.code] and start_of(plants, two) == before[two.code]
    cmo = plants.player(*CMO).actor
    with reading(cmo):
        answered = repairs.moves_of(cmo, seen(plants, run.pk, CMO))
    assert answered[one.code].state == MoveState.ACCEPTED and two.code not in answered


@pytest.mark.story("MP6", "CM2")
def test_each_sponsor_is_told_and_its_page_shows_its_part_alone(plants: PlantWorld) -> None:
    one, two = (booked(plants, name, "accept_job", 10) for name in ("one", "two"))
    disruption = stopped(plants, one, two)
    browser = plants.browse(*CMO)
    page = browser.get(f"/disruptions/{disruption.pk}/")
    assert one.code in page.content.decode() and two.code in page.content.decode()
    assert "Look for the least harmful plan" in page.content.decode()
    run = worked_out(plants, disruption)
    html = browser.get(f"/disruptions/repairs/{run.pk}/").content.decode()
    assert "Sign and hand over to the sponsors" in html and "The objective" in html
    player = plants.player(*CMO)
    signed = {"version": run.version, "signature.username": player.username, "signature.password": "wrong"}
    refused = browser.post(f"/disruptions/repairs/{run.pk}/sign/", signed)
    assert refused.status_code in (400, 403) and seen(plants, run.pk, CMO).state == RunState.PROPOSED
    assert (
        browser.post(f"/disruptions/repairs/{run.pk}/sign/", {**signed, "signature.password": PASSWORD}).status_code
        == 303
    )
    relay.relay()
    for who, mine, other in ((ONE, one, two), (TWO, two, one)):
        actor = plants.player(*who).actor
        with reading(actor):
            told = notices.inbox(actor).filter(title__contains="Repair of the contract manufacturer")
            assert told.filter(path__contains=mine.code).count() == 1
            assert not notices.inbox(actor).filter(path__contains=other.code)
        part = part_of(plants, who, disruption)
        html = plants.browse(*who).get(f"/disruptions/repairs/{part.pk}/").content.decode()
        name = plants.organizations["cmo"].name
        assert mine.code in html and f"Worked out by {name}" in html and "Sign and ask the centers" in html
        assert other.code not in html and plants.organizations["two" if who == ONE else "one"].name not in html
        assert str(part.pk) in plants.browse(*who).get("/disruptions/").content.decode()
    with reading(player.actor):
        assert not notices.inbox(player.actor).filter(title__contains="Repair of the contract manufacturer")


@pytest.mark.story("CM2")
def test_who_may_not_and_what_a_contract_manufacturer_repairs(plants: PlantWorld) -> None:
    own = booked(plants, "own", "accept_job", 9)
    actor = plants.player("one", "planner").actor
    link = link_of(plants, own, "manufacturing_line")
    with reading(actor):
        line = Resource.unwalled.get(pk=Slot.unwalled.get(pk=link.slot_id).resource_id)
    times = {"starts_at": link.starts_at - DAY / 12, "ends_at": link.starts_at + DAY / 12}
    of_sponsor = open_disruption(actor, kind="line_stop", resources=[line.code], reason="Leak", **times)
    cmo = plants.player(*CMO).actor
    with pytest.raises((NotAllowed, NotFound)):
        repairs.start_repair(cmo, of_sponsor.pk, {})
    with pytest.raises(NotAllowed):
        repairs.start_repair(plants.player("cmo", "cmo_operator").actor, of_sponsor.pk, {})
    with reading(cmo):
        assert not repairs.may_repair(cmo, of_sponsor) and repairs.may_repair(cmo)
    asked = {"resources": [line.code], "starts_at": times["starts_at"], "ends_at": times["ends_at"]}
    with pytest.raises(InvalidInput):
        what_ifs.start_what_if(cmo, asked)


@pytest.mark.story("CM2")
def test_over_rest_a_contract_manufacturer_hands_over_and_its_sponsor_reads_its_part(plants: PlantWorld) -> None:
    one, two = (booked(plants, name, "accept_job", 11) for name in ("one", "two"))
    disruption = stopped(plants, one, two)
    run = worked_out(plants, disruption)
    cmo = make_partner(plants.organizations["cmo"], "cmo_planner", responsible=plants.members[(*CMO, 1)])
    row = cmo.get(f"repairs/{run.pk}").json()
    assert {one.code, two.code} <= {each["order"] for each in row["plan"]} and row["handed_over"] is False
    sign(plants, run, CMO)
    part = part_of(plants, TWO, disruption)
    two_key = make_partner(plants.organizations["two"], "planner", responsible=plants.members[(*TWO, 1)])
    told = two_key.get(f"repairs/{part.pk}").json()
    assert told["handed_over"] is True and told["components"] == [] and told["optimal"] is None
    assert one.code not in json.dumps(told) and two.code in json.dumps(told)
    one_key = make_partner(plants.organizations["one"], "planner", responsible=plants.members[(*ONE, 1)])
    for stranger in (one_key, make_partner(plants.organizations["stranger"], "planner")):
        assert stranger.get(f"repairs/{part.pk}").status_code == 404
        assert stranger.get(f"repairs/{run.pk}").status_code == 404
