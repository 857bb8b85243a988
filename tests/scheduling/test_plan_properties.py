"""Whatever happens to the dates of several orders, in whatever order: what is taken is what the orders have."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from ledger.context import reading
from ledger.refusals import Refusal
from scheduling import changes, kept_moves
from scheduling import slot_chains as chains
from scheduling.chain_search import token_of
from scheduling.kept_moves import Keeping
from scheduling.models import HoldDue, MoveDue, RepairMove, SlotChain
from scheduling.states import LIVE, ChainState, ChangeReason, MoveState
from tests.scheduling.factories import World, make_world, stepping

WHY = {"code": ChangeReason.PATIENT_CONDITION, "reason": "Fever"}
ORDERS = 3
DISRUPTION = uuid4()
WAITING_OF = (ChainState.HELD, ChainState.PROPOSED)


class Plan:
    """Three orders of one center, two chairs a day, and everything that can happen to their dates."""

    def __init__(self) -> None:
        self.world: World = make_world(places=2, days=4)
        self.streams: Sequence[UUID] = [self.world.stream() for _ in range(ORDERS)]
        self.acts: dict[str, Callable[[UUID, UUID, int], object]] = {
            "hold": lambda one, _, n: chains.hold(
                self.world.coordinator, one, self.world.request(), self._offer(None, n).token
            ),
            "renew": lambda one, *_: chains.renew(self._live(one)),
            "submit": lambda one, *_: chains.submit(self._live(one)),
            "confirm": lambda one, *_: chains.confirm(self._live(one), self.world.planner),
            "decline": lambda one, *_: chains.decline(self._live(one), self.world.planner, "Down"),
            "cancel": lambda one, *_: chains.free(self._live(one), "Withdrawn"),
            "expire": lambda one, *_: self._expire(one),
            "move": self._move,
            "propose": self._propose,
            "agree": lambda one, *_: changes.agree(self._proposed(one), self.world.planner),
            "refuse": lambda one, *_: changes.refuse(self._proposed(one), self.world.planner, "Down"),
            "withdraw": lambda one, *_: chains.drop_proposal(one, "Not needed"),
            "swap": lambda one, two, _: changes.exchange(self._live(one), self._live(two), **WHY),
            "sign": self._sign,
            "accept": self._accept,
            "turn_down": lambda one, *_: self._let_go(one),
            "lapse": lambda one, *_: self._lapse(one),
        }

    def do(self, act: str, one: int, two: int, choice: int) -> bool:
        """Whether the act was done; a refusal changes nothing."""
        first, second = self.streams[one], self.streams[two]
        try:
            with stepping(self.world.coordinator, first, *({second} - {first})):
                self.acts[act](first, second, choice)
        except (Refusal, Nothing):
            return False
        return True

    def places(self) -> Counter[UUID]:
        """What the orders have between them; a proposed change shares what it does not move."""
        found: Counter[UUID] = Counter()
        for stream_id in self.streams:
            live, proposed = chains.live_chain(stream_id), chains.proposed_chain(stream_id)
            booked = changes.places_in(live) if live else Counter[UUID]()
            found += booked | (changes.places_in(proposed) if proposed else Counter[UUID]())
        for due in MoveDue.unwalled.filter(stream_id__in=self.streams):
            found += Counter(due.kept)
        return found

    def is_changing(self, order: int) -> bool:
        with reading(self.world.coordinator):
            return chains.proposed_chain(self.streams[order]) is not None

    def is_asked(self, order: int) -> bool:
        return self._kept(self.streams[order]) is not None

    def _live(self, stream_id: UUID) -> SlotChain:
        return _there(chains.live_chain(stream_id))

    def _proposed(self, stream_id: UUID) -> SlotChain:
        return _there(chains.proposed_chain(stream_id))

    def _offer(self, chain: SlotChain | None, choice: int) -> changes.ChainOffer:
        request = self.world.request()
        request = changes.staying(chain, request) if chain else request
        offers = chains.search(self.world.coordinator, request).offers
        if not offers:
            raise Nothing
        return offers[choice % len(offers)]

    def _move(self, one: UUID, _: UUID, choice: int) -> None:
        chain = self._live(one)
        token = self._offer(chain, choice).token
        offer = changes.offer_for(self.world.coordinator, chain, self.world.request(), token)
        changes.move(self.world.coordinator, chain, self.world.request(), offer, **WHY)

    def _propose(self, one: UUID, _: UUID, choice: int) -> None:
        chain = self._live(one)
        token = self._offer(chain, choice).token
        offer = changes.offer_for(self.world.coordinator, chain, self.world.request(), token)
        changes.propose(self.world.coordinator, chain, self.world.request(), offer, **WHY)

    def _sign(self, one: UUID, _: UUID, choice: int) -> None:
        """A planner signs other dates after a disruption: what is free of them is kept for the center."""
        chain = self._live(one)
        offer = self._offer(chain, choice)
        if chain.state != ChainState.CONFIRMED or self._kept(one) is not None:
            raise Nothing
        move: RepairMove = RepairMove.objects.create(
            stream_id=one,
            run_id=uuid4(),
            disruption_id=DISRUPTION,
            center_id=chain.organization_id,
            slot_ids=[link.slot_id for link in offer.links],
            text="Other dates",
            before=chain.collection_starts_at,
            after=offer.collection_start,
            zone="UTC",
        )
        fresh = changes.places_of(offer) - changes.places_in(chain)
        site_id, starts = self.world.request().center_site_id, chains.starts_of(offer.links)
        keeping = Keeping(move, chain, site_id, tuple(fresh.elements()), starts)
        kept_moves.keep([keeping], timezone.now())

    def _accept(self, one: UUID, *_: object) -> None:
        """The center accepts: what was kept is let go, and taken for the order, in one transaction."""
        move, chain = self._let_go(one, MoveState.ACCEPTED), self._live(one)
        token = token_of(move.slot_ids)
        offer = changes.offer_for(self.world.coordinator, chain, self.world.request(), token)
        former = changes.places_in(chain)
        fresh = changes.move(self.world.coordinator, chain, self.world.request(), offer, **WHY)
        kept_moves.hand_on(DISRUPTION, former - changes.places_in(fresh))

    def _let_go(self, one: UUID, state: MoveState = MoveState.REFUSED) -> RepairMove:
        due = self._kept(one)
        if due is None:
            raise Nothing
        kept_moves.hand_on(DISRUPTION, kept_moves.let_go(due) or ())
        assert kept_moves.let_go(due) is None, "once"
        move: RepairMove = RepairMove.unwalled.get(pk=due.move_id)
        move.state = state
        move.save(update_fields=["state"])
        return move

    def _lapse(self, one: UUID) -> None:
        due = self._kept(one)
        if due is None:
            raise Nothing
        late = due.due_at + dt.timedelta(seconds=1)
        kept_moves.expire(due, late)
        with pytest.raises(Refusal):
            kept_moves.expire(due, late)

    def _kept(self, one: UUID) -> MoveDue | None:
        return MoveDue.unwalled.filter(stream_id=one).first()

    def _expire(self, one: UUID) -> None:
        chain = chains.proposed_chain(one) or self._live(one)
        late = chain.held_until + dt.timedelta(seconds=1)
        chains.expire(chain, late)
        with pytest.raises(Refusal):
            chains.expire(chain, late)


class Nothing(Exception):
    """There is no such chain, or no date, to act on."""


def _there(chain: SlotChain | None) -> SlotChain:
    if chain is None:
        raise Nothing
    return chain


ACT = st.sampled_from(
    ["hold", "renew", "submit", "confirm", "decline", "cancel", "expire", "move", "propose", "agree", "refuse"]
    + ["withdraw", "swap", "sign", "sign", "accept", "turn_down", "lapse"]
)
ORDER = st.integers(0, ORDERS - 1)
# Most orders get as far as confirmed dates first: that is where changes and swaps begin.
BOOKED = [(act, order, order, order) for order in range(ORDERS) for act in ("hold", "submit", "confirm")]


class PlanInvariants(TestCase):
    @given(
        booked=st.integers(0, len(BOOKED)), steps=st.lists(st.tuples(ACT, ORDER, ORDER, st.integers(0, 5)), max_size=20)
    )
    @settings(max_examples=20, deadline=None)
    def test_what_is_taken_is_what_the_orders_have(self, booked: int, steps: list[tuple[str, int, int, int]]) -> None:
        plan = Plan()
        for act, one, two, choice in [*BOOKED[:booked], *steps]:
            before = self._taken(plan)
            waiting = any(plan.is_changing(order) or plan.is_asked(order) for order in (one, two))
            done = plan.do(act, one, two, choice)
            after = self._taken(plan)
            still = act in ("renew", "submit", "confirm") or (act == "swap" and not waiting)
            if not done or still:
                assert after == before, act
            self._check(plan, after)

    def _taken(self, plan: Plan) -> Counter[UUID]:
        return Counter({slot.pk: slot.taken for slot in plan.world.slots() if slot.taken})

    def _check(self, plan: Plan, taken: Counter[UUID]) -> None:
        assert all(slot.taken <= slot.capacity for slot in plan.world.slots())
        with reading(plan.world.coordinator):
            assert taken == plan.places()
            rows = list(SlotChain.unwalled.filter(stream_id__in=plan.streams))
            due = set(HoldDue.unwalled.filter(stream_id__in=plan.streams).values_list("chain_id", flat=True))
        for stream_id in plan.streams:
            own = [row for row in rows if row.stream_id == stream_id]
            assert sum(row.state in LIVE for row in own) <= 1
            assert sum(row.state == ChainState.PROPOSED for row in own) <= 1
        with reading(plan.world.coordinator):
            asked = RepairMove.unwalled.filter(stream_id__in=plan.streams, state=MoveState.OFFERED)
            kept = MoveDue.unwalled.filter(stream_id__in=plan.streams)
            assert set(asked.values_list("pk", flat=True)) == set(kept.values_list("move_id", flat=True))
        assert due == {row.pk for row in rows if row.state in WAITING_OF}, "each countdown belongs to one that waits"


pytestmark = pytest.mark.django_db


def test_every_act_of_the_property_can_be_done() -> None:
    plan = Plan()
    told = [
        "hold",
        "renew",
        "submit",
        "confirm",
        "propose",
        "agree",
        "propose",
        "refuse",
        "propose",
        "withdraw",
        "move",
    ]
    told += ["cancel", "hold", "expire", "hold", "submit", "decline", "hold", "submit", "confirm", "propose", "expire"]
    for place, act in enumerate(told):
        # One of the offers may be what is booked already: then the next one is taken.
        assert any(plan.do(act, 0, 0, choice) for choice in range(3)), f"{act} at {place}"
    for act in ("hold", "submit", "confirm"):
        assert plan.do(act, 1, 1, 0), act
    assert plan.do("swap", 0, 1, 0)
    asked = ["sign", "turn_down", "sign", "lapse", "sign", "move", "sign", "accept", "sign", "cancel"]
    for place, act in enumerate(asked):
        assert any(plan.do(act, 0, 0, choice) for choice in range(3)), f"{act} at {place}"
    assert not plan.is_asked(0), "what a cancelled order was asked is withdrawn"
    assert {*told, "swap", *asked} == set(plan.acts)
