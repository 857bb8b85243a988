"""Which shipper and which logger may go with a box: known, qualified, calibrated, and held long enough (DE1–DE3).

Whoever has entered a piece of a kind keeps a register of that kind. Where the courier, the sender or the receiver of a
box keeps one, what is in none of them does not travel; where nobody does, numbers are noted as typed (ADR 29).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from custody import returns
from custody.models import Equipment, Shipment
from custody.states import EquipmentKind
from ledger.refusals import MissingFact

BUFFER = dt.timedelta(hours=12)  # added to the planned way, where the therapy's limits do not say otherwise


@dataclass(frozen=True)
class Way:
    """How long a box is planned to travel, what is added to be safe, and the zone in which its sender reads times.

    ``keepers``: the organizations besides the courier whose registers count.
    """

    planned: dt.timedelta = dt.timedelta()
    buffer: dt.timedelta = BUFFER
    zone: str = "UTC"
    keepers: frozenset[UUID] = frozenset()

    @property
    def needed(self) -> dt.timedelta:
        return self.planned + self.buffer

    @property
    def words(self) -> str:
        return f"{_hours(self.planned)} h on the way and {_hours(self.buffer)} h in reserve"

    def clock(self, moment: dt.datetime) -> str:
        return f"{moment.astimezone(ZoneInfo(self.zone)):%Y-%m-%d %H:%M} ({self.zone})"


@dataclass(frozen=True)
class Chosen:
    """The pieces that go with a box, as far as a register knows them, and what speaks against them."""

    shipper: Equipment | None
    logger: Equipment | None
    facts: list[MissingFact]

    @property
    def serials(self) -> dict[str, str]:
        """The numbers as their registers have them, by the column of a box; however they were typed."""
        found = {"shipper_code": self.shipper, "logger_code": self.logger}
        return {column: piece.serial for column, piece in found.items() if piece is not None}


def choose(
    organization_ids: Collection[UUID], shipper_code: str, logger_code: str, at: dt.datetime, way: Way
) -> Chosen:
    """Find both numbers in the registers of the organizations on a box's way, and say what is wrong with them.

    Where two organizations have the same number, the piece that is fit counts. Two statements.
    """
    known = Equipment.unwalled.filter(organization_id__in=organization_ids)
    kept = set(known.order_by().values_list("kind", flat=True).distinct())
    shippers, loggers = Q(kind=EquipmentKind.SHIPPER), Q(kind=EquipmentKind.LOGGER)
    shippers &= Q(serial__iexact=shipper_code.strip())
    loggers &= Q(serial__iexact=logger_code.strip())
    rows = list(known.filter(shippers | loggers).select_related("organization"))
    shipper, facts = _best(EquipmentKind.SHIPPER, shipper_code, rows, kept, at, way)
    logger, more = _best(EquipmentKind.LOGGER, logger_code, rows, kept, at, way)
    return Chosen(shipper, logger, facts + more)


def dispatch_facts(shipment: Shipment, at: dt.datetime, way: Way) -> list[MissingFact]:
    """Say why a packed box may not leave now: its shipper would not hold for the way that it has before it (DE2).

    A charge that was entered since it was packed counts, where the register may be seen.
    """
    shipper = shipment.shipper
    until = (shipper.holds_until if shipper else None) or shipment.holds_until
    return [] if until is None else _too_short(shipment.shipper_code, until, at, way)


def _best(
    kind: EquipmentKind, code: str, rows: Iterable[Equipment], kept: set[str], at: dt.datetime, way: Way
) -> tuple[Equipment | None, list[MissingFact]]:
    found = [(row, _unfit(row, at, way)) for row in rows if row.kind == kind]
    if found:
        return min(found, key=lambda pair: len(pair[1]))
    if kind not in kept:
        return None, []
    return None, [
        MissingFact(
            f"unknown_{kind.value}",
            f"{kind.label} {code.strip() or '(no number)'} is in no register of those on this box's way.",
            f"Check the number on the {kind.label.lower()}. If it is right, its owner enters it under Shippers and "
            "loggers, with its qualification; or take one that is registered.",
        )
    ]


def _unfit(piece: Equipment, at: dt.datetime, way: Way) -> list[MissingFact]:
    name, owner = f"{piece.get_kind_display()} {piece.serial}", piece.organization.name
    if piece.retired_at is not None:
        text = f"{name} of {owner} is out of service."
        return [MissingFact(f"{piece.kind}_retired", text, "Take another one.")]
    facts = []
    if piece.valid_until < at + way.planned:
        what = "qualification" if piece.is_shipper else "calibration"
        ends = "ended" if piece.valid_until <= at else "ends on the way,"
        text = f"The {what} of {_inside(name)} {ends} {way.clock(piece.valid_until)}."
        remedy = f"Take another {piece.get_kind_display().lower()}; {owner} enters the new {what} once it is done."
        facts.append(MissingFact(f"{what}_expired", text, remedy))
    if piece.is_shipper:
        until = piece.holds_until
        facts += _too_short(piece.serial, until, at, way) if until else [_uncharged(name, owner)]
        facts += _since_its_journey(piece, name, owner)
    return facts


def _since_its_journey(piece: Equipment, name: str, owner: str) -> list[MissingFact]:
    """Say what a shipper needs after its last journey before the next one begins (DE4, F59)."""
    out = returns.is_out(piece)
    if out is not None:
        text = f"{name} is empty after box {out.box_code} and not back at {owner} yet."
        return [MissingFact("shipper_not_returned", text, "Send it back, and take another one.")]
    if returns.is_expected(piece):
        text = f"{name} stands empty after another box and is not back at {owner} yet."
        return [MissingFact("shipper_not_returned", text, "Check its number. If it is right, take another one.")]
    back = piece.returned_at
    if back is None:
        return []

    def missing(since: dt.datetime | None) -> bool:
        return since is None or since < back

    facts = []
    if missing(piece.cleaned_at):
        remedy = f"{owner} cleans it and enters that under Shippers and loggers; or take another one."
        facts.append(MissingFact("shipper_not_cleaned", f"{name} was not cleaned since it came back.", remedy))
    if missing(piece.charged_at):
        facts.append(_uncharged(name, owner))
    if piece.each_trip and missing(piece.qualified_at):
        text = f"{name} is qualified again after each journey, and was not since it came back."
        remedy = f"{owner} qualifies it and enters that under Shippers and loggers; or take another one."
        facts.append(MissingFact("requalification_missing", text, remedy))
    return facts


def _inside(name: str) -> str:
    """Return a name as it stands inside a sentence; its number keeps its capitals."""
    return name[:1].lower() + name[1:]


def _uncharged(name: str, owner: str) -> MissingFact:
    remedy = f"{owner} charges it and enters the charge under Shippers and loggers; or take one that is charged."
    text = f"No charge of {_inside(name)} is on record since its last journey."
    return MissingFact("shipper_uncharged", text, remedy)


def _too_short(serial: str, until: dt.datetime, at: dt.datetime, way: Way) -> list[MissingFact]:
    left = until - at
    if left >= way.needed:
        return []
    holds = f"holds until {way.clock(until)}, {_hours(left)} h" if left > dt.timedelta() else "no longer holds"
    text = f"Shipper {serial} {holds}: too short for {way.words}."
    remedy = "Have it charged and its charge entered under Shippers and loggers, or use another shipper."
    return [MissingFact("hold_too_short", text, remedy)]


def _hours(span: dt.timedelta) -> str:
    return f"{round(span.total_seconds() / 3600, 1):g}"
