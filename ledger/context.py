"""Who is acting: one context guards both directions. Nobody acting: no reading. No open event: no writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from ledger.postgresql.statements import Kept


@dataclass(frozen=True)
class Actor:
    """A person, a partner's key or a named system job, acting for one organization in one persona.

    Ids are those of the personas app; names are kept as they were when the actor was resolved, because the record
    must read the same in 30 years. ``capabilities`` are those of the acting persona only; ``desk`` names its home page.
    """

    organization_id: UUID
    organization_name: str
    organization_role: str
    persona: str
    persona_title: str
    capabilities: frozenset[str]
    channel: str
    person_id: UUID | None = None
    person_name: str = ""
    user_id: UUID | None = None
    membership_id: UUID | None = None
    key_id: UUID | None = None
    key_name: str = ""
    scopes: frozenset[str] | None = None
    system_job: str = ""
    site_id: UUID | None = None
    zone: str = "UTC"
    desk: str = ""
    request_id: str = ""
    synthetic: bool = False

    def can(self, capability: str) -> bool:
        """Whether the acting persona (narrowed by the key's scopes, if a key acts) has the capability."""
        if capability not in self.capabilities:
            return False
        return self.scopes is None or capability in self.scopes

    @property
    def is_human(self) -> bool:
        return self.person_id is not None and self.key_id is None

    @property
    def display_name(self) -> str:
        return self.person_name or self.key_name or self.system_job


@dataclass
class Acting:
    """What the database is told about the open transaction."""

    actor: Actor
    event_id: UUID | None = None
    read_only: bool = False
    directory_version: int | None = None  # as the transaction opened; see ``ledger.directory``
    shelf: tuple[UUID, int | None, dict[Any, Any]] | None = None  # of whom, at which version: see ``ledger.directory``
    kept: dict[Any, Any] = field(default_factory=dict)  # reference rows that an act has read; see ``ledger.directory``
    answers: dict[Any, list[Any]] = field(default_factory=dict)  # of reads asked again; see ``ledger.prepared``
    parties: dict[tuple[UUID, UUID], list[Any]] = field(default_factory=dict)  # of a stream; see ``ledger.parties``
    streams_seen: set[tuple[UUID, UUID | None, UUID]] = field(default_factory=set)  # by whom: see ``ledger.walls``

    def as_settings(self) -> dict[str, str]:
        actor = self.actor
        settings = {
            "cgt.organization": str(actor.organization_id),
            "cgt.person": str(actor.person_id or ""),
            "cgt.user": str(actor.user_id or ""),
            "cgt.event": str(self.event_id or ""),
        }
        return settings | {"transaction_read_only": "on"} if self.read_only else settings


NOBODY = {"cgt.organization": "", "cgt.person": "", "cgt.user": "", "cgt.event": ""}
_acting: ContextVar[Acting | None] = ContextVar("cgt_acting", default=None)


def current() -> Acting | None:
    return _acting.get()


def current_actor() -> Actor | None:
    """Return whoever is acting in this context, or None."""
    acting = _acting.get()
    return acting.actor if acting else None


def forget_what_was_read() -> None:
    """After an undone savepoint: what was read or noted since may never have been."""
    acting = _acting.get()
    if acting is not None:
        acting.kept.clear()
        acting.parties.clear()


def announce(wrapper: Any = None) -> None:
    """Issue the acting context as transaction-local settings (outside a transaction nothing is visible anyway)."""
    wrapper = wrapper or connection
    acting = _acting.get()
    if acting is None and wrapper is not connection:
        return
    values = acting.as_settings() if acting else NOBODY
    calls = ", ".join("set_config(%s, %s, true)" for _ in values)
    version = "(select version from ledger_directory)" if acting else "null"
    with wrapper.cursor() as cursor:
        telling = Kept(f"select {version}, {calls}", ["text"] * 2 * len(values))  # noqa: S608
        cursor.execute(telling, [text for pair in values.items() for text in pair])
        if acting is not None and wrapper.alias == connection.alias:
            acting.directory_version = cursor.fetchone()[0]


@contextmanager
def entered(acting: Acting | None) -> Iterator[None]:
    """Make ``acting`` the context; a transaction that is already open is told, and told again on leaving."""
    token = _acting.set(acting)
    inside = connection.in_atomic_block
    try:
        if inside:
            announce()
        yield
    finally:
        _acting.reset(token)
        if inside and not connection.needs_rollback:
            announce()


@contextmanager
def reading(actor: Actor) -> Iterator[None]:
    """Open a read-only transaction in which ``actor``'s organization sees what is its to see.

    Inside a transaction that already acts for the same organization it joins.
    """
    acting = _acting.get()
    if acting is not None and acting.actor.organization_id == actor.organization_id and connection.in_atomic_block:
        yield
        return
    if not connection.in_atomic_block:  # the backend announces both at once, when the transaction opens
        with entered(Acting(actor, read_only=True)), transaction.atomic():
            yield
        return
    with entered(Acting(actor)), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set local transaction_read_only = on")
        yield
