from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event, Grant
from ledger.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from quality import deviations, queries
from quality.actions.deviations import close_deviation, open_deviation
from quality.models import Deviation
from tests.factories import make_actor, make_organization, operator
from tests.quality.factories import World

FACTS: dict[str, Any] = {"kind": "temperature-excursion", "severity": "major", "text": "9 °C for 20 minutes"}


def test_a_deviation_is_opened_and_closed_on_the_orders_record(world: World) -> None:
    deviation = open_deviation(world.reviewer, world.stream.pk, **FACTS)
    close_deviation(world.releaser, deviation.pk, conclusion="Within the stability budget")
    with reading(world.reviewer):
        stored = queries.deviations_of(world.reviewer, world.stream.pk).get()
        events = Event.unwalled.filter(stream=world.stream, kind__startswith="quality.").order_by("seq")
        opened, closed = events
    assert (stored.state, stored.opened_by_id, stored.closed_by_id) == (
        "closed",
        world.reviewer.person_id,
        world.releaser.person_id,
    )
    assert opened.payload == {"number": stored.number, "kind": "temperature-excursion", "severity": "major"}
    assert closed.payload == {"number": stored.number, "severity": "major"}


@pytest.mark.parametrize(("severity", "refused"), [("minor", False), ("major", True), ("critical", True)])
def test_who_opened_a_serious_deviation_does_not_close_it(world: World, severity: str, refused: bool) -> None:
    deviation = open_deviation(world.reviewer, world.stream.pk, **(FACTS | {"severity": severity}))
    if not refused:
        assert close_deviation(world.reviewer, deviation.pk, conclusion="Noted").state == "closed"
        return
    with pytest.raises(NotAllowed) as caught:
        close_deviation(world.reviewer, deviation.pk, conclusion="Noted")
    assert caught.value.code == "opener_cannot_close"


def test_who_happened_to_trigger_an_automatic_one_may_close_it(world: World) -> None:
    with world.step(world.reviewer):
        deviation = deviations.open_deviation(world.stream, "custody-gap", "critical", "Gap", automatic=True)
    assert close_deviation(world.reviewer, deviation.pk, conclusion="Late entry explained").state == "closed"


def test_a_closed_deviation_stays_closed(world: World) -> None:
    deviation = open_deviation(world.reviewer, world.stream.pk, **FACTS)
    close_deviation(world.releaser, deviation.pk, conclusion="Done")
    with pytest.raises(WrongState) as caught:
        close_deviation(world.releaser, deviation.pk, conclusion="Done again")
    assert caught.value.code == "deviation_closed"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "Free text kind"}, "kind"),
        ({"kind": None}, "kind"),
        ({"severity": "huge"}, "severity"),
        ({"text": " "}, "text"),
        ({"text": "x" * 4001}, "text"),
    ],
)
def test_a_bad_deviation_names_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        deviations.refuse_bad_deviation(**(FACTS | change))
    assert list(caught.value.fields) == [field]


def test_bad_input_is_refused_by_the_doors(world: World) -> None:
    with pytest.raises(InvalidInput):
        open_deviation(world.reviewer, world.stream.pk, **(FACTS | {"severity": "huge"}))
    deviation = open_deviation(world.reviewer, world.stream.pk, **FACTS)
    with pytest.raises(InvalidInput) as caught:
        close_deviation(world.releaser, deviation.pk, conclusion=" ")
    assert "conclusion" in caught.value.fields


def test_it_takes_the_capability(world: World) -> None:
    deviation = open_deviation(world.reviewer, world.stream.pk, **FACTS)
    with pytest.raises(NotAllowed):
        open_deviation(world.operator, world.stream.pk, **FACTS)
    with pytest.raises(NotAllowed):
        close_deviation(world.operator, deviation.pk, conclusion="Nothing happened")


def test_a_stranger_finds_no_stream_and_no_deviation(world: World) -> None:
    deviation = open_deviation(world.reviewer, world.stream.pk, **FACTS)
    stranger = make_actor(make_organization("manufacturer"), "qa_reviewer")
    with pytest.raises(NotFound):
        open_deviation(stranger, world.stream.pk, **FACTS)
    with pytest.raises(NotFound):
        close_deviation(stranger, deviation.pk, conclusion="Mine now")
    with reading(stranger):
        assert not Deviation.unwalled.filter(pk=deviation.pk).exists()


def test_a_courier_reads_no_deviation(world: World) -> None:
    open_deviation(world.reviewer, world.stream.pk, **FACTS)
    courier = operator(world.courier)
    with reading(courier):
        assert not queries.deviations_of(courier, world.stream.pk).exists()
        assert not Event.unwalled.filter(kind="quality.deviation_opened").exists()


def test_a_reader_by_grant_changes_nothing(world: World) -> None:
    guest = make_actor(make_organization("manufacturer"), "qa_reviewer")
    with world.step(world.reviewer):
        Grant.objects.create(
            stream=world.stream,
            organization_id=guest.organization_id,
            granted_by_id=world.manufacturer.pk,
            until=timezone.now() + dt.timedelta(days=1),
            reason="Inspection",
        )
    with pytest.raises(NotAllowed) as caught:
        open_deviation(guest, world.stream.pk, **FACTS)
    assert caught.value.code == "not_a_party"
