"""The identity banner: chain of identity for those who work with it, the patient for the own center's right persona."""

from __future__ import annotations

from typing import Any

from custody import vault
from custody.queries import identity_of
from custody.schemes import check
from ledger.context import Actor
from ledger.refusals import NotFound
from orders import queries


def of(actor: Actor, order: Any, *, name_only: bool = False) -> dict[str, Any]:
    """Return what identifies an order to the actor; ``name_only`` hides what a second person must read elsewhere."""
    sees = queries.may_see_therapy(actor)
    found: dict[str, Any] = {"sees_therapy": sees, "patient": None, "name_only": name_only, "identity": None}
    if sees:
        found["identity"] = identity_of(actor, order.stream_id)
        found["identity_code"] = f"{order.identity_code} {check(order.identity_code)}" if order.identity_code else ""
    if queries.may_see_identity(actor, order):
        try:
            found["patient"] = vault.open_identity(actor, order.patient_id)
        except NotFound:
            found["erased"] = True
    return found
