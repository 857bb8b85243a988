"""What a fictional firm's people do every day, unseen: whoever plays one persona does not wait for their chores."""

from __future__ import annotations

import datetime as dt
import random
import zlib
from collections.abc import Collection
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from cgt.demo.left_empty import left_to_fetch
from custody import equipment_register, return_register
from custody import queries as custody
from custody.actions.equipment import add_equipment, charge_shipper, clean_shipper
from custody.actions.returns import receive_empty
from custody.equipment_register import Equipment
from custody.shipments import Shipment
from custody.states import LYING, EquipmentKind, StoreKind
from ledger.context import Actor, reading
from ledger.walls import visible
from personas.queries import organization_actor, organizations_at_work

VALID = dt.timedelta(days=300)  # of a shipper that is bought when all others are on their way
ENOUGH = dt.timedelta(days=5)  # a charge that holds longer than this is left alone


def make_ready(organization_id: UUID, shipper_id: UUID) -> None:
    """Fetch a shipper that stands empty somewhere, clean and charge it, as its keeper's staff would."""
    job = organization_actor(organization_id, "demo")
    _fetch(job, shipper_id)
    clean_shipper(job, shipper_id, {"cleaned_at": timezone.now().isoformat()})
    charge_shipper(job, shipper_id, {"charged_at": timezone.now().isoformat()})


def bring_pieces(organization_id: UUID, chance: random.Random) -> tuple[str, str]:
    """Make a free shipper of a courier ready and bring a free logger; return both numbers, empty without a register."""
    shipper, logger = (
        free_piece(organization_id, kind, chance) for kind in (EquipmentKind.SHIPPER, EquipmentKind.LOGGER)
    )
    if shipper is not None:
        make_ready(shipper.organization_id, shipper.pk)
    return shipper.serial if shipper else "", logger.serial if logger else ""


def not_in_a_box(kept: list[Equipment]) -> list[Equipment]:
    """Leave out the pieces that are in a box, as their keeper sees it; all of them where none is free."""
    if not kept:
        return kept
    job = organization_actor(kept[0].organization_id, "demo")
    with reading(job):
        boxes = visible(Shipment, job).filter(binds_pieces=True).values_list("shipper_id", "logger_id")
        taken = {piece for pair in boxes for piece in pair}
    free = [piece for piece in kept if piece.pk not in taken]
    return free if {piece.kind for piece in free} == {piece.kind for piece in kept} else kept


def free_piece(organization_id: UUID, kind: EquipmentKind, chance: random.Random) -> Equipment | None:
    """Return a registered piece that nobody uses now or later, a new one where none is free; None without a register.

    The past of a demonstration is told order by order, each along its own clock: what an order used on a later day is
    out of reach for one that is told afterwards of an earlier day.
    """
    job = organization_actor(organization_id, "demo")
    with reading(job):
        kept = [piece for piece in equipment_register.kept_by(job, organization_id) if piece.kind == kind]
        now = timezone.now()
        later = Q(opened_at__isnull=True) | Q(opened_at__gt=now)
        boxes = visible(Shipment, job).filter(later, **{f"{kind.value}__in": kept})
        used = set(boxes.values_list(f"{kind.value}_id", flat=True))
        used |= set(return_register.returns(job).filter(empty_since__gt=now).values_list("shipper_id", flat=True))
    if not kept:
        return None
    free = [piece for piece in kept if piece.pk not in used and not (piece.returned_at and piece.returned_at > now)]
    return chance.choice(free) if free else _another(job, kept[0], chance)


def _another(job: Actor, like: Equipment, chance: random.Random) -> Equipment:
    serial = f"{like.serial.rpartition('-')[0]}-{chance.randrange(100, 1000)}"
    valid = (timezone.now() + VALID).isoformat()
    hold = {"hold_hours": like.hold_hours} if like.is_shipper else {}
    new = {"kind": like.kind, "serial": serial, "model": like.model, "valid_until": valid}
    key = add_equipment(job, new | hold)
    with reading(job):
        return equipment_register.piece(job, key)


def _fetch(job: Actor, shipper_id: UUID | None = None, but: Collection[UUID] = ()) -> set[UUID]:
    """Receive what stands empty somewhere, or one of it; return the shippers."""
    now = timezone.now()
    with reading(job):
        out = return_register.returns(job).filter(owner_id=job.organization_id, empty_since__lte=now)
        rows = list(out.filter(shipper_id=shipper_id) if shipper_id else out.exclude(shipper_id__in=but))
    for row in rows:
        receive_empty(job, row.pk, {"outcome": "fit", "received_at": now.isoformat()})
    return {row.shipper_id for row in rows}


def charge_shippers() -> int:
    """Fetch, clean and charge every registered shipper that needs it, as its owner's staff would; return how many."""
    now, charged = timezone.now(), 0
    for organization_id in organizations_at_work():
        job = organization_actor(organization_id, "demo")
        left = left_to_fetch(job, now)
        _fetch(job, but=left)
        with reading(job):
            kept = equipment_register.kept_by(job, organization_id)
        due = [piece for piece in kept if piece.is_shipper and piece.pk not in left and not is_ready(piece)]
        for piece in due:
            _clean_and_charge(job, piece)
        charged += len(due)
    return charged


def _clean_and_charge(job: Actor, piece: Equipment) -> None:
    """Make a shipper ready as a packing asks it: what came back from a journey is cleaned, then charged again."""
    if piece.returned_at and not (piece.cleaned_at and piece.cleaned_at >= piece.returned_at):
        clean_shipper(job, piece.pk, {"cleaned_at": timezone.now().isoformat()})
    charge_shipper(job, piece.pk, {"charged_at": timezone.now().isoformat()})


def record_of(code: str, asked: Collection[str]) -> dict[str, str]:
    """Return what a collection is recorded with, as far as its flow asks for it; always the same for an order."""
    number = zlib.crc32(code.encode())
    known = {
        "device_serial": f"AD-{number % 5 + 1:03d}",
        "kit_lot": f"KL-{number % 6 + 20}",
        "anticoagulant": "ACD-A",
        "anticoagulant_ml": str(600 + number % 500),
        "anticoagulant_ratio": "1:12",
        "processed_ml": str(9000 + number % 5000),
    }
    return {name: value for name, value in known.items() if name in asked}


def free_places(actor: Actor, site_id: UUID) -> list[str]:
    """Return the free places of a site's tanks as they are typed; none where no register of the store is kept."""
    units = [unit for unit in custody.store_units(actor) if unit.site_id == site_id and unit.kind == StoreKind.NITROGEN]
    taken = {(bag.store_unit_id, bag.rack, bag.place) for bag in custody.in_hand(actor, *LYING)} if units else set()
    return [
        unit.path(rack, place)
        for unit in units
        for rack in range(1, unit.racks + 1)
        for place in range(1, unit.places + 1)
        if (unit.pk, rack, place) not in taken
    ]


def is_ready(piece: Equipment) -> bool:
    """Whether a shipper holds long enough, and was cleaned and charged since it came back from its last journey."""
    if piece.holds_until is None or piece.holds_until <= timezone.now() + ENOUGH:
        return False
    back = piece.returned_at
    return back is None or all(at is not None and at >= back for at in (piece.cleaned_at, piece.charged_at))
