"""The entries of the main navigation. Each app registers its own when it starts; lower floors know no upper page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse

from ledger.context import Actor


@dataclass(frozen=True)
class Entry:
    """``url_name`` and icon of a page; shown to actors with ``capability`` (empty: everybody), sorted by ``rank``.

    ``roles`` and ``applies`` narrow it further; ``count`` is the number beside the label.
    """

    url_name: str
    label: str
    icon: str = "circle"
    capability: str = ""
    rank: int = 50
    count: Callable[[Actor], int] | None = None
    roles: tuple[str, ...] = ()
    applies: Callable[[Actor], bool] | None = None
    exact: bool = False  # other entries live below its address

    def is_for(self, actor: Actor) -> bool:
        """Whether the actor sees the entry."""
        may = not self.capability or actor.can(self.capability)
        here = not self.roles or actor.organization_role in self.roles
        return may and here and (self.applies is None or self.applies(actor))


_entries: dict[str, Entry] = {}


def register(*entries: Entry) -> None:
    for entry in entries:
        _entries[entry.url_name] = entry


def entries_for(actor: Actor, path: str) -> list[dict[str, Any]]:
    """Return what the actor sees, as ``{url, label, icon, current, count}``."""
    shown: list[dict[str, Any]] = []
    for entry in sorted(_entries.values(), key=lambda entry: (entry.rank, entry.label)):
        if not entry.is_for(actor):
            continue
        try:
            url = reverse(entry.url_name)
        except NoReverseMatch:
            continue
        holds_path = path == url if entry.exact or url == "/" else path.startswith(url)
        count = entry.count(actor) if entry.count else 0
        shown.append({"url": url, "label": entry.label, "icon": entry.icon, "current": holds_path, "count": count})
    nearest = max((len(row["url"]) for row in shown if row["current"]), default=0)
    return [row | {"current": row["current"] and len(row["url"]) == nearest} for row in shown]
