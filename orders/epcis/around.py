"""What stands around events of the record: their orders, boxes and lots. Read for many at once, actor first.

Only what never changes once it is written: the same event must read the same for everybody, and in ten years.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from custody import queries as custody
from custody.shipper_swaps import packed_in
from ledger.context import Actor
from ledger.models import Event
from ledger.walls import visible
from orders.models import Order


@dataclass(frozen=True)
class Box:
    """A sealed shipper on its way, with what is inside."""

    code: str
    direction: str
    shipper: str
    from_site: str
    to_site: str
    from_zone: str
    to_zone: str
    sender: str
    receiver: str
    courier: str
    bags: tuple[str, ...]


@dataclass(frozen=True)
class Released:
    """A release as the record has it, for when it is declared wrong."""

    certificate: str
    site: str
    at: dt.datetime
    zone: str


@dataclass(frozen=True)
class Around:
    """What a stream is about. Empty for an organization's own stream."""

    order: str = ""
    identity: str = ""
    boxes: Mapping[str, Box] = field(default_factory=dict)  # oldest first
    lots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # batch number -> its bags
    donations: Mapping[str, str] = field(default_factory=dict)  # bag -> donation number, as printed on its label
    releases: Mapping[str, Released] = field(default_factory=dict)  # certificate -> release; read where one is revoked

    def box_with(self, bags: Collection[str]) -> Box | None:
        """Return the newest box that some of these bags travelled in."""
        return next((box for box in reversed(list(self.boxes.values())) if set(bags) & set(box.bags)), None)


NOTHING = Around()


def around(actor: Actor, stream_ids: Collection[UUID], revoked: Collection[UUID] = ()) -> dict[UUID, Around]:
    """Return what stands around the events of these streams: six queries, however many streams.

    ``revoked``: those of them where a release was revoked.
    """
    orders = visible(Order, actor).filter(stream_id__in=stream_ids).values_list("stream_id", "code", "identity_code")
    boxes: dict[UUID, dict[str, Box]] = defaultdict(dict)
    for row in custody.travelled(actor, stream_ids):
        boxes[row.stream_id][row.code] = Box(
            code=row.code,
            direction=row.direction,
            shipper=packed_in(row),
            from_site=row.from_site.code,
            to_site=row.to_site.code,
            from_zone=row.from_site.zone,
            to_zone=row.to_site.zone,
            sender=row.from_site.organization.code,
            receiver=row.to_site.organization.code,
            courier=row.courier.code,
            bags=tuple(sorted(item.container.code for item in row.items.all())),
        )
    lots: dict[UUID, dict[str, tuple[str, ...]]] = defaultdict(dict)
    donations: dict[UUID, dict[str, str]] = defaultdict(dict)
    for stream_id, code, lot, donation in custody.lots_and_donations(actor, stream_ids):
        if lot:
            lots[stream_id][lot] = (*lots[stream_id].get(lot, ()), code)
        if donation:
            donations[stream_id][code] = donation
    releases = _releases(actor, revoked) if revoked else {}
    return {
        stream_id: Around(
            code, identity, boxes[stream_id], lots[stream_id], donations[stream_id], releases.get(stream_id, {})
        )
        for stream_id, code, identity in orders
    }


def _releases(actor: Actor, stream_ids: Collection[UUID]) -> dict[UUID, dict[str, Released]]:
    found: dict[UUID, dict[str, Released]] = defaultdict(dict)
    events = visible(Event, actor).filter(stream_id__in=stream_ids, kind="orders.step_done")
    for event in events.filter(payload__kind="release_batch").order_by("seq"):
        certificate = str((event.payload.get("facts") or {}).get("certificate") or "")
        site = str(event.payload.get("site") or "")
        found[event.stream_id][certificate] = Released(certificate, site, event.occurred_at, event.zone)
    return found
