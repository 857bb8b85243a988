"""Any sequence of acts, legal and not: balances hold, descent is acyclic and known, final is final (I2, I3, I4, I7)."""

from decimal import Decimal as D

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from custody import conversions, custody_periods, genealogy, material
from custody.models import Container, CustodyPeriod
from custody.queries import lineage_of
from custody.states import TERMINAL_STATES, ContainerState, ConversionKind
from ledger.context import reading
from ledger.refusals import Refusal
from tests.custody.factories import World, make_world
from tests.custody.test_conversions import ask_the_database

TENTHS = st.integers(1, 2600).map(lambda tenths: D(tenths) / 10)
PICKS = st.lists(st.integers(0, 30), min_size=1, max_size=3)
MILLILITERS_COLLECTED = 500


class Laboratory(RuleBasedStateMachine):
    """Two bags of 250 mL at a center, and whatever somebody tries with them and with what comes of them."""

    world: World

    @initialize()
    def collected(self) -> None:
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.final: dict[object, str] = {}
        bags = self.world.collected(2)
        with self.world.step():
            for number, bag in enumerate(bags, 1):
                bag.donation_number = f"A99992600000{number}"
                bag.save(update_fields=["donation_number"])
                custody_periods.begin(bag, self.world.center, self.world.center_site, None, bag.ended_at)

    def teardown(self) -> None:
        if hasattr(self, "transaction"):
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def _bags(self) -> list[Container]:
        return list(Container.unwalled.filter(stream=self.world.stream).order_by("pk"))

    def _try(self, kind: ConversionKind, picks: list[int], volumes: list[D], lost: D = D(0)) -> None:
        with self.world.step():
            bags = self._bags()
            chosen = [bags[pick % len(bags)] for pick in picks]
            try:
                with transaction.atomic():
                    facts = {"at": timezone.now(), "person_id": None, "lost": lost, "reason": "for a test"}
                    conversions.convert(kind, chosen, volumes, printing=None, **facts)
            except Refusal as refusal:
                assert refusal.detail and refusal.remedy

    @rule(kind=st.sampled_from(list(ConversionKind)), picks=PICKS, volumes=st.lists(TENTHS, max_size=3), lost=TENTHS)
    def anything(self, kind: ConversionKind, picks: list[int], volumes: list[D], lost: D) -> None:
        self._try(kind, picks, volumes, lost)

    @rule(pick=st.integers(0, 30), parts=st.lists(st.integers(1, 9), min_size=2, max_size=3))
    def split(self, pick: int, parts: list[int]) -> None:
        bag = self._bag(pick)
        each = [(bag.volume_ml * part / sum(parts)).quantize(D("0.1")) for part in parts]
        self._try(ConversionKind.SPLIT, [pick], each)

    @rule(picks=st.lists(st.integers(0, 30), min_size=2, max_size=3, unique=True))
    def pool(self, picks: list[int]) -> None:
        self._try(ConversionKind.POOLED, picks, [sum((self._bag(pick).volume_ml for pick in picks), D(0))])

    @rule(pick=st.integers(0, 30), draw=st.integers(1, 50))
    def sample(self, pick: int, draw: int) -> None:
        self._try(ConversionKind.SAMPLED, [pick], [D(draw) / 10])

    @rule(pick=st.integers(0, 30), state=st.sampled_from(list(ContainerState)))
    def move(self, pick: int, state: ContainerState) -> None:
        with self.world.step():
            bag = self._bag(pick)
            try:
                with transaction.atomic():
                    if state == ContainerState.QUARANTINED:
                        material.quarantine(bag, "for a test")
                    else:
                        material.move(bag, state)
                    if state in TERMINAL_STATES:
                        custody_periods.finish(bag, timezone.now())
            except Refusal:
                pass

    def _bag(self, pick: int) -> Container:
        with reading(self.world.nurse):
            bags = self._bags()
            return bags[pick % len(bags)]

    @invariant()
    def the_database_agrees(self) -> None:
        """Balances, counts and used-up parents, as they are asked at the end of a transaction."""
        with reading(self.world.nurse):
            ask_the_database()

    @invariant()
    def nothing_is_made_of_nothing(self) -> None:
        """What lies there, was used up otherwise and was lost is what was collected, less what no scale can see."""
        with reading(self.world.nurse):
            told = lineage_of(self.world.nurse, self.world.stream.pk)
        worked_up = {bag.pk for act in told.acts if act.row.kind != "sampled" for bag in act.parents}
        rest = sum((bag.volume_ml for bag in told.containers if bag.pk not in worked_up), D(0))
        lost = sum((act.row.volume_lost for act in told.acts), D(0))
        unseen = sum((genealogy.may_miss(act.row.volume_in) for act in told.acts), D(0))
        assert abs(MILLILITERS_COLLECTED - rest - lost) <= unseen

    @invariant()
    def everything_descends_from_a_donation_and_not_from_itself(self) -> None:
        with reading(self.world.nurse):
            told = lineage_of(self.world.nurse, self.world.stream.pk)
        for bag in told.containers:
            before = told.ancestors(bag)
            assert bag.pk not in {one.pk for one in before}
            assert any(one.donation_number for one in [bag, *before])
        assert not any(node.origin_unknown for node in told.nodes())

    @invariant()
    def final_stays_final_and_whatever_is_not_has_one_custodian(self) -> None:
        with reading(self.world.nurse):
            bags = self._bags()
            open_periods = CustodyPeriod.unwalled.filter(stream=self.world.stream, until__isnull=True)
            holders = [period.container_id for period in open_periods]
        assert len(holders) == len(set(holders))
        assert set(holders) == {bag.pk for bag in bags if not bag.is_terminal}
        for bag in bags:
            assert self.final.get(bag.pk, bag.state) == bag.state
        self.final |= {bag.pk: bag.state for bag in bags if bag.is_terminal}

    @invariant()
    def every_state_has_its_author(self) -> None:
        """I7: each change of a container carries the act that made it, with its times and who acted."""
        with reading(self.world.nurse):
            rows = Container.history.model.objects.filter(stream_id=self.world.stream.pk).select_related("event")
            newest = {row.id: row for row in rows.order_by("history_id")}
            for bag in self._bags():
                told = newest[bag.pk]
                assert (told.state, told.volume_ml) == (bag.state, bag.volume_ml)
                assert told.event.person_id == self.world.nurse.person_id
                assert told.event.occurred_at <= told.event.recorded_at


@pytest.mark.story("CL1")
def test_whatever_is_tried_with_material_the_invariants_hold(db: None) -> None:
    Laboratory.world = make_world()
    wanted = settings(
        max_examples=12,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Laboratory, settings=wanted)
