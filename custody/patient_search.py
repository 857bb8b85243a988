"""Finding one's own patients again without opening anybody's identity: by number, by name, by name and birth date."""

from __future__ import annotations

import datetime as dt
import re
from uuid import UUID

from custody import sealing
from custody.models import BlindIndex
from custody.patient_matching import family_variants, name_variants, normal_mrn
from custody.vault import FAMILY
from ledger.context import Actor
from ledger.walls import visible
from personas.states import Capability

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def find(actor: Actor, text: str) -> set[UUID]:
    """Return the ids of the actor's own patients whom a record number, a family name or “names 1961-04-05” names.

    Spelling counts as when duplicates are looked for. Nobody is found by a persona that may not read identities.
    """
    if not actor.can(Capability.READ_IDENTITY):
        return set()
    wanted = [("mrn", normal_mrn(text)), *(("name_birth", name) for name in _names(text))]
    wanted += [(FAMILY, name) for name in family_variants(text)]
    digests = [sealing.blind(actor.organization_id, kind, value) for kind, value in wanted if value]
    found = visible(BlindIndex, actor).filter(organization_id=actor.organization_id, digest__in=digests)
    return set(found.values_list("patient_id", flat=True))


def _names(text: str) -> set[str]:
    """Return how name and birth date are indexed, for every place at which the words part family and given name."""
    date = _DATE.search(text)
    try:
        born = dt.date.fromisoformat(date[0]) if date else None
    except ValueError:
        born = None
    if born is None:
        return set()
    words = _DATE.sub(" ", text).replace(",", " ").split()
    return {
        variant
        for cut in range(1, len(words))
        for variant in name_variants(" ".join(words[:cut]), " ".join(words[cut:]), born)
    }
