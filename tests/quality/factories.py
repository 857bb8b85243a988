"""A stream such as an order has, with its parties, and acts on it: what the order's engine does around quality."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

from ledger.context import Actor
from ledger.events import EventKind, register
from ledger.identifiers import new_id
from ledger.models import Party, Stream
from ledger.recording import OpenEvent, acting
from quality.batches import finish_batch, open_batch
from quality.models import Batch, QCResult, Release
from quality.release import decide, review
from quality.results import record_results
from quality.states import BatchState
from tests.factories import connect, make_actor, make_organization, make_site, operator
from tests.network.factories import make_specification, make_therapy

STEP = "tests.quality_step"
register(EventKind(STEP, "Step of a test", "A step of a test was done."))

GOOD: list[dict[str, Any]] = [
    {"test": "viability", "value": 88.5},
    {"test": "dose", "value": "120"},
    {"test": "vcn", "value": "3.2", "unit": "copies"},
    {"test": "sterility", "value": "no growth"},
]


def changed(key: str, **fields: Any) -> list[dict[str, Any]]:
    """The good results with the one of ``key`` changed."""
    return [result | fields if result["test"] == key else result for result in GOOD]


class World:
    """An order's stream with its four parties, and the people who act on its batch."""

    def __init__(self) -> None:
        self.manufacturer, self.center = make_organization("manufacturer"), make_organization()
        self.cmo, self.courier = make_organization("cmo"), make_organization("courier")
        self.parties = (self.manufacturer, self.center, self.cmo, self.courier)
        for partner in (self.center, self.cmo, self.courier):
            connect(self.manufacturer, partner)
        connect(self.center, self.cmo)
        self.plant_site = make_site(self.manufacturer)
        self.therapy = make_therapy(self.manufacturer)
        self.specification = make_specification(self.manufacturer, self.therapy)
        self.stream = self.new_stream()
        self.operator, self.analyst, self.reviewer, self.releaser = (
            make_actor(self.manufacturer, persona)
            for persona in ("operator", "qc_analyst", "qa_reviewer", "qualified_person")
        )

    def new_stream(self) -> Stream:
        actor = operator(self.manufacturer)
        stream = Stream(id=new_id(), kind="order", organization_id=actor.organization_id, synthetic=True)
        stream.party_ids = [actor.organization_id]
        with acting(actor, STEP, new_stream=stream):
            for organization in self.parties:
                Party.objects.create(stream=stream, organization_id=organization.pk, role=organization.role)
        return stream

    @contextmanager
    def step(self, actor: Actor, stream: Stream | None = None) -> Iterator[OpenEvent]:
        with acting(actor, STEP, stream_id=(stream or self.stream).pk) as event:
            yield event

    def make_batch(self, state: str = BatchState.IN_QC) -> Batch:
        started = timezone.now() - dt.timedelta(days=8)
        person = self.operator.person_id
        with self.step(self.operator):
            batch = open_batch(self.stream, self.plant_site, self.specification, "BR-1", started, person)
            if state != BatchState.IN_MANUFACTURE:
                finish_batch(batch, started + dt.timedelta(days=7), person)
        if state in (BatchState.UNDER_REVIEW, BatchState.RELEASED):
            self.record(batch, GOOD)
            self.review(batch)
        if state == BatchState.RELEASED:
            self.decide(batch)
        return batch

    def record(self, batch: Batch, results: Any, actor: Actor | None = None) -> list[QCResult]:
        actor = actor or self.analyst
        with self.step(actor):
            return record_results(batch, self.specification, results, actor.person_id)

    def review(self, batch: Batch, actor: Actor | None = None) -> Batch:
        actor = actor or self.reviewer
        with self.step(actor):
            return review(batch, actor.person_id)

    def decide(self, batch: Batch, decision: str = "release", actor: Actor | None = None, **more: Any) -> Release:
        actor = actor or self.releaser
        reason = more.pop("reason", "" if decision == "release" else "Does not meet the specification")
        with self.step(actor):
            return decide(batch, decision, reason, actor.person_id, "0" * 64, **more)
