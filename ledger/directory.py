"""Reference rows kept in memory, exactly as fresh as the database.

Organizations, sites, personas, therapies, flows: small, read by every request, changed a few times a day. A trigger
gives ``ledger_directory`` a new version in the transaction that changes such a row; every transaction learns the
version as it opens. What is kept belongs to one organization and one version, and was read inside that organization's
walls: another organization, or a change by anybody on any road, reads anew. Treat the rows as read-only.
"""

from __future__ import annotations

from collections import ChainMap, OrderedDict
from collections.abc import Callable, Iterable, MutableMapping
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


def _shelf(mine: Shelf | None = None) -> MutableMapping[Any, Any]:
    """Return what is kept for the acting organization. A transaction that may write keeps what it reads to itself.

    That may be its own, not yet committed change; ``publish`` lets others have it when it is none.
    """
    acting = current()
    if acting is None:
        return {}
    shelf = shelf_of(acting.actor.organization_id, acting.directory_version)
    return shelf if acting.event_id is None else ChainMap({} if mine is None else mine, shelf)


def publish(acting: Acting) -> None:
    """Keep the rows that an act has read for whoever comes next: after its end, and only if it moved no version."""
    shelf_of(acting.actor.organization_id, acting.directory_version).update(acting.kept)


def rows(model: type[M], ids: Iterable[UUID | None]) -> dict[UUID, M]:
    """Return the rows with these ids that the acting organization may see; those not kept yet come in one query."""
    acting, wanted = current(), {key for key in ids if key is not None}
    if acting is None:
        return {}
    shelf = _shelf(acting.kept)
    missing = [key for key in wanted if (model, key) not in shelf]
    found = {key: shelf[model, key] for key in wanted if (model, key) in shelf}
    if missing:
        read = visible(model, acting.actor).in_bulk(missing)
        shelf.update({(model, key): row for key, row in read.items()})  # one that is not seen may be seen later
        found |= read
    return found


def kept(name: str, key: Any, read: Callable[[], T]) -> T:
    """Return ``read()`` of reference rows, kept under ``name`` and ``key`` for the acting organization."""
    acting = current()
    shelf = _shelf(acting.kept if acting else None)
    if (name, key) not in shelf:
        shelf[name, key] = read()
    found: T = shelf[name, key]
    return found
