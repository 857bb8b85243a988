"""What a scan says, judged against what is expected. A foreign identity is a hard stop, a wrong bag a plain error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

from custody import codes, isbt128, schemes
from custody.models import ChainOfIdentity, Container, Label, Shipment
from custody.states import LabelState
from ledger.refusals import InvalidInput, Mismatch

LONGEST = 200
_SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9A-Za-z]")  # what some scanners put in front: ]d1, ]C0 …

ANOTHER_BOX = "another_box"  # a slip at the dock: refused and recorded, but no identity is in question


@dataclass(frozen=True)
class Reading:
    """What a scanned or typed text says. Empty strings where it says nothing."""

    coi: str = ""
    container: str = ""
    label: str = ""
    donation: str = ""
    box: str = ""


def read(scanned: str, field: str = "scan") -> Reading:
    """Return what a text says; InvalidInput ``unreadable`` for a format nobody knows or a wrong check character."""
    text = _SYMBOLOGY.sub("", str(scanned).strip()).strip("\x1d\r\n\t ")
    if not text or len(text) > LONGEST:
        _unreadable(field)
    try:
        return _read_isbt(text) if isbt128.looks_like_isbt(text) else _read_plain(codes.compact(text))
    except ValueError:
        _unreadable(field)


def expect(stream_id: UUID, scanned: str, containers: Iterable[Container], field: str = "scan") -> Container:
    """Return the one of the expected containers that the scan names.

    Raises InvalidInput (``unreadable``, ``wrong_bag``, ``label_void``) when nothing of another identity was read, and
    Mismatch ``identity_mismatch`` with ``container_ids`` (the expected containers) when it was.
    """
    expected = list(containers)
    stock = _by_lot_and_serial(scanned, expected)
    if stock is not None:
        return stock
    reading = read(scanned, field)
    found = _named(reading, expected)
    if found is not None:
        _refuse_void_label(reading, found, field)
        return found
    _refuse_same_order(stream_id, reading, expected, field)
    raise _mismatch(expected)


def expect_identity(coi: ChainOfIdentity, scanned: str, field: str = "scan") -> ChainOfIdentity:
    """Accept the code of this chain of identity, with or without its check character; Mismatch for any other's."""
    reading = read(scanned, field)
    if reading.coi == coi.code and not reading.container:
        return coi
    if reading.coi == coi.code:
        _wrong(field, f"That is bag {reading.container}. Scan the chain-of-identity code at the patient.")
    if reading.box and _is_box_of(coi.stream_id, reading.box):
        _wrong(field, f"That is box {reading.box}. Scan the chain-of-identity code.")
    if reading.donation and not reading.coi:
        _wrong(field, "That is a donation number. Scan the chain-of-identity code.")
    raise _mismatch([])


def expect_outer(shipment: Shipment, scanned: str, field: str = "outer_code") -> Shipment:
    """Accept the outer code of this box; InvalidInput for another code of the same order, Mismatch for another box."""
    reading = read(scanned, field)
    if reading.box == shipment.code:
        return shipment
    if reading.box and _is_box_of(shipment.stream_id, reading.box):
        _wrong(field, f"That is box {reading.box} of the same order. Scan box {shipment.code}.")
    if reading.coi in _identities(shipment.stream_id):
        _wrong(field, f"That is a code of the order, not of the box. Scan the outer code {shipment.code}.")
    if reading.donation and not reading.coi:
        _wrong(field, "That is a donation number. Scan the outer code of the box.")
    raise Mismatch(
        "The scan names another box.", code=ANOTHER_BOX, remedy=f"Leave that box. Find and scan box {shipment.code}."
    )


def _read_isbt(text: str) -> Reading:
    contents = {structure.name: structure.content for structure in isbt128.parse(text)}
    donation = contents.get("din", "")[:13]
    if not (donation or "coi" in contents):
        raise ValueError("neither a chain of identity nor a donation number")
    return Reading(coi=contents.get("coi", ""), donation=donation)


