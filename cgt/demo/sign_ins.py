"""What a newcomer or a script needs to drive the demo: sign-ins, one API key per organization, a few order codes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from cgt.launcher.paths import VAR
from ledger.context import reading
from ledger.refusals import Unauthenticated
from ledger.states import Channel
from orders.queries import Order
from personas.actions.people import issue_api_key
from personas.catalog import declaration_of
from personas.queries import (
    Membership,
    Organization,
    Persona,
    User,
    actor_of_key,
    current_memberships,
    system_actor,
)

FILE = VAR / "demo.json"
# The persona whose rights one key per organization carries, and which acts a machine is trusted with here.
KEY_PERSONAS = {
    "treatment_center": "coordinator",
    "manufacturer": "planner",
    "cmo": "cmo_operator",
    "courier": "courier_driver",
}


def write(base_url: str, organization_ids: Iterable[Any], path: Path = FILE) -> dict[str, Any]:
    """Write ``var/demo.json`` (mode 0600), keeping keys that an earlier run issued and that still work."""
    before = _read(path)
    known = {row["organization"]: row["token"] for row in before.get("api_keys", [])}
    content: dict[str, Any] = {"base_url": base_url, "fictional": True, "sign_ins": [], "api_keys": [], "orders": {}}
    for organization_id in organization_ids:
        job = system_actor(organization_id, "demo", channel=Channel.COMMAND, synthetic=True)
        with reading(job):
            organization = Organization.unwalled.get(pk=organization_id)
            content["sign_ins"] += _sign_ins(organization)
            for order in Order.unwalled.filter(center_id=organization_id).order_by("code"):
                content["orders"].setdefault(order.phase, []).append(order.code)
        content["api_keys"].append(_key(organization, known.get(organization.code, "")))
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=2, sort_keys=True)
    path.chmod(0o600)
    return content


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def _sign_ins(organization: Organization) -> list[dict[str, str]]:
    personas = {persona.pk: persona for persona in Persona.unwalled.filter(organization=organization)}
    memberships = Membership.unwalled.filter(organization=organization).select_related("user__person")
    return [
        {
            "organization": organization.code,
            "role": organization.role,
            "persona": personas[row.persona_id].key,
            "persona_title": personas[row.persona_id].title,
            "name": row.user.person.name if row.user.person else "",
            "username": row.user.username,
            "membership": str(row.pk),
            "password": settings.DEMO_PASSWORD,
        }
        for row in memberships.order_by("user__username")
    ]


def _key(organization: Organization, token: str) -> dict[str, Any]:
    job = system_actor(
        organization.pk, "demo", name=organization.name, role=organization.role, channel=Channel.COMMAND, synthetic=True
    )
    if not _works(token):
        persona = KEY_PERSONAS[organization.role]
        responsible = next(
            user
            for user in User.objects.filter(username__endswith=f"@{organization.code}.example").order_by("username")
            if current_memberships(user).exists()
        )
        rights = declaration_of(organization.role, persona).capabilities
        _, token = issue_api_key(job, name="Demo system", persona_key=persona, scopes=rights, responsible=responsible)
    return {"organization": organization.code, "token": token, "scopes": sorted(actor_of_key(token).capabilities)}


def _works(token: str) -> bool:
    try:
        actor_of_key(token)
    except Unauthenticated:
        return False
    return True
