"""Which page a persona opens in the morning: the desk's name (on the persona's row) → the view that shows it.

A desk plugs in by standing in this package: any module here that decorates a function with ``desk_named("planner")``
is found at start. The function gets the request and the actor, inside ``reading(actor)``, and returns a
TemplateResponse; ``orders.views.frame`` has what desks share. A name without a view shows the worklist.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

from django.http import HttpRequest
from django.template.response import TemplateResponse

from ledger.context import Actor

Show = Callable[[HttpRequest, Actor], TemplateResponse]
_desks: dict[str, Show] = {}


def desk_named(*names: str) -> Callable[[Show], Show]:
    """Show a desk to the personas that have one of these names; a name has one desk."""

    def register(show: Show) -> Show:
        for name in names:
            if _desks.setdefault(name, show) is not show:
                raise ValueError(f"The desk {name!r} is shown by {_desks[name].__module__} already.")
        return show

    return register


def desk_of(actor: Actor) -> Show | None:
    """Return the view of the acting persona's desk; None where it is the plain worklist."""
    return _desks.get(actor.desk)


def load() -> None:
    """Import every desk, so that it registers itself."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
