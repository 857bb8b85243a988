"""Subscriptions of named EPCIS queries: begun with an address and a schedule, ended by whoever keeps the query."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound
from notifications import addresses, webhook_secrets
from orders.epcis import schedules
from orders.models import EpcisFeed, EpcisQuery, EpcisSubscription
from personas.states import Capability

MOST = 20
FIELDS = ("dest", "signatureToken", "reportIfEmpty", "initialRecordTime", "stream", "schedule")
SHORTEST_TOKEN, LONGEST_TOKEN = 16, 200


def subscribe(actor: Actor, name: str, sent: Mapping[str, Any]) -> tuple[EpcisSubscription, str]:
    """Begin a subscription; return it and its signature token, which nobody is shown again.

    Raises NotFound for a query that the organization does not keep, InvalidInput by field, NotAllowed.
    """
    with acting(actor, "orders.epcis_subscribed", subject=("epcis_query", name[:60])) as event:
        query = _query(actor, name)
        given = _read(sent)
        _require_reader(actor)
        running = EpcisSubscription.unwalled.filter(organization_id=actor.organization_id, ended_at__isnull=True)
        if running.count() >= MOST:
            raise InvalidInput(f"{MOST} subscriptions run already.", remedy="End one that nobody needs.")
        now = timezone.now()
        row = EpcisSubscription(
            organization_id=actor.organization_id,
            query=query,
            dest=given["dest"],
            schedule=given["schedule"],
            report_if_empty=given["report_if_empty"],
            made_at=now,
        )
        row.sealed = webhook_secrets.seal_text(given["token"], row.pk)
        row.save(force_insert=True)
        EpcisFeed.objects.create(
            organization_id=actor.organization_id,
            subscription_id=row.pk,
            due_at=schedules.following(given["schedule"], now) if given["schedule"] else now,
            position=given["since"] or now,
        )
        event.note(name=name, subscription=str(row.pk), host=urlsplit(row.dest).hostname or "")
    return row, given["token"]


def unsubscribe(actor: Actor, name: str, subscription_id: UUID) -> None:
    """End a subscription; what was under way is not posted any more. NotFound for none of the organization's own."""
    with acting(actor, "orders.epcis_unsubscribed", subject=("epcis_query", name[:60])) as event:
        query = _query(actor, name)
        _require_reader(actor)
        running = EpcisSubscription.unwalled.filter(organization_id=actor.organization_id, query=query)
        row = running.filter(pk=subscription_id, ended_at__isnull=True).select_for_update().first()
        if row is None:
            raise NotFound()
        row.ended_at = timezone.now()
        row.save(update_fields=["ended_at"])
        EpcisFeed.unwalled.filter(subscription_id=row.pk).update(dead_at=row.ended_at)
        event.note(name=name, subscription=str(row.pk), host=urlsplit(row.dest).hostname or "")


def _query(actor: Actor, name: str) -> EpcisQuery:
    kept = EpcisQuery.unwalled.filter(organization_id=actor.organization_id, dropped_at__isnull=True, name=name)
    found: EpcisQuery | None = kept.first()
    if found is None:
        raise NotFound()
    return found


def _read(sent: Mapping[str, Any]) -> dict[str, Any]:
    faults = {str(field): ["This field is not known."] for field in sent if field not in FIELDS}
    dest, token, schedule = sent.get("dest"), sent.get("signatureToken"), sent.get("schedule")
    stream = sent.get("stream", schedule is None)
    if not isinstance(dest, str) or not dest:
        faults["dest"] = ["Give the address that is told."]
    else:
        try:
            addresses.refuse_bad_url(dest)
        except InvalidInput as refused:
            faults["dest"] = refused.fields["url"]
    if token is not None and not (isinstance(token, str) and SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN):
        faults["signatureToken"] = [f"Give {SHORTEST_TOKEN} to {LONGEST_TOKEN} characters, or none: one is made."]
    for name in ("stream", "reportIfEmpty"):
        if not isinstance(sent.get(name, False), bool):
            faults[name] = ["Give true or false."]
    if schedule is not None and not isinstance(schedule, Mapping):
        faults["schedule"] = ["Give an object."]
    if bool(stream) is (schedule is not None):
        faults["stream"] = ["Give either a schedule, or stream: true."]
    since = _moment(sent.get("initialRecordTime"), faults)
    if faults:
        raise InvalidInput("The subscription cannot be read.", fields=faults)
    if schedule is not None:
        schedules.following(schedule, timezone.now())
    return {
        "dest": dest,
        "token": token or secrets.token_urlsafe(32),
        "schedule": dict(schedule or {}),
        "report_if_empty": bool(sent.get("reportIfEmpty", False)),
        "since": since,
    }


def _moment(given: Any, faults: dict[str, list[str]]) -> dt.datetime | None:
    if given is None:
        return None
    try:
        moment = parse_datetime(str(given))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        faults["initialRecordTime"] = ["Give date, time and offset as in 2030-01-31T14:05:00Z."]
    return moment


def _require_reader(actor: Actor) -> None:
    if not (actor.can(Capability.VIEW_RECORD) or actor.can(Capability.ADMINISTER)):  # who connects systems reads none
        raise NotAllowed(f"{actor.persona_title or 'This key'} may not subscribe to EPCIS queries.")
