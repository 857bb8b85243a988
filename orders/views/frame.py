"""What the desks share: a list of steps with its summary by due time, filters in the address, pages and rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from custody import vault
from ledger.context import Actor
from ledger.states import Role
from orders import queries
from orders.views.requests import asked
from personas.states import Capability

PER_PAGE = 50
SPANS = (("late", "Late"), ("today", "Today"), ("week", "Next 7 days"), ("", "All"))
Rows = Callable[[Actor, list[Any]], list[Any]]


def of(request: HttpRequest, actor: Actor, steps: QuerySet[Any], rows: Rows | None = None) -> dict[str, Any]:
    """Return the context of ``orders/desk.html`` over steps: summary, filters, rows, pages.

    ``steps``: order steps with ``due_at``, of which the actor's filters ``therapy``, ``site`` and ``due`` (late, today,
    week) choose. ``rows`` makes the rows of one page; without it they are those of ``task_rows``.
    """
    chosen = {name: asked(request, name) for name in ("therapy", "site", "due")}
    offered = _offered(steps)
    if chosen["therapy"]:
        steps = steps.filter(order__therapy__code=chosen["therapy"])
    if chosen["site"]:
        steps = steps.filter(site__code=chosen["site"])
    spans = due_spans(actor)
    strip = summary(steps, spans, chosen)
    if chosen["due"] in spans:
        steps = steps.filter(spans[chosen["due"]])
    page = Paginator(steps, PER_PAGE).get_page(request.GET.get("page"))
    return {
        "strip": strip,
        "rows": (rows or task_rows)(actor, list(page.object_list)),
        "filters": _filters(actor, offered, chosen),
        "kept": [("due", chosen["due"])] if chosen["due"] else [],
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "pages": pages(page, chosen),
        "may_enrol": actor.can(Capability.ENROL_PATIENT),
        "sees_therapy": queries.may_see_therapy(actor),
    }


def due_spans(actor: Actor) -> dict[str, Q]:
    """Return what is late, due today (at the actor's place) and due within seven days, as conditions on ``due_at``."""
    now = timezone.now()
    midnight = dt.datetime.combine(now.astimezone(ZoneInfo(actor.zone)).date(), dt.time(), ZoneInfo(actor.zone))
    tonight = midnight + dt.timedelta(days=1)
    return {
        "late": Q(due_at__lt=now),
        "today": Q(due_at__gte=now, due_at__lt=tonight),
        "week": Q(due_at__gte=now, due_at__lt=now + dt.timedelta(days=7)),
    }


def summary(steps: QuerySet[Any], spans: dict[str, Q], chosen: dict[str, str]) -> list[dict[str, Any]]:
    """Return the strip over a list: each span with its count and its link, the chosen one marked; one query."""
    counted = {name: Count("pk", filter=condition) for name, condition in spans.items()}
    counts = steps.select_related(None).order_by().aggregate(all=Count("pk"), **counted)
    other = {name: value for name, value in chosen.items() if value and name != "due"}
    return [
        {
            "key": key or "all",
            "label": label,
            "count": counts[key or "all"],
            "url": f"?{urlencode({**other, 'due': key} if key else other)}",
            "current": chosen["due"] == key,
        }
        for key, label in SPANS
    ]


def task_rows(actor: Actor, steps: list[Any]) -> list[dict[str, Any]]:
    """Return steps as rows of ``c-task-list``; the patient's name only for the own center's persona that may read it.

    A courier's rows name neither therapy nor chain of identity.
    """
    now = timezone.now()
    names = names_of(actor, [step.order for step in steps])
    sees = queries.may_see_therapy(actor)
    owners = queries.owners(actor, steps)
    return [
        {
            "step": step,
            "owner": owners.get(step.pk, ""),
            "title": step.flow_step.title,
            "url": reverse("orders:step", args=[step.order.code, step.key]),
            "code": step.order.code,
            "order_url": reverse("orders:order", args=[step.order.code]),
            "patient": names.get(step.order.patient_id),
            "identity": step.order.identity_code if sees else "",
            "about": step.order.therapy.name if sees else "",
            "counterpart": counterpart_of(actor, step.order),
            "place": step.site.name if step.site else "",
            "due": step.due_at,
            "late": step.is_late(now),
            "zone": step.site.zone if step.site else actor.zone,
            "on_hold": step.order.on_hold,
        }
        for step in steps
    ]


def names_of(actor: Actor, orders: Iterable[Any]) -> dict[Any, Any]:
    """Return the opened identities of one page's orders that the actor may read, by patient id."""
    own = [order for order in orders if queries.may_see_identity(actor, order)]
    return vault.open_identities(actor, queries.patient_ids(own)) if own else {}


def counterpart_of(actor: Actor, order: Any) -> str:
    """Return whom the order is shared with: a center sees its manufacturer, everybody else the center's site."""
    return str(order.manufacturer.name if actor.organization_role == Role.TREATMENT_CENTER else order.center_site.name)


def pages(page: Any, chosen: dict[str, str]) -> dict[str, str]:
    """Return links and words of ``c-pagination``; empty where everything stands on one page."""
    if page.paginator.num_pages < 2:
        return {}
    query = {name: value for name, value in chosen.items() if value}
    return {
        "previous": f"?{urlencode({**query, 'page': page.previous_page_number()})}" if page.has_previous() else "",
        "next": f"?{urlencode({**query, 'page': page.next_page_number()})}" if page.has_next() else "",
        "text": f"{page.start_index()}–{page.end_index()} of {page.paginator.count}",
    }


def span(name: str, key: str, label: str, count: int, chosen: Mapping[str, str], icon: str = "") -> dict[str, Any]:
    """Return one entry of a strip: the rows of which the filter ``name`` is ``key`` (empty: all)."""
    return {
        "key": key or "all",
        "label": label,
        "count": count,
        "icon": icon,
        "url": f"?{query({**chosen, name: key})}",
        "current": chosen[name] == key,
    }


def query(words: Mapping[str, str]) -> str:
    """Return the filters that are set as the query of an address."""
    return urlencode({name: value for name, value in words.items() if value})


def select(name: str, label: str, choices: Iterable[tuple[str, str]], chosen: dict[str, str]) -> dict[str, Any]:
    """Return a filter: a select whose empty choice is “All”."""
    return {
        "name": name,
        "label": label,
        "type": "select",
        "value": chosen[name],
        "choices": list(choices),
        "blank": "All",
    }


def _offered(steps: QuerySet[Any]) -> list[Any]:
    columns = ("order__therapy__code", "order__therapy__name", "site__code", "site__name")
    return list(steps.order_by().values_list(*columns).distinct())


def _filters(actor: Actor, offered: list[Any], chosen: dict[str, str]) -> list[dict[str, Any]]:
    therapies = sorted({(code, name) for code, name, _, _ in offered}, key=lambda pair: pair[1])
    sites = sorted({(code, name) for _, _, code, name in offered if code}, key=lambda pair: pair[1])
    found = [select("site", "Site", sites, chosen)] if len(sites) > 1 or chosen["site"] else []
    if queries.may_see_therapy(actor) and (len(therapies) > 1 or chosen["therapy"]):
        found.insert(0, select("therapy", "Therapy", therapies, chosen))
    return found
