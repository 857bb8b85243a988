"""The second person of an act on material: another human being of the same organization who scans it, too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from custody import scans
from ledger.context import Actor
from ledger.recording import Signing
from ledger.refusals import NotAllowed
from orders.second_person import SecondPersonNeeded
from personas import signing


def sign(
    actor: Actor,
    stream_id: UUID,
    bag: Any,
    sent: Mapping[str, str],
    own: Signing,
    *,
    capabilities: Collection[str],
    meaning: str,
) -> Signing:
    """Return the witness's signature under what ``own`` signed; ``sent``: see ScanningVerifierInput.

    Signed with the first of ``capabilities`` that the person has where the bag lies. Raises FactsMissing
    ``second_person_needed`` for one and the same human being, NotAllowed, and what a wrong scan raises.
    """
    user = signing.identify(signing.Credentials(sent["username"], sent["password"]), "witness.password")
    if user.person_id == own.person_id:
        raise SecondPersonNeeded("Ask a colleague who saw it to sign.")
    sites = {bag.custodian_site_id} if bag.custodian_site_id else set()
    refusals = []
    for capability in capabilities:
        try:
            seen = signing.signer_in(user, {actor.organization_id}, capability, "witness.username", sites)
        except NotAllowed as refusal:
            refusals.append(refusal)
            continue
        scans.expect(stream_id, sent["scan"], [bag], "witness.scan", label_unproven=True)
        return signing.sign(seen, capability=capability, meaning=meaning, content_hash=own.content_hash, zone=seen.zone)
    raise refusals[0]
