"""Reference rows kept in memory, exactly as fresh as the database.

Organizations, sites, personas, therapies, flows: small, read by every request, changed a few times a day. A trigger
gives ``ledger_directory`` a new version in the transaction that changes such a row; every transaction learns the
version as it opens. What is kept belongs to one organization and one version, and was read inside that organization's
walls: another organization, or a change by anybody on any road, reads anew. Treat the rows as read-only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection

from ledger.context import Acting, current
from ledger.models import WalledModel
from ledger.postgresql.statements import Kept
from ledger.walls import visible

M = TypeVar("M", bound=WalledModel)
T = TypeVar("T")
Shelf = dict[Any, Any]
MOST_SHELVES = 256
VERSION = Kept("SELECT version FROM ledger_directory")  # as the ORM writes a read: it changes nothing

_shelves: OrderedDict[UUID | None, tuple[int, Shelf]] = OrderedDict()
_lock = Lock()


def version_now() -> int | None:
    """Return the directory's version, outside of any acting context (who signs in is not known yet)."""
    with connection.cursor() as cursor:
        cursor.execute(VERSION)
        row = cursor.fetchone()
    return row[0] if row else None


def shelf_of(organization_id: UUID | None, version: int | None) -> Shelf:
    """Return what is kept for an organization (None: what is outside the walls) at a version; empty when it moved."""
    if version is None:
        return {}
    with _lock:
        kept = _shelves.get(organization_id)
        if kept is None or kept[0] != version:
            kept = (version, {})
        _shelves[organization_id] = kept
        _shelves.move_to_end(organization_id)
        if len(_shelves) > MOST_SHELVES:
            _shelves.popitem(last=False)
    return kept[1]


def _shelf(acting: Acting) -> Shelf:
    """Return what is kept for the acting organization, found once per transaction."""
    known, version = acting.actor.organization_id, acting.directory_version
    if version is None:
        return {}
    if acting.shelf is None or acting.shelf[:2] != (known, version):
        acting.shelf = (known, version, shelf_of(known, version))
    return acting.shelf[2]


def _own_shelf(acting: Acting) -> Shelf:
    """Return where the acting organization keeps what it reads now. A transaction that may write keeps it to itself.

    That may be its own, not yet committed change; ``publish`` lets others have it when it is none.
    """
    return _shelf(acting) if acting.event_id is None else acting.kept


def publish(acting: Acting) -> None:
    """Keep the rows that an act has read for whoever comes next: after its end, and only if it moved no version."""
    shelf_of(acting.actor.organization_id, acting.directory_version).update(acting.kept)


def rows(model: type[M], ids: Iterable[UUID | None]) -> dict[UUID, M]:
    """Return the rows with these ids that the acting organization may see; those not kept yet come in one query."""
    acting = current()
    if acting is None:
        return {}
    own, shelf = acting.kept, _shelf(acting)
    found: dict[UUID, M] = {}
    missing = []
    for key in {key for key in ids if key is not None}:
        row = own.get((model, key)) or shelf.get((model, key))
        if row is None:
            missing.append(key)
        else:
            found[key] = row
    if missing:
        read = visible(model, acting.actor).in_bulk(missing)
        _own_shelf(acting).update({(model, key): row for key, row in read.items()})
        found |= read  # one that is not seen may be seen later
    return found


def kept(name: str, key: Any, read: Callable[[], T]) -> T:
    """Return ``read()`` of reference rows, kept under ``name`` and ``key`` for the acting organization."""
    acting = current()
    if acting is None:
        return read()
    for shelf in (acting.kept, _shelf(acting)):
        if (name, key) in shelf:
            known: T = shelf[name, key]
            return known
    found = _own_shelf(acting)[name, key] = read()
    return found
