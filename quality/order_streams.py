"""The stream that a quality record belongs to: found from what the caller has, and locked before anything changes."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from ledger.recording import OpenEvent, open_event


class HasKey(Protocol):
    """A stream row, or anything else known by its ``pk``."""

    @property
    def pk(self) -> Any: ...


def stream_id_of(stream: HasKey | UUID) -> UUID:
    """Return the id of a stream given as row or id."""
    return stream if isinstance(stream, UUID) else stream.pk


def locked_event(stream_id: UUID) -> OpenEvent:
    """Return the open event, which must have locked the stream; anything else is a fault of the calling code."""
    event = open_event()
    if stream_id not in {event.stream.pk, *(also.pk for also in event.also)}:
        raise RuntimeError("the open event is on another stream: lock the order's stream first")
    return event
