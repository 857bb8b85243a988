"""The hash chain of a stream without what its events say: every party may prove it whole, whoever hears which event."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection


@dataclass(frozen=True)
class Link:
    """An event's place and hashes, nothing of its content."""

    seq: int
    hash: str
    previous_hash: str


def links_of(stream_id: UUID | str) -> list[Link]:
    """Return every link of a stream that the acting organization sees, in order; none of any other stream.

    ``ledger_chain_of`` (see ``installation``) answers past the audience of the single events.
    """
    with connection.cursor() as cursor:
        cursor.execute("select seq, hash, previous_hash from ledger_chain_of(%s)", [str(stream_id)])
        return [Link(*row) for row in cursor.fetchall()]
