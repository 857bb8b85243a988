"""Empty shippers go back to whoever keeps them: expected from the moment a box was opened. Runs inside an action."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from custody.models import Container, Equipment, ReturnDue, Shipment, ShipperReturn
from ledger.recording import open_event


def unpack(stream_id: UUID, containers: Iterable[Container], at: dt.datetime) -> None:
    """Expect the shippers of the opened boxes of which everything came out: all they held is among the containers."""
    wanted = {container.pk for container in containers}
    here = open_event().actor.organization_id  # what was opened elsewhere is not the acting organization's to send back
    rows = Shipment.unwalled.filter(
        stream_id=stream_id, opened_at__isnull=False, shipper__isnull=False, to_site__organization_id=here
    )
    for box in rows.filter(items__container_id__in=wanted).distinct().select_related("to_site"):
        inside = set(box.items.values_list("container_id", flat=True))
        if inside <= wanted and box.shipper_id is not None:
            holder = (box.to_site.organization_id, box.to_site_id)
            expect_back(box.shipper_id, box.code, holder, box.courier_id, max(at, box.opened_at or at))


def expect_back(
    shipper_id: UUID, box_code: str, holder: tuple[UUID, UUID | None], courier_id: UUID, at: dt.datetime
) -> ShipperReturn | None:
    """Begin the return of an empty shipper; ``holder``: organization and site where it stands.

    None for a shipper that no register tells of any more, and for one that stands at its own keeper's: it is back.
    """
    piece = Equipment.unwalled.filter(pk=shipper_id, retired_at__isnull=True).first()
    if piece is None:
        return None
    if piece.organization_id == holder[0]:
        came_back(piece, at)
        return None
    expected = at + dt.timedelta(days=piece.return_days)
    known = ShipperReturn.unwalled.filter(shipper=piece, box_code=box_code).first()
    if known is not None:
        return known
    row: ShipperReturn = ShipperReturn.objects.create(
        owner_id=piece.organization_id,
        holder_id=holder[0],
        holder_site_id=holder[1],
        courier_id=courier_id,
        shipper=piece,
        serial=piece.serial,
        box_code=box_code,
        empty_since=at,
        expected_at=expected,
    )
    ReturnDue.objects.create(organization_id=row.owner_id, return_id=row.pk, shipper_id=row.shipper_id, due_at=expected)
    return row


def came_back(piece: Equipment, at: dt.datetime) -> None:
    """Note that a shipper is at its keeper's: it is cleaned and charged again before it is packed."""
    piece.returned_at = at
    piece.save(update_fields=["returned_at"])


def is_out(piece: Equipment) -> ShipperReturn | None:
    """Return the return that a shipper is expected by, as far as the acting organization may see it; None without."""
    rows = ShipperReturn.unwalled.filter(shipper=piece, received_at__isnull=True)
    return rows.select_related("holder", "holder_site").order_by("-empty_since").first()


def is_expected(piece: Equipment) -> bool:
    """Whether a shipper is empty somewhere and not back, also where the acting organization sees no return of it."""
    return ReturnDue.unwalled.filter(shipper_id=piece.pk).exists()
