"""The waiting list and its committee: who may, what is stored, in which order, and what no partner ever sees (CO10)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.models import Event, Signature
from ledger.refusals import Conflict, FactsMissing, InvalidInput, NotAllowed, NotFound, Refusal, Stale, WrongState
from orders.actions.interruptions import cancel
from orders.actions.waiting_list import add_to_waiting_list
from orders.tasks import offer_freed_places
from personas.signing import SignatureNotAccepted
from scheduling import models, waiting
from scheduling.actions.committee import (
    CriteriaDraft,
    RankRow,
    appeal,
    decide_ranks,
    publish_criteria,
    write_criteria,
)
from scheduling.actions.waiting import (
    accept_offer,
    refuse_offer,
    score_entry,
    withdraw_entry,
)
from scheduling.models import (
    RankAppeal,
    RankDecision,
    RankedEntry,
    WaitingEntry,
    WaitingOffer,
)
from tests.factories import make_actor, make_organization
from tests.orders.conftest import patient, prescribed
from tests.orders.factories import World, make_world
from tests.orders.waiting import (
    CRITERIA,
    decide,
    line_places,
    listed,
    make_criteria,
    offers,
    signatures,
    waits,
)

pytestmark = [pytest.mark.django_db, pytest.mark.story("CO10")]
LATER = dt.timedelta(days=9)


@pytest.fixture
def world() -> World:
    return make_world(days=6)


def rows(world: World, model: Any, **narrowed: Any) -> list[Any]:
    actor = world.actor("center", "coordinator")
    with reading(actor):
        return list(model.unwalled.filter(**narrowed).order_by("pk"))


# ---- criteria --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("sex", "Fitness"),
        ("fitness", "Patient's gender"),
        ("younger_first", "Benefit"),
        ("benefit", "Age at diagnosis"),
        ("payer", "Cover"),
        ("worth", "Contribution"),
        ("x_race", "Origin"),
        ("benefit", "Mother language"),
    ],
)
def test_a_protected_attribute_is_no_criterion(world: World, key: str, title: str) -> None:
    bad = [{"key": key, "title": title, "kind": "benefit", "weight": 10, "most": 5}]
    draft = CriteriaDraft(world.therapy.code, "Bad", bad, dt.date(2026, 1, 1))
    with pytest.raises(InvalidInput) as refusal:
        write_criteria(world.actor("center", "site_quality"), draft)
    assert "protected" in str(refusal.value.fields)
    assert rows(world, models.CriteriaSet) == []


def test_ageing_and_psychosocial_factors_are_none(world: World) -> None:
    fine = [
        {"key": "psychosocial", "title": "Psychosocial support at home", "kind": "psychosocial", "weight": 5, "most": 5}
    ]
    assert make_criteria(world, criteria=fine).version == 1


@pytest.mark.parametrize("kind", ["sex", "age", "social_value", "", None])
def test_no_other_kind_of_criterion_exists(world: World, kind: Any) -> None:
    bad = [{"key": "benefit", "title": "Benefit", "kind": kind, "weight": 10, "most": 5}]
    with pytest.raises(InvalidInput):
        make_criteria(world, criteria=bad)


def test_criteria_are_published_by_somebody_else_and_hold_from_their_day(world: World) -> None:
    written = write_criteria(
        world.actor("center", "site_quality"),
        CriteriaDraft(world.therapy.code, "First", CRITERIA, dt.date(2026, 1, 1)),
    )
    member = world.actor("center", "committee_member")
    with reading(member):
        assert waiting.criteria_in_force(member, world.therapy.pk) is None
    author = Actor(**{**member.__dict__, "person_id": written.written_by_id})
    with pytest.raises(NotAllowed) as refusal:
        publish_criteria(author, written.pk)
    assert refusal.value.code == "second_person_needed"
    publish_criteria(member, written.pk)
    later = timezone.now().date() + dt.timedelta(days=30)
    second = make_criteria(world, effective_from=later)
    with reading(member):
        assert waiting.criteria_in_force(member, world.therapy.pk) == written
        assert waiting.criteria_in_force(member, world.therapy.pk, later) == second
    with pytest.raises(WrongState):
        publish_criteria(member, written.pk)


# ---- who waits -------------------------------------------------------------------------------------------------------


def test_components_are_stored_as_given_and_a_later_score_does_not_overwrite(world: World) -> None:
    make_criteria(world)
    entry = waits(world, 7, 3)
    score_entry(world.actor("center", "treating_physician"), entry.pk, {"benefit": 2, "urgency": 9})
    assert [score.points for score in rows(world, models.WaitingScore)] == [
        {"benefit": 7, "urgency": 3},
        {"benefit": 2, "urgency": 9},
    ]
    decision = decide(world)
    (ranked,) = rows(world, RankedEntry, decision=decision)
    assert (ranked.points["benefit"], ranked.points["urgency"]) == (8, 36)
    assert ranked.total == pytest.approx(sum(ranked.points.values()))


@pytest.mark.parametrize(
    "points", [{}, {"benefit": 11, "urgency": 1}, {"benefit": 1, "urgency": -1}, {"benefit": 1, "urgency": 1, "sex": 1}]
)
def test_points_outside_the_criteria_are_refused(world: World, points: dict[str, int]) -> None:
    make_criteria(world)
    entry = waits(world, 1, 1)
    with pytest.raises(InvalidInput) as refusal:
        score_entry(world.actor("center", "treating_physician"), entry.pk, points)
    assert any(name.startswith("points.") for name in refusal.value.fields)


def test_an_order_waits_once_and_only_while_it_is_open_without_dates(world: World) -> None:
    make_criteria(world)
    entry = waits(world, 1, 1)
    coordinator = world.actor("center", "coordinator")
    with pytest.raises(Conflict):
        add_to_waiting_list(coordinator, entry.order_code)
    cancel(coordinator, entry.order_code, "Patient withdrew")
    (ended,) = rows(world, WaitingEntry, pk=entry.pk)
    assert (ended.state, ended.end_reason) == ("withdrawn", "The order was cancelled.")
    with pytest.raises(WrongState):
        add_to_waiting_list(coordinator, entry.order_code)


def test_who_may_what(world: World) -> None:
    make_criteria(world)
    entry = waits(world, 1, 1)
    code = prescribed(world, **patient())
    nurse = world.actor("center", "apheresis_nurse")
    with pytest.raises(NotAllowed):
        add_to_waiting_list(nurse, code)
    with pytest.raises(NotAllowed):
        score_entry(world.actor("center", "coordinator"), entry.pk, {"benefit": 1, "urgency": 1})
    with pytest.raises(NotAllowed):
        decide_ranks(world.actor("center", "coordinator"), world.therapy.pk, [RankRow(entry.pk)], [])
    with pytest.raises(InvalidInput):
        withdraw_entry(world.actor("center", "coordinator"), entry.pk, " ")


# ---- the decision ----------------------------------------------------------------------------------------------------


def test_a_decision_needs_two_members_who_are_two_people(world: World) -> None:
    make_criteria(world)
    waits(world, 1, 1)
    world.member("center", "committee_member", 2)
    with pytest.raises(FactsMissing) as refusal:
        decide(world, count=1)
    assert refusal.value.facts[0].code == "signers_missing"
    member = world.actor("center", "committee_member")
    (entry,) = rows(world, WaitingEntry)
    for bad, kind in (
        ([signatures(world)[0]] * 2, InvalidInput),
        ([signatures(world)[0], {**signatures(world)[1], "password": "wrong"}], SignatureNotAccepted),
        (signatures(world)[::-1], NotAllowed),
        (
            [
                signatures(world)[0],
                {"username": world.username("center", "coordinator"), "password": "Correct-horse-1"},
            ],
            NotAllowed,
        ),
    ):
        with pytest.raises(kind):
            decide_ranks(member, world.therapy.pk, [RankRow(entry.pk)], bad)
    assert rows(world, RankDecision) == []
    decision = decide(world)
    with reading(member):
        signed = list(Signature.unwalled.filter(event_id=decision.decided_in).order_by("position"))
    assert [one.person_name for one in signed] == decision.members
    assert {one.content_hash for one in signed} == {decision.content_hash}
    assert {one.meaning for one in signed} == {"rank order decided"}


def test_who_waited_too_long_is_not_passed_over_without_a_reason(world: World) -> None:
    make_criteria(world, ageing_days=60)
    old, new = waits(world, 0, 0, days=61), waits(world, 10, 10)
    with pytest.raises(InvalidInput) as refusal:
        decide(world)
    assert "passed over" in refusal.value.fields["ranks[1].reason"][0]
    reason = {old.order_code: "Not fit for collection before June"}
    decision = decide(world, reasons=reason)
    assert [row.entry_id for row in rows(world, RankedEntry, decision=decision)] == [new.pk, old.pk]
    assert rows(world, RankedEntry, entry=old)[0].reason == "Not fit for collection before June"


def test_another_order_than_by_score_needs_reasons(world: World) -> None:
    make_criteria(world)
    first, second = waits(world, 9, 9), waits(world, 1, 1)
    with pytest.raises(InvalidInput) as refusal:
        decide(world, [second, first])
    assert set(refusal.value.fields) == {"ranks[0].reason", "ranks[1].reason"}
    reasons = {entry.order_code: "Bridging ends this week" for entry in (first, second)}
    decision = decide(world, [second, first], reasons=reasons)
    assert [(r.rank, r.computed_rank) for r in rows(world, RankedEntry, decision=decision)] == [(1, 2), (2, 1)]


def test_a_list_that_changed_meanwhile_is_stale_and_one_without_score_not_ranked(world: World) -> None:
    make_criteria(world)
    entry = waits(world, 1, 1)
    add_to_waiting_list(world.actor("center", "coordinator"), prescribed(world, **patient()))
    with pytest.raises(Stale):
        decide(world, [entry])
    with pytest.raises(FactsMissing) as refusal:
        decide(world)
    assert refusal.value.facts[0].code == "not_scored"


def test_an_appeal_reopens_the_decision_and_is_answered_by_the_next(world: World) -> None:
    make_criteria(world)
    entry = waits(world, 1, 1)
    coordinator = world.actor("center", "coordinator")
    with pytest.raises(WrongState):
        appeal(coordinator, entry.pk, "Too low")
    first = decide(world)
    filed = appeal(coordinator, entry.pk, "A new lesion was found")
    assert rows(world, RankDecision, pk=first.pk)[0].state == "reopened"
    line_places(world, 3)
    assert offer_freed_places() == 0  # nothing is offered by a reopened decision
    with pytest.raises(InvalidInput) as refusal:
        decide(world)
    assert "answer" in refusal.value.fields
    second = decide(world, answer="Urgency was scored again")
    (after,) = rows(world, RankAppeal, pk=filed.pk)
    assert (after.answered_by_id, after.answer) == (second.pk, "Urgency was scored again")
    assert [d.state for d in rows(world, RankDecision)] == ["superseded", "in_force"]
    assert offer_freed_places() == 1


# ---- walls -----------------------------------------------------------------------------------------------------------

PRIVATE = (
    models.CriteriaSet,
    models.WaitingEntry,
    models.WaitingScore,
    models.RankDecision,
    models.RankedEntry,
    models.RankAppeal,
    models.OfferedPlace,
    models.WaitingOffer,
)


def test_no_partner_sees_a_score_though_it_is_a_party_of_the_order(world: World) -> None:
    first, *_ = listed(world)
    line_places(world, 1)
    offer_freed_places()
    appeal(world.actor("center", "coordinator"), first.pk, "Too low")
    stranger = make_actor(make_organization("treatment_center"), "committee_member")
    partners = [world.actor("maker", one) for one in ("planner", "case_manager", "qualified_person", "inspector")]
    partners.append(world.actor("courier", "courier_dispatcher"))
    member = world.actor("center", "committee_member")
    for model in PRIVATE:
        with reading(member):
            assert model.unwalled.exists(), model
            history = model.history.model.objects.count()
            assert history >= 1
        for actor in (*partners, stranger):
            with reading(actor):
                assert not model.unwalled.exists(), (model, actor.persona)
                assert model.history.model.objects.count() == 0
    names = ("waiting", "rank", "criteria", "place_offered", "offer_")
    for actor in (*partners, stranger):
        with reading(actor):
            kinds = {kind for kind in Event.unwalled.values_list("kind", flat=True) if any(n in kind for n in names)}
            assert kinds == set()


def acts(world: World, entry: WaitingEntry, offer: WaitingOffer) -> dict[str, Any]:
    return {
        "score": lambda actor: score_entry(actor, entry.pk, {"benefit": 1, "urgency": 1}),
        "withdraw": lambda actor: withdraw_entry(actor, entry.pk, "Mine now"),
        "accept": lambda actor: accept_offer(actor, offer.pk),
        "refuse": lambda actor: refuse_offer(actor, offer.pk, "Mine now"),
        "appeal": lambda actor: appeal(actor, entry.pk, "Mine now"),
        "add": lambda actor: add_to_waiting_list(actor, entry.order_code),
    }


def test_the_center_next_door_finds_nothing(world: World) -> None:
    entries = listed(world)
    line_places(world, 1)
    offer_freed_places()
    (offer,) = offers(world)
    next_door = make_organization("treatment_center")
    for persona in ("coordinator", "treating_physician", "committee_member"):
        actor = make_actor(next_door, persona)
        for name, act in acts(world, entries[0], offer).items():
            with pytest.raises(NotFound):
                act(actor)
            assert name
    assert rows(world, WaitingOffer)[0].state == "open"


def test_a_manufacturer_may_do_none_of_it(world: World) -> None:
    entries = listed(world)
    line_places(world, 1)
    offer_freed_places()
    (offer,) = offers(world)
    for act in acts(world, entries[0], offer).values():
        with pytest.raises(Refusal):
            act(world.actor("maker", "planner"))
    assert isinstance(entries[0].pk, UUID)
    assert rows(world, WaitingOffer)[0].state == "open"
