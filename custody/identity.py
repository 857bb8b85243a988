"""Chain of identity: issued by one person, activated by another, stopped by a query (CO3, DOMAIN 6.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from custody import numbering, schemes
from custody.keys import Keyed, key_of
from custody.models import ChainOfIdentity
from custody.states import OPEN_IDENTITY_STATES, IdentityState
from ledger.prepared import Prepared
from ledger.recording import open_event
from ledger.refusals import Conflict, FactsMissing, MissingFact, NotFound, WrongState

MOST_DRAWS = 10


def issue(
    stream: Keyed,
    patient: Keyed,
    center: Keyed,
    manufacturer: Keyed,
    *,
    scheme: schemes.Scheme | None = None,
) -> ChainOfIdentity:
    """Give an order its chain-of-identity identifier, issued by the acting person, by the scheme in force.

    Raises Conflict ``identity_exists`` when the order has an open one (I1; a constraint holds it too), and
    ``identifiers_exhausted``; FactsMissing ``no_numbering_scheme``.
    """
    event = open_event()
    if _open_chain(key_of(stream)) is not None:
        raise Conflict(
            "This order already has a chain of identity.",
            code="identity_exists",
            remedy="Work with the existing identifier. One therapy event has one.",
        )
    center_id, manufacturer_id = key_of(center), key_of(manufacturer)
    scheme = scheme or numbering.scheme_for(center_id, manufacturer_id, synthetic=event.actor.synthetic)
    facts = {
        "stream_id": key_of(stream),
        "patient_id": key_of(patient),
        "scheme": scheme.name,
        "issuer_id": center_id,
        "manufacturer_id": manufacturer_id,
        "issued_by_id": event.actor.person_id,
        "issued_at": event.occurred_at,
    }
    if not scheme.draws:
        return ChainOfIdentity.objects.create(code=scheme.next_code(event.occurred_at.year), **facts)
    for _ in range(MOST_DRAWS):  # another center's codes are not to be seen: the constraint alone knows them all
        try:
            with transaction.atomic():
                return ChainOfIdentity.objects.create(code=scheme.next_code(event.occurred_at.year), **facts)
        except IntegrityError as clash:
            if "custody_chainofidentity_code" not in str(clash):
                raise
    raise schemes.exhausted("No identifier was found that is not used already.")


def _open_chain(stream_id: UUID) -> ChainOfIdentity | None:
    return next(iter(_open_chains(stream_id=stream_id)), None)


@Prepared
def _open_chains(stream_id: UUID) -> QuerySet[ChainOfIdentity]:
    states = [str(state) for state in OPEN_IDENTITY_STATES]
    return ChainOfIdentity.unwalled.filter(stream_id=stream_id, state__in=states).order_by("pk")


def identity_of_stream(stream_id: UUID) -> ChainOfIdentity:
    """Return the order's chain of identity (the open one, else the newest closed one); NotFound if it has none."""
    found = _open_chain(stream_id) or ChainOfIdentity.unwalled.filter(stream_id=stream_id).order_by("-id").first()
    if found is None:
        raise NotFound("This order has no chain of identity.")
    return found


def check_of(coi: ChainOfIdentity) -> str:
    """Return the check character to print in a box beside the code."""
    return schemes.check(coi.code)


def activate(coi: ChainOfIdentity, person_id: UUID | None) -> ChainOfIdentity:
    """Make an issued identity active: by a named second person (I1, CO3).

    Raises WrongState when it is not issued, FactsMissing ``second_person_needed`` when issuer and activator are one.
    """
    _require(coi, IdentityState.ISSUED)
    if person_id is None or person_id == coi.issued_by_id:
        raise FactsMissing(
            "The chain of identity needs a second person.",
            code="second_person_needed",
            facts=[
                MissingFact(
                    "second_person_needed",
                    "Whoever issued the chain of identity cannot activate it.",
                    "Ask a colleague to sign in, compare the patient's document, and activate.",
                )
            ],
        )
    return _set(coi, state=IdentityState.ACTIVE, activated_by_id=person_id, activated_at=timezone.now())


def put_under_query(coi: ChainOfIdentity, why: str) -> ChainOfIdentity:
    """Stop the line of this identity. ``why`` holds no patient data; of two reasons the first stays."""
    if coi.state == IdentityState.UNDER_QUERY:
        return coi
    _require(coi, IdentityState.ISSUED, IdentityState.ACTIVE)
    return _set(coi, state=IdentityState.UNDER_QUERY, query_reason=why)


def clear_query(coi: ChainOfIdentity) -> ChainOfIdentity:
    """Let the line go on: back to active, or to issued if nobody had activated it."""
    _require(coi, IdentityState.UNDER_QUERY)
    before = IdentityState.ACTIVE if coi.activated_at else IdentityState.ISSUED
    return _set(coi, state=before, query_reason="")


def close(coi: ChainOfIdentity) -> ChainOfIdentity:
    """End the identity with its order."""
    _require(coi, IdentityState.ISSUED, IdentityState.ACTIVE, IdentityState.UNDER_QUERY)
    return _set(coi, state=IdentityState.CLOSED)


def query_facts(stream_id: UUID) -> list[MissingFact]:
    """Return the fact that blocks every guarded step while the identity is under query; empty otherwise."""
    coi = _open_chain(stream_id)
    return query_facts_of(coi) if coi else []


def under_query(stream_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of these streams whose chain of identity is under query, inside an act."""
    found = ChainOfIdentity.unwalled.filter(stream_id__in=set(stream_ids), state=IdentityState.UNDER_QUERY)
    return set(found.values_list("stream_id", flat=True))


def query_facts_of(coi: ChainOfIdentity) -> list[MissingFact]:
    """Return the same fact of a chain of identity that was read already."""
    if coi.state != IdentityState.UNDER_QUERY:
        return []
    return [
        MissingFact(
            "identity_under_query",
            f"Chain of identity {coi.code} is under query.",
            "Quality assurance resolves the mismatch and lifts the query.",
        )
    ]


def _require(coi: ChainOfIdentity, *states: IdentityState) -> None:
    if coi.state not in states:
        raise WrongState(
            f"Chain of identity {coi.code} is {coi.state_label.lower()}.",
            code="identity_state",
            remedy="Reload the order to see what is due.",
        )


def _set(coi: ChainOfIdentity, **changes: Any) -> ChainOfIdentity:
    for name, value in changes.items():
        setattr(coi, name, value)
    coi.save(update_fields=list(changes))
    return coi