def _read_plain(text: str) -> Reading:
    container = codes.read_container(text)
    if container is not None:
        coi, code, number = container
        return Reading(coi=coi, container=code, label=codes.label_serial(code, int(number)) if number else "")
    box = codes.read_box(text)
    if box is not None:
        return Reading(box=box)
    if schemes.is_any_code(text):
        return Reading(coi=text)
    if schemes.is_any_code(text[:-1]):
        if text[-1] != schemes.check_of_any(text[:-1]):
            raise ValueError("check character")
        return Reading(coi=text[:-1])
    if isbt128.DIN.fullmatch(text):
        return Reading(donation=text)
    raise ValueError("unknown format")


def _named(reading: Reading, expected: Sequence[Container]) -> Container | None:
    if reading.container:
        return next((c for c in expected if c.code == reading.container), None)
    if not reading.donation:
        return None
    fitting = [c for c in expected if c.donation_number == reading.donation]
    if len(fitting) != 1:
        return None
    coi = fitting[0].coi
    return fitting[0] if not reading.coi or (coi is not None and reading.coi == coi.code) else None


def _by_lot_and_serial(scanned: str, expected: Sequence[Container]) -> Container | None:
    """Kits from stock also carry the manufacturer's own ``lot/serial``."""
    text = str(scanned).strip()
    return next((c for c in expected if c.serial and text == f"{c.lot}/{c.serial}"), None)


def _refuse_void_label(reading: Reading, container: Container, field: str) -> None:
    if not reading.label:
        return
    label = Label.unwalled.filter(serial=reading.label, container=container).first()
    if label is None:
        _unreadable(field)
    if label.state not in (LabelState.PRINTED, LabelState.APPLIED):
        raise InvalidInput(
            code="label_void",
            fields={field: [f"Label {label.serial} is {label.get_state_display().lower()}. Use the valid label."]},
            remedy="Remove and destroy the old label, apply the newest one, and scan again.",
        )


def _refuse_same_order(stream_id: UUID, reading: Reading, expected: Sequence[Container], field: str) -> None:
    """Raise InvalidInput if the scan names something else of this very order; return if it is foreign."""
    wanted = ", ".join(container.code for container in expected) or "nothing of this kind"
    siblings = list(Container.unwalled.filter(stream_id=stream_id))
    foreign_identity = bool(reading.coi) and reading.coi not in _identities(stream_id)
    if foreign_identity:
        return
    sibling = _named(reading, siblings)
    if sibling is not None:
        _wrong(field, f"That is {sibling.kind_label.lower()} {sibling.k_of_n} ({sibling.code}). Expected: {wanted}.")
    if reading.container:
        _wrong(field, f"This order has no bag {reading.container}. Expected: {wanted}.")
    if reading.box and _is_box_of(stream_id, reading.box):
        _wrong(field, f"That is box {reading.box}. Scan the bag: {wanted}.")
    if reading.donation and not any(container.donation_number for container in expected):
        _wrong(field, f"That is a donation number, which this order did not record. Scan the label: {wanted}.")
    if reading.coi and not reading.donation:
        _wrong(field, f"That is the chain of identity, not a bag. Scan the bag: {wanted}.")


def _identities(stream_id: UUID) -> set[str]:
    return set(ChainOfIdentity.unwalled.filter(stream_id=stream_id).values_list("code", flat=True))


def _is_box_of(stream_id: UUID, code: str) -> bool:
    return Shipment.unwalled.filter(stream_id=stream_id, code=code).exists()


def _wrong(field: str, text: str) -> NoReturn:
    raise InvalidInput(text, code="wrong_bag", fields={field: [text]}, remedy="Scan what is asked for.")


def _unreadable(field: str) -> NoReturn:
    text = "Unreadable: this is no code of this product, or a character is wrong. Scan again."
    raise InvalidInput(
        text, code="unreadable", fields={field: [text]}, remedy="Scan again, or type the code with its boxed character."
    )


def _mismatch(expected: Sequence[Container]) -> Mismatch:
    mismatch = Mismatch("The scan names another chain of identity.", code="identity_mismatch")
    mismatch.container_ids = [container.pk for container in expected]  # type: ignore[attr-defined]
    return mismatch
