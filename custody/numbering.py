"""Which scheme numbers an order's chain of identity: the manufacturer's live one, else the center's. It is data."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction

from custody import schemes
from custody.models import NumberingScheme, NumberPrefix
from custody.states import PrefixKind, SchemeKind, SchemeState
from ledger.refusals import Conflict, FactsMissing, MissingFact

PREFIX_OF = {
    SchemeKind.ISBT_040: PrefixKind.FACILITY,
    SchemeKind.SEQUENTIAL: PrefixKind.LETTERS,
    SchemeKind.DRAWN: PrefixKind.LETTERS,
}


def scheme_for(center_id: UUID, manufacturer_id: UUID, *, synthetic: bool) -> schemes.Scheme:
    """Return the scheme of a new order. Fictional organizations without one number under the fictional facility.

    Raises FactsMissing ``no_numbering_scheme`` for anybody else: a real patient is never numbered under ``A9999``.
    """
    live = NumberingScheme.unwalled.filter(
        organization_id__in=(center_id, manufacturer_id), state=SchemeState.LIVE
    ).select_related("prefix")
    found = sorted(live, key=lambda row: row.organization_id != manufacturer_id)
    if found:
        return as_scheme(found[0])
    if synthetic:
        return schemes.ISBT_040_FICTIONAL
    text = "Neither the manufacturer nor your center has a numbering scheme for chains of identity."
    remedy = "Propose one under “Numbering” and let a second person approve it, or ask the manufacturer to."
    raise FactsMissing(text, code="no_numbering_scheme", facts=[MissingFact("no_numbering_scheme", text, remedy)])


def as_scheme(row: NumberingScheme) -> schemes.Scheme:
    """Return what makes codes after a version."""
    name, prefix = f"{row.kind}:{row.prefix.text}:v{row.version}", row.prefix.text
    if row.kind == SchemeKind.ISBT_040:
        return schemes.Isbt040(name, prefix)
    if row.kind == SchemeKind.SEQUENTIAL:
        return schemes.Sequential(name, prefix)
    return schemes.Drawn(name, prefix, row.pattern)


def example(row: NumberingScheme) -> str:
    """Return what a code of a version looks like; a ``#`` stands where each differs, so that it is none itself."""
    if row.kind == SchemeKind.DRAWN:
        return f"{schemes.HOUSE}{row.prefix.text}{'#' * 10}"
    if row.kind == SchemeKind.SEQUENTIAL:
        return f"{schemes.HOUSE}{row.prefix.text}YY{'#' * 8}"
    return f"CH{row.prefix.text}YY{'#' * 6}"


def take_letters(organization_id: UUID, text: str) -> NumberPrefix:
    """Return the organization's prefix of three letters; it takes it if nobody has. Conflict ``prefix_taken`` else."""
    own = NumberPrefix.unwalled.filter(organization_id=organization_id, text=text).first()
    return own or _enter(organization_id, PrefixKind.LETTERS, text, "")


def enter_facility(organization_id: UUID, text: str, reference: str) -> NumberPrefix:
    """Enter a registered facility number as an organization's; Conflict ``prefix_taken`` if it is entered already."""
    return _enter(organization_id, PrefixKind.FACILITY, text, reference)


def _enter(organization_id: UUID, kind: PrefixKind, text: str, reference: str) -> NumberPrefix:
    try:
        with transaction.atomic():
            row: NumberPrefix = NumberPrefix.objects.create(
                organization_id=organization_id, kind=kind, text=text, reference=reference
            )
    except IntegrityError as clash:
        if "custody_numberprefix_text" not in str(clash):
            raise
        raise Conflict(f"“{text}” cannot be had.", code="prefix_taken", remedy="Choose other letters.") from None
    return row
