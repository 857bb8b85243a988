"""The site network manager's desk: sites by therapy, what blocks them, what runs out soon (SN1, SN5, TP2)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse

from ledger.context import Actor
from ledger.refusals import Refusal
from network import queries as network
from network.states import NO_LYMPHODEPLETION
from orders import queries
from orders.views.desks import desk_named
from orders.views.requests import asked, typed
from personas import queries as personas
from personas.states import Capability


@desk_named("network")
def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
    """The desk at ``/``."""
    return page(request, actor)


def page(request: HttpRequest, actor: Actor, refusal: Refusal | None = None, at: str = "") -> TemplateResponse:
    """Return the desk; ``at`` names the form (therapy/site) that a refusal belongs to, which stays open."""
    running = queries.running_orders(actor)
    chosen = asked(request, "show")
    everything = network.site_readiness(actor)
    rows: list[dict[str, Any]] = [
        {
            "one": one,
            "number": str(number),
            "at": f"{one.therapy.code}/{one.site.code}",
            "policy_at": f"{one.therapy.code}/{one.site.code}/lymphodepletion",
            "running": running.get((one.therapy.pk, one.site.pk), 0),
            "suspended": one.authorization.state == "suspended",
            "lymphodepletes": one.therapy.modality not in NO_LYMPHODEPLETION,
        }
        for number, one in enumerate(everything, 1)
    ]
    shown = {
        "": rows,
        "blocked": [row for row in rows if not row["one"].is_ready],
        "soon": [row for row in rows if row["one"].soon is not None],
    }
    context: dict[str, Any] = {
        "rows": shown.get(chosen, rows),
        "strip": [
            {
                "key": key or "all",
                "label": label,
                "count": len(shown[key]),
                "url": f"?show={key}" if key else "?",
                "current": chosen == key,
            }
            for key, label in (("", "Sites"), ("blocked", "Blocked"), ("soon", "Run out soon"))
        ],
        "expiring": network.expiring(actor),
        "may": actor.can(Capability.AUTHORIZE_SITES),
        "refusal": refusal,
        "at": at,
        "reason": typed(request, "reason"),
        "fields": _fields(actor, request, refusal if at == "new" else None),
    }
    return TemplateResponse(request, "manufacturer/network.html", context, status=refusal.status if refusal else 200)


def _fields(actor: Actor, request: HttpRequest, refusal: Refusal | None) -> list[dict[str, Any]]:
    errors = refusal.fields if refusal else {}
    therapies = [
        (one.code, one.name) for one in network.therapies(actor) if one.manufacturer_id == actor.organization_id
    ]
    centers = [
        (site.code, f"{site.name}, {site.organization.name}") for site in personas.sites(actor, "treatment_center")
    ]
    given = {"therapy": therapies, "site": centers}
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "label": label,
            "type": "select",
            "required": True,
            "value": typed(request, name),
            "choices": given[name],
            "errors": errors.get(name, []),
        }
        for name, label in (("therapy", "Therapy"), ("site", "Site"))
    ]
    found.append(
        {
            "name": "until",
            "label": "Until",
            "type": "date",
            "value": typed(request, "until"),
            "errors": errors.get("until", []),
            "help": "The last day, in UTC.",
        }
    )
    found.append(
        {
            "name": "reason",
            "label": "Reason",
            "type": "text",
            "required": True,
            "value": typed(request, "reason"),
            "errors": errors.get("reason", []),
        }
    )
    return found
