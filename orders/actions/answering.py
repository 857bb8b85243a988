"""Who answers for an act of quality: the person at the screen, or whose credentials a partner's key sends along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ledger.context import Actor
from ledger.refusals import InvalidInput
from orders import signers
from orders.inputs import SignatureInput


def person_answering(actor: Actor, given: Any, capability: str) -> UUID | None:
    """Return the person whose credentials were sent, proven and with the capability; None when none were."""
    if given in (None, {}, ""):
        return None
    serializer = SignatureInput(data=given if isinstance(given, Mapping) else {})
    if not serializer.is_valid():
        raise InvalidInput(fields={"signature": serializer.errors})
    return signers.signer_of(actor, serializer.validated_data, capability).person_id
