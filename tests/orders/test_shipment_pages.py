"""The page of a box and its REST: readings come in, an excursion holds the bags, in range is told by itself."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cgt.demo.journey import Journey
from custody.actions.layouts import save_layout
from custody.judging import Limits, tally
from custody.models import Container, ReadingBlock, ReadingUpload, Shipment
from custody.readings import _points_around, condition_of, points_of
from ledger.context import reading
from ledger.models import Event
from ledger.refusals import NotAllowed, WrongState
from network.actions.lane_plans import plan_lane
from network.models import Lane
from orders.actions import excursions
from orders.flow import order_named
from orders.models import ConditionDue
from orders.tasks import tell_conditions
from quality.queries import deviations_of
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World, make_world
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
DRIVER, DOCK, QA = ("courier", "courier_driver"), ("maker", "operator"), ("maker", "qa_reviewer")


class Sent:
    """An order whose box is with the courier, or was delivered."""

    def __init__(self, world: World, until: str = "pickup") -> None:
        identity = patient()
        journey = journey_of(world, **identity)
        journey.run(until=until)
        self._found(world, journey)

    @classmethod
    def of(cls, world: World, journey: Journey) -> Sent:
        """The box of an order that was driven so far already."""
        found = cls.__new__(cls)
        found._found(world, journey)
        return found

    def _found(self, world: World, journey: Journey) -> None:
        self.world, self.journey, self.identity = world, journey, dict(journey.identity)
        self.code, self.actor = self.journey.code, world.actor(*DOCK)
        with reading(self.actor):
            self.order = order_named(self.actor, self.code)
            self.box = Shipment.unwalled.get(stream_id=self.order.stream_id)
        self.page = f"/orders/{self.code}/boxes/{self.box.code}/"
        self.rest = f"/api/v1/orders/{self.code}/shipments/{self.box.code}/readings"

    def rows(self, *values: float) -> list[list[Any]]:
        end = self.box.delivered_at or self.box.picked_up_at or self.box.packed_at
        begin = self.box.packed_at
        step = (end - begin) / max(len(values), 1)
        return [[(begin + step * number).isoformat(), value] for number, value in enumerate(values, 1)]

    def file(self, *values: float, serial: str | None = None) -> SimpleUploadedFile:
        lines = [f"Serial number;{serial or self.box.logger_code}", "Timestamp;Temperature"]
        lines += [f"{at};{value}" for at, value in self.rows(*values)]
        return SimpleUploadedFile("log.csv", "\n".join(lines).encode())

    def send(self, *values: float) -> ReadingUpload:
        return excursions.send_readings(
            self.actor, self.code, self.box.code, {"logger": self.box.logger_code, "readings": self.rows(*values)}
        )

    def told(self) -> list[str]:
        with reading(self.actor):
            found = Event.unwalled.filter(stream_id=self.order.stream_id, kind__startswith="orders.").order_by("seq")
            return [kind for kind in found.values_list("kind", flat=True) if "condition" in kind or "excursion" in kind]

    def bags(self) -> list[Container]:
        with reading(self.actor):
            return list(Container.unwalled.filter(shipment_items__shipment=self.box).order_by("position"))


def test_a_file_is_taken_once_and_drawn(world: World, browse: Browse) -> None:
    sent, dock = Sent(world), browse(*DOCK)
    given = {"file": sent.file(4, 5, 6), "once": str(uuid4())}
    assert dock.post(sent.page, given).status_code == 303
    page = text_of(dock.get(sent.page))
    assert 'class="cgt-chart"' in page and "4 to 6 °C" in page and "The same as a table" in page
    assert dock.post(sent.page, {"file": sent.file(4, 5, 6), "once": str(uuid4())}).status_code == 303
    answer = dock.get(sent.rest).json()
    assert answer["readings"] == 3 and [(one["taken"], one["repeated"]) for one in answer["uploads"]] == [
        (0, 3),
        (3, 0),
    ]


def test_rows_out_of_order_twice_bad_or_elsewhen_are_merged_by_rule(world: World) -> None:
    sent = Sent(world)
    rows = sent.rows(4, 5, 6)
    before = (sent.box.packed_at - dt.timedelta(hours=3)).isoformat()
    mixed = [rows[2], rows[0], rows[0], rows[1], [before, 30], ["soon", 4], [rows[0][0][:19], 4], [rows[1][0], 5.5]]
    upload = excursions.send_readings(
        sent.actor, sent.code, sent.box.code, {"logger": sent.box.logger_code.lower(), "readings": mixed}
    )
    assert (upload.taken, upload.repeated, upload.elsewhen, upload.bad) == (4, 1, 1, 2)
    assert upload.out_of_order >= 1 and [fault["line"] for fault in upload.faults] == [6, 7]


def test_a_file_of_another_logger_is_refused_and_nothing_is_kept(world: World, browse: Browse) -> None:
    sent, dock = Sent(world), browse(*DOCK)
    answer = dock.post(sent.page, {"file": sent.file(4, serial="OTHER-1"), "once": str(uuid4())})
    assert answer.status_code == 400 and "OTHER-1" in text_of(answer)
    plain = SimpleUploadedFile("log.csv", f"Time;Temp\n{sent.rows(4)[0][0]};4\n".encode())
    answer = dock.post(sent.page, {"file": plain})
    assert answer.status_code == 400 and "Enter the one on the logger" in text_of(answer)
    body = {"logger": "OTHER-1", "readings": sent.rows(4)}
    assert dock.post(sent.rest, body, content_type="application/json").json()["code"] == "wrong_logger"
    with reading(sent.actor):
        assert not ReadingUpload.unwalled.filter(shipment=sent.box).exists()


@pytest.mark.story("QA7")
def test_an_excursion_holds_the_bags_opens_a_deviation_and_is_told_once(world: World, browse: Browse) -> None:
    sent = Sent(world)
    sent.send(4, 25, 4)
    assert {bag.state for bag in sent.bags()} == {"quarantined"}
    actor = world.actor(*QA)
    with reading(actor):
        (deviation,) = [one for one in deviations_of(actor, sent.order.stream_id) if one.kind == "excursion"]
    assert deviation.severity == "critical" and "25 °C" in deviation.text
    sent.send(4, 25, 4, 26)
    assert sent.told() == ["orders.excursion_found"]
    page = text_of(browse(*QA).get(sent.page))
    assert "Outside its limits" in page and "quality assurance decides" in page
    driver = text_of(browse(*DRIVER).get(f"/orders/{sent.code}/steps/delivery/"))
    assert "Quality assurance decides about it first" not in driver  # what is held is delivered all the same


def test_in_range_is_told_by_itself_once_it_was_delivered(world: World) -> None:
    sent = Sent(world)
    sent.send(4, 5)
    assert sent.told() == []
    arrived = Sent(world, until="delivery")
    arrived.send(4, 5)
    arrived.send(4, 5, 6)
    assert arrived.told() == ["orders.condition_in_range"]
    assert {bag.state for bag in arrived.bags()} == {"in_transit"}


def test_a_courier_s_page_tells_nothing_of_what_is_inside(world: World, browse: Browse) -> None:
    sent = Sent(world)
    sent.send(4, 25)
    text = text_of(browse(*DRIVER).get(sent.page))
    hidden = [*sent.identity.values(), sent.order.identity_code, world.therapy.name, *(bag.code for bag in sent.bags())]
    assert sent.box.code in text and not [one for one in hidden if one in text]


def test_strangers_find_no_box_and_who_has_no_part_in_it_sends_nothing(world: World) -> None:
    sent = Sent(world)
    sent.send(4)
    for role, persona in (("treatment_center", "coordinator"), ("courier", "courier_driver"), ("cmo", "cmo_operator")):
        stranger = signed_in(make_member(make_organization(role), persona))
        assert stranger.get(sent.page).status_code == 404
        assert stranger.get(sent.rest).status_code == 404
        body = {"logger": sent.box.logger_code, "readings": sent.rows(5)}
        assert stranger.post(sent.rest, body, content_type="application/json").status_code == 404
    with pytest.raises(NotAllowed):
        body = {"logger": sent.box.logger_code, "readings": sent.rows(5)}
        excursions.send_readings(world.actor("center", "coordinator"), sent.code, sent.box.code, body)
    other = world.member("maker", "operator")
    with reading(sent.actor):
        assert other and ReadingBlock.unwalled.filter(shipment=sent.box).count() == 1


def test_a_saved_layout_reads_files_of_its_model(world: World, browse: Browse) -> None:
    keeper = world.actor("center", "cell_lab_technologist")
    given = {"time_column": "When", "value_column": "Probe", "zone": "UTC", "time_format": "%d/%m/%Y %H:%M:%S"}
    model = save_layout(keeper, {"model": f"Odd {uuid4().hex[:6]}", **given})
    sent, lab = Sent(world), browse("center", "cell_lab_technologist")
    at = sent.box.packed_at.astimezone(dt.UTC)
    text = f"Serial;{sent.box.logger_code}\nWhen;Probe\n{at:%d/%m/%Y %H:%M:%S};4.5\n"
    once: Any = {"file": SimpleUploadedFile("x.csv", text.encode()), "model": model}
    refused = lab.post(sent.page, {"file": SimpleUploadedFile("x.csv", text.encode())})
    assert refused.status_code == 400 and "not in the first" in text_of(refused)
    assert lab.post(sent.page, once).status_code == 303
    assert lab.get(sent.rest).json()["highest_c"] == 4.5
    assert lab.post("/equipment/layouts/", {**given, "model": "Odd 2", "zone": "Mars/Olympus"}).status_code == 400
    assert lab.post("/equipment/layouts/", {**given, "model": "Odd 2"}).status_code == 303
    assert "Odd 2" in text_of(lab.get("/equipment/layouts/"))
    assert "Odd 2" not in text_of(browse("courier", "courier_dispatcher").get("/equipment/layouts/"))


def test_more_uploads_cost_no_more_statements(world: World, browse: Browse) -> None:
    sent, dock = Sent(world), browse(*DOCK)
    counts = []
    for number in range(3):
        sent.send(4, 5 + number / 10)
        dock.get(sent.page)
        with CaptureQueriesContext(connection) as captured:
            assert dock.get(sent.page).status_code == 200
        counts.append(len(captured))
    assert len(set(counts)) == 1


def due(sent: Sent) -> ConditionDue:
    return ConditionDue.unwalled.get(shipment_id=sent.box.pk)


def test_what_a_delivery_completes_is_told_by_the_clock_once(world: World) -> None:
    sent = Sent(world)
    sent.send(4, 5)
    watched = due(sent)
    assert not excursions.tell_watched(watched) and sent.told() == []
    sent.journey.run(until="delivery")
    assert excursions.tell_watched(watched) and not ConditionDue.unwalled.filter(pk=watched.pk).exists()
    assert not excursions.tell_watched(watched) and sent.told() == ["orders.condition_in_range"]


def test_a_telling_that_failed_is_made_up_for_without_another_upload(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Sent(world)

    def fails(*_: Any) -> None:
        raise WrongState("The worker stopped here.")

    with monkeypatch.context() as broken:
        broken.setattr(excursions, "tell", fails)
        sent.send(4, 25)
    assert sent.told() == [] and {bag.state for bag in sent.bags()} == {"quarantined"}
    ConditionDue.unwalled.filter(shipment_id=sent.box.pk).update(due_at=timezone.now())
    tell_conditions()
    assert sent.told() == ["orders.excursion_found"]


def test_a_lane_s_own_limits_count_before_the_therapy_s_and_hold_all_the_way(browse: Browse) -> None:
    world = make_world()  # of its own: a lane binds every box on it
    sent, keeper = Sent(world), world.actor("maker", "logistics_manager")

    def limited(low: str, high: str) -> None:
        with reading(keeper):
            lane = Lane.unwalled.get(manufacturer_id=world.maker.pk, direction="inbound", until__isnull=True)
        plan_lane(keeper, lane.pk, {"minimum_c": low, "maximum_c": high})

    dock = signed_in(world.member(*DOCK))
    assert dock.get(sent.rest).json()["limits"] == "2 to 8 °C"
    limited("15", "25")
    assert dock.get(sent.rest).json()["limits"] == "15 to 25 °C"
    sent.send(18, 20)
    assert sent.told() == [] and {bag.state for bag in sent.bags()} == {"in_transit"}
    limited("2", "8")
    sent.send(18, 20, 21)
    assert dock.get(sent.rest).json()["limits"] == "15 to 25 °C" and sent.told() == []


def test_readings_of_a_clock_that_runs_ahead_are_named_and_not_taken(world: World) -> None:
    sent = Sent(world)
    ahead = (timezone.now() + dt.timedelta(hours=2)).isoformat()
    mixed = [*sent.rows(4), [ahead, 4]]
    body = {"logger": sent.box.logger_code, "readings": mixed}
    upload = excursions.send_readings(sent.actor, sent.code, sent.box.code, body)
    assert (upload.taken, upload.bad) == (1, 1) and upload.faults[0]["text"] == "That time has not come yet."
    text = "\n".join(
        [f"Serial;{sent.box.logger_code}", "Timestamp;Temperature", f"{ahead};4", f"{sent.rows(5)[0][0]};5"]
    )
    upload = excursions.send_file(sent.actor, sent.code, sent.box.code, text.encode())
    assert (upload.taken, upload.bad) == (1, 1) and upload.faults[0]["line"] == 3


def test_readings_out_of_order_and_twice_amount_to_the_same_as_all_at_once(world: World) -> None:
    """Message by message only the neighbors are read again; the longest gap filled, and old rows, ask for all."""
    values = [5.0, 30.0, 6.0, 5.5, 4.0, 31.0, 5.0, 5.2, 4.9, 6.1]
    piecemeal, whole = Sent(world, until="delivery"), Sent(world, until="delivery")
    rows = piecemeal.rows(*values)
    for chosen in ((4, 9), (0,), (4,), (7, 2), (5,), (9, 8, 1), (3, 6)):
        body = {"logger": piecemeal.box.logger_code, "readings": [rows[place] for place in chosen]}
        excursions.send_readings(piecemeal.actor, piecemeal.code, piecemeal.box.code, body)
        with reading(piecemeal.actor):
            row = condition_of(piecemeal.box.pk)
            points = points_of(piecemeal.box.pk)
            assert row is not None
            scratch = tally(points, Limits(row.minimum, row.maximum, row.minutes_allowed))
        for name in ("readings", "lowest", "highest", "outside", "outside_seconds", "gap_seconds", "minutes_outside"):
            assert getattr(row, name) == getattr(scratch, name), (chosen, name)
    whole.send(*values)
    with reading(whole.actor):
        other = condition_of(whole.box.pk)
    assert other is not None and row is not None
    for name in ("state", "lowest", "highest"):  # two boxes: readings that fall into one second are not the same ones
        assert getattr(row, name) == getattr(other, name), name


def test_a_reading_more_reads_only_its_neighbors(world: World) -> None:
    sent = Sent(world, until="delivery")
    rows = sent.rows(*[5.0] * 40)

    def send(*chosen: int) -> str:
        body = {"logger": sent.box.logger_code, "readings": [rows[place] for place in chosen]}
        with CaptureQueriesContext(connection) as captured:
            excursions.send_readings(sent.actor, sent.code, sent.box.code, body)
        return str([one["sql"] for one in captured if 'FROM "custody_readingblock"' in one["sql"]])

    for place in range(0, 38, 2):
        send(place)
    said = send(38)
    assert "begins" in said and '"ends"' in said
    with reading(sent.actor):
        stored = sorted({_second(rows[place][0])[0] for place in range(0, 39, 2)})
        for place in (20, 39):
            own = _second(rows[place][0])
            before, after = [one for one in stored if one < own[0]], [one for one in stored if one > own[0]]
            near = [*before[-1:], *(one for one in stored if one == own[0]), *after[:1]]
            assert [second for second, _ in _points_around(sent.box.pk, [own])] == near


def _second(at: str) -> tuple[int, int]:
    return int(dt.datetime.fromisoformat(at).timestamp()), 500
