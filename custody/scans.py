"""What a scan says, judged against what is expected. A foreign identity is a hard stop, a wrong bag a plain error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NoReturn
from uuid import UUID

from django.db.models import QuerySet

from custody import aliases, labels, scanned_text
from custody.decoding import Decoded, Reading, decode
from custody.isbt128 import Unreadable
from custody.models import Alias, ChainOfIdentity, Container, Label, Shipment
from custody.states import GONE, AliasSystem, LabelState
from ledger.prepared import Prepared
from ledger.refusals import InvalidInput, Mismatch

ANOTHER_BOX = "another_box"  # a slip at the dock: refused and recorded, but no identity is in question
NO_CHECK = "The check character is missing: scan the code, or type the boxed character as well."
TYPE_IT_TOO = "Nothing was compared. Scan the code, or type it with the boxed character behind it."


def read(scanned: str, field: str = "scan") -> Reading:
    """Return what a text says of our own things.

    Raises InvalidInput ``unreadable`` for a format nobody knows or a wrong check, and ``not_an_identity`` with what was
    read for a code that names none of them (an expiry date, a lot, somebody else's number).
    """
    return _read(scanned, field).reading


def _read(scanned: str, field: str) -> Decoded:
    try:
        found = decode(str(scanned))
    except Unreadable:
        _unreadable(field, scanned)
    if not found.is_identity:
        text = f"That names nothing of this product. It says: {found.sentence}."
        raise InvalidInput(
            text,
            code="not_an_identity",
            fields={field: [text]},
            remedy="Scan the code of bag, box or order.",
        )
    return found


def expect(
    stream_id: UUID,
    scanned: str,
    containers: Iterable[Container],
    field: str = "scan",
    *,
    label_unproven: bool = False,
) -> Container:
    """Return the one of the expected containers that the scan names.

    Raises InvalidInput (``unreadable``, ``wrong_bag``, ``label_void``) when nothing of another identity was read, and
    Mismatch ``identity_mismatch`` with ``container_ids`` (the expected containers) when it was. A filled container
    whose label nobody scanned back is refused, too (``label_not_scanned_back``), unless ``label_unproven``.
    """
    expected = list(containers)
    stock = _by_lot_and_serial(scanned, expected)
    if stock is not None:
        return stock
    reading = _read_or_alias(stream_id, scanned, field, expected)
    found = _named(reading, expected)
    if found is not None:
        _refuse_void_label(reading, found, field)
        if not label_unproven:
            _refuse_unproven_label(found, field)
        return found
    _refuse_same_order(stream_id, reading, expected, field)
    raise mismatch(expected, read=_code_of(reading))


def is_plainly_of(identity_code: str, scanned: str) -> bool:
    """Whether a code names this chain of identity and no donation, which would have to fit as well; asks no row."""
    with suppress(InvalidInput):
        reading = read(scanned)
        return reading.coi == identity_code and not reading.donation
    return False


def refuse_foreign(stream_id: UUID, scanned: str, containers: Iterable[Container]) -> None:
    """Raise Mismatch ``identity_mismatch`` when a code is another identity's than that of the expected containers.

    Whatever else is wrong with it is said where it is asked for (``expect``, ``expect_identity``).
    """
    with suppress(InvalidInput):
        expect(stream_id, scanned, containers, label_unproven=True)


def expect_identity(
    coi: ChainOfIdentity, scanned: str, field: str = "scan", *, at_hand: Iterable[Container] = ()
) -> ChainOfIdentity:
    """Accept the code of this chain of identity, typed with its check character or scanned; Mismatch for any other's.

    ``at_hand``: the containers that lie beside the patient: a mismatch names them, so that they are put aside.
    """
    beside = list(at_hand)
    reading = _read_or_alias(coi.stream_id, scanned, field, beside)
    if reading.coi == coi.code and not reading.container:
        return coi
    if reading.coi == coi.code:
        _wrong(field, f"That is bag {reading.container}. Scan the chain-of-identity code at the patient.")
    if reading.box and _is_box_of(coi.stream_id, reading.box):
        _wrong(field, f"That is box {reading.box}. Scan the chain-of-identity code.")
    if reading.donation and not reading.coi:
        _wrong(field, "That is a donation number. Scan the chain-of-identity code.")
    raise mismatch(beside, read=_code_of(reading))


def expect_outer(shipment: Shipment, scanned: str, field: str = "outer_code") -> Shipment:
    """Accept the outer code of this box; InvalidInput for another code of the same order, Mismatch for another box."""
    known = _aliases(scanned)
    if known and all(alias.shipment_id == shipment.pk for alias in known):
        return shipment  # who carries a box may know it by its own number: the outer code proves no identity either
    reading = _read_or_alias(shipment.stream_id, scanned, field, None)
    if reading.box == shipment.code:
        return shipment
    if reading.box and _is_box_of(shipment.stream_id, reading.box):
        _wrong(field, f"That is box {reading.box} of the same order. Scan box {shipment.code}.")
    if reading.coi in _identities(shipment.stream_id):
        _wrong(field, f"That is a code of the order, not of the box. Scan the outer code {shipment.code}.")
    if reading.donation and not reading.coi:
        _wrong(field, "That is a donation number. Scan the outer code of the box.")
    remedy = f"Leave that box. Find and scan box {shipment.code}."
    raise Mismatch("The scan names another box.", code=ANOTHER_BOX, remedy=remedy, read=_code_of(reading))


def _read_or_alias(stream_id: UUID, scanned: str, field: str, expected: Sequence[Container] | None) -> Reading:
    """Read a code, or judge an alias: it leads to a thing and never stands for its identity.

    Raises InvalidInput ``check_character_missing`` for what was typed without it, Mismatch when it is registered for
    another order (``expected`` None: a box is asked for), and InvalidInput ``alias_not_identity`` with what it is.
    """
    try:
        read_here = _read(scanned, field)
    except InvalidInput:
        found = _aliases(scanned)
        if not found:
            raise
    else:
        return _proven(read_here, field)
    named = [alias for alias in found if alias.system != AliasSystem.LOT]
    if named and all(alias.stream_id != stream_id for alias in named):
        raise _another_box() if expected is None else mismatch(expected)
    alias = next((alias for alias in found if alias.stream_id == stream_id), found[0])
    what = f"{alias.issuer.name}'s number ({alias.get_system_display()})"
    told = expected is not None or alias.shipment_id is not None  # who carries a box learns of none of its bags
    here = f" of {alias.target_code}" if alias.stream_id == stream_id and told else ""
    text = f"That is {what}{here}. Scan the code on its own label."
    raise InvalidInput(
        text, code="alias_not_identity", fields={field: [text]}, remedy="Scan the identity code, not another number."
    )


def _proven(found: Decoded, field: str) -> Reading:
    """Refuse a number typed without its boxed character before it is compared: one wrong key makes it another's."""
    if found.unproven:
        raise InvalidInput(NO_CHECK, code="check_character_missing", fields={field: [NO_CHECK]}, remedy=TYPE_IT_TOO)
    return found.reading


def _aliases(scanned: str) -> list[Alias]:
    """Return the aliases that the acting organization may see of a text (row policies hold)."""
    return aliases.named(scanned, lambda value: _live_aliases(value=value))


@Prepared
def _live_aliases(value: str) -> QuerySet[Alias]:
    return Alias.unwalled.filter(value=value, withdrawn_at__isnull=True)


def _another_box() -> Mismatch:
    return Mismatch("The scan names another box.", code=ANOTHER_BOX, remedy="Leave that box. Find the one asked for.")


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


def _refuse_unproven_label(container: Container, field: str) -> None:
    if labels.without_label([container]):
        text = f"The label of {container.code} was not scanned back on it yet."
        remedy = "Two people scan it back first: open the order's labels."
        raise InvalidInput(text, code="label_not_scanned_back", fields={field: [text]}, remedy=remedy)


def _refuse_same_order(stream_id: UUID, reading: Reading, expected: Sequence[Container], field: str) -> None:
    """Raise InvalidInput if the scan names something else of this very order; return if it is foreign."""
    wanted = ", ".join(container.code for container in expected) or "nothing of this kind"
    siblings = list(Container.unwalled.filter(stream_id=stream_id))
    foreign_identity = bool(reading.coi) and reading.coi not in _identities(stream_id)
    if foreign_identity:
        return
    sibling = _named(reading, siblings)
    if sibling is not None:
        _wrong_sibling(field, sibling, wanted)
    if reading.container:
        _wrong(field, f"This order has no bag {reading.container}. Expected: {wanted}.")
    if reading.box and _is_box_of(stream_id, reading.box):
        _wrong(field, f"That is box {reading.box}. Scan the bag: {wanted}.")
    shared = sum(1 for container in siblings if reading.donation and container.donation_number == reading.donation)
    if shared > 1:
        _wrong(field, f"That donation number is on {shared} bags of this order. Scan the label of the bag: {wanted}.")
    if reading.donation and not any(container.donation_number for container in expected):
        _wrong(field, f"That is a donation number, which this order did not record. Scan the label: {wanted}.")
    if reading.coi and not reading.donation:
        _wrong(field, f"That is the chain of identity, not a bag. Scan the bag: {wanted}.")


def _identities(stream_id: UUID) -> set[str]:
    return set(ChainOfIdentity.unwalled.filter(stream_id=stream_id).values_list("code", flat=True))


def _is_box_of(stream_id: UUID, code: str) -> bool:
    return Shipment.unwalled.filter(stream_id=stream_id, code=code).exists()


def _wrong_sibling(field: str, bag: Container, wanted: str) -> NoReturn:
    """Name the bag in hand, and how it stands: whoever scans one that was put aside must not lay it down beside."""
    stands = f"{bag.state_label.lower()}: {bag.quarantine_reason}" if bag.is_quarantined else bag.state_label.lower()
    text = f"That is {bag.kind_label.lower()} {bag.k_of_n} ({bag.code}), {stands.rstrip('.')}. Expected: {wanted}."
    if bag.is_quarantined:
        _wrong(field, text, "Do not use it: quality decides about it first.")
    if bag.state in GONE:
        _wrong(field, text, "Do not use it.")
    _wrong(field, text)


def _wrong(field: str, text: str, remedy: str = "Scan what is asked for.") -> NoReturn:
    raise InvalidInput(text, code="wrong_bag", fields={field: [text]}, remedy=remedy)


def _unreadable(field: str, scanned: str = "") -> NoReturn:
    text = "Unreadable: this is no code of this product, or a character is wrong. Scan again."
    if scanned_text.retyped(str(scanned)):
        text = "Unreadable: the scanner is set to another keyboard layout than this computer. Scan again."
    raise InvalidInput(
        text, code="unreadable", fields={field: [text]}, remedy="Scan again, or type the code with its boxed character."
    )


def _code_of(reading: Reading) -> str:
    """Return what a scan named, never what else stood in it: one of our own codes, or a donation number."""
    return reading.container or reading.coi or reading.box or reading.donation


def mismatch(
    expected: Sequence[Container], text: str = "The scan names another chain of identity.", read: str = ""
) -> Mismatch:
    """Return the hard stop of a foreign identity, with the containers at hand that are put aside.

    ``text``: what was found, without patient data, when it was no scan that differed; ``read``: the code that was.
    """
    stop = Mismatch(text, code="identity_mismatch", read=read)
    stop.container_ids = [container.pk for container in expected]  # type: ignore[attr-defined]
    return stop
