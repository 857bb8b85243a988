"""Two walls around every shared row: the belt (narrowed querysets) and the braces (PostgreSQL row-level security).

Each model declares one wall; both forms are generated from that declaration, so they cannot drift apart.
``visible(Model, actor)`` is the one way in. Reads that must run outside the wall use the manager named ``unwalled``
and still meet the braces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from ledger.context import Actor, current
from ledger.inserts import Meeting, insert

if TYPE_CHECKING:
    from ledger.models import WalledModel

MOST_AT_ONCE = 10_000  # rows of one insert
ME = "(select nullif(current_setting('cgt.organization', true), '')::uuid)"
PERSON = "(select nullif(current_setting('cgt.person', true), '')::uuid)"
EVENT_OPEN = "(select coalesce(current_setting('cgt.event', true), '') <> '')"
GRANTED = (
    "(select g.stream_id from ledger_grant g"
    f" where g.organization_id = {ME} and (g.person_id is null or g.person_id = {PERSON})"
    " and g.until > now() and g.revoked_at is null)"
)


@dataclass(frozen=True)
class Wall:
    """Base of the wall classes. ``reason`` says why an unusual wall is right."""

    def read_sql(self, table: str) -> str:
        raise NotImplementedError

    def insert_sql(self, table: str) -> str:
        return f"{EVENT_OPEN} and {self.read_sql(table)}"

    def belt(self, actor: Actor) -> Q:
        raise NotImplementedError

    def for_history(self) -> Wall:
        return self


def _on_my_stream(column: str, actor: Actor) -> Q:
    from ledger.models import Grant, Party

    party = Party.unwalled.filter(stream_id=OuterRef(column), organization_id=actor.organization_id, until__isnull=True)
    grant = Grant.unwalled.filter(
        Q(person_id__isnull=True) | Q(person_id=actor.person_id),
        stream_id=OuterRef(column),
        organization_id=actor.organization_id,
        until__gt=timezone.now(),
        revoked_at__isnull=True,
    )
    return Q(Exists(party)) | Q(Exists(grant))


@dataclass(frozen=True)
class Parties(Wall):
    """Hot mutable rows that carry the party ids as an array, kept equal to the stream's by a trigger."""

    stream: str = "stream_id"

    def read_sql(self, table: str) -> str:
        return f"({ME} = any(party_ids) or {table}.{self.stream} in {GRANTED})"

    def belt(self, actor: Actor) -> Q:
        return _on_my_stream(self.stream, actor)

    def for_history(self) -> Wall:
        return OnStream(self.stream)


@dataclass(frozen=True)
class OnStream(Wall):
    """Rows that belong to a stream: who sees the stream sees the row."""

    stream: str = "stream_id"

    def read_sql(self, table: str) -> str:
        return f"exists (select 1 from ledger_stream s where s.id = {table}.{self.stream})"

    def belt(self, actor: Actor) -> Q:
        return _on_my_stream(self.stream, actor)


@dataclass(frozen=True)
class PartyRow(OnStream):
    """Party rows: everybody on the stream, and an organization's own rows even after it left."""

    def read_sql(self, table: str) -> str:
        return f"({table}.organization_id = {ME} or {super().read_sql(table)})"


@dataclass(frozen=True)
class ToAudience(OnStream):
    """Events: the stream's parties whose role is in the row's audience; a party that left keeps its own period."""

    def read_sql(self, table: str) -> str:
        mine = f"p.stream_id = {table}.{self.stream} and p.organization_id = {ME}"
        heard = f"({table}.audience = '{{}}' or p.role = any({table}.audience))"
        in_time = f"(p.until is null or {table}.recorded_at <= p.until)"
        as_party = f"exists (select 1 from ledger_party p where {mine} and {heard} and {in_time})"
        own = f"{table}.organization_id = {ME}"
        return f"({own} or {as_party} or {table}.stream_id = {ME} or {table}.stream_id in {GRANTED})"


