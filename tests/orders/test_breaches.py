"""An excursion after a decision: what is worse or new holds, opens and tells again; what is known already does not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

import tests.custody.factories  # noqa: F401 - registers the kind of event of a test
from custody.models import Container, Shipment
from custody.readings import Limits, Point
from ledger.context import reading
from ledger.models import Event
from ledger.recording import acting
from orders.actions.conversions import convert_material
from orders.actions.dispositions import decide_on_quarantine
from orders.breaches import is_new
from orders.flow import order_named
from quality.actions.deviations import close_deviation
from quality.queries import deviations_of
from tests.orders.conftest import patient
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.orders.test_shipment_pages import DOCK, QA, Sent

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("QA7")]
LAB = ("center", "cell_lab_technologist")


def cases(sent: Sent) -> list[Any]:
    actor = sent.world.actor(*QA)
    with reading(actor):
        found = [one for one in deviations_of(actor, sent.order.stream_id) if one.kind == "excursion"]
        return sorted(found, key=lambda one: one.opened_at)


def states(sent: Sent, kind: str = "starting_material") -> dict[str, str]:
    with reading(sent.actor):
        rows = Container.unwalled.filter(stream_id=sent.order.stream_id, kind=kind)
        return {bag.code: str(bag.state) for bag in rows}


def decide(sent: Sent) -> None:
    """Quality closes every open case of the excursion and releases what is held."""
    actor = sent.world.actor(*QA)
    for case in cases(sent):
        if case.state == "open":
            close_deviation(actor, case.pk, conclusion="Within what the product tolerates.")
    with reading(actor):
        held = list(Container.unwalled.filter(stream_id=sent.order.stream_id, state="quarantined"))
    for bag in held:
        decide_on_quarantine(actor, sent.code, bag.code, "release", "Tolerated")


class Longer(Sent):
    """An order whose box is on its way for two hours, as far as its readings go."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        with acting(self.actor, "tests.custody_step"):
            self.box.packed_at = timezone.now() - dt.timedelta(hours=2)
            Shipment.unwalled.filter(pk=self.box.pk).update(packed_at=self.box.packed_at)

    def rows(self, *values: float) -> list[list[Any]]:
        """One value every ten minutes."""
        begin, ten = self.box.packed_at, dt.timedelta(minutes=10)
        return [[(begin + ten * number).isoformat(), value] for number, value in enumerate(values, 1)]


def test_what_is_worse_after_a_decision_holds_opens_and_tells_again(world: World) -> None:
    sent = Longer(world)
    sent.send(4, 9, 4)
    assert set(states(sent).values()) == {"quarantined"} and len(cases(sent)) == 1
    decide(sent)
    assert set(states(sent).values()) == {"in_transit"}
    sent.send(4, 9, 4)  # the same breach read twice
    sent.send(4, 9, 4, 5, 5)  # and what followed was in range
    assert set(states(sent).values()) == {"in_transit"} and len(cases(sent)) == 1
    assert sent.told() == ["orders.excursion_found"]
    sent.send(4, 9, 4, 5, 5, 30)
    assert set(states(sent).values()) == {"quarantined"}
    was, now = cases(sent)
    assert "30 °C" in now.text and was.number in now.text and now.state == "open"
    assert sent.told() == ["orders.excursion_found"] * 2
    with reading(sent.actor):
        told = Event.unwalled.filter(stream_id=sent.order.stream_id, kind="orders.excursion_found").order_by("seq")
        assert [one.payload["highest"] for one in told] == ["9", "30"]
    sent.send(4, 9, 4, 5, 5, 30)
    sent.send(4, 9, 4, 5, 5, 30, 31)  # worse while the case is open: it is in the case already
    assert len(cases(sent)) == 2 and sent.told() == ["orders.excursion_found"] * 2


