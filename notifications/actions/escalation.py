"""Acknowledge or escalate: a critical notice that nobody acknowledges in time goes on to somebody else."""

from __future__ import annotations

import datetime as dt
import logging

from django.db import transaction
from django.utils import timezone

from ledger import outbox
from ledger.context import Actor, reading
from ledger.recording import acting
from ledger.refusals import InvalidInput
from notifications.actions.telling import write_notices
from notifications.escalation_rules import LAST_RESORT, Rule, rule_of
from notifications.models import EscalationDue, EscalationRule, Notice
from notifications.recipients import Recipient
from personas.policies import require
from personas.queries import User, organization_actor, people_in_persona, persona_rights
from personas.states import Capability

JOB = "escalation"
AT_ONCE = 200
FEWEST, MOST = 1, 24 * 60
logger = logging.getLogger(__name__)


def set_escalation(actor: Actor, *, minutes: int, persona: str) -> EscalationRule:
    """Say after how many minutes a critical notice that nobody acknowledged goes on, and to which persona."""
    with acting(actor, "notifications.escalation_set", subject=("organization", str(actor.organization_id))) as event:
        require(actor, Capability.ADMINISTER)
        faults = {}
        if not FEWEST <= minutes <= MOST:
            faults["minutes"] = [f"Give {FEWEST} to {MOST} minutes."]
        if persona not in {known.key for known in persona_rights(actor)}:
            faults["persona"] = ["Your organization has no such persona."]
        if faults:
            raise InvalidInput(fields=faults)
        found = EscalationRule.unwalled.filter(organization_id=actor.organization_id).first()
        rule = found or EscalationRule(organization_id=actor.organization_id)
        rule.minutes, rule.persona = minutes, persona
        rule.save(force_insert=found is None)
        event.note(minutes=minutes, persona=persona)
    return rule


def escalate(limit: int = AT_ONCE) -> int:
    """Look at every critical event whose time to be acknowledged is over; returns how many. Twice is fine."""
    for done in range(limit):
        with transaction.atomic():
            waiting = EscalationDue.unwalled.filter(done_at__isnull=True, due_at__lte=timezone.now())
            due = waiting.order_by("due_at").select_for_update(skip_locked=True).first()
            if due is None:
                return done
            try:
                with transaction.atomic():
                    _escalate(due)
                due.done_at = timezone.now()
            except Exception as error:  # kept and tried again; one that fails never stops the others
                logger.warning("escalation %s failed: %s", due.pk, outbox.reason_of(error))
                due.due_at = timezone.now() + dt.timedelta(minutes=1)
            due.save(update_fields=["done_at", "due_at"])
    return limit


def _escalate(due: EscalationDue) -> None:
    actor = organization_actor(due.organization_id, JOB)
    with reading(actor):
        told = list(Notice.unwalled.filter(event_id=due.event_id, organization_id=due.organization_id))
        critical = [notice for notice in told if notice.critical and notice.settled_at is None]
        if not critical or any(notice.acknowledged_at for notice in told):
            return
        rule = rule_of(actor.organization_id, actor.organization_role)
        people = _others(actor, rule, {notice.user_id for notice in told})
    if people:
        _tell(actor, critical[0], people, rule)


def _others(actor: Actor, rule: Rule, told: set[object]) -> list[User]:
    """Return whoever acts in the rule's persona and was not told yet; nobody there: the administrators."""
    for persona in (rule.persona, LAST_RESORT):
        found = [user for user in people_in_persona(actor.organization_id, persona) if user.pk not in told]
        if found:
            return found
    return []


def _tell(actor: Actor, notice: Notice, people: list[User], rule: Rule) -> None:
    with acting(actor, "notifications.escalated", subject=("event", str(notice.event_id))) as event:
        title = f"Not acknowledged: {notice.title}"
        recipients = [Recipient(user, title, notice.path, notice.due, critical=True) for user in people]
        write_notices(actor, notice.event_id, notice.stream_id, recipients)
        names = [user.person.name if user.person else user.username for user in people]
        event.note(title=notice.title, people=names, minutes=rule.minutes)
