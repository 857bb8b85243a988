"""The register of numbering: an organization's own prefixes and versions, as its pages and REST show them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from custody import numbering
from custody.models import NumberingScheme, NumberPrefix
from custody.states import SchemeState
from ledger.context import Actor
from ledger.walls import visible


@dataclass(frozen=True)
class Version:
    """A version with what a code of it looks like, and whether this person may not approve it (it is its author)."""

    row: NumberingScheme
    example: str
    own: bool

    @property
    def is_proposed(self) -> bool:
        return self.row.state == SchemeState.PROPOSED

    @property
    def is_retired(self) -> bool:
        return self.row.state == SchemeState.RETIRED


def prefixes(actor: Actor) -> QuerySet[NumberPrefix]:
    """Return the acting organization's own prefixes; partners' are nobody's to list."""
    return visible(NumberPrefix, actor).filter(organization_id=actor.organization_id).order_by("kind", "text")


def versions(actor: Actor) -> list[Version]:
    """Return the acting organization's versions, newest first: one statement."""
    own = visible(NumberingScheme, actor).filter(organization_id=actor.organization_id)
    rows = own.select_related("prefix").order_by("-version")[:100]
    return [Version(row, numbering.example(row), row.proposed_by_id == actor.person_id) for row in rows]