def test_a_far_worse_or_other_breach_is_told_again_while_the_case_is_open_and_no_more_often(world: World) -> None:
    sent, values = Longer(world), [4.0, 9.0]
    sent.send(*values)

    def told_after(value: float) -> int:
        values.append(value)
        sent.send(*values)
        sent.send(*values)  # the same file once more
        return len(sent.told())

    assert told_after(9.5) == 1, "a little worse"
    assert told_after(30) == 2, "far more than twice as far outside"
    assert told_after(31) == 2
    assert told_after(-5) == 3, "the other limit"
    assert [told_after(9) for _ in range(5)] == [3, 3, 3, 3, 4], "twice as long outside as was told"
    assert sent.told() == ["orders.excursion_found"] * 4
    (case,) = cases(sent)
    first, *more = case.text.splitlines()
    assert "4 to 9 °C" in first and len(more) == 3
    at = sent.box.packed_at + dt.timedelta(minutes=40)
    assert "Worse while this case is open: 30 °C, first at " + f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC" in more[0]
    assert "-5 to 31 °C" in more[1].replace("−", "-")
    page = sent.world.actor(*QA)
    with reading(page):
        rows = Event.unwalled.filter(stream_id=sent.order.stream_id, kind="orders.excursion_found").order_by("seq")
        assert [one.payload["highest"] for one in rows] == ["9", "30", "31", "31"]


def test_readings_in_range_after_the_release_of_an_open_ended_breach_hold_nothing(world: World) -> None:
    sent = Longer(world)
    sent.send(4, 9)
    decide(sent)
    sent.send(4, 9, 5, 5)
    assert set(states(sent).values()) == {"in_transit"} and len(cases(sent)) == 1


def sample_of(sent_by: Any, code: str, bag: Container) -> str:
    given = {"kind": "sampled", "bags": [{"scan": bag.code}], "volumes": [{"volume_ml": "2"}]}
    (made,) = convert_material(sent_by, code, given | {"at": timezone.now().isoformat()})
    return made


def test_what_was_made_of_it_since_is_held_and_what_had_stayed_behind_is_not(world: World) -> None:
    journey, lab = journey_of(world, **patient()), world.actor(*LAB)
    journey.run(before="pack")
    with reading(lab):
        stream_id = order_named(lab, journey.code).stream_id
        first, *_ = Container.unwalled.filter(stream_id=stream_id, kind="starting_material").order_by("position")
    stayed = sample_of(lab, journey.code, first)
    journey.run(until="finish")
    sent = Sent.of(world, journey)
    assert set(states(sent).values()) == {"consumed"}
    sent.send(4, 25, 4)
    assert set(states(sent, "drug_product").values()) == {"quarantined"}
    (case,) = cases(sent)
    assert first.code in case.text and "consumed" in case.text
    with reading(lab):
        assert Container.unwalled.get(code=stayed).state != "quarantined"


def test_a_bag_that_was_split_before_its_file_came_is_held_in_all_its_parts(world: World) -> None:
    sent, operator = Sent(world, until="receipt"), world.actor(*DOCK)
    bag = sent.bags()[0]
    assert bag.volume_ml is not None
    half = str(bag.volume_ml / 2)
    given = {"kind": "split", "bags": [{"scan": bag.code}], "volumes": [{"volume_ml": half}] * 2}
    made = convert_material(operator, sent.code, given | {"at": timezone.now().isoformat()})
    sent.send(4, 25, 4)
    held = {code for code, state in states(sent).items() if state == "quarantined"}
    assert {*made} <= held and len(held) == len(made) + len(sent.bags()) - 1


COLD = Limits(200, 800)
KNOWN: list[Point] = [(0, 500), (60, 900), (120, 1200), (180, 500), (240, 500)]


@pytest.mark.parametrize(
    ("point", "new"),
    [
        ((90, 1100), False),  # between two that were outside: read more finely
        ((90, 1201), True),  # worse than both
        ((30, 850), False),  # on the way out
        ((150, 1200), False),
        ((210, 900), True),  # where all was well
        ((300, 801), True),  # after all that was known
        ((-10, 100), True),
        ((120, 1300), True),  # the same second, worse
        ((120, 1000), False),
        ((90, 100), True),  # too cold is another breach
    ],
)
def test_a_reading_is_new_where_nothing_was_known_to_be_outside_or_when_it_is_worse(point: Point, new: bool) -> None:
    assert is_new(point, KNOWN, COLD) is new