@dataclass(frozen=True)
class OwnedBy(Wall):
    """Rows of one organization, or of the few named in ``columns``."""

    columns: tuple[str, ...] = ("organization_id",)
    for_others: bool = False  # rows written for another organization: insert needs only an open event

    def read_sql(self, table: str) -> str:
        return "(" + " or ".join(f"{table}.{column} = {ME}" for column in self.columns) + ")"

    def insert_sql(self, table: str) -> str:
        return EVENT_OPEN if self.for_others else super().insert_sql(table)

    def belt(self, actor: Actor) -> Q:
        condition = Q()
        for column in self.columns:
            condition |= Q(**{column: actor.organization_id})
        return condition


@dataclass(frozen=True)
class KnownTo(Wall):
    """Rows of an organization that its partners may see too (directory, therapies, offered capacity)."""

    organization: str = "organization_id"
    partners_write: tuple[str, ...] = ()  # columns that a partner may change (a center takes a place in a plant's slot)

    def read_sql(self, table: str) -> str:
        return (
            f"({table}.{self.organization} = {ME} or exists (select 1 from ledger_partnership p"
            f" where p.viewer_id = {ME} and p.organization_id = {table}.{self.organization}))"
        )

    def insert_sql(self, table: str) -> str:
        return f"{EVENT_OPEN} and {table}.{self.organization} = {ME}"

    def belt(self, actor: Actor) -> Q:
        from ledger.models import Partnership

        partnership = Partnership.unwalled.filter(
            viewer_id=actor.organization_id, organization_id=OuterRef(self.organization)
        )
        return Q(**{self.organization: actor.organization_id}) | Q(Exists(partnership))


@dataclass(frozen=True)
class Outside(Wall):
    """Listed tables without row policies (sign-in, due-tables). The reason is part of the declaration."""

    reason: str = ""

    def belt(self, actor: Actor) -> Q:
        return Q()


class ReadThroughTheWall(RuntimeError):
    """Somebody asked ``objects`` for rows: say who reads, with ``visible(Model, actor)``."""


class ClosedManager(models.Manager[Any]):
    """``objects`` creates and nothing else: reads go through ``visible(Model, actor)``."""

    def get_queryset(self) -> Any:
        raise ReadThroughTheWall(f"read {self.model.__name__} through its app's queries, which say who reads")

    def create(self, **fields: Any) -> Any:
        row = self.model(**fields)
        insert([row])
        return row

    def bulk_create(  # type: ignore[override]
        self,
        objs: Any,
        *,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        unique_fields: Sequence[str] = (),
        update_fields: Sequence[str] = (),
        batch_size: int | None = None,
    ) -> Any:
        rows, meeting = list(objs), None
        if ignore_conflicts or update_conflicts:
            meeting = Meeting(tuple(unique_fields), tuple(update_fields) if update_conflicts else ())
        size = batch_size or MOST_AT_ONCE
        for start in range(0, len(rows), size):
            insert(rows[start : start + size], meeting)
        return rows


M = TypeVar("M", bound="WalledModel")


def visible(model: type[M], actor: Actor) -> models.QuerySet[M]:
    """Return the rows of ``model`` that ``actor``'s organization may see (belt; the row policies are the braces)."""
    return model.unwalled.filter(model.wall.belt(actor))


def on_stream(model: type[M], actor: Actor, stream_id: UUID) -> models.QuerySet[M]:
    """Return the rows of one stream that ``actor``'s organization may see.

    The belt asks for the stream once per transaction, instead of again in the statement of every table on it.
    """
    return model.unwalled.filter(stream_id=stream_id) if sees_stream(actor, stream_id) else model.unwalled.none()


def sees_stream(actor: Actor, stream_id: UUID) -> bool:
    """Whether the belt lets ``actor``'s organization see a stream; asked once per transaction."""
    from ledger.models import Stream

    acting, key = current(), (actor.organization_id, actor.person_id, stream_id)
    if acting is not None and key in acting.streams_seen:
        return True
    found = visible(Stream, actor).filter(pk=stream_id).exists()
    if found:
        note_seen(actor, stream_id)
    return found


def note_seen(actor: Actor, stream_id: UUID) -> None:
    """Remember, for the open transaction, that a walled read found this stream for ``actor``."""
    acting = current()
    if acting is not None:
        acting.streams_seen.add((actor.organization_id, actor.person_id, stream_id))
