"""The register of shippers and loggers, as its keeper's pages and REST show it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Upper
from django.utils import timezone

from custody.models import Equipment
from ledger.context import Actor
from ledger.refusals import NotFound
from ledger.walls import visible
from personas.states import Capability

SOON = dt.timedelta(days=30)


@dataclass(frozen=True)
class Piece:
    """A shipper or logger with its ``state``: ``fit``, ``ends_soon``, ``uncharged``, ``expired`` or ``retired``."""

    row: Equipment
    state: str
    hold_left: dt.timedelta | None = None

    @property
    def hold_hours_left(self) -> int | None:
        """Whole hours that the charge still holds; None without one."""
        return None if self.hold_left is None else int(self.hold_left.total_seconds() // 3600)


def concerns(actor: Actor) -> bool:
    """Whether the actor keeps shippers and loggers, or packs into them: who opens the register."""
    return actor.can(Capability.KEEP_EQUIPMENT) or actor.can(Capability.PACK_MATERIAL)


def pieces(actor: Actor, *, kind: str = "", serial: str = "", retired: bool = False) -> QuerySet[Equipment]:
    """Return the acting organization's own pieces by serial number; ``serial``: those that contain it."""
    found = visible(Equipment, actor).filter(organization_id=actor.organization_id, retired_at__isnull=not retired)
    if kind:
        found = found.filter(kind=kind)
    return (found.filter(serial__icontains=serial) if serial else found).order_by("serial", "pk")


def kept_by(actor: Actor, organization_id: UUID) -> list[Equipment]:
    """Return the pieces in service and still valid that a partner keeps, by serial number."""
    found = visible(Equipment, actor).filter(organization_id=organization_id, retired_at__isnull=True)
    return list(found.filter(valid_until__gt=timezone.now()).order_by("serial", "pk"))


def numbers(actor: Actor, kind: str, spelled: Collection[str]) -> list[str]:
    """Return the numbers of pieces in the registers that the actor sees which are one of these, in whatever case."""
    upper = [text.upper() for text in spelled]
    found = visible(Equipment, actor).annotate(_spelled=Upper("serial")).filter(kind=kind, _spelled__in=upper)
    return sorted({serial.upper(): serial for serial in found.values_list("serial", flat=True)}.values())


def piece(actor: Actor, key: UUID) -> Equipment:
    """Return one of the acting organization's own pieces; NotFound for any other."""
    found = visible(Equipment, actor).filter(organization_id=actor.organization_id, pk=key).first()
    if found is None:
        raise NotFound()
    return found


def _used(row: Equipment) -> bool:
    """Whether a shipper came back from a journey and was not cleaned and charged again since."""
    since = row.returned_at
    return since is not None and any(at is None or at < since for at in (row.cleaned_at, row.charged_at))


def judged(row: Equipment, now: dt.datetime) -> Piece:
    """Return a piece with its state now. What a box needs on its way is judged when it is packed."""
    until = row.holds_until
    left = max(until - now, dt.timedelta()) if until else None
    if row.retired_at is not None:
        return Piece(row, "retired", left)
    if row.valid_until <= now:
        return Piece(row, "expired", left)
    if row.is_shipper and (not left or _used(row)):
        return Piece(row, "uncharged", left)
    return Piece(row, "ends_soon" if row.valid_until <= now + SOON else "fit", left)
