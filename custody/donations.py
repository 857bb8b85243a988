"""Donation numbers (DIN, ISBT 128): read with their check character, given once, bound to a chain of identity (AN3).

A number that is typed has to bring its boxed check character; a scanned one has the scanner's own check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from custody import codes, isbt128, scanned_text, scans
from custody.decoding import decode
from custody.isbt128 import Unreadable
from custody.models import Alias, ChainOfIdentity, Container, Donation, DonationWithdrawal, NumberPrefix
from custody.states import AliasSystem, PrefixKind
from ledger.recording import open_event
from ledger.refusals import InvalidInput

HOW = "Scan the donation number's code, or type its 13 characters and the boxed check character."


@dataclass(frozen=True)
class Given:
    """A donation number as it was read; ``coi`` where the same code names a chain of identity too."""

    number: str
    flags: str
    coi: str = ""


def read(scanned: str, field: str = "donation") -> Given:
    """Return the donation number of a scan or of a typed text; InvalidInput for anything else, with what it is.

    Typed alone, without check character, it is refused too: a wrong key would make another donor's number of it.
    """
    text, _ = scanned_text.stripped(str(scanned))
    try:
        found = decode(text)
    except Unreadable:
        if isbt128.DIN.match(codes.compact(text)):
            _refuse(field, "check_character", "The check character does not fit this number: a character is wrong.")
        _refuse(field, "unreadable", "That is no donation number.")
    number = found.reading.donation
    if not number:
        _refuse(field, "not_a_donation", f"That is no donation number. It says: {found.sentence}.")
    if not found.checked and not isbt128.looks_like_isbt(text):
        _refuse(field, "check_character", "The boxed check character is missing.")
    return Given(number, found.flags, found.reading.coi)


def record(coi: ChainOfIdentity, given: Given, at_hand: Sequence[Container], field: str = "donation") -> Donation:
    """Bind a donation number to a chain of identity, at the chain's center.

    Raises Mismatch (the hard stop, with the containers ``at_hand``) when it is another patient's, InvalidInput when it
    was this order's former donation, or stands under a facility number that is not the center's.
    """
    event = open_event()
    known = refuse_foreign(coi, given, at_hand)
    _require_own_facility(coi, given, field)
    if known is not None:
        _used(field)
    row = Donation(
        stream_id=coi.stream_id,
        coi=coi,
        organization_id=coi.issuer_id,
        number=given.number,
        flags=given.flags,
        recorded_by_id=event.actor.person_id,
        recorded_at=event.occurred_at,
        nth=Donation.unwalled.filter(organization_id=coi.issuer_id, number=given.number).count() + 1,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as clash:  # recorded elsewhere in this very moment
        if "custody_donation_once" not in str(clash):
            raise
        raise scans.mismatch(at_hand) from None
    return row


def refuse_foreign(coi: ChainOfIdentity, given: Given, at_hand: Sequence[Container]) -> Donation | None:
    """Raise Mismatch when a donation number is another patient's; return the donation when it is this chain's."""
    if given.coi and given.coi != coi.code:
        raise scans.mismatch(at_hand)
    known = _live().filter(organization_id=coi.issuer_id, number=given.number).first()
    named = Alias.unwalled.filter(
        system=AliasSystem.DONATION, value=given.number, issuer_id=coi.issuer_id, withdrawn_at__isnull=True
    )
    if (known and known.stream_id != coi.stream_id) or named.exclude(stream_id=coi.stream_id).exists():
        raise scans.mismatch(at_hand)
    return known


def of_chain(coi: ChainOfIdentity) -> list[Donation]:
    """Return the donation numbers that a chain of identity has, the first one first; withdrawn ones are none."""
    return list(_live().filter(coi=coi))


def correct(row: Donation, given: Given, reason: str, field: str = "donation") -> list[Container]:
    """Put another donation number in the place of a wrong one; return the containers whose number was changed.

    The wrong one is withdrawn, and free for the patient whose it is. Raises what ``record`` raises for the right one.
    """
    event = open_event()
    DonationWithdrawal.objects.create(
        stream_id=row.stream_id,
        donation=row,
        reason=reason,
        recorded_by_id=event.actor.person_id,
        recorded_at=event.occurred_at,
    )
    named = list(Container.unwalled.filter(stream_id=row.stream_id, donation_number=row.number).order_by("code"))
    record(row.coi, given, [bag for bag in named if not bag.is_terminal], field)
    for bag in named:
        bag.donation_number = given.number
        bag.save(update_fields=["donation_number"])
    return named


def _live() -> QuerySet[Donation]:
    return Donation.unwalled.filter(withdrawal__isnull=True)


def _require_own_facility(coi: ChainOfIdentity, given: Given, field: str) -> None:
    """A center whose facility numbers are entered gives donation numbers under them; of others nothing is known."""
    facilities = NumberPrefix.unwalled.filter(organization_id=coi.issuer_id, kind=PrefixKind.FACILITY)
    own = sorted(facilities.values_list("text", flat=True))
    if own and given.number[:5] not in own:
        text = f"{given.number[:5]} is no facility number of your center (yours: {', '.join(own)})."
        _refuse(field, "not_your_facility", f"{text} Scan your own donation number.")


def _used(field: str) -> NoReturn:
    _refuse(field, "donation_used", "This number is an earlier collection's of the same order. Each has its own.")


def _refuse(field: str, code: str, text: str) -> NoReturn:
    raise InvalidInput(text, code=code, fields={field: [text]}, remedy=HOW)
