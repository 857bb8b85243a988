"""One shipper and one logger are in one box at a time, whoever's box that is (DE1). Runs inside an action.

From packing until it is opened, or until all that was in it has ended, a box binds its registered pieces. A unique
index says so, because a rule that counts rows would not see the boxes of other organizations' orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar
from uuid import UUID

from django.db import IntegrityError, transaction

from custody.models import Container, Equipment, Shipment, ShipmentItem
from custody.states import TERMINAL_STATES
from ledger.refusals import FactsMissing, MissingFact

Written = TypeVar("Written")
INDEXES = {"custody_box_shipper": "shipper", "custody_box_logger": "logger"}


def bind(
    write: Callable[[bool], Written], pieces: Iterable[Equipment | None], findings: list[MissingFact] | None
) -> Written:
    """Write a box with its pieces: ``write(True)`` binds them. Return what it wrote.

    Where one of them is in another box that is not open yet: FactsMissing. With ``findings`` (it has happened already)
    the fact goes there, and ``write(False)`` notes the numbers without binding anything.
    """
    try:
        with transaction.atomic():
            return write(True)
    except IntegrityError as error:
        kind = INDEXES.get(getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or "")
        piece = next((one for one in pieces if one is not None and one.kind == kind), None)
        if piece is None:
            raise
        fact = _in_another_box(piece)
    if findings is None:
        raise FactsMissing(fact.text, facts=[fact])
    findings.append(fact)
    return write(False)


def free_emptied(stream_id: UUID, containers: Iterable[Container]) -> None:
    """Free the pieces of the boxes of which everything that one of these was in has ended."""
    items = ShipmentItem.unwalled.filter(container__in=list(containers)).values("shipment")
    for box in Shipment.unwalled.filter(stream_id=stream_id, pk__in=items, binds_pieces=True):
        if not box.items.exclude(container__state__in=TERMINAL_STATES).exists():
            free(box)


def free_unpacked(stream_id: UUID, containers: Iterable[Container]) -> None:
    """Free the pieces of the boxes that nobody has picked up and out of which these were taken, to be packed anew."""
    items = ShipmentItem.unwalled.filter(container__in=list(containers)).values("shipment")
    waiting = Shipment.unwalled.filter(stream_id=stream_id, picked_up_at__isnull=True, binds_pieces=True)
    for box in waiting.filter(pk__in=items):
        free(box)


def free(box: Shipment) -> None:
    """Let the pieces of a box go into another one."""
    box.binds_pieces = False
    box.save(update_fields=["binds_pieces"])


def _in_another_box(piece: Equipment) -> MissingFact:
    column = {f"{piece.kind}": piece, "binds_pieces": True}
    box = Shipment.unwalled.filter(**column).first()  # of another organization's order it is not seen, and not named
    name = f"{piece.get_kind_display()} {piece.serial}"
    where = f"box {box.code}" if box is not None else "a box of another order"
    return MissingFact(
        f"{piece.kind}_in_another_box",
        f"{name} is in {where}, and that is not open yet.",
        f"Check the number on the {piece.get_kind_display().lower()}, or take another one. If it is right, whoever has "
        "that box records its receipt, or the shipper that it was moved into, first.",
    )
