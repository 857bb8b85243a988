"""The dock: what arrives, what is to be received and started, what is in process, what must be shipped (MO1, CM5)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse

from ledger.context import Actor
from orders import queries
from orders.views import frame
from orders.views.desks import desk_named
from orders.views.requests import asked

MOST = 50
DAYS = (("late", "Late"), ("today", "Today"), ("next", "Next 7 days"))
BENCHES = (
    ("arrival", "Arrivals", "truck", "A box appears here as soon as its collection has been confirmed."),
    ("receipt", "To receive, by two people", "scan", "Taken over at the door, a box waits here for two people."),
    ("start", "To start", "player-play", "Accepted material appears here until its manufacture has started."),
    ("finish", "In process, to finish", "building-factory-2", "A batch appears here when its manufacture has started."),
    ("labeling", "Filled, to label", "barcode", "Filled bags appear here until two people have scanned their labels."),
    ("packing", "To pack and ship", "package", "A released batch whose center can take it appears here."),
    ("pickup", "Packed, waiting for the courier", "hourglass", "A packed box waits here for its courier."),
)


@desk_named("dock")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """The desk as asked for: filters ``due`` (late, today, next) and ``therapy`` stand in the address."""
    chosen = {name: asked(request, name) for name in ("due", "therapy", "center", "sponsor")}
    tasks = queries.plant_tasks(actor)
    offered = {name: _offered(tasks, name) for name in ("therapy", "center", "sponsor")}
    tasks = [task for task in tasks if all(not chosen[n] or _of(task, n)[0] == chosen[n] for n in offered)]
    strip = [frame.span("due", key, label, sum(task.day == key for task in tasks), chosen) for key, label in DAYS]
    strip.append(frame.span("due", "", "All", len(tasks), chosen))
    shown = [task for task in tasks if chosen["due"] in ("", task.day)]
    context = {
        "strip": strip,
        "filters": [
            frame.select(name, label, offered[name], chosen)
            for name, label in (("therapy", "Therapy"), ("center", "Center"), ("sponsor", "Client"))
            if len(offered[name]) > 1
        ],
        "kept": [("due", chosen["due"])] if chosen["due"] else [],
        "filtered": any(chosen.values()),
        "benches": [
            {"key": key, "title": title, "icon": icon, "empty": empty, "tasks": found[:MOST], "more": len(found) - MOST}
            for key, title, icon, empty in BENCHES
            for found in [[task for task in shown if task.work == key]]
        ],
    }
    return TemplateResponse(request, f"{actor.organization_role}/dock.html", context)


def _of(task: Any, name: str) -> tuple[str, str]:
    order = task.order
    named = {"therapy": order.therapy, "center": order.center, "sponsor": order.manufacturer}[name]
    return named.code, named.name


def _offered(tasks: list[Any], name: str) -> list[tuple[str, str]]:
    return sorted({_of(task, name) for task in tasks}, key=lambda pair: pair[1])
