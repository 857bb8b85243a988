"""A downtime pack is printed: numbered per order, and on its record with what was printed (CO9)."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from ledger.context import Actor, reading
from ledger.recording import Once, Replayed, acting
from ledger.refusals import FactsMissing, InvalidInput, MissingFact
from orders import downtime, downtime_pdf
from orders.downtime import open_steps as open_steps
from orders.downtime import packs_of as packs_of
from orders.flow import order_named
from orders.inputs import read
from orders.locks import stream_of
from orders.models import DowntimePack, Order
from personas.policies import require
from personas.states import Capability

NOTHING = "Nothing of this order is worked by your organization on paper."


class DayInputs(serializers.Serializer[Any]):
    """For how many days ahead; orders with a step ready or planned until then."""

    days = serializers.IntegerField(min_value=1, max_value=7, default=2, label="Days ahead")


def print_pack(actor: Actor, code: str, *, identity: bool, once: Once | None = None) -> tuple[str, bytes]:
    """Print the pack of an order; return file name and PDF. Sent again, the same number is printed once more.

    ``identity``: whether the actor may read who the patient is. Raises FactsMissing where nothing is to be done.
    """
    paper = _print(actor, code, identity=identity, once=once)
    return downtime_pdf.file_name([paper], paper.printed_at), downtime_pdf.render([paper])


def print_day(actor: Actor, raw: Mapping[str, Any], *, may_read: bool) -> tuple[str, bytes]:
    """Print the packs of all orders that are due within some days (``days``, 1 to 7) as one PDF, each on its record.

    ``may_read``: whether the actor may read identities of its own center's patients. At most 40 orders at once.
    """
    days = read(DayInputs, raw)["days"]
    with reading(actor):
        codes = downtime.orders_within(actor, days)
        own = set(Order.unwalled.filter(code__in=codes, center_id=actor.organization_id).values_list("code", flat=True))
    if not codes:
        raise FactsMissing("No order is due in these days.", facts=[MissingFact("nothing_due", "Choose more days.")])
    if len(codes) > downtime.MOST_ORDERS:
        raise InvalidInput(fields={"days": [f"More than {downtime.MOST_ORDERS} orders: choose fewer days."]})
    papers = [_print(actor, code, identity=may_read and code in own) for code in codes]
    return downtime_pdf.file_name(papers, papers[0].printed_at), downtime_pdf.render(papers)


def _print(actor: Actor, code: str, *, identity: bool, once: Once | None = None) -> downtime.Paper:
    now = timezone.now()
    try:
        with acting(
            actor,
            "orders.pack_printed",
            stream_id=stream_of(code),
            subject=("order", code.upper()),
            capability=Capability.VIEW_ORDERS,
            once=once,
        ) as event:
            require(actor, Capability.VIEW_ORDERS)
            order = order_named(actor, code)
            number = DowntimePack.unwalled.filter(stream_id=order.stream_id).count() + 1
            paper = _paper(actor, order, number, now, identity=identity)
            row = DowntimePack.objects.create(
                stream_id=order.stream_id,
                number=number,
                organization_id=actor.organization_id,
                organization_name=actor.organization_name,
                printed_by=actor.display_name,
                printed_at=now,
                steps=[step.title for step in paper.steps],
                digest=hashlib.sha256(downtime_pdf.render([paper])).hexdigest(),
            )
            event.note(number=number, steps=row.steps, digest=row.digest, named=bool(paper.name))
            event.result = {"number": number, "at": now.isoformat()}
            return paper
    except Replayed as replayed:
        with reading(actor):
            order, at = order_named(actor, code), dt.datetime.fromisoformat(replayed.result["at"])
            return _paper(actor, order, replayed.result["number"], at, identity=identity)


def _paper(actor: Actor, order: Order, number: int, at: dt.datetime, *, identity: bool) -> downtime.Paper:
    paper = downtime.paper_of(actor, order, number, at, identity=identity)
    if not paper.steps:
        raise FactsMissing(NOTHING, facts=[MissingFact("nothing_on_paper", NOTHING)])
    return paper
