"""Codes to scan in a demonstration, where nobody has a scanner or a bag: right ones and, on purpose, wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from custody import queries as custody
from custody import stock, vault
from custody.schemes import printed
from custody.states import TERMINAL_STATES, ContainerState
from ledger.context import Actor
from orders import queries
from orders.states import OrderState

UNREADABLE = "CT#?–––"
READS_THE_DOCUMENT = "activate_identity"
TAKES_FROM_STOCK = "allocate_stock"
MOST_KITS = 3
AT_THE_PATIENT = ("identify_patient", "start_collection", "collect", "prepare_product", "check_bedside", "infuse")
LIES_THERE = (ContainerState.COLLECTED, ContainerState.RECEIVED, ContainerState.ACCEPTED, ContainerState.STORED)
READ_FROM_TRAY = ("serial",)  # typed where no scanner reads it


@dataclass(frozen=True)
class TrayCode:
    """A code with what it is printed on; ``right`` unless it is there to show what a wrong scan does.

    ``field``: the field that it is read into, wherever the cursor stands.
    """

    label: str
    code: str
    right: bool = True
    field: str = ""


def codes(actor: Actor, order: Any, kind: str = "") -> list[TrayCode]:
    """Return what can be scanned or read on an order, then what belongs to another one, and a smudge.

    For the step that compares the patient's document also what stands on that fictional document; for the one that
    takes a kit from stock the kits.
    """
    found = _document(actor, order) if kind == READS_THE_DOCUMENT else []
    found += _stock(order) if kind == TAKES_FROM_STOCK else []
    if queries.may_see_therapy(actor):
        found.append(TrayCode("Wristband and chain of identity", printed(order.identity_code)))
        found += [
            TrayCode(f"{bag.kind_label} {bag.k_of_n} ({bag.state_label.lower()})", bag.code)
            for bag in sorted(custody.containers_of(actor, order.stream_id), key=_is_used_up)
        ]
    boxes = () if kind in AT_THE_PATIENT else custody.shipments_of(actor, order.stream_id)
    for shipment in boxes:
        way = shipment.get_direction_display().lower()
        found.append(TrayCode(f"Box, {way}", shipment.code))
        if shipment.seal_code:
            found.append(TrayCode(f"Seal of that box ({way})", shipment.seal_code))
    return [*found, *_wrong(actor, order), TrayCode("Smudged label: unreadable", UNREADABLE, right=False)]


def takes_scans(declared: Any) -> bool:
    """Whether a step's form asks for anything that this tray holds, from its performer or from a second person."""
    for name, field in declared.fields.items():
        inner = getattr(field, "child", field)
        if field.style.get("input_type") == "scan" or name in READ_FROM_TRAY:
            return True
        if hasattr(inner, "fields") and takes_scans(inner):
            return True
    return False


def _stock(order: Any) -> list[TrayCode]:
    """Return kits that lie in the plant's stock, first to expire first."""
    units = stock.available(order.therapy_id)[:MOST_KITS]
    return [TrayCode("Kit in stock", f"{unit.lot}/{unit.serial}", field="serial") for unit in units]


def _is_used_up(bag: Any) -> bool:
    """Whether nobody has it in hand any more: such bags come last."""
    return bag.state in TERMINAL_STATES


def _document(actor: Actor, order: Any) -> list[TrayCode]:
    if not queries.may_see_identity(actor, order):
        return []
    patient = vault.open_identity(actor, order.patient_id)
    return [
        TrayCode("Patient's document: date of birth", patient.birth_date.isoformat(), field="birth_date"),
        TrayCode("Patient's document: record number", patient.mrn, field="mrn"),
    ]


def _wrong(actor: Actor, order: Any) -> list[TrayCode]:
    """Return a bag (or the wristband) of another patient, or another order's box for those who see boxes only."""
    others = queries.orders(actor).exclude(pk=order.pk)
    if not queries.may_see_therapy(actor):
        boxes = (box for other in others[:8] for box in custody.shipments_of(actor, other.stream_id))
        return [TrayCode("Another order's box", box.code, right=False) for box in list(boxes)[:1]]
    lying = custody.in_hand(actor, *LIES_THERE).exclude(stream_id=order.stream_id).values_list("stream_id", flat=True)
    near = others.filter(state=OrderState.OPEN, stream_id__in=list(lying[:12]))[:1]
    for other in [*near, *others.filter(state=OrderState.OPEN)[:12]]:
        bag = next(iter(custody.containers_of(actor, other.stream_id)), None)
        if bag is not None:
            return [
                TrayCode("Another patient's bag", bag.code, right=False),
                TrayCode("Another patient's wristband", printed(other.identity_code), right=False),
            ]
    return [TrayCode("Another patient's wristband", printed(other.identity_code), right=False) for other in others[:1]]
