"""Photos of boxes in a dossier: who took which of what, when and where, with the file and its hash."""

from __future__ import annotations

from typing import Any

from custody.shipments import BoxPhoto
from ledger.context import Actor
from ledger.walls import on_stream
from orders.models import Order


def photos_of(actor: Actor, order: Order) -> list[BoxPhoto]:
    """Return the photos of an order's boxes with their content, oldest first. Call inside ``reading(actor)``."""
    rows = on_stream(BoxPhoto, actor, order.stream_id).select_related("shipment", "organization")
    return list(rows.order_by("taken_at", "pk"))


def listed(actor: Actor, order: Order) -> list[BoxPhoto]:
    """Return the same without their content."""
    rows = on_stream(BoxPhoto, actor, order.stream_id).select_related("shipment", "organization")
    return list(rows.defer("content").order_by("taken_at", "pk"))


def parts_of(photos: list[BoxPhoto]) -> dict[str, list[dict[str, Any]]]:
    """Return them as plain rows of the dossier."""
    return {
        "photos": [
            {
                "file": name_of(number, row),
                "box": row.shipment.code,
                "shows": row.about,
                "part_of": row.step or "taken by itself",
                "place": row.place,
                "taken_by": row.taken_by,
                "organization": row.organization.name,
                "taken_at": row.taken_at,
                "sha256": row.digest,
            }
            for number, row in enumerate(photos, 1)
        ]
    }


def files_of(photos: list[BoxPhoto]) -> dict[str, bytes]:
    """Return the files by name."""
    return {name_of(number, row): bytes(row.content) for number, row in enumerate(photos, 1)}


def name_of(number: int, photo: BoxPhoto) -> str:
    return f"photo-{number:02d}-{photo.shipment.code}.jpg"
