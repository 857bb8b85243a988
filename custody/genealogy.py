"""Which containers were made of which: acts recorded with their balance, and read back as descent (I3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

from custody.models import Container, Conversion, Genealogy
from custody.models.genealogy import MAY_MISS_ML, MAY_MISS_PART
from custody.states import ConversionKind
from ledger.recording import open_event

NOTHING = Decimal(0)


def record(
    kind: ConversionKind,
    parents: Sequence[Container],
    children: Sequence[Container],
    *,
    at: dt.datetime,
    volume_in: Decimal | None,
    left: Decimal = NOTHING,
    lost: Decimal = NOTHING,
    reason: str = "",
) -> Conversion:
    """Record that ``children`` were made of ``parents`` in one act; the database refuses what does not add up."""
    stream_id = parents[0].stream_id
    act: Conversion = Conversion.objects.create(
        stream_id=stream_id,
        kind=kind,
        count_in=len(parents),
        count_out=len(children),
        volume_in=volume_in,
        volume_out=total(child.volume_ml for child in children),
        volume_left=left,
        volume_lost=lost,
        reason=reason,
        happened_at=at,
        recorded_by_id=open_event().actor.person_id,
    )
    Genealogy.objects.bulk_create(
        Genealogy(stream_id=stream_id, conversion=act, parent=parent, child=child, kind=kind)
        for parent in parents
        for child in children
    )
    return act


def total(volumes: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum in milliliters; None when one of the volumes is not known."""
    known = list(volumes)
    return None if None in known else sum((volume for volume in known if volume is not None), NOTHING)


def missing(volume_in: Decimal, accounted: Decimal) -> Decimal:
    """Return by how much a balance is off, in mL (negative: more came out); zero within what cannot be measured."""
    off = volume_in - accounted
    return off if abs(off) > may_miss(volume_in) else NOTHING


def may_miss(volume_in: Decimal) -> Decimal:
    """Return how many milliliters may be missing of what went in."""
    return volume_in * MAY_MISS_PART + MAY_MISS_ML


def has_known_origin(root: Container) -> bool:
    """Whether a container that was made of none says where it comes from: a donation, or the lot of a unit (I3)."""
    return bool(root.donation_number or root.lot)
